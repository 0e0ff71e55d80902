"""What a node is made of besides its guests: disks, pools, services, certificates, packages; and how they stand.

A fault changes a value here, and the views show it. Sizes are bytes, times seconds since 1970, shares 0..1.
"""

from dataclasses import dataclass, field

GIB, TIB = 1024**3, 1024**4
KERNEL = "6.17.9-1-pve"

# name -> (description, unit-state); systemd's own names, as pve-manager's Services.pm lists them
SERVICES = {
    "chrony": ("chrony, an NTP client/server", "enabled"),
    "corosync": ("Corosync Cluster Engine", "enabled"),
    "cron": ("Regular background program processing daemon", "enabled"),
    "ksmtuned": ("Kernel Samepage Merging (KSM) Tuning Daemon", "enabled"),
    "lxcfs": ("FUSE filesystem for LXC", "enabled"),
    "postfix": ("Postfix Mail Transport Agent", "enabled"),
    "proxmox-firewall": ("Proxmox nftables firewall", "enabled"),
    "pve-cluster": ("The Proxmox VE cluster filesystem", "enabled"),
    "pve-firewall": ("Proxmox VE firewall", "enabled"),
    "pve-ha-crm": ("PVE Cluster HA Resource Manager Daemon", "enabled"),
    "pve-ha-lrm": ("PVE Local HA Resource Manager Daemon", "enabled"),
    "pve-lxc-syscalld": ("Proxmox VE LXC Syscall Daemon", "enabled"),
    "pvedaemon": ("PVE API Daemon", "enabled"),
    "pvefw-logger": ("Proxmox VE firewall logger", "static"),
    "pveproxy": ("PVE API Proxy Server", "enabled"),
    "pvescheduler": ("Proxmox VE scheduler", "enabled"),
    "pvestatd": ("PVE Status Daemon", "enabled"),
    "qmeventd": ("PVE Qemu Event Daemon", "enabled"),
    "spiceproxy": ("PVE SPICE Proxy Server", "enabled"),
    "sshd": ("OpenBSD Secure Shell server", "enabled"),
    "syslog": ("", "not-found"),
    "systemd-journald": ("Journal Service", "static"),
    "systemd-timesyncd": ("", "not-found"),
}


@dataclass(slots=True)
class Disk:
    dev: str  # /dev/sda
    model: str
    serial: str
    size: int
    type: str = "ssd"  # ssd, hdd, nvme
    health: str = "PASSED"  # as smartctl says: PASSED, OK, FAILED!, UNKNOWN
    wearout: int | str = "N/A"  # percent that remains
    used: str = "LVM"


@dataclass(slots=True)
class Pool:
    """Of ZFS: a mirror of two disks."""

    name: str
    size: int
    alloc: int
    health: str = "ONLINE"  # DEGRADED, FAULTED, SUSPENDED …
    cksum: int = 0  # of its second disk


@dataclass(slots=True)
class Thin:
    """A thin pool of LVM."""

    vg: str
    lv: str
    size: int
    used: float  # share of its data
    metadata: float  # share of its metadata


@dataclass(slots=True)
class Certificate:
    filename: str  # pve-root-ca.pem, pve-ssl.pem, pveproxy-ssl.pem
    subject: str
    issuer: str
    issued: float
    expires: float


@dataclass(slots=True)
class Replication:
    """A job that sends a guest's disks to another node."""

    id: str  # vmid-number
    guest: int
    target: str
    last_sync: float = 0
    last_try: float = 0
    every: float = 900  # seconds: the schedule */15
    fails: int = 0
    error: str = ""


@dataclass(slots=True)
class Package:
    name: str
    installed: str
    available: str
    section: str = "admin"


@dataclass(slots=True)
class Machine:
    """One node's. `memory` 0: it wanders by itself."""

    disks: list[Disk] = field(default_factory=list)
    pools: list[Pool] = field(default_factory=list)
    thins: list[Thin] = field(default_factory=list)
    certificates: list[Certificate] = field(default_factory=list)
    replications: list[Replication] = field(default_factory=list)
    packages: list[Package] = field(default_factory=list)
    down: frozenset[str] = frozenset()  # services that failed
    drift: float = 0.0  # seconds that its clock is ahead
    kernel: str = KERNEL  # that runs
    memory: float = 0.0  # share that is used
    swap: float = 0.002  # share that is used
    iowait: float = 0.0031
    loadavg: float = 0.0  # over 5 minutes; 0: by its CPU
    pressure: float = 0.0  # percent of time in which something waited
    due: float = 0.0  # when its subscription ends; 0: it has none


def standard(name: str, number: int, born: float) -> Machine:
    """As the demo finds it: well."""
    day = 86_400
    ca = "/CN=Proxmox Virtual Environment/OU=5f1c0e52/O=PVE Cluster Manager CA"
    served = f"/OU=PVE Cluster Node/O=Proxmox Virtual Environment/CN={name}.example.org"
    return Machine(
        disks=[
            Disk("/dev/nvme0n1", "Samsung SSD 980 PRO 1TB", f"S5GXNF0R{number}00001", TIB, "nvme", wearout=91),
            Disk("/dev/sda", "INTEL SSDSC2KB96", f"PHYF{number}00042", 960 * GIB, "ssd", wearout=97, used="ZFS"),
            Disk("/dev/sdb", "INTEL SSDSC2KB96", f"PHYF{number}00043", 960 * GIB, "ssd", wearout=97, used="ZFS"),
            Disk("/dev/sdc", "ST4000VN008-2DR166", f"ZGY{number}1234", 4 * TIB, "hdd", used="ext4"),
        ],
        pools=[Pool("tank", 888 * GIB, 201 * GIB)],
        thins=[Thin("pve", "data", 800 * GIB, 0.55, 0.031)],
        certificates=[
            Certificate("pve-root-ca.pem", ca, ca, born - 400 * day, born + 3_250 * day),
            Certificate("pve-ssl.pem", served, ca, born - 300 * day, born + 430 * day),
        ],
        packages=[
            Package("proxmox-ve", "9.1.0", "9.1.0"),
            Package("pve-manager", "9.1.11", "9.1.11"),
            Package("qemu-server", "9.1.4", "9.1.4"),
            Package("pve-container", "6.0.18", "6.0.18"),
            Package("ceph-fuse", "19.2.3-pve2", "19.2.3-pve2"),
        ],
    )  # fmt: skip
