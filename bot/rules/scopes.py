"""TABLE: whom the exceptions of each rule can be for, and which of its figures are one for all.

What a rule looks at decides: a guest has tags, a pool, an id and is on a node; a node's own things are the node's; a
storage may be on one node. An exception of any other kind would never be found.
"""

from collections.abc import Mapping

_GUEST, _NODE, _STORAGE = ("tag", "pool", "guest", "node"), ("node",), ("storage", "node")
SCOPES_OF: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(
        (
            "ha_error", "guest_stopped_by_itself", "guest_expected_down", "guest_io_error", "guest_paused",
            "restart_loop", "lock_stuck", "guest_cpu", "guest_mem", "ct_disk", "vm_disk", "replication",
            "backup_failed", "backup_overdue", "not_backed_up", "task_failed", "task_stuck", "snapshot_old",
            "guest_event", "guest_silent",
        ),
        _GUEST,
    ),
    **dict.fromkeys(
        (
            "node_offline", "node_reset", "node_fenced", "node_cpu", "node_mem", "node_swap", "node_load",
            "node_rootfs", "pressure", "thin_metadata", "zfs", "disk_health", "cert_expiry", "updates",
            "service_down", "stats_frozen", "clock_drift", "node_api_down",
        ),
        _NODE,
    ),
    **dict.fromkeys(("storage_full", "storage_offline"), _STORAGE),
    **dict.fromkeys(
        (
            "api_unreachable", "quorum_lost", "ceph", "store_overdue", "bot", "subscription", "system_mail",
            "token_expiry",
        ),
        (),
    ),
}  # fmt: skip
"""By Rule.key."""
FOR_ALL: Mapping[str, frozenset[str]] = {
    "task_failed": frozenset({"count", "within", "since_seconds"}),
    "backup_failed": frozenset({"log_seconds"}),
    "snapshot_old": frozenset({"severity"}),
    "not_backed_up": frozenset({"severity"}),
}
"""Figures that an exception cannot change: what they are of is many guests at once."""
