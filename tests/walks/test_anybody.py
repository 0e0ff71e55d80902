"""Anything from anybody: a state machine that types, taps, forges, pushes junk and lets time pass, beside a model of
who may what. After every step: no error was logged, and no write reached the cluster that the model did not allow.

The model allows a write only as the answer to the tap just made, and at most one:
- by a person whose role in that chat is operator or more, and
- on a Start or Resume that stands on no question (any forged one counts: role and state decide), or
- on the Yes that the bot showed to this very person in this very message less than 60 s ago, and that was not used.
"""

import asyncio
import logging
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bot.access import Role
from bot.chat.taps import decode, encode
from bot.demo.telegram.world import Chat, Message, User
from bot.screen import Ack, Ask, Do, Hush, Open
from tests.stack import ANA, BEN, GROUP, VERA, Stack

T = TypeVar("T")

ROLES = {ANA: Role.ADMIN, BEN: Role.OPERATOR, VERA: Role.VIEWER}
AT_ONCE = {"start", "resume"}
PEOPLE = st.sampled_from(["ana", "ben", "vera", "stranger"])
CHATS = st.sampled_from(["with_ana", "with_ben", "with_vera", "with_stranger", "group", "unknown_group"])
COMMANDS = st.sampled_from(
    (
        *("/status", "/vms", "/vm web", "/vm 101", "/vm", "/vm nothing-like-it", "/nodes", "/node pve1", "/storage"),
        *("/tasks", "/help", "/start", "/start vm_101", "/whoami", "/id", "/vms tag:prod status:running"),
        *("/freeze", "/thaw"),
        *("/alerts", "/why", "/why web", "/why 1", "/history", "/silences", "/silence", "/silence web 1h", "/digest"),
        *("/silence node pve1", "/silence rule", "/maintenance", "/maintenance pve1 1h", "/subscribe", "/quiet"),
        *("/subscribe tag:prod warning", "/unsubscribe", "/quiet 22:00-08:00", "/zone tokyo", "/digest 7:30"),
        *("/pin", "/unpin", "/testalert", "/auditlog here", "/start pin", "/start silence_web"),
    )
)
WORDS = COMMANDS | st.text(max_size=80)
KINDS = st.sampled_from(
    (
        *("message", "edited_message", "channel_post", "callback_query", "inline_query", "my_chat_member", "poll"),
        *("chat_member", "message_reaction", "chat_join_request", "pre_checkout_query", "business_message", "nonsense"),
    )
)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


class Errors(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if "cannot be read" not in record.msg:  # an update that PTB cannot parse is skipped, and said
            self.seen.append(self.format(record))


class Anything(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.s = Stack(Path(self.folder.name), {})
        self.errors = Errors()
        logging.getLogger().addHandler(self.errors)
        self.run(self.s.start())
        self.run(self.s.quiet())
        self.questions: dict[tuple[int, int, str], tuple[int, float]] = {}  # chat, message, data -> asker, when
        self.used: set[str] = set()
        self.written = 0
        self.allowed = 0  # writes that the step just made may have caused

    def teardown(self) -> None:
        self.run(self.s.stop())
        self.runner.close()
        self.folder.cleanup()
        logging.getLogger().removeHandler(self.errors)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(coroutine)

    def user(self, name: str) -> User:
        return getattr(self.s, name)  # type: ignore[no-any-return]

    def chat(self, name: str) -> Chat:
        return getattr(self.s, name)  # type: ignore[no-any-return]

    def role(self, chat: Chat, user: User) -> Role | None:
        if chat.id == GROUP:
            return max(Role.VIEWER, ROLES.get(user.id, Role.VIEWER))
        return ROLES.get(user.id) if chat.id == user.id else None

    @rule(person=PEOPLE, chat=CHATS, words=WORDS, anonymous=st.booleans())
    def say(self, person: str, chat: str, words: str, anonymous: bool) -> None:
        if words.strip():
            anonymous = anonymous and "group" in chat
            self.run(self.s.api.say(self.chat(chat), self.user(person), words, anonymous=anonymous))
            self.settle()

    @rule(person=PEOPLE, chat=CHATS, pick=st.integers(0, 10_000))
    def tap_what_is_shown(self, person: str, chat: str, pick: int) -> None:
        shown = [
            (message, button.data)
            for message in self.s.api.messages(self.chat(chat))
            for button in message.buttons
            if button.data
        ]
        if shown:
            message, data = shown[pick % len(shown)]
            self.press(person, self.chat(chat), message.id, data)

    @rule(
        person=st.sampled_from(["ana", "ben"]), vmid=st.sampled_from([101, 102, 104, 105, 131]), private=st.booleans()
    )
    def open_a_card(self, person: str, vmid: int, private: bool) -> None:
        self.say(person, f"with_{person}" if private else "group", f"/vm {vmid}", False)

    @rule(person=PEOPLE, chat=CHATS, pick=st.integers(0, 10_000))
    def ask_for_an_action(self, person: str, chat: str, pick: int) -> None:
        self.press_one_of(Ask, person, chat, pick)

    @rule(person=PEOPLE, chat=CHATS, pick=st.integers(0, 10_000), again=st.booleans())
    def say_yes(self, person: str, chat: str, pick: int, again: bool) -> None:
        self.press_one_of(Do, person, chat, pick, again=again)

    def press_one_of(self, kind: type, person: str, chat: str, pick: int, *, again: bool = False) -> None:
        """Mostly who and where it was shown, so that much of this goes through."""
        shown = [
            (place, message.id, button.data)
            for place in self.s.api.world.chats.values()
            for message in self.s.api.messages(place)
            for button in message.buttons
            if button.data and isinstance(decode(button.data), kind)
        ]
        if not shown:
            return
        place, message, data = shown[pick % len(shown)]
        asker, _ = self.questions.get((place.id, message, data), (place.id, 0.0))
        if pick % 5:
            person = {ANA: "ana", BEN: "ben", VERA: "vera"}.get(asker, person)
        else:
            place = self.chat(chat) if pick % 2 else place
        self.press(person, place, message, data, again=again)

    @rule(person=PEOPLE, chat=CHATS, pick=st.integers(0, 10_000), where=st.integers(0, 50))
    def tap_what_others_were_shown(self, person: str, chat: str, pick: int, where: int) -> None:
        datas = sorted(
            button.data
            for other in self.s.api.world.chats.values()
            for message in self.s.api.messages(other)
            for button in message.buttons
            if button.data
        )
        if datas:
            self.press(person, self.chat(chat), where, datas[pick % len(datas)])

    @rule(
        person=PEOPLE,
        chat=CHATS,
        where=st.integers(0, 50),
        data=st.text(max_size=64) | st.binary(max_size=48).map(repr),
    )
    def forge(self, person: str, chat: str, where: int, data: str) -> None:
        self.press(person, self.chat(chat), where, data.encode("utf-8", "ignore")[:64].decode("utf-8", "ignore"))

    @rule(person=PEOPLE, chat=CHATS, verb=st.sampled_from(["start", "stop", "reboot"]), vmid=st.integers(99, 130))
    def forge_an_action(self, person: str, chat: str, verb: str, vmid: int) -> None:
        data = encode(Ask(verb, f"main/{vmid}")) or ""
        self.press(person, self.chat(chat), 1, data)

    @rule(
        person=PEOPLE,
        chat=CHATS,
        tap=st.builds(Ack, st.from_regex(r"[acx]-?[0-9]{0,3}", fullmatch=True) | st.text(max_size=8))
        | st.builds(
            Hush,
            st.from_regex(r"[anrx][0-9]{0,3}", fullmatch=True) | st.text(min_size=1, max_size=8),
            st.sampled_from(["1h", "4h", "24h", "8am", "9y", ":"]),
        )
        | st.builds(
            Open,
            st.sampled_from(["hush", "alert", "silenced", "silences", "subscribe", "maintenance", "why"]),
            st.sampled_from(["1", "a1", "n2", "c1", "c1 9", "end 1", "by:tag", "all", "pve1 1h", "-1", "1" * 40]),
        ),
    )
    def forge_a_tap_of_alerts(self, person: str, chat: str, tap: Ack | Hush | Open) -> None:
        self.press(person, self.chat(chat), 1, encode(tap) or "")

    @rule(kind=KINDS, junk=JUNK, person=PEOPLE)
    def push_junk(self, kind: str, junk: object, person: str) -> None:
        body = {"from": self.user(person).to_dict(), "id": "1", "date": 0, "x": junk}
        self.s.api.push({kind: junk if isinstance(junk, dict) else body})
        self.settle()

    @rule(seconds=st.sampled_from([1.0, 30.0, 61.0, 130.0]))
    def wait(self, seconds: float) -> None:
        self.s.clock.skip(seconds)

    def press(self, person: str, chat: Chat, message: int, data: str, *, again: bool = False) -> None:
        user = self.user(person)
        role = self.role(chat, user)
        tap, now = decode(data), self.s.clock.monotonic()
        if role is not None and role >= Role.OPERATOR:
            match tap:
                case Ask(action=action) if action in AT_ONCE:
                    self.allowed = 1
                case Do(nonce=nonce):
                    asker, when = self.questions.get((chat.id, message, data), (0, 0.0))
                    if asker == user.id and now - when < 60 and nonce not in self.used:
                        self.allowed = 1
                        self.used.add(nonce)
                case _:
                    pass
        for _ in range(1 + again):  # the second at once: before anything came back
            self.run(self.s.api.forge(chat, user, message, data, wait=False))
        self.settle()
        if isinstance(tap, Ask) and (found := chat.find(message)) is not None:
            self.note_question(chat, found, user)

    def note_question(self, chat: Chat, message: Message, user: User) -> None:
        for button in message.buttons:
            if button.data and isinstance(decode(button.data), Do):
                self.questions.setdefault((chat.id, message.id, button.data), (user.id, self.s.clock.monotonic()))

    def settle(self) -> None:
        self.run(self.s.api.settled())
        self.run(self.s.quiet())

    @invariant()
    def nothing_went_wrong(self) -> None:
        assert self.errors.seen == []
        writes = len(self.s.writes)
        assert writes - self.written <= self.allowed, self.s.writes[self.written :]
        self.written, self.allowed = writes, 0
        assert not self.s.api.made("x")
        assert all(
            not message.from_bot
            for chat in (self.s.with_stranger, self.s.unknown_group)
            for message in self.s.api.messages(chat)
        ), "a stranger was answered"


Anything.TestCase.settings = settings(
    max_examples=40, stateful_step_count=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
TestAnything = Anything.TestCase
