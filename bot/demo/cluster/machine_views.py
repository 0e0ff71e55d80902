"""/nodes/{node}/disks, services, certificates, time, apt, subscription, replication: what a node is made of.

pve-manager, API2/{Disks,Services,Certificates,APT,Subscription,Replication}.pm; pve-storage, API2/Disks.
"""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime

from bot.demo.cluster.api import Answer, Call, Param, Route
from bot.demo.cluster.broadcast import Row
from bot.demo.cluster.errors import Refusal, died
from bot.demo.cluster.machine import KERNEL, SERVICES, Certificate, Machine, Package, Pool, Replication
from bot.demo.cluster.release import Release

MIB = 1024**2


def _machine(call: Call) -> Machine:
    return call.world.nodes[call.node].machine


# -- disks -------------------------------------------------------------------------------------------------------------


def disks(call: Call) -> Answer:
    """`skipsmart` leaves sleeping disks asleep: health is then unknown."""
    if not (call.may(_audit(call), "/") or call.may(_audit(call), f"/nodes/{call.node}")):
        raise Refusal(403, "Permission check failed\n")
    rows: list[Row] = []
    smart = not call.flag("skipsmart")
    for disk in _machine(call).disks:
        row: Row = {
            "devpath": disk.dev, "size": disk.size, "model": disk.model, "serial": disk.serial, "vendor": "ATA     ",
            "wwn": f"0x5000c500{hashlib.md5(disk.serial.encode(), usedforsecurity=False).hexdigest()[:8]}",
            "gpt": 1, "mounted": 0, "osdid": -1, "rpm": 5900 if disk.type == "hdd" else 0, "type": disk.type,
            "by_id_link": f"/dev/disk/by-id/ata-{disk.model.replace(' ', '_')}_{disk.serial}",
            "health": disk.health if smart else "UNKNOWN", "wearout": disk.wearout if smart else "N/A",
        }  # fmt: skip
        if disk.used:
            row["used"] = disk.used
        if call.world.release.since(8, 1):
            row["osdid-list"] = None
        if call.text("type") != "unused" or not disk.used:
            rows.append(row)
    return Answer(data=rows)


def _audit(call: Call) -> str:
    return audit(call.world.release)


def audit(release: Release) -> str:
    """What looking at disks takes."""
    return "Sys.Audit" if release.major >= 8 else "Sys.Audit|Datastore.Audit"


def pools(call: Call) -> Answer:
    found = _machine(call).pools
    if not found:
        raise died(
            "zfsutils-linux not installed" if call.world.release.major >= 9 else "binary not installed: /sbin/zpool"
        )
    return Answer(data=[
        {
            "name": pool.name, "size": pool.size, "alloc": pool.alloc, "free": pool.size - pool.alloc, "frag": 7,
            "dedup": 1, "health": pool.health,
        }
        for pool in found
    ])  # fmt: skip


def pool(call: Call) -> Answer:
    """As `zpool status` says it."""
    found = next((one for one in _machine(call).pools if one.name == call.text("name")), None)
    if found is None:
        raise died(f"command '/sbin/zpool status -P {call.text('name')}' failed: exit code 1")
    hurt = "ONLINE" if found.health == "ONLINE" else "UNAVAIL" if found.health == "DEGRADED" else found.health
    data: Row = {
        "name": found.name, "state": found.health,
        "scan": "scrub repaired 0B in 00:12:34 with 0 errors on Sun Dec 14 00:24:35 2025",
        "errors": "No known data errors" if found.health != "FAULTED" else "1 data errors, use '-v' for a list",
        "children": [
            {
                "name": found.name, "state": found.health, "read": 0, "write": 0, "cksum": 0, "msg": "",
                "children": [
                    {
                        "name": "mirror-0", "state": found.health, "read": 0, "write": 0, "cksum": 0, "msg": "",
                        "children": [
                            _leaf("/dev/sda1", "ONLINE", 0), _leaf("/dev/sdb1", hurt, found.cksum),
                        ],
                    }
                ],
            }
        ],
    }  # fmt: skip
    data |= _advice(found)
    return Answer(data=data)


def _leaf(name: str, state: str, cksum: int) -> Row:
    return {"name": name, "state": state, "read": 0, "write": 0, "cksum": cksum, "msg": "", "leaf": 1}


def _advice(found: Pool) -> Row:
    if found.health != "ONLINE":
        return {
            "status": "One or more devices could not be used because the label is missing or invalid.",
            "action": "Replace the device using 'zpool replace'.",
        }
    if found.cksum:
        return {
            "status": "One or more devices has experienced an unrecoverable error.",
            "action": "Determine if the device needs to be replaced, and clear the errors using 'zpool clear'.",
        }
    return {}


def thins(call: Call) -> Answer:
    return Answer(data=[
        {
            "vg": thin.vg, "lv": thin.lv, "lv_size": thin.size, "used": int(thin.used * thin.size),
            "metadata_size": 8 * 1024 * MIB, "metadata_used": int(thin.metadata * 8 * 1024 * MIB),
        }
        for thin in _machine(call).thins
    ])  # fmt: skip


# -- services, certificates, time --------------------------------------------------------------------------------------


def services(call: Call) -> Answer:
    down, modern = _machine(call).down, call.world.release.major >= 8
    rows: list[Row] = []
    for name, (words, unit) in SERVICES.items():
        if not modern and name in {"proxmox-firewall", "pve-lxc-syscalld"}:
            continue
        there = unit != "not-found"
        state = ("failed" if name in down else "running") if there else "dead"
        active = ("failed" if name in down else "active") if there else "inactive"
        row: Row = {"service": name, "name": name, "desc": words or f"{name}.service", "state": state}
        rows.append(row | {"active-state": active, "unit-state": unit})
    return Answer(data=rows)


def certificates(call: Call) -> Answer:
    return Answer(data=[_certificate(call, one) for one in _machine(call).certificates])


def _certificate(call: Call, one: Certificate) -> Row:
    digest = hashlib.sha256(f"{call.node}{one.filename}{one.issued}".encode()).hexdigest().upper()
    shown = ":".join(digest[n : n + 2] for n in range(0, 64, 2))
    if one.filename == "pve-ssl.pem":
        shown = call.world.fingerprints.get(call.node, shown)
    names = ["127.0.0.1", "localhost", call.node, f"{call.node}.example.org"]
    return {
        "filename": one.filename, "fingerprint": shown, "subject": one.subject, "issuer": one.issuer,
        "notbefore": int(one.issued), "notafter": int(one.expires), "public-key-type": "rsaEncryption",
        "public-key-bits": 2048, "san": names if one.filename != "pve-root-ca.pem" else [],
        "pem": f"-----BEGIN CERTIFICATE-----\n{digest}\n-----END CERTIFICATE-----\n",
    }  # fmt: skip


def time(call: Call) -> Answer:
    now = int(call.world.now + _machine(call).drift)
    return Answer(data={"time": now, "localtime": now, "timezone": "UTC"})


# -- packages, subscription --------------------------------------------------------------------------------------------


def packages(call: Call) -> Answer:
    machine = _machine(call)
    bare = KERNEL.removesuffix("-pve")
    kernel = Package(f"proxmox-kernel-{KERNEL}-signed", bare, bare, "kernel")
    return Answer(data=[_package(call, one, machine) for one in [*machine.packages, kernel]])


def _package(call: Call, one: Package, machine: Machine) -> Row:
    text = call.world.release.text
    release = one.name == "pve-manager" and one.installed == one.available
    available, installed = (text, text) if release else (one.available, one.installed)
    row: Row = {
        "Package": one.name, "Title": one.name, "Description": f"{one.name} of Proxmox VE", "Version": available,
        "OldVersion": installed, "Origin": "Proxmox", "Arch": "amd64", "Section": one.section, "Priority": "optional",
        "CurrentState": "Installed",
    }  # fmt: skip
    if one.name == "proxmox-ve":
        row["RunningKernel"] = machine.kernel
    if one.name == "pve-manager":
        row["ManagerVersion"] = f"{text}/7e1a53c0b2d94f68"
    return row


def subscription(call: Call) -> Answer:
    """Anybody may ask; key, level and server id take Sys.Audit on the node."""
    due, now = _machine(call).due, call.world.now
    whole = call.may("Sys.Audit", f"/nodes/{call.node}")
    if not due:
        data: Row = {
            "status": "notfound", "message": "There is no subscription key",
            "url": "https://www.proxmox.com/en/proxmox-virtual-environment/pricing",
        }  # fmt: skip
    else:
        data = {
            "status": "active" if due > now else "expired", "productname": "Proxmox VE Basic Subscription 1 CPU/year",
            "nextduedate": _date(due), "regdate": f"{_date(due - 365 * 86_400)} 00:00:00", "sockets": 1,
            "checktime": int(now - 3_600),
        }  # fmt: skip
        if whole:
            data |= {"key": "pve1b-0123456789", "level": "b"}
    return Answer(data=data | ({"serverid": "00112233445566778899AABBCCDDEEFF"} if whole else {}))


def _date(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")


# -- replication -------------------------------------------------------------------------------------------------------


def replications(call: Call) -> Answer:
    """Only of guests that the caller may see."""
    jobs = _machine(call).replications
    return Answer(data=[
        _replication(call, job)
        for job in jobs
        if call.number("guest", job.guest) == job.guest and call.may("VM.Audit", f"/vms/{job.guest}")
    ])  # fmt: skip


def _replication(call: Call, job: Replication) -> Row:
    """One that fails is tried again after 5, 10, 15, then every 30 minutes (pve-guest-common, ReplicationState.pm)."""
    now = call.world.now
    if not job.fails:
        missed = max(0.0, now - job.last_try) // job.every
        job.last_try += missed * job.every
        job.last_sync = job.last_try
    wait = job.every if not job.fails else 60.0 * (5 * job.fails if job.fails <= 3 else 30)
    row: Row = {
        "id": job.id, "type": "local", "guest": job.guest, "jobnum": int(job.id.partition("-")[2]),
        "source": call.node, "target": job.target, "schedule": "*/15", "vmtype": "qemu", "duration": 3.418,
        "last_sync": int(job.last_sync), "last_try": int(job.last_try), "next_sync": int(job.last_try + wait),
        "fail_count": job.fails,
    }  # fmt: skip
    return row | ({"error": job.error} if job.error else {})


def routes(release: Release) -> tuple[Route, ...]:
    node = ("/nodes/{node}", "Sys.Audit")
    top = ("/", audit(release))

    def get(
        path: str, handler: Callable[[Call], Answer], check: tuple[str, str] | None = None, **params: Param
    ) -> Route:
        named = {name.replace("_", "-"): param for name, param in params.items()}
        return Route(
            method="GET", path=f"/nodes/{{node}}/{path}", handler=handler, check=check, proxied=True, params=named
        )

    return (
        get(
            "disks/list", disks, include_partitions=Param(type="boolean"), skipsmart=Param(type="boolean"),
            type=Param(enum=("unused", "journal_disks")),
        ),
        get("disks/zfs", pools, top),
        get("disks/zfs/{name}", pool, top),
        get("disks/lvmthin", thins, top),
        get("services", services, node),
        get("certificates/info", certificates),
        get("time", time, node),
        get("apt/versions", packages, node),
        get("subscription", subscription),
        get("replication", replications, guest=Param(type="integer", minimum=1 if release.major < 8 else 100)),
    )  # fmt: skip
