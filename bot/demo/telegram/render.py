"""Text and entities back to HTML: what a test reads, and what the page shows."""

from collections.abc import Iterable

from bot.demo.telegram.markup import Entity


def to_html(text: str, entities: Iterable[Entity]) -> str:
    """The shortest HTML that parses to this text with these entities; found ones (links, commands) stay bare."""
    raw = text.encode("utf-16-le", "surrogatepass")
    marks: list[tuple[int, int, int, str]] = []  # unit, 0 ends before 1 starts, order, tag
    for n, entity in enumerate(entities):
        tags = _tags(entity)
        if tags is None:
            continue
        begin = int(str(entity["offset"]))
        end = begin + int(str(entity["length"]))
        marks += [(begin, 1, n, tags[0]), (end, 0, -n, tags[1])]
    out, at = [], 0
    for unit, _, _, tag in sorted(marks):
        out += [_plain(raw[2 * at : 2 * unit]), tag]
        at = unit
    return "".join([*out, _plain(raw[2 * at :])])


def _plain(raw: bytes) -> str:
    text = raw.decode("utf-16-le", "surrogatepass")
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _tags(entity: Entity) -> tuple[str, str] | None:
    simple = {"bold": "b", "italic": "i", "underline": "u", "strikethrough": "s", "spoiler": "tg-spoiler",
              "code": "code", "blockquote": "blockquote"}  # fmt: skip
    kind = str(entity["type"])
    if kind in simple:
        return f"<{simple[kind]}>", f"</{simple[kind]}>"
    match kind:
        case "pre" if entity.get("language"):
            return f'<pre><code class="language-{_quoted(entity["language"])}">', "</code></pre>"
        case "pre":
            return "<pre>", "</pre>"
        case "expandable_blockquote":
            return "<blockquote expandable>", "</blockquote>"
        case "text_link":
            return f'<a href="{_quoted(entity["url"])}">', "</a>"
        case "date_time":
            form = f' format="{kept}"' if (kept := entity["date_time_format"]) else ""
            return f'<tg-time unix="{entity["unix_time"]}"{form}>', "</tg-time>"
        case _:
            return None


def _quoted(value: object) -> str:
    return str(value).replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
