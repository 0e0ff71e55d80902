"""The loop: one a cluster, a tick each poll; it never ends, whatever happens in a tick."""

import asyncio
import logging
import time
from collections.abc import Callable, Generator, Mapping
from datetime import datetime

from bot.access import Role
from bot.clock import SteadyClock
from bot.errors import StoreFailed
from bot.model import Alert, News, Silence, Subject
from bot.model.view import Memory, Starts, View
from bot.ports import Changes, Clock, Ledger, Spawner, Watched
from bot.rules import Limit, Rule
from bot.watch.delivering import Delivering
from bot.watch.evaluate import Evaluation, again, evaluating
from bot.watch.heard import Heard
from bot.watch.inhibit import Parents, hanging
from bot.watch.look import look
from bot.watch.orders import Orders
from bot.watch.post import Around, Feeding, Post
from bot.watch.pushed import dealt_with, strays
from bot.watch.sights import Sight
from bot.watch.silence import maintained
from bot.watch.starts import begin, stopped
from bot.watch.steps import at_once, politely
from bot.watch.table import ended, merge
from bot.watch.tick import GROUP_WAIT, Setting, Ticked, by_key, doubts, ticking

log = logging.getLogger(__name__)

PATIENCE = 13.0
"""Seconds that a poll may take at least: one try at a host that hangs, and one at the next."""
HURRY = 5.0
"""Seconds from one poll to the next, at least, where something hurries it."""
NOTICE = 1.0
"""Seconds within which that is noticed."""


class Watch(Heard):
    """`await start()` reads what was kept; `run()` starts the loops.

    poll      s between polls
    scale     TIME_SCALE; the book has it already
    feeder    of one cluster, from what is kept (Kept.facts)
    on_cycle  after each tick that read its cluster, while no other cluster is out of sight: the dead man's switch
    often     the bot has started so often within a quarter of an hour, and was never stopped
    patience  s that one poll may take
    """

    def __init__(
        self,
        clusters: Mapping[str, Watched],
        ledger: Ledger,
        deliverer: Delivering,
        clock: Clock,
        spawn: Spawner,
        sight: Sight,
        *,
        poll: float = 15.0,
        scale: float = 1.0,
        feeder: Callable[[Watched, Mapping[str, str]], Feeding] | None = None,
        on_cycle: Callable[[], None] = lambda: None,
        often: Callable[[int], None] = lambda starts: None,
        patience: float | None = None,
    ) -> None:
        by_key = {rule.key: rule for rule in sight.rules}
        super().__init__(ledger, deliverer, clock, by_key, poll, sight.deaf, sight.met)
        self._clusters = clusters
        self._spawn = spawn
        self._sight = sight
        self._setting = Setting(rules=by_key, inhibits=sight.inhibits, parents=sight.parents, scale=scale)
        self._feeder = feeder
        self._on_cycle = on_cycle
        self._patience = max(poll, PATIENCE) if patience is None else patience
        self._started = clock.now()
        self._starts: Starts | None = None
        self._tell_often = often
        self._orders = Orders(sight.orders, clock)
        self._said: set[str] = set()  # rules whose fault is in the log
        self._rests = asyncio.Event()
        self._unsaid = True  # the store's fault is not in the log yet

    @property
    def sleeping(self) -> frozenset[str]:
        return self._sight.sleeping

    async def start(self) -> None:
        """Raises: StoreFailed where what was kept cannot be read. What cannot be written is written with the first poll
        that can: a full disk is no reason to be silent."""
        read = await self._ledger.alerts()
        self._started = self._clock.now()
        kept = ended(read, self._clusters, self._started)
        strangers, gone = self._table.load(kept, self._clusters), strays(kept.facts, self._clusters)
        self._posts = {
            key: Post(
                pve,
                kept,
                self._feeder(pve, kept.facts) if self._feeder is not None else None,
                self._setting.scale,
                leads=number == 0,
                strays=gone if number == 0 else (),
            )
            for number, (key, pve) in enumerate(self._clusters.items())
        }
        damaged = [key for post in self._posts.values() for key in post.pushes.damaged]
        self._deliverer.load(kept)
        begun = begin(kept.facts, self._started, self._setting.scale)
        self._starts = begun.starts
        changes = merge(strangers, Changes(facts={**dict.fromkeys(damaged, ""), **begun.facts}))
        try:
            await self._ledger.save(changes)
        except StoreFailed as error:
            self._log_unwritten(error)
            self._unsaved = merge(changes, self._unsaved)
        if begun.often:
            self._tell_often(begun.often)

    def run(self) -> None:
        """A loop for each cluster, in the background, until the spawn closes."""
        for key in self._posts:
            self._spawn(self._loop(key), f"watch of {key}")

    def rest(self) -> None:
        """The loops end within `NOTICE` s, or with their poll: a call cut off in a handshake leaves its socket open."""
        self._rests.set()

    async def leave(self) -> None:
        """A clean stop: the next start is no sign of trouble. Raises: StoreFailed."""
        await self._ledger.save(Changes(facts=stopped(self._clock.now())))

    def _hanging(self) -> frozenset[int]:
        setting, now = self._setting, self._clock.now()
        found: set[int] = set()
        for alerts in self._table.of.values():
            parents = Parents(setting.inhibits, setting.parents, now, GROUP_WAIT * setting.scale)
            found |= hanging(alerts.values(), parents)
        return frozenset(found)

    def _limit(self, rule: Rule | None, subject: Subject) -> Limit:
        post = self._posts.get(subject.cluster)
        if rule is None or post is None:
            return super()._limit(rule, subject)
        return self._sight.book.limits(rule, post.pve.latest()).about(subject)

    async def _loop(self, key: str) -> None:
        """Beats come `poll` s apart, however long a tick takes; those missed, by a machine asleep, are not made up.
        What hurries one, brings it forward, and moves no other."""
        clock, post = self._clock, self._posts[key]
        due = clock.monotonic()
        while not self._rests.is_set():
            began, post.hurried = clock.monotonic(), False
            await self.tick(key)
            now = clock.monotonic()
            if now >= due:
                due += self._poll * ((now - due) // self._poll + 1)
            soonest = began + min(HURRY, self._poll)
            while (
                not self._rests.is_set() and (now := clock.monotonic()) < due and not (post.hurried and now >= soonest)
            ):
                await clock.sleep(min(NOTICE, due - now))

    async def tick(self, key: str) -> None:
        """One poll of one cluster and all that follows from it. Never raises."""
        post = self._posts[key]
        try:
            good = await self._tick(post)
        except StoreFailed as error:
            self._log_unwritten(error)
        except Exception:
            log.exception("the watch of %s failed at this poll; it goes on", key)
            post.stumbled()
        else:
            self._unsaid = True
            if good and all(pulse.failed == 0 for pulse in self.pulse()):
                self._on_cycle()

    async def _tick(self, post: Post) -> bool:
        """Was the cluster read?"""
        sight, clock = self._sight, self._clock
        began = clock.monotonic()
        seen = await look(post.pve, self._patience)
        await self._orders.look()
        now, mono = clock.now(), clock.monotonic()
        if seen.snapshot is not None:
            post.took = mono - began
        view = await post.modes.look(post.view(seen, now, mono, self._around(post, now)), mono, self._patience)
        known = {key: alert.finding for key, alert in by_key(self._table.of[post.key].values()).items()}
        evaluation, cpu = await politely(evaluating(view, post.slow.due(view, sight.rules), sight.book, known))
        evaluation = post.slow.with_kept(evaluation)
        self._log_broken(evaluation)
        alerts, silences = self._table.of[post.key], [*self._table.silences.values()]
        wanted, unconfirmed = doubts(alerts.values(), evaluation, view, silences)
        if wanted:
            view, missing = await post.doubter.confirm(wanted, view, self._patience)
            asked = {one.rule.key: one.rule for one in wanted}
            unconfirmed |= missing
            new, more = await politely(evaluating(view, asked.values(), sight.book))  # none of them is slow
            evaluation, cpu = again(evaluation, new), cpu + more
        after, more = await politely(self._remembered(view))
        cpu += more
        ticked, more = await self._ticked(post, view, evaluation, unconfirmed)
        began = time.thread_time()
        changes, news = self._apply(post, view, evaluation, ticked, after)
        post.ticked = cpu + more + time.thread_time() - began
        await self._settle(changes, news)
        return view.fresh

    async def _ticked(
        self, post: Post, view: View, evaluation: Evaluation, unconfirmed: frozenset[str]
    ) -> tuple[Ticked, float]:
        """What becomes of the alerts, and seconds of CPU. Where somebody's tap changes one meanwhile, that counts: then
        all of it is done once more, without a pause."""
        table = self._table

        def standing() -> tuple[Mapping[int, Alert], list[Silence]]:
            return table.of[post.key], [one for one in table.silences.values() if one.until > view.at]

        def steps(alerts: Mapping[int, Alert], silences: list[Silence]) -> Generator[None, None, Ticked]:
            return ticking(alerts, evaluation, view, silences, self._setting, table.number, unconfirmed)

        alerts, silences = standing()
        ticked, cpu = await politely(steps(alerts, silences))
        now, by_now = standing()
        if now is not alerts or by_now != silences:
            began = time.thread_time()
            ticked = at_once(steps(now, by_now))
            cpu += time.thread_time() - began
        return ticked, cpu

    def _apply(
        self, post: Post, view: View, evaluation: Evaluation, ticked: Ticked, after: Memory
    ) -> tuple[Changes, list[News]]:
        table = self._table
        expired, righted = table.expired(view.at), table.righted(view.at)
        table.of[post.key] = ticked.alerts
        remembered = post.remember(view, evaluation, ticked.events, after)
        over = {number for number, alert in ticked.alerts.items() if alert.over}
        shown = over - self._deliverer.needed(over)
        told_now = {news.alert.number for news in ticked.news}
        accepted = self._deliverer.accepted
        forgotten = table.forget(post.key, shown - told_now, view.at, self._setting.scale, accepted)
        forgotten = merge(forgotten, Changes(facts=post.pushes.done(dealt_with(view, evaluation, ticked.events))))
        mine = Changes(alerts=ticked.changed, gone=ticked.gone, silences=righted, silences_gone=expired)
        if ticked.changed:
            mine = merge(mine, Changes(facts=table.facts))
        return merge(mine, remembered, forgotten), list(ticked.news)

    def _around(self, post: Post, now: datetime) -> Around:
        tokens = {post.pve.token(role) for role in Role}
        return Around(
            poll=self._poll,
            started=self._started,
            starts=self._starts,
            orders=self._orders.of(post.key),
            sleeping=self._sight.sleeping,
            maintenance=maintained(self._table.silences.values(), post.key, now),
            deaf=self._sight.deaf(),
            hosts=self._sight.hosts.get(post.key, ()),
            fingerprints=self._sight.fingerprints.get(post.key, {}),
            tokens=tuple(sorted(token for token in tokens if token)),
            clock=self._clock if isinstance(self._clock, SteadyClock) else None,
        )

    def _remembered(self, view: View) -> Generator[None, None, Memory]:
        """Where that fails, by a fault of ours, things are told by what was remembered last."""
        if not view.fresh:
            return view.before
        try:
            return (yield from self._sight.remembering(view))
        except Exception:
            log.exception("what was seen of %s cannot be remembered", view.cluster)
            return view.before

    def _log_unwritten(self, error: StoreFailed) -> None:
        if self._unsaid:
            log.error("alerts cannot be written down, and are told all the same: %s", error)
        self._unsaid = False

    def _log_broken(self, evaluation: Evaluation) -> None:
        for key, error in evaluation.broken.items():
            if key not in self._said:
                log.error("rule %s fails and is left out until it works again", key, exc_info=error)
        self._said = set(evaluation.broken)
