"""/nodes: every node, the ones in trouble first, then the busiest."""

from collections.abc import Mapping, Sequence

from bot.access import Asker, Role
from bot.model import Gap, Node
from bot.pages.listing import Listing, load
from bot.pages.page import Page
from bot.pages.parts import age, gaps, heading, name_button, page_of, pager, pairs, refresh
from bot.pages.wrong import asleep, away
from bot.screen import Button, Open, Screen
from bot.text import EMPTY, Said, bar, bold, columns, lines, say, say_n, share, table

NONE: Mapping[str, Said] = {}


def draw(data: Listing, asker: Asker) -> Screen:
    several = len(data.fleet.snapshots) > 1
    everything = [node for snapshot in data.fleet for node in by_need(snapshot.nodes, data.sleeping)]
    shown, number, pages = page_of(everything, data.number)
    parts: list[Said] = [say_n(len(everything), one="{n} node", many="{n} nodes · worst first")]
    for snapshot in data.fleet:
        here = [node for node in shown if node.cluster == snapshot.cluster]
        if here:
            off = {node.name: line for node in here if (line := away(snapshot, node, data.of(snapshot), data.sleeping))}
            drawn = figures(here, most=len(here), off=off)
            parts += [part for part in (heading(snapshot, several), *drawn) if part is not None]
    missing = gaps(gap for gap in data.fleet.unseen if gap.gap in {Gap.NODE_BARE, Gap.UNREACHABLE})
    buttons = [name_button(node.name, "node", f"{node.cluster}/{node.name}") for node in shown]
    return Screen(
        text=lines(*parts, *missing, EMPTY, age(data.fleet.taken, data.now)),
        rows=(
            *pairs(buttons),
            *pager("nodes", str, number, pages),
            (Button(say("‹ Status"), Open("status")), refresh("nodes", str(number) if number > 1 else "")),
        ),
    )


def by_need(nodes: Sequence[Node], sleeping: frozenset[str] = frozenset()) -> list[Node]:
    """Not online first, then those without figures, then the busiest by what it has least of, then by name; what is
    asleep last."""

    def need(node: Node) -> tuple[bool, bool, bool, float, str]:
        return asleep(node, sleeping), bool(node.online), node.cpu is not None, -load_of(node), node.name

    return sorted(nodes, key=need)


def load_of(node: Node) -> float:
    """Share of what is scarcest, processor or memory; 0 where neither is known."""
    return max(node.cpu or 0.0, node.mem / node.maxmem if node.mem is not None and node.maxmem else 0.0)


def figures(nodes: Sequence[Node], *, most: int, off: Mapping[str, Said] = NONE) -> list[Said]:
    """A line for each of the `most` in greatest need, the rest counted; where all fit, in the order they came.

    `off`: the line of each that is not there, by name.
    """
    chosen = list(nodes) if most >= len(nodes) else by_need(nodes)[:most]
    rest = len(nodes) - len(chosen)
    parts: list[Said] = []
    for node in chosen:
        if node.online is None:
            parts.append(say("⚪ {name} unknown", name=bold(node.name)))
        elif not node.online:
            parts += [off[node.name]] if node.name in off else []
        elif node.cpu is None:
            parts.append(say("🟢 {name} online", name=bold(node.name)))
    full = [node for node in chosen if node.online and node.cpu is not None]
    cells = 5 if all(columns(node.name) <= 6 for node in full) else 3
    if full:
        rows = [
            (
                node.name,
                say("cpu"),
                bar(node.cpu or 0.0, cells),
                share(node.cpu or 0.0),
                say("mem"),
                bar(node.mem / node.maxmem, cells) if node.mem is not None and node.maxmem else "",
                share(node.mem / node.maxmem) if node.mem is not None and node.maxmem else "?",
            )
            for node in full
        ]
        parts.append(table(rows, align="<<<><<>"))
    if rest:
        parts.append(say_n(rest, one="{n} more node fine", many="{n} more nodes fine"))
    return parts


PAGE = Page(
    key="nodes",
    help="All nodes, worst first",
    role=Role.VIEWER,
    command=True,
    load=load,
    draw=draw,
)
