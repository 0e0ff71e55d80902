"""The listener, off by default (TELEMOX_LISTEN), and the heartbeat (TELEMOX_HEARTBEAT_URL).

    POST /pve/notify   what Proxmox VE's own webhook target pushes (8.3 and later), with a secret in a header
    GET  /healthz      200 while polls and delivery are fresh, else 503 and a line for each that is not
    GET  /metrics      for Prometheus

    listener.py   one port, in the bot's own loop        notify.py      a notification -> Push
    health.py     is the bot well, and can anybody be told
    hasty.py      who says nothing gives way to who speaks
    metrics.py    the counters as Prometheus reads them   heartbeat.py   an address requested after each good cycle

Nothing here holds a secret that it could give away: /healthz and /metrics name clusters and counts.
"""

from bot.web.heartbeat import Heartbeat
from bot.web.listener import Listener, PortTaken

__all__ = ["Heartbeat", "Listener", "PortTaken"]
