"""How many requests a cluster of twelve nodes gets, through the real client, by a clock that is moved by hand."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

from bot.pve.cluster import Cluster
from bot.spawn import Spawn
from bot.watch.feeder import Feeder
from tests.pve import feed_samples as feeds
from tests.pve.samples import ct, node, storage, vm
from tests.pve.server import Clock, Scripted, config, reply, until

TWELVE = [f"pve{number}" for number in range(1, 13)]
POLLS = 4  # a minute


def taught(host: Scripted) -> None:
    """Proxmox VE 9 with everything there is: HA, ZFS, thin pools, replication, Ceph, backups, stopped guests."""
    rows = [*(node(name) for name in TWELVE), storage("pve1", "nas", shared=1, content="backup")]
    for number, name in enumerate(TWELVE):
        rows += [storage(name, "local"), ct(300 + number, f"ct{number}", node=name, status="stopped"),
                 *(vm(100 + 10 * number + n, f"vm{number}-{n}", node=name) for n in range(4))]  # fmt: skip
    members = [{"type": "node", "name": name, "online": 1, "ip": "192.0.2.1"} for name in TWELVE]
    host.on("GET", "/version", reply(200, {"version": "9.1.1"}))
    host.on("GET", "/access/permissions", reply(200, {"/": {"Sys.Audit": 1, "VM.Audit": 1, "Datastore.Audit": 1}}))
    host.on("GET", "/cluster/resources", reply(200, rows))
    host.on("GET", "/cluster/status", reply(200, [{"type": "cluster", "name": "lab", "quorate": 1}, *members]))
    host.on("GET", "/cluster/tasks", reply(200, []))
    host.on("GET", "/cluster/ha/status/current", reply(200, feeds.HA_9))
    host.on("GET", "/cluster/ha/status/manager_status", reply(200, feeds.MANAGER))
    host.on("GET", "/cluster/ceph/status", reply(200, feeds.CEPH))
    host.on("GET", "/cluster/backup", reply(200, feeds.JOBS_9))
    host.on("GET", "/cluster/backup-info/not-backed-up", reply(200, []))
    host.on("GET", "/access/users", reply(200, feeds.USERS))
    for name in TWELVE:
        for path, data in {
            "status": feeds.STATUS_9, "rrddata": feeds.HISTORY_9, "replication": feeds.REPLICATION, "tasks": [],
            "disks/zfs": feeds.ZFS[:1], "disks/zfs/tank": feeds.ZPOOL, "disks/lvmthin": feeds.THIN,
            "disks/list": feeds.DISKS, "services": feeds.SERVICES, "storage": feeds.STORAGES,
            "certificates/info": feeds.CERTIFICATES, "time": {"time": feeds.T0}, "apt/versions": feeds.PACKAGES,
            "subscription": feeds.SUBSCRIPTION,
        }.items():  # fmt: skip
            host.on("GET", f"/nodes/{name}/{path}", reply(200, data))
    for row in rows:
        if row["type"] in {"qemu", "lxc"}:
            path = f"/nodes/{row['node']}/{row['type']}/{row['vmid']}"
            host.on("GET", f"{path}/snapshot", reply(200, feeds.SNAPSHOTS))
            host.on("GET", f"{path}/config", reply(200, {"onboot": 1}))


async def test_twelve_nodes_get_about_thirty_five_requests_a_minute(host: Scripted, ca_file: Path) -> None:
    taught(host)
    clock, spawn = Clock(), Spawn()
    cluster = Cluster(config(host, ca_file=ca_file), clock)
    feeder = Feeder(cluster, clock, spawn)

    async def poll(seconds: float) -> None:
        feeder.tick(await cluster.snapshot(0), await cluster.tasks())
        await until(lambda: len(spawn) == 0)
        clock.seconds += seconds

    await poll(1)
    sizes: list[int] = []
    for _ in range(41):  # the first round, of what is read every six hours and once a day as well
        sizes.append(len(host.requests))
        await poll(60)
    first = max(after - before for before, after in pairwise(sizes))
    measured = len(host.requests)
    sizes = [measured]
    for _ in range(15):
        for _ in range(POLLS):
            await poll(60 / POLLS)
        sizes.append(len(host.requests))
    await spawn.close(0)
    await cluster.close()
    seen = Counter(seen.path for seen in host.requests[measured:])
    assert seen["/cluster/resources"] == seen["/cluster/status"] == seen["/cluster/tasks"] == 15 * POLLS
    assert (sizes[-1] - sizes[0]) / 15 <= 37, seen.most_common()
    assert max(after - before for before, after in pairwise(sizes)) <= 50
    assert first <= 130, "the start: snapshots and configurations of 60 guests among them"
    assert host.at_once <= 3 + 3
    known = feeder.feeds()
    assert not {key: reading for key, reading in known.readings.items() if not reading.fresh}
    assert len(known.readings) == 13 * 12 + 6, "all but the agents, which nobody expects"
