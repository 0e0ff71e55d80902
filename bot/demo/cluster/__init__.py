"""A simulated Proxmox VE cluster that the demo, the tests and the bench talk to; strict where Proxmox is.

    async with Cluster(seed=1, version="9.1.11", guests=40) as cluster:
        cluster.hosts, cluster.ca_pem, cluster.fingerprints, cluster.tokens["view"]

cluster.py        Cluster: serves the world, and lets tests look and meddle
├── server.py     HTTP as pveproxy speaks it: h11 on asyncio; messages.py what it takes and gives
├── api.py        the order of checks: who, which method, allowed?, which node, parameters
├── cluster_views.py · node_views.py · storage_views.py · guest_views.py · rrd.py
│                 TABLES of routes: what it was taught; all else is 501. To teach it a path, add a row
├── power.py      what each power action does in each state
├── faults.py     TABLE: what can go wrong. To add a fault, add a row
├── broadcast.py  what the nodes told each other last: why /cluster/resources lags
├── world.py      nodes, guests, time; tasks.py, access.py, things.py, clock.py, release.py its parts
└── build.py      the world from a seed
"""

from bot.demo.cluster.cluster import Cluster
from bot.demo.cluster.faults import FAULTS
from bot.demo.cluster.things import Guest, Snapshot, Storage

__all__ = ["FAULTS", "Cluster", "Guest", "Snapshot", "Storage"]
