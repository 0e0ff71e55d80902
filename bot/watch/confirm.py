"""What is looked up before an alert fires, as its rule's `Confirm` says: all at once, in bounded time.

What could not be looked up does not fire at this poll. After TRIES polls it fires as it is: a node that does not answer
about its tasks must not keep an alert back for good.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from bot.access import Role
from bot.errors import PveError
from bot.model import Task
from bot.model.feeds import STORAGES, Feeds, Reading
from bot.model.readings import StorageState
from bot.model.view import View
from bot.ports import Watched
from bot.rules import Confirm
from bot.rules.node.boots import polled
from bot.rules.sight import storage_of
from bot.watch.evaluate import Found

TRIES = 3
BACK = timedelta(minutes=30)
"""Tasks are looked at from so long before the last poll on: what ended a guest began before it was seen to have ended,
and the bot may have been away since."""
SINGLE = 3
"""So many guests of one node are asked for one by one; more of them, all at once."""
MANY = 500  # tasks of a node
SLOW = 10.0  # s, of GET /nodes/{node}/storage: a dead NFS makes it hang


class Doubter:
    """Looks up, and counts what could not be."""

    def __init__(self, pve: Watched) -> None:
        self._pve = pve
        self._tries: dict[str, int] = {}  # alert key -> polls at which it could not be looked up

    async def confirm(self, doubts: Sequence[Found], view: View, patience: float) -> tuple[View, frozenset[str]]:
        """`view` with what was brought, and the keys of what may not fire yet."""
        by = {kind: [one for one in doubts if one.rule.confirm is kind] for kind in Confirm}
        guests, storages = by[Confirm.GUEST_TASKS], by[Confirm.STORAGE]
        opinion, states, tasks = await asyncio.gather(
            self._opinion(patience) if by[Confirm.QUORUM] else _none(),
            self._storages({_node_of(one, view) for one in storages} - {""}, min(patience, SLOW), view),
            self._tasks([one for one in guests if one.finding.subject.id.isdigit()], view, patience),
        )
        found, looked_up = tasks
        if by[Confirm.QUORUM]:
            view = replace(view, second_opinion=opinion)
        if states:
            view = replace(view, feeds=Feeds(readings={**view.feeds.readings, **states}))
        if looked_up:
            known = {task.upid: task for task in view.tasks or ()}
            known |= {task.upid: task for task in found}
            newest = sorted(known.values(), key=lambda task: task.upid.start, reverse=True)
            view = replace(view, tasks=tuple(newest), looked_up=frozenset(looked_up))
        missing = {
            one.finding.key
            for one in guests
            if view.tasks is not None and one.finding.subject.id not in {str(vmid) for vmid in looked_up}
        }
        self._tries = {key: self._tries.get(key, 0) + 1 for key in missing}
        return view, frozenset(key for key in missing if self._tries[key] < TRIES)

    async def _opinion(self, patience: float) -> bool | None:
        try:
            async with asyncio.timeout(patience):
                return await self._pve.quorate_elsewhere()
        except (PveError, TimeoutError):
            return None

    async def _storages(
        self, nodes: Iterable[str], patience: float, view: View
    ) -> dict[tuple[str, str], Reading[tuple[StorageState, ...]]]:
        async def one(node: str) -> Reading[tuple[StorageState, ...]]:
            before = view.feeds.get(STORAGES, node)
            try:
                async with asyncio.timeout(patience):
                    value = await self._pve.feed(STORAGES, node)
            except (PveError, TimeoutError) as error:
                trouble = error.said() if isinstance(error, PveError) else None
                old = before or Reading(value=None, at=None, fresh=False)
                return replace(old, fresh=False, fails=old.fails + 1, trouble=trouble)
            return Reading(value=value, at=view.at, fresh=True)

        asked = sorted(nodes)
        readings = await asyncio.gather(*(one(node) for node in asked))
        return {(STORAGES.key, node): reading for node, reading in zip(asked, readings, strict=True)}

    async def _tasks(self, doubts: Sequence[Found], view: View, patience: float) -> tuple[list[Task], set[int]]:
        """The tasks found, and the guests that were looked up."""
        if view.tasks is None:  # the token may not see them: asking again shows no more
            return [], set()
        by_node: dict[str, set[int]] = {}
        for one in doubts:
            by_node.setdefault(one.finding.subject.node, set()).add(int(one.finding.subject.id))
        asks: list[tuple[str, int | None, set[int]]] = []
        for node, vmids in by_node.items():
            if node and len(vmids) > SINGLE:
                asks.append((node, None, vmids))
            elif node:
                asks += [(node, vmid, {vmid}) for vmid in sorted(vmids)]

        async def ask(node: str, vmid: int | None) -> tuple[Task, ...] | None:
            limit = 50 if vmid is not None else MANY
            since = min(view.at, polled(view) or view.at) - BACK
            try:
                async with asyncio.timeout(patience):
                    return await self._pve.node_tasks(node, role=Role.VIEWER, vmid=vmid, since=since, limit=limit)
            except (PveError, TimeoutError):
                return None

        answers = await asyncio.gather(*(ask(node, vmid) for node, vmid, _ in asks))
        found: list[Task] = []
        looked_up: set[int] = set()
        for (_, _, vmids), answer in zip(asks, answers, strict=True):
            if answer is not None:
                found += answer
                looked_up |= vmids
        return found, looked_up


def _node_of(one: Found, view: View) -> str:
    """The node whose row of the storage was found: a shared one is about no node."""
    storage = storage_of(view.snapshot, one.finding.subject.id) if view.snapshot is not None else None
    return storage.node if storage is not None else one.finding.subject.node


async def _none() -> None:
    return None
