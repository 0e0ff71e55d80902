"""Episodes (fires → perhaps gets worse → is over) through a deliverer that is killed again and again, to a Telegram
that refuses, breaks and loses answers. `simulate()` counts what the people in the chats were told.

The watch is a small one, and keeps to what watch/ does: what it makes of the truth is saved in one transaction with
what the deliverer planned. A kill ends the process at a random point: before, after, or between Telegram's acceptance
and the store's row; the next one begins with what the store has.
"""

import asyncio
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.deliver.plan import GROUP_WAIT
from bot.model import Alert, News, NewsKind, Phase, Record, Route
from bot.ports import Changes, Kept, Ledger, Lost, Undelivered
from bot.screen import Message, Place, Screen
from bot.text import say
from tests.deliver.kit import ANA, CRITICAL, OPS, WARNING, Clock, Shelf, Telegram, World, alert, guest

POLL = 15.0
DAY = 86400.0


class Killed(Exception):
    """kill -9."""


@dataclass(frozen=True, slots=True)
class Episode:
    n: int
    begins: float  # s
    worse: float | None
    ends: float
    critical: bool


@dataclass(slots=True, kw_only=True)
class Told:
    """What came of it. `again`: messages that told something anew in a chat where it had been told."""

    episodes: int = 0
    unseen: int = 0  # of them, those that began and ended while no process lived, or within the group wait of one
    untold: int = 0  # episodes that somewhere nobody heard of
    unended: int = 0  # episodes whose card turned green nowhere in some chat
    again: int = 0
    kills: int = 0
    lost: int = 0  # answers, after Telegram had accepted
    refused: int = 0  # 429, 5xx, cut
    messages: int = 0
    edits: int = 0

    @property
    def well(self) -> bool:
        return not (self.untold or self.unended) and self.again <= self.kills + self.lost


class Fate:
    """Decides what goes wrong, by a seed."""

    def __init__(self, seed: int, kills: float, faults: float) -> None:
        self._dice = random.Random(seed)
        self._kills = kills
        self._faults = faults
        self.calm = False  # at the end nothing goes wrong any more
        self.told = Told()

    def kill(self) -> None:
        """Raises: Killed."""
        if not self.calm and self._dice.random() < self._kills:
            self.told.kills += 1
            raise Killed

    def fault(self) -> str:
        if self.calm or self._dice.random() >= self._faults:
            return ""
        return self._dice.choice(("429", "500", "cut", "silent", "lost"))

    def after(self) -> float:
        return self._dice.choice((1.0, 5.0, 30.0))


class Dying(Shelf):
    """A ledger before or after whose transactions the process may end. `behind`: the real one; in memory without."""

    def __init__(self, fate: Fate, behind: Ledger | None = None) -> None:
        super().__init__()
        self._fate = fate
        self._behind = behind
        self.fired: dict[int, datetime] = {}  # vmid -> when its alert, as it was first saved, had fired
        self.over: dict[int, datetime] = {}

    async def alerts(self) -> Kept:
        return await super().alerts() if self._behind is None else await self._behind.alerts()

    async def save(self, changes: Changes) -> None:
        self._fate.kill()
        if self._behind is None:
            await super().save(changes)
        else:
            await self._behind.save(changes)
        for one in changes.alerts:
            vmid = int(one.finding.subject.id)
            if one.fired is not None:
                self.fired.setdefault(vmid, one.fired)
            if one.over is not None:
                self.over[vmid] = one.over
        self._fate.kill()

    def seen(self, vmid: int) -> bool:
        """Was it seen to last for longer than what is never sent?"""
        fired, over = self.fired.get(vmid), self.over.get(vmid)
        return fired is not None and over is not None and (over - fired).total_seconds() > GROUP_WAIT

    async def history(self, limit: int = 50, since: datetime | None = None) -> Sequence[Record]:
        return ()


class Moody(Telegram):
    """A Telegram that refuses, breaks, and loses answers; the process may end on either side of its acceptance."""

    def __init__(self, clock: Clock, fate: Fate) -> None:
        super().__init__(clock)
        self._fate = fate
        self.heard: dict[tuple[int, str, int], int] = {}  # (chat, kind, episode) -> messages that told it

    async def post(
        self, place: Place, screen: Screen, *, silent: bool = False, reply_to: int | None = None
    ) -> Message | Undelivered:
        self._fate.kill()
        fault = self._fate.fault()
        if (refused := self._refused(fault)) is not None:
            return refused
        if fault == "silent":
            self._fate.told.refused += 1
            return Undelivered(why=Lost.UNKNOWN)  # it never arrived, but who knows
        sent = await super().post(place, screen, silent=silent, reply_to=reply_to)
        self._note(place.chat)
        self._fate.kill()
        if fault == "lost":
            self._fate.told.lost += 1
            return Undelivered(why=Lost.UNKNOWN)
        return sent

    async def revise(self, message: Message, screen: Screen, *, spare: bool = False) -> Message | Undelivered:
        self._fate.kill()
        fault = self._fate.fault()
        if (refused := self._refused(fault)) is not None:
            return refused
        shown = await super().revise(message, screen, spare=spare)
        self._fate.told.edits += 1
        self._fate.kill()
        return Undelivered(why=Lost.LATER) if fault in {"silent", "lost"} else shown

    def _refused(self, fault: str) -> Undelivered | None:
        if fault not in {"429", "500", "cut"}:
            return None
        self._fate.told.refused += 1
        return Undelivered(why=Lost.LATER, after=self._fate.after() if fault == "429" else 0.0)

    def _note(self, chat: int) -> None:
        message = self.shown[-1]
        facts = _facts(message.text, card=message.card)
        if any((chat, *fact) in self.heard for fact in facts):
            self._fate.told.again += 1
        for fact in facts:
            self.heard[chat, *fact] = self.heard.get((chat, *fact), 0) + 1


def _facts(text: str, *, card: bool) -> set[tuple[str, int]]:
    found = set()
    for line in text.splitlines():
        for n in map(int, re.findall(r"\((\d+)\)", line)):
            if card:
                found.add(("card", n))
            elif line.startswith("🟢"):
                found.add(("over", n))
            else:
                found.add(("worse", n))
    return found


class Watcher(World):
    """A watch that makes alerts of the truth, and forgets all that was not saved when it is killed."""

    def __init__(self, episodes: Sequence[Episode], fate: Fate, shelf: Dying) -> None:
        super().__init__(
            Route(chat=OPS), Route(chat=ANA, least=WARNING), shelf=shelf, telegram=lambda clock: Moody(clock, fate)
        )
        self._fate = fate
        self._episodes = episodes
        self._next = 0  # of the episodes, the first that has not begun
        self._lasting: list[Episode] = []
        self._ended: set[int] = set()
        self._numbers = 0
        self._changed: set[int] = set()  # numbers of alerts that are not saved
        self._gone: list[int] = []
        self.began = self.clock.at

    async def poll(self) -> None:
        """One tick. Raises: Killed."""
        self.look()
        self._fate.kill()
        for number in [n for n, one in self.alerts.items() if one.phase is Phase.OVER]:
            if not self.deliverer.needed([number]) and not any(item.alert.number == number for item in self.news):
                del self.alerts[number]
                self._gone.append(number)
        changes = self.deliverer.take(self.alerts, self.news)
        self.alerts.update({one.number: one for one in changes.alerts if one.number in self.alerts})
        rows = {**{n: self.alerts[n] for n in self._changed if n in self.alerts},
                **{one.number: one for one in changes.alerts}}  # fmt: skip
        whole = replace(changes, alerts=tuple(rows.values()), gone=tuple(self._gone), facts={
            **changes.facts, "number": str(self._numbers)})  # fmt: skip
        await self.shelf.save(whole)
        self._changed.clear()
        self._gone.clear()
        self.news = []
        self.deliverer.wake()
        await self.send()

    def look(self) -> None:
        """The truth of now, as alerts."""
        now = self.clock.at - self.began
        while self._next < len(self._episodes) and self._episodes[self._next].begins <= now:
            self._lasting.append(self._episodes[self._next])
            self._next += 1
        open_ = {int(one.finding.subject.id): one for one in self.alerts.values() if one.phase is Phase.FIRING}
        over = set()
        for episode in self._lasting:
            found = open_.get(episode.n)
            if now >= episode.ends:
                if found is not None:
                    self.over(found.number)
                    self._changed.add(found.number)
                over.add(episode.n)
                continue
            bad = episode.critical or (episode.worse is not None and now >= episode.worse)
            if found is None:
                self._fire(episode, bad)
            elif bad and found.severity < CRITICAL:
                self.worse(found.number)
                self._changed.add(found.number)
        self._ended = over

    def _fire(self, episode: Episode, bad: bool) -> None:
        self._numbers += 1
        made: Alert = alert(
            self._numbers,
            CRITICAL if bad else WARNING,
            subject=guest(episode.n, f"g{episode.n}"),
            said=say("g is wrong ({n})", n=episode.n),
            fired=self.clock.now(),
            rule=f"rule{episode.n % 40}",
        )
        over = say("g is well ({n})", n=episode.n)
        made = replace(made, finding=replace(made.finding, over=over))
        self.alerts[made.number] = made
        self._changed.add(made.number)
        self.news.append(News(kind=NewsKind.FIRED, alert=made))

    async def again(self) -> None:
        """The next process."""
        await self.restart()
        kept = await self.shelf.alerts()
        self._numbers = int(kept.facts.get("number", "0") or 0)
        self.news = []
        self._changed.clear()
        self._gone.clear()

    def settled(self) -> None:
        """Episodes that are over and whose alert is saved so need no look any more."""
        open_ = {int(one.finding.subject.id) for one in self.alerts.values() if one.phase is Phase.FIRING}
        self._lasting = [one for one in self._lasting if one.n not in self._ended or one.n in open_]


def story(episodes: int, seed: int) -> list[Episode]:
    dice = random.Random(seed)
    made = []
    for _ in range(episodes):
        begins = dice.random() * DAY * episodes / 1000
        lasts = dice.choice((70.0, 130.0, 400.0, 1500.0)) * (1 + dice.random())
        worse = begins + lasts * dice.random() * 0.8 if dice.random() < 0.25 else None
        made.append((begins, worse, begins + lasts, dice.random() < 0.3))
    made.sort(key=lambda one: one[0])
    return [Episode(n, *one) for n, one in enumerate(made, 1)]


async def simulate(
    episodes: int = 1000, seed: int = 1, *, kills: float = 0.01, faults: float = 0.15, ledger: Ledger | None = None
) -> Told:
    """`kills` and `faults`: the chance at each point, and of each call. `ledger`: a real store, empty."""
    fate = Fate(seed, kills, faults)
    plan = story(episodes, seed)
    shelf = Dying(fate, ledger)
    world = Watcher(plan, fate, shelf)
    end = max(one.ends for one in plan) + 1200
    dice = random.Random(seed + 1)
    while world.clock.at - world.began < end:
        world.clock.at += POLL
        fate.calm = world.clock.at - world.began > end - 900
        try:
            await world.poll()
        except Killed:
            world.clock.at += dice.choice((1.0, 5.0, 60.0))
            await world.again()
        else:
            world.settled()
    await world.spawn.close(0)
    return _count(world, plan, fate.told)


def _count(world: Watcher, plan: Sequence[Episode], told: Told) -> Told:
    telegram = world.telegram
    shelf = world.shelf
    assert isinstance(telegram, Moody)
    assert isinstance(shelf, Dying)
    seen = [episode.n for episode in plan if shelf.seen(episode.n)]
    told.unseen = len(plan) - len(seen)
    heard = telegram.heard
    told.episodes = len(plan)
    told.messages = len(world.telegram.shown)
    for chat in (OPS, ANA):
        # What a kill or a lost answer leaves behind, unknown to the next process, stays as it was: its twin is edited.
        shown = "\n".join(message.text for message in telegram.at(chat) if message.card)
        over = set(map(int, re.findall(r"g is well \((\d+)\)", shown)))
        told.untold += sum((chat, "card", n) not in heard for n in seen)
        told.unended += sum(n not in over for n in seen)
    return told


def main() -> None:
    print(asyncio.run(simulate()))


if __name__ == "__main__":
    main()
