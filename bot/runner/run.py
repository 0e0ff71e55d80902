"""One order, from its audit line to its last word.

    audit "asked" ─▶ the write, once ─▶ UPID, stored ─▶ followed ─▶ verified ─▶ told ─▶ audit "ended"
                        │
                        ├─▶ nothing was sent, or refused ───────────────────────▶ told
                        └─▶ no answer ─▶ looked for in the task list ─▶ followed, or told as not known

"ended" comes after the telling: killed between the two, the bot tells it once more at the next start; the other way
round nobody might ever hear of it. For the same reason what could not be told stays open, where a look at Proxmox VE
can find it again.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from bot.actions import Action
from bot.errors import (
    Denied,
    PveError,
    PveForbidden,
    PveNodeDown,
    PveRefused,
    PveUnauthorized,
    PveUnreachable,
    Stale,
    StoreFailed,
    TelemoxError,
)
from bot.model import Upid
from bot.pages.page import Enquiry
from bot.runner import words
from bot.runner.check import Fit
from bot.runner.follow import Watch
from bot.runner.sheet import Sheet
from bot.runner.words import End, Ending
from bot.screen import Message
from bot.text import say, span

log = logging.getLogger(__name__)

OLDEST = 120.0
"""Seconds that a tap may have waited: an older one never acts."""
SOUNDS = 30.0
"""Seconds after which the end of a run is a new message as well; not where the card of an alert that it mends turns
green before the asker's eyes."""
PATIENCE = 30.0
"""Seconds in which a node that gave no answer to a write is asked for its task list."""

KEPT = timedelta(days=7)
"""How long an end that cannot be told (a chat that is gone) is tried at every start."""

NOT_DONE = (PveUnreachable, PveNodeDown, PveForbidden, PveUnauthorized, PveRefused)
"""What says of a write that it did not happen. Anything else leaves it open."""


def too_old(age: float) -> Stale:
    return Stale(say("That tap waited {span} on its way here. Nothing was done; tap again.", span=span(age)))


class Run:
    """`act()` for a new order, `resume()` for one that a killed process left behind. `release` frees the guest."""

    def __init__(
        self,
        *,
        ask: Enquiry,
        action: Action,
        fit: Fit,
        message: Message | None,
        release: Callable[[], None],
        revoke: Callable[[Message], None],
        began: float,
    ) -> None:
        self._ask = ask
        self._env = ask.env
        self._action = action
        self._fit = fit
        self._release = release
        self._watch = Watch(
            env=ask.env,
            pve=fit.pve,
            action=action,
            guest=fit.guest,
            token=fit.token,
            sheet=Sheet(ask.env, ask.place, message, revoke),
            began=began,
            until=max(began + action.timeout, ask.env.clock.monotonic() + 60),
        )
        self._message = message
        self._order: int | None = None  # the audit's asked line

    async def act(self, arrived: float) -> None:
        """`arrived`: when the tap came, monotonic."""
        asked, mends = self._env.clock.now(), self._mends()
        ending = await self._write(arrived)
        self._release()
        await self._tell(ending, self._watch.seconds, asked, mends)

    async def resume(
        self, order: int, asked: datetime, upid: Upid | None, nodes: Sequence[str], patience: float
    ) -> None:
        """Nothing is written to Proxmox VE: what was begun is followed, or said to be unknown."""
        self._order, mends = order, self._mends()
        if upid is None:
            upid = await self._watch.find(order, asked, nodes, patience)
        ending = _unknown() if upid is None else await self._watch.follow(upid)
        self._release()
        await self._tell(ending, None, asked, mends)

    def _mends(self) -> bool:
        watch, action, target = self._env.watch, self._action.key, self._fit.guest.target
        return watch is not None and watch.mends(self._ask.place.chat, action, target)

    async def _write(self, arrived: float) -> Ending:
        fit, action, clock = self._fit, self._action, self._env.clock
        try:
            self._order = await self._env.store.asked(
                self._ask.asker, self._message, action.key, fit.guest.target, fit.token
            )
        except StoreFailed as error:
            return self._refused(error)
        try:
            self._still(arrived)
        except (Denied, Stale) as error:
            return self._refused(error)
        asked = clock.now()
        # Beside each other: the person sees at once that it began, and Telegram delays no write.
        sent, _ = await asyncio.gather(self._send(self._order, arrived), self._watch.progress())
        match sent:
            case Upid():
                return await self._watch.follow(sent)
            case None:
                return await self._watch.verify(None, None)
            case Denied() | Stale() | PveForbidden() | PveUnauthorized() | PveUnreachable():
                return self._refused(sent)
            case PveError() if isinstance(sent, NOT_DONE):
                return Ending(
                    end=End.FAILED,
                    outcome=f"failed: {sent}",
                    details=(words.trouble(sent),),
                    guest=await self._watch.now(),
                )
            case _:
                log.warning("%s %s: no answer: %s", action.key, fit.guest.target, sent)
                await self._watch.progress(note=say("No answer; looking for the task at {node}.", node=fit.guest.node))
                upid = await self._watch.find(self._order, asked, [fit.guest.node], PATIENCE)
                return _unknown() if upid is None else await self._watch.follow(upid)

    async def _send(self, order: int, arrived: float) -> Upid | TelemoxError | None:
        """The only place that writes. What went wrong is given, not raised: it must not end the edit beside it."""
        fit, action = self._fit, self._action
        try:
            upid = await fit.pve.write(
                action.role,
                action.method,
                action.url(fit.guest),
                {**action.body(fit.guest), **fit.params},
                still=lambda: self._still(arrived),
            )
        except TelemoxError as error:
            return error
        if upid is not None:
            try:
                await self._env.store.started(order, str(upid))
            except TelemoxError as error:
                log.error("%s: not written down: %s", upid, error)  # the task runs: it is followed all the same
        return upid

    def _still(self, arrived: float) -> None:
        """Raises: Denied when it was frozen meanwhile; Stale when the tap has grown too old."""
        if self._env.store.frozen:
            raise Denied(say("All changes are frozen. An admin can end that with /thaw."))
        if (age := self._env.clock.monotonic() - arrived) > OLDEST:
            raise too_old(age)

    def _refused(self, error: TelemoxError) -> Ending:
        return Ending(
            end=End.REFUSED,
            outcome=f"refused: {error}",
            details=(error.said(),),
            guest=self._fit.guest,
            mend=error.mend(),
        )

    async def _tell(self, ending: Ending, seconds: float | None, asked: datetime, mends: bool) -> None:
        """`seconds` None: how long it took is not known, since the bot was away. `mends`: an alert of that chat."""
        sheet, guest = self._watch.sheet, self._fit.guest
        offered: tuple[Action, ...] = ()
        if ending.guest is not None and ending.guest.live:
            try:
                offered = await self._ask.offers(ending.guest)
            except TelemoxError as error:
                log.info("no buttons for %s: %s", guest.target, error)
        told, fresh = await sheet.last(words.final(self._action, guest, ending, seconds, offered, self._fit.pve.web))
        green = mends and ending.end in {End.DONE, End.WARNED}
        if told and not fresh and not green and (seconds is None or seconds > SOUNDS):
            await sheet.news(words.news(self._action, guest, ending, seconds))
        if not told:
            log.error("%s %s: its end could not be told: %s", self._action.key, guest.target, ending.outcome)
            # what was never begun leaves nothing to be found: the next start could only say that nobody knows
            found_again = ending.upid is not None or ending.end is End.UNKNOWN
            if found_again and young(self._env.clock.now(), asked):
                return
        if self._order is not None:
            await self._env.store.ended(self._order, ending.outcome)


def young(now: datetime, asked: datetime) -> bool:
    """May the next start still try to tell of an order?"""
    return now - asked < KEPT


def _unknown() -> Ending:
    return Ending(end=End.UNKNOWN, outcome="no answer: it may or may not have started")
