"""One action as a stream of screens in the message where it was tapped.

    Ask ─▶ claim? ─▶ check ─▶ question ─▶ Do: the nonce is taken ─▶ claim ─▶ check ─▶ spawn(run) ─▶ … run.py
            │                    └─▶ Cancel ─▶ the guest's card
            └── an action without a question starts right here

    pending.py   questions that wait for their Yes
    check.py     may this be done, now?
    locks.py     what holds a guest, and what has to wait for it
    aim.py       where a backup goes
    run.py       the write, once, and its story to the end
    follow.py    a task found, followed, and what it was for verified
    sheet.py     the message that a run writes into
    words.py     every screen of it

The door asks `refusal()` first, at once and without I/O, for a toast; what only a look at Proxmox VE can tell is a line
in the asker's own message. A guest is claimed synchronously before its check, so that of two taps one finds it busy,
and released when the run has seen its end. At the start `resume()` takes up what a killed process left behind.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import assert_never

from bot.access import Asker, Roles
from bot.actions import BY_KEY, Action
from bot.errors import Busy, Stale, TelemoxError
from bot.model import guest_id
from bot.pages import card
from bot.pages.page import Enquiry
from bot.ports import Audit, Env
from bot.runner import leftovers, words
from bot.runner.check import Fit, Unfit, check, known, missing, standing
from bot.runner.pending import Questions, same
from bot.runner.run import OLDEST, Run, too_old
from bot.screen import Ask, Button, Cancel, Do, Message, Open, Screen
from bot.text import Said, say

_CLOSED = "That question is no longer open. This tap did nothing."
_EXPIRED = "That question is older than 60 s. Nothing was done; ask again."
_ELSEWHERE = "Backups of {name} are set up to go elsewhere by now. Nothing was done; ask again."
_OLD = "This button is too old: what it did is not known any more."


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Claim:
    """One guest, taken by one run."""

    action: Action
    who: str
    message: Message | None


class Runner:
    def __init__(self, env: Env, roles: Callable[[], Roles]) -> None:
        """`roles`: as they are now."""
        self._env = env
        self._roles = roles
        self._questions = Questions(env.clock)
        self._claims: dict[tuple[str, int] | None, Claim] = {}  # by cluster and vmid
        self._left: Sequence[Audit] | None = None
        self._reading = asyncio.Lock()

    def refusal(self, tap: Ask | Do | Cancel, asker: Asker, message: Message) -> Said | None:
        """At the door, without I/O: why not, as a toast; None where nothing speaks against it so far."""
        match tap:
            case Ask(action=key, target=target):
                action = BY_KEY.get(key)
                if action is None:
                    return say(_OLD)
                return (
                    standing(self._env, asker, action) or missing(self._env, asker, target) or self._busy(asker, target)
                )
            case Do(nonce=nonce):
                pending = self._questions.find(nonce, message)
                if pending is None:
                    return say(_CLOSED)
                if pending.asker != asker.id:
                    return say("Only the one who asked may answer this.")
                if self._questions.expired(pending):
                    return say(_EXPIRED)
                return (
                    standing(self._env, asker, BY_KEY[pending.action])
                    or missing(self._env, asker, pending.target)
                    or self._busy(asker, pending.target)
                )
            case Cancel(nonce=nonce):
                pending = self._questions.find(nonce, message)
                if pending is None:
                    return say(_CLOSED)
                return say("Only the one who asked may answer this.") if pending.asker != asker.id else None
        assert_never(tap)

    def revoke(self, message: Message) -> None:
        """`message` is about to show something else: the question in it is closed."""
        self._questions.revoke(message)

    async def on_tap(self, tap: Ask | Do | Cancel, ask: Enquiry, message: Message, *, arrived: float) -> None:
        """`arrived`: monotonic seconds, when the tap came in. Whatever goes wrong is said in `message`."""
        match tap:
            case Ask(action=key, target=target):
                action = BY_KEY.get(key)
                if action is None:
                    await self._refuse(ask, message, Unfit(error=Stale(say(_OLD)), guest=None))
                elif (age := self._env.clock.monotonic() - arrived) > OLDEST:
                    await self._refuse(ask, message, self._unfit(ask, target, too_old(age)))
                elif action.question:
                    await self._question(action, target, ask, message)
                else:
                    await self._start(action, target, ask, message, arrived)
            case Do(nonce=nonce):
                # Taken before anything is awaited: of two taps one finds nothing, and its message is the other's.
                pending = self._questions.take(nonce, ask.asker.id, message)
                if pending is None:
                    return
                if (age := self._env.clock.monotonic() - arrived) > OLDEST:
                    await self._refuse(ask, message, self._unfit(ask, pending.target, too_old(age)))
                elif self._questions.expired(pending):
                    await self._refuse(ask, message, self._unfit(ask, pending.target, Stale(say(_EXPIRED))))
                else:
                    await self._start(BY_KEY[pending.action], pending.target, ask, message, arrived, pending.detail)
            case Cancel(nonce=nonce):
                pending = self._questions.take(nonce, ask.asker.id, message)
                if pending is not None:
                    await self._card(ask, message, pending.target)
            case _:
                assert_never(tap)

    async def resume(self) -> None:
        """At start: every order that was asked and not ended is followed to its end and told. Nothing is repeated."""
        for audit in await self._leftovers():
            action = BY_KEY.get(audit.action)
            release = self._claim(audit.target, action, audit.name, audit.message) if action else lambda: None
            self._env.spawn(
                leftovers.take_up(self._env, audit, self._roles(), release, self.revoke),
                f"left behind: {audit.action} {audit.target}",
            )

    # -- the steps -------------------------------------------------------------------------------------------------

    async def _question(self, action: Action, target: str, ask: Enquiry, message: Message) -> None:
        busy = self._busy(ask.asker, target)
        if busy:
            await self._refuse(ask, message, self._unfit(ask, target, Busy(busy)))
            return
        with self._patience(ask, target, message):
            found = await check(ask, action, target)
        if isinstance(found, Unfit):
            await self._refuse(ask, message, found)
            return
        pending = self._questions.issue(ask.asker.id, action.key, target, str(found.aim or ""))
        # Bound before it is sent: a Yes may be back here before Telegram's answer to the edit is.
        self._questions.bind(pending.nonce, message)
        latest = found.pve.latest()
        quorate = latest.quorate if latest is not None else None
        shown = await self._env.messenger.edit(
            message, words.question(action, found.guest, pending.nonce, quorate, found.aim)
        )
        if shown is None:
            self._questions.drop(pending.nonce)
        elif not same(shown, message):
            self._questions.move(pending.nonce, shown)

    async def _start(
        self, action: Action, target: str, ask: Enquiry, message: Message, arrived: float, detail: str = ""
    ) -> None:
        holder = self._claims.get(guest_id(target))
        if holder is not None:
            # Tapped twice: the message is the running one's already, and shows how it goes.
            if holder.message is None or not same(holder.message, message):
                await self._refuse(
                    ask, message, self._unfit(ask, target, Busy(self._under_way(ask.asker, holder, target)))
                )
            return
        release = self._claim(target, action, ask.asker.name, message)
        spawned = False
        try:
            try:
                await self._leftovers()  # an order written now must not be taken for one that was left behind
                with self._patience(ask, target, message):
                    fit = await check(ask, action, target)
            except TelemoxError as error:
                fit = self._unfit(ask, target, error)
            if isinstance(fit, Fit) and str(fit.aim or "") != detail:
                fit = Unfit(error=Stale(say(_ELSEWHERE, name=fit.guest.name)), guest=fit.guest)
            if isinstance(fit, Unfit):
                release()
                await self._refuse(ask, message, fit)
                return
            self.revoke(message)
            began = self._env.clock.monotonic()
            run = Run(
                ask=ask, action=action, fit=fit, message=message, release=release, revoke=self.revoke, began=began
            )
            self._env.spawn(_to_the_end(run, arrived, release), f"{action.key} {target} for {ask.asker.id}")
            spawned = True
        finally:
            if not spawned:
                release()

    @contextmanager
    def _patience(self, ask: Enquiry, target: str, message: Message) -> Iterator[None]:
        """A look that takes longer than that is said in `message`: nobody shall tap again for want of an answer."""
        over = False

        async def say_so() -> None:
            if not over:
                guest = known(self._env, ask.asker, target)
                self.revoke(message)
                await self._env.messenger.edit(message, words.looking(guest.name if guest else target), progress=True)

        later = asyncio.get_running_loop().call_later(
            self._env.patience, lambda: self._env.spawn(say_so(), "a word of patience")
        )
        try:
            yield
        finally:
            over = True
            later.cancel()

    async def _card(self, ask: Enquiry, message: Message, target: str) -> None:
        """Back to the guest's card."""
        guest = known(self._env, ask.asker, target)
        snapshot = self._env.clusters[guest.cluster].latest() if guest else None
        if guest is None or snapshot is None:
            rows = ((Button(say("‹ Guests"), Open("vms")),),)
            await self._edit(message, Screen(text=say("Nothing was done."), rows=rows))
            return
        try:
            shown = await card.read(ask, guest, snapshot, fetched=False)
        except TelemoxError as error:
            await self._refuse(ask, message, Unfit(error=error, guest=guest))
            return
        await self._edit(message, card.draw(shown))

    async def _refuse(self, ask: Enquiry, message: Message, unfit: Unfit) -> None:
        """A line in the asker's own message, with the guest's buttons where its state is known."""
        offered: tuple[Action, ...] = ()
        web = ""
        if unfit.guest is not None:
            web = self._env.clusters[unfit.guest.cluster].web
            if unfit.guest.live:
                try:
                    offered = await ask.offers(unfit.guest)
                except TelemoxError:
                    offered = ()
        await self._edit(message, words.refused(unfit, offered, web))

    async def _edit(self, message: Message, screen: Screen) -> Message | None:
        self.revoke(message)
        return await self._env.messenger.edit(message, screen)

    # -- claims and leftovers --------------------------------------------------------------------------------------

    def _claim(self, target: str, action: Action, who: str, message: Message | None) -> Callable[[], None]:
        """Takes the guest, where it is free; gives what frees it again, as often as it is called."""
        guest = guest_id(target)
        claim = Claim(action=action, who=who, message=message)
        self._claims.setdefault(guest, claim)

        def release() -> None:
            if self._claims.get(guest) is claim:
                del self._claims[guest]

        return release

    def _busy(self, asker: Asker, target: str) -> Said | None:
        claim = self._claims.get(guest_id(target))
        return None if claim is None else self._under_way(asker, claim, target)

    def _under_way(self, asker: Asker, claim: Claim, target: str) -> Said:
        guest = known(self._env, asker, target)
        doing = say(claim.action.doing, name=guest.name if guest else target)
        return say("{doing}: under way already, ordered by {who}. Wait for its end.", doing=doing, who=claim.who)

    def _unfit(self, ask: Enquiry, target: str, error: TelemoxError) -> Unfit:
        return Unfit(error=error, guest=known(self._env, ask.asker, target))

    async def _leftovers(self) -> Sequence[Audit]:
        """Read once, before the first order of this process is written.

        Raises: StoreFailed.
        """
        async with self._reading:
            if self._left is None:
                self._left = await self._env.store.unfinished()
            return self._left


async def _to_the_end(run: Run, arrived: float, release: Callable[[], None]) -> None:
    try:
        await run.act(arrived)
    finally:
        release()
