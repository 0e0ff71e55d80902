"""What the calls of the feeds answer, by version of Proxmox VE, written for these tests."""

from typing import Any

from tests.pve.server import HOSTILE

GIB = 1024**3
T0 = 1_772_600_400  # an hour on 4 March 2026

STATUS_7: dict[str, Any] = {
    "uptime": 86_400, "kversion": "Linux 5.15.158-2-pve #1 SMP PVE 5.15.158-2", "cpuinfo": {"cpus": 8, "mhz": "2200"},
    "loadavg": ["0.10", "4.25", "3.00"], "wait": 0.02,
    "memory": {"total": 32 * GIB, "used": 20 * GIB, "free": 12 * GIB},
    "swap": {"total": 8 * GIB, "used": GIB, "free": 7 * GIB}, "pveversion": "pve-manager/7.4-17/513c62be",
    "rootfs": {"total": 90 * GIB, "used": 10 * GIB, "avail": 80 * GIB, "free": 80 * GIB},
}  # fmt: skip
STATUS_8 = {
    **STATUS_7,
    "current-kernel": {"release": "6.8.12-9-pve", "sysname": "Linux", "machine": "x86_64", "version": "#1"},
    "pveversion": "pve-manager/8.4.1/2a5fa54a8503f96d",
}
STATUS_9 = {
    **STATUS_8,
    "pveversion": "pve-manager/9.1.1/42db4a6cf33dac83",
    "memory": {"total": 32 * GIB, "used": 20 * GIB, "free": 2 * GIB, "available": 12 * GIB},
}
HISTORY_8 = [{"time": T0, "memtotal": 32.0 * GIB, "memused": 20.5 * GIB, "iowait": 0.01}, {"time": T0 + 60}]
HISTORY_9 = [
    {"time": T0 + 60, "memtotal": 32.0 * GIB, "memavailable": 11.5 * GIB, "arcsize": 6.25 * GIB, "pressurecpusome": 2.5,
     "pressureiofull": "0.50", "pressureiosome": 1, "pressurememoryfull": 0, "pressurememorysome": 0},
    {"time": T0, "memtotal": 32.0 * GIB, "memavailable": 9.5 * GIB, "arcsize": 1.0},
    {"time": T0 + 120},
]  # fmt: skip

HA_8 = [
    {"id": "quorum", "type": "quorum", "node": "pve1", "quorate": 1, "status": "OK"},
    {"id": "master", "type": "master", "node": "pve1", "status": "pve1 (active, Wed Mar  4 05:00:00 2026)",
     "timestamp": T0},
    {"id": "lrm:pve1", "type": "lrm", "node": "pve1", "status": "pve1 (active, Wed)", "timestamp": T0},
    {"id": "service:vm:101", "type": "service", "sid": "vm:101", "node": "pve1", "crm_state": "started",
     "state": "starting", "request_state": "started", "status": "vm:101 (pve1, starting)"},
    {"id": "service:ct:105", "type": "service", "sid": "ct:105", "node": "pve2", "crm_state": "error",
     "state": "error", "request_state": "started", "status": "ct:105 (pve2, error)"},
]  # fmt: skip
HA_9 = [
    *HA_8,
    {
        "id": "fencing",
        "type": "fencing",
        "node": "pve1",
        "armed-state": "armed",
        "status": "armed (CRM watchdog active)",
    },
]
HA_DISARMED = [
    HA_8[0],
    {"id": "fencing", "type": "fencing", "node": "pve1", "armed-state": "disarmed", "resource_mode": "freeze",
     "status": "disarmed, resource mode: freeze (CRM watchdog released)"},
]  # fmt: skip
MANAGER = {
    "manager_status": {"master_node": "pve1", "node_status": {"pve1": "online", "pve2": "maintenance", "pve3": "fence"},
                       "service_status": {}, "timestamp": T0},
    "quorum": {"quorate": "1", "node": "pve1"},
    "lrm_status": {"pve1": {"mode": "active"}},
}  # fmt: skip

REPLICATION = [
    {"id": "101-0", "guest": 101, "source": "pve1", "target": "pve2", "type": "local", "jobnum": "0",
     "schedule": "*/30", "fail_count": 3, "error": "command 'zfs send' failed: exit code 1\n",
     "last_sync": T0, "last_try": T0 + 60,
     "next_sync": T0 + 1800, "duration": 4.5, "pid": 4711},
    {"id": "105-0", "guest": "105", "target": "pve2", "last_sync": 0, "disable": 1},
]  # fmt: skip

ZFS = [
    {
        "name": "tank",
        "health": "DEGRADED",
        "size": 400 * GIB,
        "alloc": 300 * GIB,
        "free": 100 * GIB,
        "frag": 4,
        "dedup": 1,
    },
    {"name": "rpool", "health": "ONLINE", "size": 90 * GIB, "free": 50 * GIB},
]
ZPOOL: dict[str, Any] = {
    "name": "tank", "state": "DEGRADED", "status": "One or more devices has experienced an error",
    "scan": "scrub repaired 0B in 00:12:34 with 2 errors", "errors": "2 data errors, use '-v' for a list",
    "children": [
        {"name": "mirror-0", "state": "DEGRADED", "read": 0, "write": 0, "cksum": 2, "leaf": 0, "children": [
            {"name": "sda", "state": "ONLINE", "read": 1, "write": "1.5K", "cksum": 0, "leaf": 1, "msg": ""},
            {"name": "sdb", "state": "FAULTED", "read": 3, "write": 0, "cksum": "40", "msg": "too many errors"},
        ]},
        {"name": "logs", "children": [{"name": "nvme0", "state": "ONLINE", "read": 0, "write": 0, "cksum": 0}]},
    ],
}  # fmt: skip
THIN = [
    {
        "lv": "data",
        "vg": "pve",
        "lv_size": 400 * GIB,
        "used": 100 * GIB,
        "metadata_size": 4 * GIB,
        "metadata_used": 3 * GIB,
    },
    {"lv": "empty", "lv_size": 0, "used": 0, "metadata_size": 0, "metadata_used": 0},
]
DISKS = [
    {"devpath": "/dev/sda", "model": "EXAMPLE_SSD", "serial": "S1", "health": "PASSED", "wearout": 97, "rpm": 0,
     "type": "ssd", "osdid": -1, "osdid-list": None, "size": 480 * GIB, "vendor": "ATA     "},
    {"devpath": "/dev/sdb", "model": HOSTILE, "health": "FAILED!", "wearout": "N/A", "rpm": -1, "type": "unknown"},
    {"devpath": "/dev/sdc", "model": "EXAMPLE_NVME", "serial": "S3", "health": "PASSED", "wearout": -2, "rpm": 0},
]  # fmt: skip
STORAGES = [
    {"storage": "local", "type": "dir", "active": 1, "enabled": 1, "shared": 0, "total": 9, "used": 4, "avail": 5},
    {"storage": "nas", "type": "nfs", "active": 0, "enabled": 1, "shared": 1, "total": 0, "used": 0, "avail": 0},
    {"storage": "old", "type": "lvm", "active": 0, "enabled": 0, "shared": 0, "total": 0, "used": 0, "avail": 0},
]
SERVICES = [
    {"service": "pveproxy", "name": "pveproxy", "desc": "PVE API Proxy Server", "state": "running",
     "active-state": "active", "unit-state": "enabled"},
    {"service": "pvestatd", "name": "pvestatd", "state": "dead", "active-state": "failed", "unit-state": "enabled"},
    {"service": "chrony", "name": "chrony", "state": "dead", "active-state": "inactive", "unit-state": "not-found"},
    {"service": "cron", "name": "cron", "state": "running"},
]  # fmt: skip
CEPH = {
    "fsid": "x",
    "health": {
        "status": "HEALTH_WARN",
        "checks": {
            "OSD_NEARFULL": {"severity": "HEALTH_WARN", "summary": {"message": "1 nearfull osd(s)", "count": 1},
                             "muted": False},
            "PG_DAMAGED": {"severity": "HEALTH_ERR", "summary": {"message": "Possible data damage"}, "muted": True},
        },
        "mutes": [],
    },
    "pgmap": {"num_pgs": 33},
}  # fmt: skip
CERTIFICATES = [
    {"filename": "pve-root-ca.pem", "notafter": T0 + 9 * 10**7, "fingerprint": "aa:bb", "subject": "/CN=Proxmox"},
    {"filename": "pve-ssl.pem", "notafter": T0 + 86_400, "fingerprint": "cc:dd", "san": ["pve1"], "pem": "-----"},
]
PACKAGES = [
    {"Package": "proxmox-ve", "Version": "9.1.0", "OldVersion": "9.1.0", "CurrentState": "Installed",
     "RunningKernel": "6.14.8-2-pve", "Description": "x"},
    {"Package": "pve-manager", "Version": "9.1.5", "OldVersion": "9.1.1", "CurrentState": "Installed",
     "ManagerVersion": "9.1.1"},
    {"Package": "corosync", "Version": "3.1.10", "OldVersion": "3.1.9", "CurrentState": "Installed"},
    {"Package": "ceph-fuse", "Version": "19", "CurrentState": "NotInstalled"},
    {"Package": "proxmox-kernel-6.14", "Version": "6.14.11-9", "OldVersion": "6.14.11-9", "CurrentState": "Installed"},
    {"Package": "proxmox-kernel-6.14.11-9-pve-signed", "Version": "6.14.11-9", "OldVersion": "6.14.11-9",
     "CurrentState": "Installed"},
    {"Package": "proxmox-kernel-6.14.11-10-pve-signed", "Version": "6.14.11-10", "OldVersion": "6.14.11-10",
     "CurrentState": "Installed"},
    {"Package": "pve-kernel-6.2.16-20-pve", "Version": "6.2.16-20", "OldVersion": "6.2.16-20",
     "CurrentState": "Installed"},
]  # fmt: skip
SUBSCRIPTION = {"status": "Active", "nextduedate": "2026-12-31", "productname": "Proxmox VE Community", "sockets": 1}
USERS = [
    {"userid": "telemox@pve", "enable": 1, "expire": 0, "tokens": [
        {"tokenid": "view", "expire": T0 + 86_400, "privsep": 1}, {"tokenid": "power", "expire": 0, "privsep": 1},
        {"tokenid": "other", "expire": 5}]},
    {"userid": "root@pam", "enable": 1, "expire": 0, "realm-type": "pam"},
]  # fmt: skip
SNAPSHOTS = [
    {"name": "before", "snaptime": T0 - 86_400, "description": "", "vmstate": 0},
    {"name": "older", "snaptime": T0 - 10 * 86_400, "parent": ""},
    {"name": "half", "snapstate": "prepare"},
    {"name": "current", "running": 1, "digest": "d", "parent": "before", "description": "You are here!"},
]
JOBS_9 = [
    {"id": "backup-1", "type": "vzdump", "enabled": 1, "schedule": "mon..fri 02:30", "storage": "nas",
     "mode": "snapshot", "vmid": "101,105", "next-run": T0 + 7200, "prune-backups": {"keep-daily": "7"}},
    {"id": "backup-2", "type": "vzdump", "schedule": "*/15", "storage": "nas", "all": 1, "exclude": "104",
     "node": "pve2", "prune-backups": "keep-all=1"},
    {"id": "backup-3", "type": "vzdump", "enabled": 0, "schedule": "noon", "pool": "prod", "mode": "stop"},
    {"id": "sync-1", "type": "realm-sync", "schedule": "daily"},
]  # fmt: skip
JOBS_7 = [{"id": "0123:1", "starttime": "21:00", "dow": "sat,sun", "vmid": 101, "storage": "local", "enabled": "1"}]
BACKUP_FILES = [
    {"volid": "nas:backup/vzdump-qemu-101-a.vma.zst", "content": "backup", "vmid": 101, "ctime": T0, "size": 1},
    {"volid": "nas:backup/vzdump-qemu-101-b.vma.zst", "content": "backup", "vmid": "101", "ctime": str(T0 + 500)},
    {"volid": "pbs:backup/vm/101/2026", "content": "backup", "vmid": 101, "ctime": T0 + 900,
     "verification": {"state": "failed", "upid": "UPID"}},
    {"volid": "nas:iso/x.iso", "content": "iso", "ctime": T0 + 999, "vmid": 5},
]  # fmt: skip

# GET …/agent/get-fsinfo: qemu-ga of Debian 13 with a snap, a CD, a bind mount; and a disk of Windows
FILESYSTEMS: Any = {
    "result": [
        {"name": "sda1", "mountpoint": "/", "type": "ext4", "total-bytes": 1000, "used-bytes": 960, "disk": []},
        {"name": "sda1", "mountpoint": "/var/lib/data", "type": "ext4", "total-bytes": 1000, "used-bytes": 960},
        {"name": "loop0", "mountpoint": "/snap/core/1", "type": "squashfs", "total-bytes": 10, "used-bytes": 10},
        {"name": "sr0", "mountpoint": "/media/cdrom", "type": "iso9660", "total-bytes": 10, "used-bytes": 10},
        {"name": "tmpfs", "mountpoint": "/run", "type": "tmpfs", "total-bytes": 10, "used-bytes": 10},
        {"name": "sdb1", "mountpoint": "C:\\", "type": "NTFS", "total-bytes": 2000, "used-bytes": 500},
        {"name": "sdc1", "mountpoint": "/old", "type": "xfs", "disk": []},
    ]
}
