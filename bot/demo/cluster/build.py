"""The world as the demo finds it, from a seed: three nodes, some forty guests, storages, backups, tasks, tokens."""

import random
from collections.abc import Mapping
from datetime import UTC, datetime

from bot.demo.cluster import backup
from bot.demo.cluster.access import Token, User
from bot.demo.cluster.backup import job_id
from bot.demo.cluster.machine import Replication, standard
from bot.demo.cluster.tasks import Task, Work
from bot.demo.cluster.things import GIB, Content, Guest, Node, Snapshot, Storage, Volume
from bot.demo.cluster.world import BackupJob, World

DAY = 86_400
LONG = "a-machine-whose-owner-thought-that-its-name-should-tell-it-all1"  # 63 characters: as long as a DNS label may be
NAMES = (
    "mail", "dns1", "dns2", "proxy", "grafana", "prometheus", "loki", "gitlab-runner", "nextcloud", "vault", "keycloak",
    "redis", "mqtt", "homeassistant", "paperless", "jellyfin", "unifi", "pihole", "wiki", "matrix", "minio", "registry",
    "build", "staging", "ldap", "syncthing", "immich", "vpn", "backup-agent", "test",
)  # fmt: skip


def nodes(world: World) -> None:
    born = world.born
    for name, number, load, days in (("pve1", 1, 0.34, 41), ("pve2", 2, 0.12, 41), ("pve3", 3, 0.61, 12)):
        world.nodes[name] = Node(
            name, number, f"192.0.2.{10 + number}", booted=born - days * DAY - 4_321 * number, load=load,
            machine=standard(name, number, born),
        )  # fmt: skip
    world.nodes["pve2"].machine.replications = [Replication("102-0", 102, "pve3", born - 300, born - 300)]
    world.nodes["pve3"].machine.pools = []  # a node without ZFS
    world.jobs = [BackupJob(job_id("nightly"), "nas-backup", excluded=(106, 107, 111), comment="every night")]
    world.pools = {"prod": "what people use", "lab": "", "infra": "what the rest stands on"}


def special() -> list[Guest]:
    """Those that something hangs on; the first come first when fewer are wanted."""
    return [
        Guest(101, "qemu", "web", "pve1", tags="edge;prod", pool="prod", ha="started", hastate="started", cpus=4,
              maxmem=4 * GIB, load=0.09, memory=0.58, agent=True, addresses=("192.0.2.101/24", "2001:db8::101/64"),
              storage="ceph-vm"),
        Guest(102, "qemu", "db", "pve2", tags="prod", pool="prod", cpus=8, maxmem=16 * GIB, maxdisk=200 * GIB,
              load=0.41, memory=0.43, agent=True, addresses=("192.0.2.102/24",), shutdown_time=6),
        Guest(104, "lxc", "ct-mail", "pve1", running=False, tags="expect-up;prod", pool="prod", maxmem=GIB,
              maxdisk=16 * GIB, addresses=("192.0.2.104/24",)),
        Guest(131, "qemu", "win-test", "pve3", paused=True, tags="test", pool="lab", cpus=4, maxmem=8 * GIB,
              maxdisk=80 * GIB, onboot=False, agent=True, os="Microsoft Windows 11 Pro", addresses=("192.0.2.131/24",)),
        Guest(666, "qemu", 'web<1>_&"', "pve1", tags="test", cpus=1, maxmem=GIB, load=0.02, agent=True,
              addresses=("192.0.2.66/24",), description='<b>not bold</b> & "quoted"'),
        Guest(105, "qemu", "git", "pve2", tags="prod", pool="infra", cpus=4, maxmem=8 * GIB, load=0.07, memory=0.61,
              agent=True, addresses=("192.0.2.105/24",)),
        Guest(106, "qemu", "archive", "pve3", tags="prod", pool="infra", lock="backup", maxdisk=900 * GIB, load=0.18),
        Guest(107, "qemu", "cad", "pve3", running=False, lock="suspended", pool="lab", onboot=False, maxmem=16 * GIB),
        Guest(9000, "qemu", "debian13-template", "pve1", running=False, template=True, onboot=False, maxdisk=8 * GIB),
        Guest(108, "qemu", LONG, "pve2", tags="lab;long-tag-names-are-allowed-too;test", pool="lab", maxmem=2 * GIB),
        Guest(109, "qemu", "legacy", "pve3", tags="prod", deaf=True, maxmem=2 * GIB, load=0.03),
        Guest(110, "lxc", "ct-dns", "pve1", tags="infra", pool="infra", maxmem=512 * 1024**2, maxdisk=4 * GIB, cpus=1,
              load=0.02, addresses=("192.0.2.53/24", "2001:db8::53/64")),
        Guest(111, "qemu", "broken", "pve2", running=False, onboot=False, broken=True, maxmem=2 * GIB),
        Guest(112, "lxc", "ct-files", "pve2", tags="prod", pool="prod", ha="started", hastate="started", maxmem=2 * GIB,
              maxdisk=500 * GIB, used=0.88, addresses=("192.0.2.112/24",), storage="ceph-vm"),
        Guest(113, "qemu", "no-agent", "pve1", agent=True, agent_alive=False, maxmem=2 * GIB),
        Guest(9001, "lxc", "alpine-template", "pve2", running=False, template=True, onboot=False, maxdisk=GIB),
    ]  # fmt: skip


def guests(world: World, count: int, rng: random.Random) -> None:
    for guest in special()[:count]:
        world.guests[guest.vmid] = guest
    vmid = 200
    names = list(world.nodes)
    while len(world.guests) < count:
        number = vmid - 200
        name = NAMES[number] if number < len(NAMES) else f"{NAMES[number % len(NAMES)]}-{number // len(NAMES) + 1}"
        kind = "lxc" if rng.random() < 0.4 else "qemu"
        running = rng.random() < 0.85
        world.guests[vmid] = Guest(
            vmid, "lxc" if kind == "lxc" else "qemu", name, names[number % len(names)], running=running, onboot=running,
            tags=rng.choice(("", "prod", "test", "infra;prod", "lab")),
            pool=rng.choice(("", "prod", "lab", "infra")) if number < 60 else "",
            cpus=rng.choice((1, 2, 2, 4)), maxmem=rng.choice((1, 2, 2, 4, 8)) * GIB,
            maxdisk=rng.choice((8, 16, 32, 64)) * GIB,
            used=rng.uniform(0.1, 0.8), load=rng.uniform(0.01, 0.4), memory=rng.uniform(0.2, 0.8),
            agent=kind == "qemu" and rng.random() < 0.7,
            addresses=(f"198.51.{100 + number // 250 % 100}.{number % 250 + 2}/24",),
            boot_time=rng.uniform(1, 2.5), shutdown_time=rng.uniform(2, 5),
        )  # fmt: skip
        vmid += 1
    for guest in world.guests.values():
        if guest.running:
            guest.booted = world.nodes[guest.node].booted + rng.uniform(20, 10 * DAY)
            guest.pid = 1_000 + guest.vmid
    if 101 in world.guests:
        world.guests[101].booted = world.born - 12 * DAY - 4 * 3_600
        world.guests[101].snapshots = [
            Snapshot("before-upgrade", world.born - 9 * DAY, "before 13.2\n"),
            Snapshot("with-ram", world.born - 2 * DAY, "", "before-upgrade", vmstate=True),
        ]
    if 110 in world.guests:
        world.guests[110].snapshots = [Snapshot("clean", world.born - 30 * DAY, "")]


def storages(world: World, rng: random.Random) -> None:
    images = "images,rootdir"
    for node in world.nodes:
        world.storages.append(Storage("local", "dir", "backup,iso,vztmpl,snippets", 96 * GIB, 0.31, node))
        world.storages.append(Storage("local-lvm", "lvmthin", images, 800 * GIB, rng.uniform(0.4, 0.7), node))
    nas = Storage("nas-backup", "nfs", "backup,iso", 8_000 * GIB, 0.91, shared=True)
    world.storages += [
        Storage("ceph-vm", "rbd", images, 12_000 * GIB, 0.47, shared=True),
        nas,
        Storage("old-nfs", "nfs", "iso", 1_000 * GIB, 0.5, shared=True, enabled=False),
    ]
    night = world.born - world.born % DAY + 2 * 3_600  # last 02:00 UTC
    if night > world.born:
        night -= DAY
    for guest in list(world.guests.values())[:60]:
        kind, ending = ("qemu", "vma.zst") if guest.kind == "qemu" else ("lxc", "tar.zst")
        home = next(s for s in world.storages if s.name == guest.storage and s.node in {"", guest.node})
        content: Content = "images" if kind == "qemu" else "rootdir"
        disk = f"{home.name}:vm-{guest.vmid}-disk-0"
        home.volumes.append(Volume(disk, content, "raw", guest.maxdisk, world.born - 90 * DAY, guest.vmid))
        if guest.template or guest.vmid == 111:
            continue
        for days in range(3):
            when = night - days * DAY + guest.vmid % 97 * 11
            stamp = datetime.fromtimestamp(when, UTC).strftime("%Y_%m_%d-%H_%M_%S")
            nas.volumes.append(
                Volume(
                    f"nas-backup:backup/vzdump-{kind}-{guest.vmid}-{stamp}.{ending}", "backup", ending,
                    int(guest.maxdisk * guest.used * 0.5), when, guest.vmid, notes=guest.name, protected=days == 2,
                )
            )  # fmt: skip
    nas.volumes.append(
        Volume("nas-backup:iso/debian-13.2.0-amd64-netinst.iso", "iso", "iso", 790 * 1024**2, world.born - 8 * DAY)
    )
    for storage in world.storages:
        storage.volumes.sort(key=lambda volume: volume.volid)


def history(world: World) -> None:
    """Tasks that ended, of each kind of end, and one backup that has been running for hours."""
    born, remember = world.born, world.tasks.remember
    for node in world.nodes.values():
        known = [guest for guest in list(world.guests.values())[:60] if not guest.template and guest.vmid != 111]
        here = [guest for guest in known if guest.node == node.name]
        began = born - 8 * 3_600
        remember(node.name, "vzdump", "", "root@pam", began, 1_500, *backup.story(here, node.name, began))
        remember(node.name, "aptupdate", "", "root@pam", born - 5 * 3_600, 4, "starting apt-get update")
    remember("pve1", "vzstop", "104", "ana@pve", born - 3 * DAY, 2)
    remember("pve2", "qmstart", "111", "ana@pve!cli", born - 7_200, 1,
             status="start failed: QEMU exited with code 1")  # fmt: skip
    remember("pve3", "vzdump", "109", "root@pam", born - 9_000, 40, "INFO: starting new backup job: vzdump 109",
             "INFO: Starting Backup of VM 109 (qemu)", "ERROR: Backup of VM 109 failed - no space left on device",
             "INFO: Backup job finished with errors", status="job errors")  # fmt: skip
    remember("pve1", "aptupdate", "", "root@pam", born - 29 * 3_600, 9, "W: some index files failed to download",
             status="WARNINGS: 1")  # fmt: skip
    if 131 in world.guests:
        remember("pve3", "qmpause", "131", "ana@pve", born - 5_400, 1)
    if 106 in world.guests:
        guest = world.guests[106]

        def unlock() -> None:
            guest.lock = "" if guest.lock == "backup" else guest.lock

        task = world.tasks.begin("pve3", "vzdump", "106", "root@pam", lambda task: _backup(task, guest))
        task.release = unlock


def _backup(task: Task, guest: Guest) -> Work:
    """Goes on for half a day: so the guest stays locked for as long as anybody tries the demo."""
    task.say(f"INFO: starting new backup job: vzdump {guest.vmid} --storage nas-backup --mode snapshot")
    task.say(f"INFO: Starting Backup of VM {guest.vmid} (qemu)")
    total = guest.maxdisk / GIB
    for percent in range(1, 101):
        done = f"{total * percent / 100:.1f} GiB of {total:.1f} GiB"
        task.say(f"INFO: {percent:3d}% ({done}) in {percent * 8}m, read: 19.2 MiB/s")
        yield 480
    task.say("INFO: Backup job finished successfully")


# -- users and tokens --------------------------------------------------------------------------------------------------

USER = "telemox@pve"
READS = ("VM.Audit", "Sys.Audit", "Datastore.Audit", "Pool.Audit")
ACTS = (
    "VM.Audit",
    "VM.PowerMgmt",
    "VM.Backup",
    "VM.Config.Disk",
    "Datastore.AllocateSpace",
)  # the last two to hibernate


def secret(rng: random.Random) -> str:
    text = f"{rng.getrandbits(128):032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def token(
    world: World,
    rng: random.Random,
    user: str,
    name: str,
    acl: Mapping[str, str],
    *,
    privsep: bool = True,
    expire: float = 0,
) -> str:
    """user@realm!name=secret. `acl`: path -> role, for the token itself."""
    value = secret(rng)
    world.access.tokens[f"{user}!{name}"] = Token(value, privsep, expire)
    world.access.changed()
    for path, role in acl.items():
        world.access.grant(path, f"{user}!{name}", role)
    return f"{user}!{name}={value}"


def tokens(world: World, rng: random.Random) -> dict[str, str]:
    """What `deploy/pveum.sh --full` makes, and some that are wrong in one way each."""
    access = world.access
    access.role("TelemoxView", (*READS, *(["VM.GuestAgent.Audit"] if world.release.major >= 9 else [])))
    access.role("TelemoxPower", ACTS)
    access.role("TelemoxBlind", ("Sys.Audit", "Datastore.Audit"))
    access.users |= {USER: User(), "ana@pve": User(), "root@pam": User()}
    access.grant("/", USER, "TelemoxView")
    access.grant("/", USER, "TelemoxPower")
    access.grant("/", "ana@pve", "Administrator")
    made = {
        name: token(world, rng, USER, name, acl)
        for name, acl in (
            ("view", {"/": "TelemoxView"}),
            ("power", {"/": "TelemoxPower"}),
            ("admin", {"/": "TelemoxPower"}),
            ("noacl", {}),
            ("writer", {"/": "TelemoxView"}),  # meant to view, but can write as well
            ("blind", {"/": "TelemoxBlind"}),  # sees no guest
            ("pool", {"/pool/prod": "TelemoxPower"}),
        )
    }
    access.grant("/", f"{USER}!writer", "TelemoxPower")
    made["root"] = token(world, rng, "root@pam", "full", {}, privsep=False)
    made["expired"] = token(world, rng, USER, "expired", {"/": "TelemoxView"}, expire=world.born - 1)
    made["unknown"] = f"{USER}!gone={secret(rng)}"
    made["wrong"] = f"{USER}!view={secret(rng)}"
    return made
