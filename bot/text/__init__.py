"""What people read: said once, unrendered, and rendered where it is sent.

    say("{name} has rebooted.", name=guest.name)      a sentence: whole, with named placeholders
    say("seen {ago}", ago=ago(at))                    an age that the reader's phone counts: seen 3 minutes ago
    bold(…) code(…) link(…, url)                      one line, marked up
    lines(…)                                          one under another
    table(rows, align="<>>")                          columns, padded by display width, in <pre>
    folded(text)                                      a long outside text (a log), folded away

A `Said` is frozen and knows neither language nor markup. `html()` renders it for Telegram, `plain()` for toasts,
button labels and menus; both for one `Reader`. All markup of the project is made in this module, and every outside
value is escaped on its way in, so that a guest named `web<1>_&"` cannot break a message. Translations are looked up
by the English sentence; `CATALOGUES` is where another language is added.

    width.py    outside text made harmless, measured, cut        figures.py   bytes, shares, durations, times
    said.py     the frozen sentences                             render.py    HTML and plain text
"""

from bot.text.figures import ago, bar, clock, day_clock, from_epoch, lasting, share, size, size_pair, size_short, span
from bot.text.render import CATALOGUES, MESSAGE_LIMIT, RAW_LIMIT, html, plain
from bot.text.said import (
    EMPTY,
    Ago,
    Folded,
    Lines,
    Linked,
    Moment,
    Reader,
    Said,
    Sentence,
    Styled,
    Table,
    Value,
    bold,
    code,
    folded,
    lines,
    link,
    raw,
    say,
    say_n,
    table,
)
from bot.text.width import WIDTH, clean, columns, cut, fold

__all__ = [
    "CATALOGUES",
    "EMPTY",
    "MESSAGE_LIMIT",
    "RAW_LIMIT",
    "WIDTH",
    "Ago",
    "Folded",
    "Lines",
    "Linked",
    "Moment",
    "Reader",
    "Said",
    "Sentence",
    "Styled",
    "Table",
    "Value",
    "ago",
    "bar",
    "bold",
    "clean",
    "clock",
    "code",
    "columns",
    "cut",
    "day_clock",
    "fold",
    "folded",
    "from_epoch",
    "html",
    "lasting",
    "lines",
    "link",
    "plain",
    "raw",
    "say",
    "say_n",
    "share",
    "size",
    "size_pair",
    "size_short",
    "span",
    "table",
]
