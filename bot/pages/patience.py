"""A look that takes its time is said, so that nobody asks again for want of an answer.

word = Patience(env, say_so)              after env.patience seconds say_so() runs, once
screen = …                                what was waited for
message = await word.over()               the message that holds the word, and shall hold the screen; else None
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from bot.model import Guest, Snapshot, Status, guest_id
from bot.pages.page import Enquiry
from bot.pages.parts import age, word
from bot.ports import Env
from bot.screen import Message, Screen
from bot.text import Said, bold, cut, lines, say, say_n

NAME = 18
"""Columns of a name here."""


class Patience:
    def __init__(self, env: Env, say_so: Callable[[], Coroutine[Any, Any, Message | None]]) -> None:
        """`say_so`: says it, and gives the message where it stands; None where it could not be said."""
        self._env = env
        self._say_so = say_so
        self._said: asyncio.Task[Message | None] | None = None
        self._later = asyncio.get_running_loop().call_later(env.patience, self._begin)

    async def over(self) -> Message | None:
        """What is shown next comes after the word, if there was one: nothing of it is on its way any more."""
        self._later.cancel()
        return await self._said if self._said is not None else None

    def _begin(self) -> None:
        self._said = self._env.spawn(self._say_so(), "a word of patience")


def waiting(ask: Enquiry, arg: str) -> Screen:
    """Who is waited for, and what was last seen of what `arg` names, or of the whole. Makes no call."""
    named = guest_id(arg)
    guest = ask.guest(*named) if named is not None else None
    least = ask.env.patience / 2  # it was perhaps not asked at once
    slow = [
        key for key, pve in ask.clusters.items() if pve.waiting >= least and (guest is None or key == guest.cluster)
    ]
    if not slow:
        return Screen(text=say("⏳ One moment…"))
    if len(slow) > 1:
        return Screen(text=say("⏳ {n} clusters take their time…", n=len(slow)))
    (key,) = slow
    if (seen := ask.last(key)) is None:
        return Screen(text=say("⏳ The cluster takes its time…"))
    name = bold(cut(seen.name, NAME))
    return Screen(
        text=lines(say("⏳ {name} takes its time…", name=name), *_seen(seen, guest), age(seen.taken, ask.now))
    )


def _seen(snapshot: Snapshot, guest: Guest | None) -> list[Said]:
    if guest is not None:
        return [say("Last seen: {name} {word}", name=cut(guest.name, NAME), word=word(guest))]
    total, nodes = sum(snapshot.counts.values()), snapshot.nodes
    up = sum(1 for node in nodes if node.online)
    parts: list[Said] = [say("Last seen: {up}/{all} nodes up", up=up, all=len(nodes))] if nodes else []
    if total:
        running = snapshot.counts[Status.RUNNING]
        parts.append(
            say_n(total, one="{running} of {n} guest ran", many="{running} of {n} guests ran", running=running)
        )
    return parts
