"""The store on a real file: durable, append-only, private, and alive after damage."""

import asyncio
import os
import resource
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot import ports
from bot.access import Asker, Role
from bot.deliver.desk import Desk
from bot.errors import Stale, StoreFailed
from bot.screen import Message, Place
from bot.store import Store
from bot.store.file import FILE
from bot.text import Reader, plain
from bot.watch.table import Table

ANA = Asker(id=7, name='Ana <b>&"', role=Role.ADMIN)
HERE = Message(place=Place(chat=-5, topic=3), id=42)
UPID = "UPID:pve1:0000AAAA:0000BBBB:66000000:qmreboot:101:bot@pve!power:"


class Now:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.at = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        raise NotImplementedError

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError


def modes(folder: Path) -> dict[str, int]:
    return {file.name: file.stat().st_mode & 0o777 for file in folder.iterdir()}


@pytest.fixture
def clock() -> Now:
    return Now()


@pytest.fixture
async def store(tmp_path: Path, clock: Now) -> AsyncIterator[Store]:
    opened = await Store.open(tmp_path, clock)
    yield opened
    await opened.close()


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    """Read through a connection of its own: only what is committed is there."""
    with closing(sqlite3.connect(path / FILE)) as connection:
        return connection.execute(query).fetchall()


async def test_it_satisfies_the_port(store: Store) -> None:
    port: ports.Store = store
    assert port.frozen is False
    assert store.trouble is None


async def test_an_order_is_two_lines(store: Store, tmp_path: Path, clock: Now) -> None:
    order = await store.asked(ANA, HERE, "reboot", "main/101", "bot@pve!power")
    await store.started(order, UPID)
    (open_order,) = await store.unfinished()
    assert open_order == ports.Audit(
        id=order,
        asked=clock.at,
        person=7,
        name='Ana <b>&"',
        chat=-5,
        action="reboot",
        target="main/101",
        token="bot@pve!power",
        message=HERE,
        upid=UPID,
        outcome="",
    )
    clock.at += timedelta(seconds=34)
    await store.ended(order, "ok")
    assert await store.unfinished() == []
    assert rows(tmp_path, "SELECT line, order_id, at, action, upid, outcome FROM audit ORDER BY id") == [
        ("asked", None, "2026-03-01T12:00:00+00:00", "reboot", None, None),
        ("ended", order, "2026-03-01T12:00:34+00:00", None, UPID, "ok"),
    ]


async def test_the_audit_is_read_newest_first_with_its_ends(store: Store, clock: Now) -> None:
    first = await store.asked(ANA, HERE, "reboot", "main/101", "t")
    second = await store.asked(ANA, HERE, "stop", "main/102", "t")
    clock.at += timedelta(seconds=34)
    await store.started(first, UPID)
    await store.ended(first, "ok")
    assert [(row.id, row.outcome, row.upid) for row in await store.audit()] == [(second, "", ""), (first, "ok", UPID)]
    (newest,) = await store.audit(1)
    assert newest.id == second
    assert newest.ended is None
    assert (await store.audit())[1].ended == clock.at


async def test_an_order_ends_once(store: Store, tmp_path: Path) -> None:
    order = await store.asked(ANA, None, "start", "main/101", "t")
    await store.ended(order, "")
    await store.ended(order, "ok")
    assert rows(tmp_path, "SELECT outcome FROM audit WHERE line = 'ended'") == [("unknown",)]


async def test_an_order_without_a_message_is_the_persons_own_chat(store: Store) -> None:
    await store.asked(ANA, None, "start", "main/101", "t")
    (order,) = await store.unfinished()
    assert (order.chat, order.message, order.upid) == (7, None, "")


@pytest.mark.parametrize("statement", ["DELETE FROM audit", "UPDATE audit SET name = 'nobody'"])
async def test_the_audit_cannot_be_changed(store: Store, tmp_path: Path, statement: str) -> None:
    await store.asked(ANA, HERE, "reboot", "main/101", "t")
    with (
        closing(sqlite3.connect(tmp_path / FILE)) as connection,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        connection.execute(statement)


async def test_a_task_belongs_to_one_order(store: Store) -> None:
    first = await store.asked(ANA, HERE, "reboot", "main/101", "t")
    second = await store.asked(ANA, HERE, "reboot", "main/101", "t")
    await store.started(first, UPID)
    await store.started(first, UPID)
    with pytest.raises(Stale):
        await store.started(second, UPID)
    assert [order.upid for order in await store.unfinished()] == [UPID, ""]


async def test_everything_is_there_after_a_restart(tmp_path: Path, clock: Now) -> None:
    first = await Store.open(tmp_path, clock)
    await first.freeze(True, ANA)
    order = await first.asked(ANA, HERE, "reboot", "main/101", "t")
    await first.started(order, UPID)
    key = await first.keep("pve1/backups")
    await first.migrate(-5, -1005)
    await first.close()

    second = await Store.open(tmp_path, clock)
    assert second.frozen is True
    assert [(row.id, row.upid, row.chat) for row in await second.unfinished()] == [(order, UPID, -1005)]
    assert await second.kept(key) == "pve1/backups"
    assert await second.migrations() == {-5: -1005}
    await second.close()


async def test_freezing_is_in_the_audit(store: Store, tmp_path: Path) -> None:
    seen = []
    for on in (True, False):
        await store.freeze(on, ANA)
        seen.append(store.frozen)
    assert seen == [True, False]
    asked = rows(tmp_path, "SELECT action, person FROM audit WHERE line = 'asked' ORDER BY id")
    assert asked == [("freeze", 7), ("thaw", 7)]
    assert await store.unfinished() == []


async def test_what_cannot_be_written_down_freezes_for_now_and_thaws_nothing(store: Store) -> None:
    await store._do(lambda connection: connection.execute("PRAGMA query_only = ON").fetchone())
    for on in (True, False):
        with pytest.raises(StoreFailed):
            await store.freeze(on, ANA)
        assert store.frozen


async def test_kept_arguments(store: Store) -> None:
    long = 'node:pve1 tag:web<1>_&" ' * 20
    key = await store.keep(long)
    assert len(key) == 16
    assert await store.keep(long) == key
    assert await store.keep("another") != key
    assert await store.kept(key) == long
    assert await store.kept("never") is None


async def test_any_text_can_be_kept(store: Store) -> None:
    key = await store.keep("half \ud83d of a pair")
    assert await store.kept(key) == "half ? of a pair"


async def test_on_a_full_disk_old_arguments_stay_and_it_opens(tmp_path: Path, clock: Now) -> None:
    store = await Store.open(tmp_path, clock)
    key = await store.keep("old")
    await store.close()
    clock.at += timedelta(days=400)
    with closing(sqlite3.connect(tmp_path / "telemox.db")) as before:  # its -wal and -shm stand, as after a kill
        assert before.execute("SELECT count(*) FROM kept").fetchone() == (1,)
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1024, limits[1]))
        try:
            store = await Store.open(tmp_path, clock)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert await store.kept(key) == "old"
    await store.close()


async def test_old_arguments_go_at_start_unless_they_were_used(tmp_path: Path, clock: Now) -> None:
    store = await Store.open(tmp_path, clock)
    old, used = await store.keep("old"), await store.keep("used")
    clock.at += timedelta(days=60)
    await store.keep("used")
    await store.close()
    clock.at += timedelta(days=31)
    store = await Store.open(tmp_path, clock)
    assert await store.kept(old) is None
    assert await store.kept(used) == "used"
    await store.close()


async def test_groups_that_move_twice(store: Store) -> None:
    await store.migrate(-1, -1001)
    await store.migrate(-1001, -1002)
    await store.migrate(-1002, -1002)
    assert await store.migrations() == {-1: -1002, -1001: -1002}
    await store.migrate(-1002, -1001)  # nonsense from outside must not make a circle
    moves = await store.migrations()
    assert all(moves.get(new) is None for new in moves.values())


async def test_only_the_owner_can_read_it(store: Store, tmp_path: Path) -> None:
    await store.keep("x")
    assert modes(tmp_path) == dict.fromkeys((FILE, f"{FILE}-wal", f"{FILE}-shm", "telemox.lock"), 0o600)


async def test_what_others_could_read_is_closed_to_them(tmp_path: Path, clock: Now) -> None:
    await (await Store.open(tmp_path, clock)).close()
    (tmp_path / FILE).chmod(0o644)
    await (await Store.open(tmp_path, clock)).close()
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


async def test_it_waits_for_the_disk(store: Store) -> None:
    pragmas = await store._do(
        lambda connection: [connection.execute(f"PRAGMA {n}").fetchone()[0] for n in ("journal_mode", "synchronous")]
    )
    assert pragmas == ["wal", 2]


async def test_a_second_process_is_refused(store: Store, tmp_path: Path, clock: Now) -> None:
    with pytest.raises(StoreFailed) as caught:
        await Store.open(tmp_path, clock)
    said = plain(caught.value.said(), Reader())
    assert said.startswith("Another Telemox already uses the data directory")
    assert str(tmp_path) in said


def _garbage(file: Path) -> None:
    file.write_bytes(b"this is no database" * 500)


def _truncated(file: Path) -> None:
    os.truncate(file, 5000)


def _scribbled(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    file.write_bytes(content)


def _tables_without_version(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA user_version = 0")


def _emptied(file: Path) -> None:
    file.write_bytes(b"")


def _a_few_bytes(file: Path) -> None:
    os.truncate(file, 60)


def _without_tables(file: Path) -> None:
    file.unlink()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")


def _words_that_cannot_be_read(file: Path) -> None:
    """SQLite's own report of it cannot be decoded either."""
    content = file.read_bytes()
    file.write_bytes(content.replace(b"CREATE TABLE kept", b"CREATE TABLE \xff\xfe\xffp"))


def _a_column_by_another_name(file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b"person INTEGER", b"pfrson INTEGER"))


HARMS = [
    _garbage,
    _truncated,
    _scribbled,
    _tables_without_version,
    _emptied,
    _a_few_bytes,
    _without_tables,
    _words_that_cannot_be_read,
    _a_column_by_another_name,
]


@pytest.mark.parametrize("harm", HARMS)
async def test_a_damaged_database_is_set_aside_and_said(tmp_path: Path, clock: Now, harm: object) -> None:
    store = await Store.open(tmp_path, clock)
    await store.keep("before")
    await store.close()
    assert callable(harm)
    harm(tmp_path / FILE)
    hurt = (tmp_path / FILE).read_bytes()

    store = await Store.open(tmp_path, clock)
    aside = tmp_path / f"{FILE}.damaged-20260301T120000Z"
    assert store.trouble is not None
    assert str(aside) in plain(store.trouble, Reader())
    assert aside.read_bytes() == hurt
    assert await store.kept(await store.keep("after")) == "after"
    assert await store.asked(ANA, HERE, "reboot", "main/101", "t") == 1
    await store.close()

    again = await Store.open(tmp_path, clock)  # nobody was told
    assert again.trouble == store.trouble
    await again.freeze(False, ANA)
    await again.close()
    again = await Store.open(tmp_path, clock)
    assert again.trouble is not None
    assert "frozen" not in plain(again.trouble, Reader())
    await again.told()
    await again.close()
    again = await Store.open(tmp_path, clock)
    assert again.trouble is None
    await again.close()


@pytest.mark.parametrize("harm", HARMS)
async def test_after_damage_all_is_frozen_until_an_admin_thaws(tmp_path: Path, clock: Now, harm: object) -> None:
    await (await Store.open(tmp_path, clock)).close()
    assert callable(harm)
    harm(tmp_path / FILE)

    store = await Store.open(tmp_path, clock)
    assert store.frozen
    assert store.trouble is not None
    assert "All changes are frozen until an admin sends /thaw" in plain(store.trouble, Reader())
    await store.close()
    store = await Store.open(tmp_path, clock)  # killed and started anew: still
    assert store.frozen
    await store.freeze(False, ANA)
    await store.close()
    store = await Store.open(tmp_path, clock)
    assert not store.frozen
    await store.close()


async def test_after_damage_no_number_is_given_twice(tmp_path: Path, clock: Now) -> None:
    """Buttons of alerts, silences and cards of the lost database are in chats still."""
    await (await Store.open(tmp_path, clock)).close()
    (tmp_path / FILE).write_bytes(b"no database")
    store = await Store.open(tmp_path, clock)
    kept = await store.alerts()
    table, desk = Table(), Desk()
    table.load(kept, ["main"])
    desk.load(kept)
    assert min(table.number(), table.silence_id(), desk.number()) >= int(clock.now().timestamp()) // 60
    await store.close()


async def test_the_first_start_is_silent(tmp_path: Path, clock: Now) -> None:
    store = await Store.open(tmp_path / "new", clock)
    assert (store.trouble, store.frozen) == (None, False)
    await store.close()


async def test_a_database_that_is_gone_is_said(tmp_path: Path, clock: Now) -> None:
    await (await Store.open(tmp_path, clock)).close()
    (tmp_path / FILE).unlink()
    store = await Store.open(tmp_path, clock)
    assert store.frozen
    assert store.trouble is not None
    assert f"{tmp_path / FILE} is gone" in plain(store.trouble, Reader())
    await store.close()


async def test_damage_twice_in_a_second_loses_neither(tmp_path: Path, clock: Now) -> None:
    for content in (b"first" * 99, b"second" * 99):
        (tmp_path / FILE).write_bytes(content)
        await (await Store.open(tmp_path, clock)).close()
    aside = f"{FILE}.damaged-20260301T120000Z"
    assert [(tmp_path / name).read_bytes() for name in (aside, f"{aside}-2")] == [b"first" * 99, b"second" * 99]


async def test_whatever_byte_is_damaged_the_bot_starts_or_says_why(tmp_path: Path, clock: Now) -> None:
    await (await Store.open(tmp_path, clock)).close()
    whole = (tmp_path / FILE).read_bytes()
    for offset in range(0, len(whole), len(whole) // 50):
        (tmp_path / FILE).write_bytes(whole[:offset] + b"\xff" + whole[offset + 1 :])
        try:
            store = await Store.open(tmp_path, clock)
        except StoreFailed:
            continue
        assert store.frozen is (store.trouble is not None), offset
        await store.unfinished()
        await store.audit()
        await store.close()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("at", "'yesterday'"),
        ("at", "'2026-03-01T12:00:00'"),
        ("at", "'9999-12-31T23:59:59+00:00'"),
        ("at", "x'ff'"),
        ("chat", "CAST(x'ff' AS TEXT)"),
        ("person", "NULL"),
        ("message", "'x'"),
        ("topic", "x'00'"),
    ],
)
async def test_an_order_whose_row_is_damaged_blocks_no_other(
    store: Store, tmp_path: Path, clock: Now, column: str, value: str
) -> None:
    with closing(sqlite3.connect(tmp_path / FILE)) as connection, connection:
        columns = {"line": "'asked'", "at": f"'{clock.at.isoformat()}'", "person": "7", "name": "'Ana'", "chat": "-5"}
        columns |= {"topic": "3", "message": "42", "action": "'start'", "target": "'main/101'", column: value}
        statement = f"INSERT INTO audit ({','.join(columns)}) VALUES ({','.join(columns.values())})"  # noqa: S608
        connection.execute(statement)
    order = await store.asked(ANA, HERE, "reboot", "main/101", "t")
    assert [row.id for row in await store.unfinished()] == [order]
    assert [(row.id, row.outcome, row.message) for row in await store.audit()] == [
        (order, "", HERE),
        (1, "unreadable", None),
    ]
    assert rows(tmp_path, "SELECT outcome FROM audit WHERE line = 'ended'") == [("unreadable",)]


async def test_words_of_an_order_that_cannot_be_read_are_shown_as_far_as_they_can(
    store: Store, tmp_path: Path, clock: Now
) -> None:
    with closing(sqlite3.connect(tmp_path / FILE)) as connection, connection:
        connection.execute(
            "INSERT INTO audit (line, at, person, name, chat, action, target, token)"
            " VALUES ('asked', ?, 7, CAST(x'41ff' AS TEXT), 7, x'73ff', 'main/101', NULL)",
            (clock.at.isoformat(),),
        )
    (order,) = await store.unfinished()
    assert (order.name, order.action, order.token, order.outcome) == ("A�", "s�", "", "")


async def test_words_that_cannot_be_stored_are_stored_as_far_as_they_can(store: Store) -> None:
    order = await store.asked(Asker(id=7, name="B\ud800", role=Role.ADMIN), None, "start\ud800", "main/1", "t\udfff")
    await store.started(order, "UPID:\ud800")
    await store.ended(order, "no \ud800")
    (row,) = await store.audit()
    assert (row.name, row.action, row.token, row.upid, row.outcome) == ("B?", "start?", "t?", "UPID:?", "no ?")


async def test_what_cannot_be_stored_is_our_own_error(store: Store) -> None:
    with pytest.raises(StoreFailed):
        await store.asked(Asker(id=1 << 70, name="x", role=Role.ADMIN), None, "start", "main/1", "t")


async def test_moves_and_arguments_that_are_damaged_stop_nothing(store: Store, tmp_path: Path) -> None:
    key = await store.keep("long")
    with closing(sqlite3.connect(tmp_path / FILE)) as connection, connection:
        connection.execute("INSERT INTO moved VALUES (-1, CAST(x'ff' AS TEXT))")
        connection.execute("UPDATE kept SET used = x'ff'")
    assert await store.migrations() == {}
    assert await store.keep("long") == key


async def test_a_newer_database_is_left_alone(tmp_path: Path, clock: Now) -> None:
    await (await Store.open(tmp_path, clock)).close()
    with closing(sqlite3.connect(tmp_path / FILE)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreFailed, match="newer Telemox"):
        await Store.open(tmp_path, clock)
    assert not [name for name in modes(tmp_path) if "damaged" in name]
    with pytest.raises(StoreFailed, match="newer"):  # and the lock was given back
        await Store.open(tmp_path, clock)


async def test_a_directory_that_cannot_be_used_is_said(tmp_path: Path, clock: Now) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreFailed, match="TELEMOX_DATA_DIR"):
        await Store.open(tmp_path / "file" / "data", clock)
    (tmp_path / "data" / FILE).mkdir(parents=True)
    with pytest.raises(StoreFailed, match="cannot be used"):
        await Store.open(tmp_path / "data", clock)


async def test_a_failure_is_our_own_error(store: Store) -> None:
    def fails(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO kept VALUES ('k', 't', 'u')")
        connection.execute("SELECT * FROM nowhere")

    with pytest.raises(StoreFailed, match="no such table"):
        await store._do(fails)
    assert await store.kept("k") is None  # rolled back


async def test_a_cancelled_caller_does_not_stop_its_transaction(store: Store) -> None:
    task = asyncio.create_task(store.asked(ANA, HERE, "reboot", "main/101", "t"))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()
    assert len(await store.unfinished()) == 1


async def test_calls_at_once_are_one_after_another(store: Store) -> None:
    orders = await asyncio.gather(*(store.asked(ANA, HERE, "start", f"main/{100 + n}", "t") for n in range(20)))
    assert sorted(orders) == list(range(1, 21))
