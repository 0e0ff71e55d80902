"""Alerts, put together: the watch, its feeds, the deliverer, the listener, the heartbeat. Part of the composition root.

start    what was kept is read; the listener has its port
run      the loops: one a cluster, the deliverer's, the listener's
close    loops end at once, the listener's once who is half through is answered; what is on its way to Telegram is
         app.py's to wait for
"""

from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from bot.access import Role
from bot.chat.courier import Courier
from bot.config import Settings
from bot.deliver import Deliverer
from bot.errors import StoreFailed
from bot.model import Fleet, Record
from bot.pages.alerting.watched import zone_of
from bot.ports import Audit, Changes, Clock, Kept, Ledger, Watched
from bot.pve.config import ClusterConfig
from bot.rules import RULES
from bot.rules.limits import Book
from bot.spawn import Spawn
from bot.store import Store
from bot.text import Reader, Said, lines, say
from bot.watch import Sight, Watch
from bot.watch.feeder import Feeder

HOUR = 3600.0
CLOSE = 1.2
"""Seconds for polls and readings to end; those at a host that hangs are cut off."""


class Alerts:
    """`spawn` is for what is worth waiting for at a stop: messages under way."""

    def __init__(
        self,
        settings: Settings,
        clusters: Mapping[str, Watched],
        store: Store,
        courier: Courier,
        clock: Clock,
        spawn: Spawn,
        *,
        ceiling: Callable[[int], Role | None],
        tell: Callable[[Said], Coroutine[Any, Any, None]],
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._loops = Spawn()
        self._looks = Spawn(quiet=True)  # polls and readings: they end by themselves
        scale = settings.alerts.time_scale

        def acts() -> bool:
            return not store.frozen and any(pve.token(Role.OPERATOR) is not None for pve in clusters.values())

        def trouble(said: Said) -> None:
            spawn(tell(said), "trouble of the store")

        ledger = _Loud(store, clock, trouble)
        self.deliverer = Deliverer(
            ledger,
            courier,
            clock,
            spawn,
            ceiling=ceiling,
            routes=settings.alert_chats,
            acts=acts,
            tell=tell,
            fleet=lambda: Fleet(snapshots=tuple(filter(None, (pve.latest() for pve in clusters.values())))),
            scale=scale,
        )

        def feeder(pve: Watched, facts: Mapping[str, str]) -> Feeder:
            return Feeder(
                pve,
                clock,
                self._looks,
                scale=scale,
                facts=facts,
                daily_hour=settings.disks_hour,
                zone=None,  # the machine's
                unread=frozenset(settings.disks_off),
            )

        url = settings.heartbeat_url
        self._heart = None
        if url is not None:
            from bot.web.heartbeat import Heartbeat

            self._heart = Heartbeat(url.get_secret_value(), clock)
        self._restarts: list[int] = []
        self.watch = Watch(
            clusters,
            ledger,
            self.deliverer,
            clock,
            self._looks,
            Sight(
                rules=RULES,
                book=Book(RULES, settings.alerts.changed, settings.alerts.overrides, scale),
                sleeping=frozenset(settings.may_sleep),
                hosts={config.key: [host.name for host in config.hosts] for config in settings.clusters},
                fingerprints={config.key: _pins(config) for config in settings.clusters},
                orders=store.audit,
                deaf=lambda: courier.deaf,
                met=lambda: courier.met,
            ),
            poll=settings.alerts.poll_seconds,
            scale=scale,
            feeder=feeder,
            on_cycle=self._beat,
            often=self._restarts.append,
        )
        self.listener = None
        if settings.listener is not None:
            from bot.web.listener import Listener

            host, port = settings.listener
            secret = settings.notify_secret
            self.listener = Listener(
                host,
                port,
                clock,
                vitals=self.watch.vitals,
                on_push=self.watch.push,
                secret=secret.get_secret_value() if secret is not None else None,
            )
        store.noted = self._note
        self._spawn, self._tell = spawn, tell

    async def start(self) -> None:
        """Raises: StoreFailed · PortTaken."""
        await self.watch.start()
        if self.listener is not None:
            await self.listener.start()

    async def forsake(self) -> None:
        """Once the roles are known, of moved groups too: who has none is told nothing."""
        await self.deliverer.forsake()

    def run(self) -> None:
        for starts in self._restarts:
            self._spawn(self._tell(_restless(starts)), "note of restarts")
        self.watch.run()
        self._loops(self.deliverer.run(), "delivery")
        if self.listener is not None:
            self._loops(self.listener.run(), "listener")

    def reader(self, chat: int) -> Reader:
        """Language and zone of a chat."""
        return Reader(zone=zone_of(self.watch.habits(chat).zone))

    async def close(self, *, clean: bool = True) -> None:
        """`clean`: somebody wants it to stop."""
        if self.listener is not None:
            self.listener.stop()
        self.watch.rest()
        if clean:
            with suppress(StoreFailed):
                await self.watch.leave()
        await self._looks.close(CLOSE)
        if self.listener is not None:
            await self.listener.close()
        await self._loops.close(0)
        if self._heart is not None:
            await self._heart.close()

    def _beat(self) -> None:
        """Where nobody can be told, whoever keeps the switch is to tell."""
        if self._heart is None:
            return
        from bot.web.health import mute

        if not mute(self.watch.vitals()):
            self._loops(self._heart.beat(), "heartbeat")

    def _note(self, audit: Audit) -> None:
        """An order was written down, or its end: chats that want the audit hear of it."""
        self._loops(self.deliverer.audited(audit), "a note of the audit")


def _restless(starts: int) -> Said:
    return say(
        "⚠️ Telemox has started {n} times within a quarter of an hour without a clean stop before: it fails, or is "
        "killed, again and again. Its log says why.",
        n=starts,
    )


def _pins(config: ClusterConfig) -> Mapping[str, str]:
    """Host -> the SHA-256 it is pinned to."""
    found: Iterable[tuple[str, str]] = (
        (host.name, pin.fingerprint) for host in config.hosts for pin in config.fingerprints if pin.is_for(host)
    )
    return dict(found)


class _Loud:
    """The store of alerts, whose failure the admins hear of, once in an hour at most."""

    def __init__(self, ledger: Ledger, clock: Clock, tell: Callable[[Said], object]) -> None:
        self._ledger = ledger
        self._clock = clock
        self._tell = tell
        self._told: float | None = None  # monotonic

    async def alerts(self) -> Kept:
        return await self._ledger.alerts()

    async def save(self, changes: Changes) -> None:
        try:
            await self._ledger.save(changes)
        except StoreFailed as error:
            now = self._clock.monotonic()
            if self._told is None or now - self._told >= HOUR:
                self._told = now
                words = say(
                    "Alerts cannot be written down. They are told all the same; after a restart some may be told twice "
                    "or be forgotten. Is the disk full?"
                )
                self._tell(lines(error.said(), words))
            raise

    async def history(self, limit: int = 50, since: datetime | None = None) -> Sequence[Record]:
        return await self._ledger.history(limit, since)
