"""The watch: each poll turned into a view, its findings into alerts, and what is new handed to the deliverer.

    watch.py     Watch: a loop for each cluster, a tick each poll
      look.py      what one poll could read                           three calls
      post.py      what is kept of a cluster between polls            ▶ View
      pushed.py    what Proxmox VE pushed, until a poll deals with it
      tick.py      find · inhibit · step · silence, pure              ▶ alerts, news
      confirm.py   what is looked up before something fires           gone.py      the end of what is there no more
      inhibit.py   what goes down with something else                 silence.py   what is not told, for a while
    sights.py    the tables, and what is known beside them           orders.py    what this bot ordered lately
    asked.py     what the pages and the taps ask (ports.Watching)     why.py       one alert explained
      changing.py  what they change                                   delivering.py what is needed of deliver/
    table.py     all alerts and silences, and how changes add up
    feeder.py    what is read at its own pace                         memory.py    what is remembered of each poll
                                                                       remembered.py as rows of the store

One tick is one transaction: alerts, memory, and the cards and messages that the deliverer plans for them are written
together, then the deliverer sends.
"""

from bot.watch.delivering import Delivering
from bot.watch.post import Feeding
from bot.watch.sights import Sight
from bot.watch.watch import Watch

__all__ = ["Delivering", "Feeding", "Sight", "Watch"]
