"""/nodes/{node}/storage/…: what a node's storages hold (pve-storage, API2/Storage)."""

from bot.demo.cluster.api import Answer, Call, Param, Route
from bot.demo.cluster.broadcast import Row
from bot.demo.cluster.errors import died
from bot.demo.cluster.things import Storage, Volume

READS = "Datastore.Audit|Datastore.AllocateSpace"


def _figures(storage: Storage) -> Row:
    row: Row = {
        "type": storage.type, "content": storage.content, "shared": int(storage.shared),
        "enabled": int(storage.enabled), "active": int(storage.active and storage.enabled),
        "total": 0, "used": 0, "avail": 0,
    }  # fmt: skip
    if row["active"]:
        used = int(storage.used * storage.total)
        row |= {"total": storage.total, "used": used, "avail": storage.total - used}
    return row


def storages(call: Call) -> Answer:
    rows = []
    for storage in call.world.storages_on(call.node):
        if not call.may(READS, f"/storage/{storage.name}"):
            continue
        if (call.flag("enabled") and not storage.enabled) or call.text("storage", storage.name) != storage.name:
            continue
        wanted = set(call.text("content").split(",")) - {""}
        if wanted and not wanted & set(storage.content.split(",")):
            continue
        row = {"storage": storage.name, **_figures(storage)}
        if row["active"]:
            row["used_fraction"] = storage.used
        rows.append(row)
    return Answer(data=rows)


def _storage(call: Call) -> Storage:
    name = call.text("storage")
    for storage in call.world.storages_on(call.node):
        if storage.name == name:
            return storage
    if any(storage.name == name for storage in call.world.storages):
        raise died(f"storage '{name}' is not available on node '{call.node}'")
    raise died(f"storage '{name}' does not exist")


def storage_status(call: Call) -> Answer:
    return Answer(data=_figures(_storage(call)))


def _shown(call: Call, storage: Storage, volume: Volume) -> bool:
    """A backup with Datastore.AllocateSpace and VM.Backup on its guest; a disk with VM.Config.Disk there."""
    path, owner = f"/storage/{storage.name}", f"/vms/{volume.vmid}"
    if call.may("Datastore.Allocate", path):
        return True
    if volume.content == "backup":
        return call.may("Datastore.AllocateSpace", path) and call.may("VM.Backup", owner)
    if volume.content in {"images", "rootdir"}:
        return call.may("Datastore.Audit", path) and call.may("VM.Config.Disk", owner)
    return call.may("Datastore.Audit", path)


def content(call: Call) -> Answer:
    """Only what the caller may see of it."""
    storage, rows = _storage(call), []
    if not storage.enabled:
        raise died(f"storage '{storage.name}' is disabled")
    if not storage.active:
        raise died(f"storage '{storage.name}' is not online")
    for volume in storage.volumes:
        if call.text("content", volume.content) != volume.content or call.number("vmid", volume.vmid) != volume.vmid:
            continue
        if not _shown(call, storage, volume):
            continue
        row: Row = {
            "volid": volume.volid, "content": volume.content, "format": volume.format, "size": volume.size,
            "ctime": int(volume.created),
        }  # fmt: skip
        if volume.vmid:
            row["vmid"] = volume.vmid
        if volume.notes:
            row["notes"] = volume.notes
        if volume.content == "backup":
            row |= {"subtype": "qemu" if "-qemu-" in volume.volid else "lxc", "protected": int(volume.protected)}
        rows.append(row)
    return Answer(data=rows)


STORAGES = {
    "content": Param(),
    "enabled": Param(type="boolean"),
    "format": Param(type="boolean"),
    "storage": Param(),
    "target": Param(),
}
CONTENT = {"content": Param(), "vmid": Param(type="integer", minimum=100, maximum=999_999_999)}

ROUTES = (
    Route(method="GET", path="/nodes/{node}/storage", handler=storages, proxied=True, params=STORAGES),
    Route(
        method="GET", path="/nodes/{node}/storage/{storage}/status", handler=storage_status, proxied=True,
        check=("/storage/{storage}", READS),
    ),
    Route(
        method="GET", path="/nodes/{node}/storage/{storage}/content", handler=content, proxied=True,
        check=("/storage/{storage}", READS), params=CONTENT,
    ),
)  # fmt: skip
