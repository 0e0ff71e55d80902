"""What is carried from one poll to the next, over a restart too: pure, from a view to the next Memory.

What was not seen keeps what it was; what did not change keeps its very object, so that only what changed is written
down. A subject that is missing from a whole list is remembered for GONE more seconds: a list may be short for a moment.

Times of nodes and guests count from when they began, which hardly moves from poll to poll: a node's is kept until its
uptime falls; a guest's is its node's beginning plus the difference of both uptimes, which were written down together.
Neither a clock of the bot that jumps nor a list that lags changes them.

    Memory.figures   polled                 epoch s of the last poll that could read the cluster
                     begun                  … of the first one ever: what was before is no news
                     ordered/pve1           … at which a shutdown of that node was last ordered
                     ordering/pve1          … at which that was last seen to be under way
                     offline/pve1           … at which it went offline; until half an hour after its return
                     away/pve1              … at which it was last seen offline; so long too
                     maintained/pve1        … at which it was last seen offline under maintenance; until its return
                     ha_maintenance/pve1    … at which HA was last heard to have it under maintenance (± RENEWED)
                     settled/pve1           … at which its guests had come up again
                     fence/pve1             … at which HA was last seen to fence it
                     zfs_errors/pve1/rpool, zfs_rose/…   errors that pool counts; … since when as many
                     jobs, job/<id>         1 once backup jobs were read; … since when that one is there
                     leads/pve1/local       … since when a place is told by that of its names
                     swap/pve1, swap_at/…   bytes of swap used, and when that was
                     swap_grew/pve1         … at which it was last seen to have grown from there
                     pool/pve1/rpool        … at which that ZFS pool was last seen
                     gone/guest/101, gone/node/pve1   … at which it was first missing
"""

from collections.abc import Generator, Mapping
from dataclasses import replace
from datetime import timedelta

from bot.model import Node, Snapshot
from bot.model.feeds import BACKUPS, HA, NODE_STATUS, ZFS, ZPOOLS
from bot.model.view import Memory, NodeWas, StorageWas, View
from bot.rules.backup.coverage import JOB, JOBS_KNOWN
from bot.rules.node.boots import rebooted
from bot.rules.node.fences import PLAIN, fenced
from bot.rules.node.figures import GREW, swap_grows
from bot.rules.node.homecoming import homecoming
from bot.rules.node.orders import of_node
from bot.rules.sight import lately, seen, whole
from bot.rules.storage.places import FILLING, LEADS, leads, places
from bot.rules.storage.zpools import ERRORS, ROSE, counted, rose
from bot.watch.recollect import forgotten_of, guests_of, merged
from bot.watch.steps import at_once

HOUR, WEEK = 3600.0, 7 * 86400.0
KEPT = 1800.0
"""Seconds after a node's return for which it is remembered that it was away."""
RENEWED = 600.0
"""Seconds after which a time is written down anew that matters for hours."""
POOL_GONE = WEEK


def remember(view: View) -> Memory:
    """All of it at once; see `remembering`."""
    return at_once(remembering(view))


def remembering(view: View) -> Generator[None, None, Memory]:
    """The memory for the next poll, step by step. Of a view that could not be read: the one it has."""
    snapshot = seen(view)
    if snapshot is None:
        return view.before
    figures = dict(view.before.figures)
    nodes = _nodes(view, snapshot, figures)
    guests = yield from guests_of(view, snapshot, nodes, figures)
    yield
    _lately(view, snapshot, nodes, figures)
    _leads(view, snapshot, figures)
    _jobs(view, figures)
    if "polled" not in figures:
        figures["begun"] = view.at.timestamp()
    figures["polled"] = view.at.timestamp()
    return Memory(
        guests=guests,
        nodes=nodes,
        storages=_storages(view, snapshot),
        events=view.before.events,
        figures=figures if figures != view.before.figures else view.before.figures,
    )


# -- nodes ---------------------------------------------------------------------------------------------------------


def _nodes(view: View, snapshot: Snapshot, figures: dict[str, float]) -> Mapping[str, NodeWas]:
    before = view.before.nodes
    changed: dict[str, NodeWas] = {}
    for node in snapshot.nodes:
        was = before.get(node.name)
        now = _node(view, node, was, figures)
        if now is not was and now != was:
            changed[node.name] = now
    missing = [name for name in before if name not in snapshot.by_node]
    return merged(before, changed, forgotten_of("node", missing, view, snapshot, figures))


def _node(view: View, node: Node, was: NodeWas | None, figures: dict[str, float]) -> NodeWas:
    if was is None:
        booted = view.at.timestamp() - node.uptime if node.uptime is not None else None
        was = NodeWas(online=node.online, booted=booted, uptime=node.uptime, moved=view.at)
        return replace(was, pools=_pools(view, node.name, (), figures))
    if node.online is not None and node.online is not was.online:
        was = replace(was, online=node.online, changed=view.at)
    if node.online and node.uptime is not None:
        if was.booted is None or rebooted(view, was, node):
            was = replace(was, booted=view.at.timestamp() - node.uptime)
        if node.uptime != was.uptime or (was.moved is not None and was.moved > view.at):
            was = replace(was, uptime=node.uptime, moved=view.at)
    pools = _pools(view, node.name, was.pools, figures)
    return replace(was, pools=pools) if pools != was.pools else was


def _pools(view: View, node: str, known: tuple[str, ...], figures: dict[str, float]) -> tuple[str, ...]:
    """All that were there in the last week: one that is missing stays known, so that it is missed."""
    found = view.feeds.fresh(ZFS, node)
    if found is None:
        return known
    now = view.at.timestamp()
    here = [pool.name for pool in found]
    for name in here:
        at = figures.get(f"pool/{node}/{name}")
        if at is None or not 0 <= now - at < HOUR:
            figures[f"pool/{node}/{name}"] = now
    missed = [name for name in known if name not in here and now - figures.get(f"pool/{node}/{name}", now) < POOL_GONE]
    for name in set(known) - {*here, *missed}:
        figures.pop(f"pool/{node}/{name}", None)
    return tuple(sorted({*here, *missed}))


# -- figures and storages ------------------------------------------------------------------------------------------


def _lately(view: View, snapshot: Snapshot, nodes: Mapping[str, NodeWas], figures: dict[str, float]) -> None:
    """What explains, later, that a node went away, or how it came back."""
    now = view.at.timestamp()
    for node in snapshot.nodes:
        name = node.name
        was, after = view.before.nodes.get(name), nodes.get(name)
        cause = of_node(view, name, view.at, timedelta(seconds=KEPT))
        at = cause.at.timestamp() if cause is not None and cause.ordered and cause.at is not None else None
        known = figures.get(f"ordered/{name}")
        if at is not None and (known is None or (node.online and abs(at - known) >= 60)):
            figures[f"ordered/{name}"] = at
        if at is not None and node.online and cause is not None and cause.until is not None:
            figures[f"ordering/{name}"] = cause.until.timestamp()
        if fenced(view, node) is not None:
            figures[f"fence/{name}"] = now
        if node.online is False:
            if was is None or was.online is not False:
                figures[f"offline/{name}"] = now
                figures.pop(f"settled/{name}", None)
            figures[f"away/{name}"] = now
            if name in view.maintenance:
                figures[f"maintained/{name}"] = now
        elif node.online and f"offline/{name}" in figures:
            figures.pop(f"maintained/{name}", None)
            back = after.changed if after is not None and after.changed is not None else view.at
            if (view.at - back).total_seconds() >= KEPT or back > view.at:
                for key in ("offline", "away", "settled", "ordered", "ordering"):
                    figures.pop(f"{key}/{name}", None)
            else:
                home = homecoming(view, snapshot, node)
                if home is not None and home.settled:
                    figures.setdefault(f"settled/{name}", now)
        elif node.online and known is not None and now - known > KEPT and at is None:
            figures.pop(f"ordered/{name}", None)
            figures.pop(f"ordering/{name}", None)
        _swap(view, name, now, figures)
        _errors(view, name, figures)
        _kept_by_ha(view, name, now, figures)


def _kept_by_ha(view: View, node: str, now: float, figures: dict[str, float]) -> None:
    ha, key = view.feeds.fresh(HA), f"ha_maintenance/{node}"
    if ha is None:
        return
    state = ha.nodes.get(node)
    if state in PLAIN:
        figures.pop(key, None)
    elif state == "maintenance" and not 0 <= now - figures.get(key, 0.0) < RENEWED:
        figures[key] = now


def _swap(view: View, node: str, now: float, figures: dict[str, float]) -> None:
    status = view.feeds.fresh(NODE_STATUS, node)
    if status is None or status.swap is None:
        return
    if swap_grows(view, node, status.swap) and not lately(view, f"swap_grew/{node}", GREW / 12):
        figures[f"swap_grew/{node}"] = now
    elif not lately(view, f"swap_grew/{node}", GREW):
        figures.pop(f"swap_grew/{node}", None)
    at = figures.get(f"swap_at/{node}")
    if at is None or not 0 <= now - at < KEPT or status.swap < figures.get(f"swap/{node}", 0.0):
        figures[f"swap/{node}"], figures[f"swap_at/{node}"] = float(status.swap), now


def _leads(view: View, snapshot: Snapshot, figures: dict[str, float]) -> None:
    """By which name each place that fills up is told. A name that is not there for now keeps its place."""
    by_id = {storage.id: storage for storage in snapshot.storages}
    filling = [one for one in by_id.values() if one.available and one.used is not None and one.used >= FILLING]
    for storage, others in places(filling, leads(view)):
        figures.setdefault(f"{LEADS}{storage.id}", view.at.timestamp())
        for other in others:
            figures.pop(f"{LEADS}{other.id}", None)
    for id_ in leads(view):
        known = by_id.get(id_)
        emptied = known is not None and known.used is not None and known.used < FILLING
        if emptied or (known is None and whole(snapshot)):
            figures.pop(f"{LEADS}{id_}", None)


def _jobs(view: View, figures: dict[str, float]) -> None:
    """Since when each backup job that is enabled is there. Of those of the first reading nobody knows."""
    backups = view.feeds.fresh(BACKUPS)
    if backups is None:
        return
    first = JOBS_KNOWN not in figures
    figures[JOBS_KNOWN] = 1.0
    keys = {f"{JOB}{job.id}" for job in backups.jobs if job.enabled}
    for key in keys:
        figures.setdefault(key, 0.0 if first else view.at.timestamp())
    for key in [key for key in figures if key.startswith(JOB) and key not in keys]:
        del figures[key]


def _errors(view: View, node: str, figures: dict[str, float]) -> None:
    """How many errors each ZFS pool counts, and since when."""
    pools = view.feeds.fresh(ZPOOLS, node)
    if pools is None:
        return
    for pool in pools:
        figures[f"{ROSE}{node}/{pool.name}"] = rose(view, node, pool)
        figures[f"{ERRORS}{node}/{pool.name}"] = counted(pool)
    here = {pool.name for pool in pools if counted(pool)}
    for start in (f"{ERRORS}{node}/", f"{ROSE}{node}/"):
        for key in [key for key in figures if key.startswith(start) and key.removeprefix(start) not in here]:
            del figures[key]


def _storages(view: View, snapshot: Snapshot) -> Mapping[str, StorageWas]:
    """An hourly sample of the use of each, for a week."""
    before = view.before.storages
    now = view.at.timestamp()
    changed: dict[str, StorageWas] = {}
    for storage in snapshot.storages:
        if storage.available is not True or storage.disk is None or not storage.maxdisk:
            continue
        was = before.get(storage.id)
        samples = was.samples if was is not None else ()
        if samples and 0 <= now - samples[-1][0] < HOUR:
            continue
        kept = tuple(one for one in samples if 0 < now - one[0] <= WEEK)
        changed[storage.id] = StorageWas(samples=(*kept, (now, storage.disk)))
    old = [id_ for id_, was in before.items() if was.samples and now - was.samples[-1][0] > WEEK]
    return merged(before, changed, [id_ for id_ in old if id_ not in changed])
