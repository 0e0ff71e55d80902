"""POST …/status/{start,stop,shutdown,reboot,reset,suspend,resume}: what is refused at once, and what the task does.

qemu-server: API2/Qemu.pm, QemuServer.pm; pve-container: API2/LXC/Status.pm, LXC.pm. A VM's mistakes mostly fail in the
task, a container's mostly at once.
"""

from collections.abc import Callable, Mapping

from bot.demo.cluster.access import Caller
from bot.demo.cluster.api import Call
from bot.demo.cluster.errors import Refusal, TaskFailed, bad, died
from bot.demo.cluster.tasks import Task, Work
from bot.demo.cluster.things import Guest, Kind
from bot.demo.cluster.world import World

Params = Mapping[str, str | int | bool]
LOCK_FILE = 10.0  # seconds that a task waits for another one's lock file
HA_ACTS = 5.0  # seconds until the local resource manager does what was asked of HA
TASK_TYPES = {"suspend": "pause"}  # a VM's suspend to RAM is a `qmpause`


class Power:
    def __init__(self, world: World) -> None:
        self.world = world

    def post(self, call: Call, kind: Kind, action: str) -> str:
        """Gives the UPID. Raises Refusal for what Proxmox refuses before there is a task."""
        if kind == "qemu":
            if action == "suspend" and call.flag("todisk"):
                self._may_hibernate(call)
            return self._vm(call.caller, call.node, call.vmid, action, call.params)
        return self._ct(call.caller, call.node, call.vmid, action, call.params)

    def _may_hibernate(self, call: Call) -> None:
        """To disk takes more than VM.PowerMgmt: the state needs room."""
        guest = self.world.guests.get(call.vmid)
        storage = call.text("statestorage") or (guest.storage if guest else "local")
        for path, privilege in (
            (f"/vms/{call.vmid}", "VM.Config.Disk"),
            (f"/storage/{storage}", "Datastore.AllocateSpace"),
        ):
            if not call.may(privilege, path):
                raise Refusal(403, f"Permission check failed ({path}, {privilege})\n")

    def _here(self, node: str, kind: Kind, vmid: int) -> Guest | None:
        guest = self.world.guests.get(vmid)
        return guest if guest is not None and guest.node == node and guest.kind == kind else None

    def _begin(
        self, caller: Caller, node: str, kind: Kind, vmid: int, action: str, work: Callable[[Guest, Task], Work]
    ) -> str:
        """A task on a guest: it fails without the guest, waits for the lock file, and holds it to its end."""

        def locked(task: Task) -> Work:
            try:
                guest = self.world.guest_on(node, kind, vmid)
            except Refusal as why:
                raise TaskFailed(str(why).strip()) from None
            waited = 0.0
            while guest.busy:
                if waited >= LOCK_FILE:
                    lock = (
                        f"/var/lock/qemu-server/lock-{vmid}.conf"
                        if kind == "qemu"
                        else f"/run/lock/lxc/pve-config-{vmid}.lock"
                    )
                    raise TaskFailed(f"can't lock file '{lock}' - got timeout")
                yield 0.5
                waited += 0.5

            def release() -> None:
                guest.busy = ""

            guest.busy, task.release = task.upid, release
            yield from work(guest, task)

        prefix = "qm" if kind == "qemu" else "vz"
        return self.world.tasks.begin(node, f"{prefix}{action}", str(vmid), caller.id, locked).upid

    # -- VMs -----------------------------------------------------------------------------------------------------

    def _vm(self, caller: Caller, node: str, vmid: int, action: str, params: Params) -> str:
        world, guest = self.world, self._here(node, "qemu", vmid)
        if action == "start":
            world.need_quorum()
        if guest is not None and guest.ha and action in {"start", "stop", "shutdown"}:
            if params.get("overrule-shutdown"):
                raise bad(overrule_shutdown="cannot set this for HA managed guests")
            return self._ha(caller, guest, action)
        if action in {"reboot", "reset", "suspend", "resume"}:
            guest = world.guest_on(node, "qemu", vmid)
            if not guest.running and not (action == "resume" and guest.lock == "suspended"):
                raise died(f"VM {vmid} not running")
        if (
            guest is not None
            and guest.paused
            and (action == "reboot" or (action == "shutdown" and not params.get("forceStop")))
        ):
            raise died("VM is paused - cannot shutdown")
        if action == "suspend" and params.get("todisk"):
            if guest is not None and guest.ha:
                raise died("Cannot suspend HA managed VM to disk")
            return self._begin(caller, node, "qemu", vmid, "suspend", self._hibernate)
        if action == "stop" and params.get("overrule-shutdown"):
            self._overrule(node, vmid, ("qmshutdown",))
        work = {
            "start": self._start, "stop": self._stop, "reset": self._reset, "suspend": self._pause, "resume": self._resume,
            "shutdown": lambda guest, task: self._shutdown(guest, task, params),
            "reboot": lambda guest, task: self._reboot(guest, task, params),
        }[action]  # fmt: skip
        return self._begin(caller, node, "qemu", vmid, TASK_TYPES.get(action, action), work)

    def _unlocked(self, guest: Guest, *but: str) -> None:
        if guest.lock and guest.lock not in but:
            raise TaskFailed(f"{guest.word} is locked ({guest.lock})")

    def _start(self, guest: Guest, task: Task) -> Work:
        if guest.template:
            kind = "vm" if guest.kind == "qemu" else "CT"
            raise TaskFailed(f"you can't start a {kind} if it's a template")
        if guest.kind == "qemu":
            self._unlocked(guest, "suspended")
        else:
            self._unlocked(guest)
        if guest.running:
            raise TaskFailed(f"{guest.word} {guest.vmid} already running")
        if guest.lock == "suspended":
            task.say("Resuming suspended VM")
        yield guest.boot_time
        if guest.broken:
            if guest.kind == "qemu":
                raise TaskFailed("start failed: QEMU exited with code 1")
            raise TaskFailed(f"startup for container '{guest.vmid}' failed")
        if guest.lock == "suspended":
            guest.lock = ""
            task.say("Resumed VM, removing state")
        self.world.boot(guest)

    def _stop(self, guest: Guest, task: Task) -> Work:
        if guest.running:
            self._unlocked(guest)
            yield 0.5
            self.world.halt(guest)

    def _shutdown(self, guest: Guest, task: Task, params: Params) -> Work:
        if not guest.running:
            return
        self._unlocked(guest)
        yield from self._down(guest, task, params)

    def _down(self, guest: Guest, task: Task, params: Params) -> Work:
        timeout = float(params.get("timeout", 60))
        if guest.paused:  # only with forceStop
            yield 0.5
        elif guest.deaf or guest.shutdown_time > timeout:
            yield timeout
            if not params.get("forceStop"):
                raise TaskFailed(
                    "VM quit/powerdown failed - got timeout" if guest.kind == "qemu" else "container did not stop"
                )
            task.say(f"{guest.word} still running - terminating now with SIGTERM")
            yield 0.5
        else:
            yield guest.shutdown_time
        self.world.halt(guest)

    def _reboot(self, guest: Guest, task: Task, params: Params) -> Work:
        self._unlocked(guest)
        yield from self._down(guest, task, params)
        yield guest.boot_time
        self.world.boot(guest)

    def _reset(self, guest: Guest, task: Task) -> Work:
        self._unlocked(guest)
        yield 0.3  # the QEMU process lives on, and the uptime with it

    def _pause(self, guest: Guest, task: Task) -> Work:
        self._unlocked(guest, "backup")
        guest.paused = True
        yield 0.1

    def _resume(self, guest: Guest, task: Task) -> Work:
        if guest.lock == "suspended":
            yield from self._start(guest, task)
            return
        self._unlocked(guest, "backup")
        yield 0.1
        guest.paused = False

    def _hibernate(self, guest: Guest, task: Task) -> Work:
        self._unlocked(guest)
        guest.lock = "suspending"
        task.say(f"saving VM state and RAM using storage '{guest.storage}'")
        size = guest.mem(self.world.now)
        for second in range(1, 5):
            yield 1
            task.say(f"{size * second / 4 / 1024**2:.2f} MiB in {second}s")
        task.say(f"completed saving the VM state in 4s, saved {size / 1024**2:.2f} MiB")
        self.world.halt(guest)
        guest.lock = "suspended"

    def _overrule(self, node: str, vmid: int, types: tuple[str, ...]) -> None:
        for task in self.world.tasks.on(node):
            if task.running and task.id == str(vmid) and task.type in types:
                self.world.tasks.interrupt(task)

    # -- containers ----------------------------------------------------------------------------------------------

    def _ct(self, caller: Caller, node: str, vmid: int, action: str, params: Params) -> str:
        world, guest = self.world, self._here(node, "lxc", vmid)
        running = guest is not None and guest.running
        if action in {"start", "resume"} and running:
            raise died(f"CT {vmid} already running")
        if action in {"stop", "shutdown", "suspend"} and not running:
            raise died(f"CT {vmid} not running")
        if action == "reboot" and not running:
            raise died(f"VM {vmid} not running")  # sic
        if action == "start":
            world.need_quorum()
        if guest is not None and guest.ha and action in {"start", "stop", "shutdown"}:
            if params.get("overrule-shutdown"):
                raise bad(overrule_shutdown="cannot set this for HA managed guests")
            return self._ha(caller, guest, action)
        if action == "stop" and params.get("overrule-shutdown"):
            self._overrule(node, vmid, ("vzshutdown",))
        work = {
            "start": self._start, "stop": self._stop, "suspend": self._pause, "resume": self._resume,
            "shutdown": lambda guest, task: self._shutdown(guest, task, params),
            "reboot": lambda guest, task: self._reboot(guest, task, params),
        }[action]  # fmt: skip
        return self._begin(caller, node, "lxc", vmid, action, work)

    # -- HA ------------------------------------------------------------------------------------------------------

    def _ha(self, caller: Caller, guest: Guest, action: str) -> str:
        """The request is filed and the task ends; the resource manager acts later, as root@pam."""
        wanted = "started" if action == "start" else "stopped"
        verb = "start" if action == "start" else "stop"

        def file(task: Task) -> Work:
            task.say(f"Requesting HA {verb} for {guest.word} {guest.vmid}")
            guest.ha = wanted
            guest.hastate = "started" if wanted == "started" else "request_stop"
            self.world.clock.later(HA_ACTS, lambda: self._ha_acts(guest, action))
            return
            yield  # makes it a generator: the request takes no time

        return self.world.tasks.begin(guest.node, f"ha{verb}", str(guest.vmid), caller.id, file).upid

    def _ha_acts(self, guest: Guest, action: str) -> None:
        root = Caller("root@pam")
        if action == "start" and guest.ha == "started" and not guest.running:
            self._begin(root, guest.node, guest.kind, guest.vmid, "start", self._start)
        elif guest.ha == "stopped":

            def down(guest: Guest, task: Task) -> Work:
                if action == "stop":
                    yield from self._stop(guest, task)
                else:
                    yield from self._shutdown(guest, task, {"forceStop": True})
                guest.hastate = "stopped"

            self._begin(root, guest.node, guest.kind, guest.vmid, action, down)
