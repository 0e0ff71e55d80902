"""A simulated Proxmox VE cluster that the demo, the tests and the bench talk to; strict where Proxmox is.

    async with Cluster(seed=1, version="9.1.11", guests=40) as cluster:
        cluster.hosts, cluster.ca_pem, cluster.fingerprints, cluster.tokens["view"]

cluster.py        Cluster: serves the world, and lets tests look and meddle; grants.py its users and tokens
├── server.py     HTTP as pveproxy speaks it: h11 on asyncio; messages.py what it takes and gives
├── api.py        the order of checks: who, which method, allowed?, which node, parameters
├── taught.py     TABLE of all routes, out of the *_views.py and rrd.py: what it was taught; all else is 501.
│                 To teach it a path, add a row to the table of its subject
├── power.py      what each power action does in each state; orders.py a node's shutdown; backup.py vzdump
├── faults/       TABLES: what can go wrong, a file a subject. To add a fault, add a row there; fault.py what one is
├── notify.py     what Proxmox pushes to a webhook
├── broadcast.py  what the nodes told each other last: why /cluster/resources lags
├── world.py      nodes, guests, time; tasks.py, access.py, things.py, machine.py, clock.py, release.py its parts
├── ageing.py     time that is skipped: everything happens, and all of it is that much older
├── build.py      the world from a seed
└── day.py        one noisy day of it, without HTTP: for the figure of what the bot tells of such a day
"""

from bot.demo.cluster.cluster import Cluster
from bot.demo.cluster.faults import FAULTS
from bot.demo.cluster.things import Guest, Snapshot, Storage

__all__ = ["FAULTS", "Cluster", "Guest", "Snapshot", "Storage"]
