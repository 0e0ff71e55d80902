"""Time that is sped up or skipped, and what Proxmox pushes of its own accord."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from bot.demo.cluster import Cluster
from bot.demo.cluster.ageing import anchor
from tests.demo.cluster_kit import EPOCH, served, speaking

HOUR, DAY = 3_600.0, 86_400.0


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    async with served(anchored=True) as made:
        yield made


async def test_a_day_goes_by_and_the_clock_is_right(cluster: Cluster) -> None:
    async with speaking(cluster) as root:
        before = {row["volid"]: row["ctime"] for row in
                  await root.get("/nodes/pve1/storage/nas-backup/content", content="backup")}  # fmt: skip
        expires = [c["notafter"] for c in await root.get("/nodes/pve1/certificates/info")]
        uptime = (await root.rows())["qemu/101"]["uptime"]
        cluster.skip(DAY)
        assert (await root.get("/nodes/pve1/time"))["time"] == EPOCH
        after = {row["volid"]: row["ctime"] for row in
                 await root.get("/nodes/pve1/storage/nas-backup/content", content="backup")}  # fmt: skip
        assert all(after[volid] == ctime - DAY for volid, ctime in before.items())
        assert [c["notafter"] for c in await root.get("/nodes/pve1/certificates/info")] == [at - DAY for at in expires]
        assert (await root.rows())["qemu/101"]["uptime"] == uptime + DAY
        new = set(after) - set(before)
        assert len(new) >= 35, "the nightly backup ran meanwhile"
        assert all(EPOCH - DAY < after[volid] < EPOCH for volid in new)
        jobs = [task for task in cluster.tasks("vzdump") if task.id == "" and task.start >= EPOCH - DAY]
        assert sorted((task.node, task.exitstatus) for task in jobs if task.start < EPOCH - 20 * HOUR) == [
            (node, "OK") for node in ("pve1", "pve2", "pve3")
        ]


async def test_tasks_go_on_and_keep_their_names(cluster: Cluster) -> None:
    async with speaking(cluster) as root:
        upid = await root.post("/nodes/pve1/qemu/113/status/shutdown")
        cluster.skip(HOUR)
        assert (await root.task(upid))["exitstatus"] == "OK"
        row = next(row for row in await root.get("/nodes/pve1/tasks") if row["upid"] == upid)
        assert (row["starttime"], row["endtime"]) == (EPOCH - HOUR, EPOCH - HOUR + 3)


async def test_what_is_due_is_due_as_much_later(cluster: Cluster) -> None:
    cluster.set_fault("restart_loop", True, "110")
    cluster.skip(HOUR)
    booted = cluster.guest(110).booted
    assert EPOCH - 34 < booted <= EPOCH
    cluster.advance(34)
    assert cluster.guest(110).booted > booted


async def test_speed_changes_from_now_on() -> None:
    now = [0.0]
    cluster = Cluster(speed=1, epoch=EPOCH, guests=1, monotonic=lambda: now[0])
    now[0] = 10.0
    cluster.speed = 60
    assert (cluster.speed, cluster.world.clock.now()) == (60, EPOCH + 10)
    now[0] = 11.0
    assert cluster.world.clock.now() == EPOCH + 70


async def test_ten_times_as_fast_and_the_clock_is_right() -> None:
    now = [0.0]
    cluster = Cluster(speed=10, epoch=EPOCH, guests=10, monotonic=lambda: now[0])
    booted = cluster.guest(101).booted
    for second in range(1, 61):
        now[0] = float(second)
        cluster.world.catch_up()
        anchor(cluster.world, EPOCH + second)
    assert cluster.world.clock.now() == pytest.approx(EPOCH + 60)
    assert cluster.guest(101).uptime(cluster.world.now) == pytest.approx(EPOCH + 600 - booted, abs=12)
    anchor(cluster.world, EPOCH + 3_600)  # one that is behind is not set ahead
    assert cluster.world.clock.now() == pytest.approx(EPOCH + 60)


# -- the webhook target --------------------------------------------------------------------------------------------


class Target:
    """Somebody that Proxmox pushes to: takes each body, and answers 200."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, object]]] = []
        self.came = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        body = json.loads(await reader.readexactly(length))
        self.got.append((head.partition("x-telemox-secret: ")[2].partition("\r\n")[0], body))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()
        self.came.set()


@pytest.fixture
async def target(cluster: Cluster) -> AsyncIterator[Target]:
    made = Target()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    cluster.notifier.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/pve/notify"
    cluster.notifier.secret = "a-secret-of-the-tests"
    yield made
    server.close()


@pytest.mark.parametrize(
    ("key", "kind", "severity", "words"),
    [
        ("push_mail", "system-mail", "unknown", "SMART error"),
        ("push_backup", "vzdump", "error", "backup failed"),
        ("push_fencing", "fencing", "error", "Trying to fence node 'pve3'"),
        ("push_updates", "package-updates", "info", "New software packages available"),
        ("push_replication", "replication", "error", "Replication Job"),
    ],
)
async def test_pushed_by_button(
    cluster: Cluster, target: Target, key: str, kind: str, severity: str, words: str
) -> None:
    cluster.set_fault(key, True)
    async with asyncio.timeout(5):
        await target.came.wait()
    secret, body = target.got[0]
    assert secret == "a-secret-of-the-tests"
    assert set(body) == {"title", "message", "severity", "ts", "fields"}
    assert (body["severity"], body["ts"]) == (severity, int(EPOCH))
    assert isinstance(body["fields"], dict)
    assert body["fields"]["type"] == kind
    assert words in str(body["title"])


async def test_each_backup_is_pushed_with_its_log(cluster: Cluster, target: Target) -> None:
    async with speaking(cluster) as root:
        await root.post("/nodes/pve1/vzdump", vmid=666, storage="nas-backup")
        cluster.advance(600)
        async with asyncio.timeout(5):
            await target.came.wait()
    body = target.got[0][1]
    assert (body["severity"], body["title"]) == ("info", "vzdump backup status (pve1.example.org): backup successful")
    assert "INFO: Finished Backup of VM 666" in str(body["message"])


async def test_nobody_there_is_no_trouble(cluster: Cluster) -> None:
    cluster.set_fault("push_mail", True)
    assert cluster.notifier.sent[-1][1] == "no target is configured"
