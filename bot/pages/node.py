"""/node N: one node: its figures, its guests by state, its storages."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from bot.access import Asker, Role
from bot.errors import NotFound
from bot.model import Fleet, Gap, Guest, Node, Storage, Unseen
from bot.pages import listing, nodes
from bot.pages.alerting.watched import sleeping, standing
from bot.pages.listing import Listing
from bot.pages.page import Enquiry, Page
from bot.pages.parts import WORDS, age, gaps, name_button, pairs, refresh, web_button
from bot.pages.storage import bars
from bot.pages.wrong import away
from bot.screen import Button, Open, Screen
from bot.text import EMPTY, Said, Value, bar, bold, fold, lines, say, say_n, share, size_pair, span, table


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    node: Node
    guests: tuple[Guest, ...]
    storages: tuple[Storage, ...]
    templates: int  # there, besides the guests
    taken: datetime
    now: datetime
    web: str
    cluster: str  # the cluster's name where there are several, else ''
    unseen: tuple[Unseen, ...] = ()  # of its cluster
    off: Said | None = None  # that it is not there, and why
    sleeping: frozenset[str] = frozenset()  # what may be off


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Several nodes answer to what was typed."""

    nodes: tuple[Node, ...]


async def load(ask: Enquiry, arg: str) -> Data | Choice | Listing:
    if not arg.strip():
        return await listing.load(ask, "")
    fleet = await ask.fleet()
    found = _find(fleet, arg.strip())
    if not found:
        raise NotFound(say("There is no node {name}. /nodes lists them.", name=arg.strip()[:64]))
    if len(found) > 1:
        return Choice(nodes=found)
    node = found[0]
    snapshot = next(part for part in fleet if part.cluster == node.cluster)
    here = [guest for guest in snapshot.guests if guest.node == node.name]
    guests = tuple(guest for guest in here if not guest.template)
    return Data(
        node=node,
        guests=guests,
        templates=len(here) - len(guests),
        storages=tuple(storage for storage in snapshot.storages if storage.node == node.name and not storage.shared),
        taken=snapshot.taken,
        now=ask.now,
        unseen=snapshot.unseen,
        web=ask.pve(node.cluster).web,
        cluster=snapshot.name if len(fleet.snapshots) > 1 else "",
        off=away(snapshot, node, standing(ask).get(snapshot.cluster, ()), sleeping(ask)),
        sleeping=sleeping(ask),
    )


def _find(fleet: Fleet, text: str) -> tuple[Node, ...]:
    """`cluster/name`, else the name, else what begins so."""
    cluster, slash, name = text.partition("/")
    if slash:
        exact = fleet.node(cluster, name)
        return (exact,) if exact is not None else ()
    wanted = fold(text)
    same = tuple(node for node in fleet.nodes if fold(node.name) == wanted)
    return same or tuple(node for node in fleet.nodes if fold(node.name).startswith(wanted))[:8]


def draw(data: Data | Choice | Listing, asker: Asker) -> Screen:
    match data:
        case Listing():
            return nodes.draw(data, asker)
        case Choice():
            buttons = [name_button(node.name, "node", f"{node.cluster}/{node.name}") for node in data.nodes]
            back = (Button(say("‹ Nodes"), Open("nodes")),)
            return Screen(text=say("Which node?"), rows=(*pairs(buttons), back))
        case Data():
            return _draw(data)


def _draw(data: Data) -> Screen:
    node, arg = data.node, f"{data.node.cluster}/{data.node.name}"
    text = lines(
        _head(data),
        say("up {span}", span=span(node.uptime)) if node.online and node.uptime else None,
        *_guests(data.guests),
        say_n(data.templates, one="{n} template", many="{n} templates") if data.templates else None,
        *((EMPTY, *known) if (known := _figures(node)) else ()),
        *((EMPTY, *bars(data.storages[:8], short=True, sleeping=data.sleeping)) if data.storages else ()),
        EMPTY,
        *gaps(gap for gap in data.unseen if gap.gap is Gap.UNREACHABLE),
        age(data.taken, data.now),
    )
    guests = Button(say("Guests {n}", n=len(data.guests)), Open("vms", _scope(data)))
    return Screen(
        text=text,
        rows=(
            (guests, Button(say("Tasks"), Open("tasks", f"node:{arg}"))),
            (*web_button(data.web, f"node/{node.name}"), refresh("node", arg)),
            (Button(say("‹ Nodes"), Open("nodes")),),
        ),
    )


def _scope(data: Data) -> str:
    if data.cluster:
        return f"node:{data.node.name} cluster:{data.node.cluster}"
    return f"node:{data.node.name}"


def _head(data: Data) -> Said:
    node = data.node
    name = bold(node.name)
    values: dict[str, Value] = {"name": name, "cluster": data.cluster, "ip": node.ip}
    if node.online is None:
        return say("⚪ {name} · unknown: nobody can say", **values)
    if not node.online:
        return data.off or say("🔴 {name} is offline", **values)
    if data.cluster and node.ip:
        return say("🟢 {name} · online · {ip} · {cluster}", **values)
    if data.cluster:
        return say("🟢 {name} · online · {cluster}", **values)
    return say("🟢 {name} · online · {ip}", **values) if node.ip else say("🟢 {name} · online", **values)


def _guests(guests: tuple[Guest, ...]) -> list[Said]:
    """`12 running, 3 stopped`, a line a state."""
    if not guests:
        return [say("no guests here")]
    counts = Counter(guest.status for guest in guests)
    return [
        say_n(counts[status], one="{n} guest {word}", many="{n} guests {word}", word=word)
        for status, word in WORDS.items()
        if counts[status]
    ]


def _figures(node: Node) -> list[Said]:
    if not node.online:
        return []
    if node.cpu is None:
        return [say("⚠️ No figures: the view token lacks Sys.Audit on /nodes/{node}.", node=node.name)]
    rows: list[tuple[Value, Value]] = []
    cpu = say("{bar} {share}", bar=bar(node.cpu), share=f"{share(node.cpu):>3}")
    rows.append((say("cpu"), say("{cpu} of {n}", cpu=cpu, n=node.cpus) if node.cpus else cpu))
    for label, used, whole in ((say("mem"), node.mem, node.maxmem), (say("root"), node.disk, node.maxdisk)):
        if used is not None and whole:
            part = used / whole
            pair = size_pair(used, whole)
            rows.append((label, say("{bar} {share} {pair}", bar=bar(part), share=f"{share(part):>3}", pair=pair)))
    return [table(rows, align="<<", flex=1)]


PAGE = Page(key="node", help="One node: /node pve1", role=Role.VIEWER, command=True, load=load, draw=draw)
