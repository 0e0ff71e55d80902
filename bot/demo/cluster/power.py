"""POST …/status/{start,stop,shutdown,reboot,reset,suspend,resume}: what is refused at once, and what the task does.

qemu-server: API2/Qemu.pm, QemuServer.pm, RunState.pm; pve-container: API2/LXC/Status.pm, LXC.pm. A VM's mistakes mostly
fail in the task, a container's mostly at once.
"""

from collections.abc import Callable, Mapping
from functools import partial

from bot.demo.cluster.access import Caller
from bot.demo.cluster.api import Call, Value
from bot.demo.cluster.errors import Refusal, TaskFailed, bad, died
from bot.demo.cluster.tasks import Task, Work
from bot.demo.cluster.things import Guest, Kind
from bot.demo.cluster.world import World

LOCK_FILE = 10.0  # seconds that a task waits for another one's lock file
HA_ACTS = 5.0  # seconds until the local resource manager does what was asked of HA
CLEANUP = 1.0  # seconds from a VM's end to qmeventd starting it again, where a reboot was asked for
ROOT = Caller("root@pam")
NO_PARAMS: Mapping[str, Value] = {}


class Power:
    def __init__(self, world: World) -> None:
        self.world = world
        world.on_start = self.start

    def start(self, guest: Guest) -> str:
        """As root@pam does: after the boot of its node, or for HA."""
        return self._begin(ROOT, guest.node, guest.kind, guest.vmid, "start", self._start)

    def shut_down(self, guest: Guest, timeout: float) -> str:
        """As stopall does: by root@pam, and by force in the end."""
        params: dict[str, Value] = {"forceStop": True, "timeout": int(timeout)}
        work = partial(self._shutdown, params=params)
        return self._begin(ROOT, guest.node, guest.kind, guest.vmid, "shutdown", work)

    def order(self, user: str, guest: Guest, action: str, **params: Value) -> str:
        """As somebody in Proxmox's own pages does; gives the UPID. Raises Refusal as POST does."""
        given = {"node": guest.node, "vmid": guest.vmid, **params}
        call = Call(world=self.world, caller=Caller(user), host=guest.node, params=given)
        return self.post(call, guest.kind, action)

    def post(self, call: Call, kind: Kind, action: str) -> str:
        """Gives the UPID. Raises Refusal for what Proxmox refuses before there is a task."""
        refuse = self._refuse_vm if kind == "qemu" else self._refuse_ct
        guest = self.world.guests.get(call.vmid)
        guest = guest if guest is not None and guest.node == call.node and guest.kind == kind else None
        refuse(call, guest, action)
        if guest is not None and guest.ha and action in {"start", "stop", "shutdown"}:
            if action == "stop" and call.flag("overrule-shutdown"):
                raise bad(overrule_shutdown="Not applicable for HA resources.")
            return self._ask_ha(call.caller, guest, action, call.number("timeout", 60))
        name = (
            {"suspend": "suspend" if call.flag("todisk") else "pause"}.get(action, action) if kind == "qemu" else action
        )
        return self._begin(call.caller, call.node, kind, call.vmid, name, self._work(call, name))

    def _work(self, call: Call, name: str) -> Callable[[Guest, Task], Work]:
        works: dict[str, Callable[[Guest, Task], Work]] = {
            "start": self._start, "reset": self._reset, "pause": self._pause, "suspend": self._hibernate,
            "resume": self._resume, "stop": lambda guest, task: self._stop(guest),
            "shutdown": lambda guest, task: self._shutdown(guest, task, call.params),
            "reboot": lambda guest, task: self._reboot(guest, task, call.params),
        }  # fmt: skip
        work = works[name]
        if name == "stop" and call.flag("overrule-shutdown"):
            self._overrule(call)
        return work

    def _begin(
        self, caller: Caller, node: str, kind: Kind, vmid: int, name: str, work: Callable[[Guest, Task], Work]
    ) -> str:
        """A task on a guest: it fails without the guest, waits for the lock file, and holds it to its end."""

        def locked(task: Task) -> Work:
            try:
                guest = self.world.guest_on(node, kind, vmid)
            except Refusal as why:
                raise TaskFailed(why.message.strip()) from None
            waited = 0.0
            while guest.busy:
                if waited >= LOCK_FILE:
                    qemu, lxc = f"/var/lock/qemu-server/lock-{vmid}.conf", f"/run/lock/lxc/pve-config-{vmid}.lock"
                    raise TaskFailed(f"can't lock file '{qemu if kind == 'qemu' else lxc}' - got timeout")
                yield 0.5
                waited += 0.5

            def release() -> None:
                guest.busy = ""

            guest.busy, task.release = task.upid, release
            yield from work(guest, task)

        prefix = "qm" if kind == "qemu" else "vz"
        return self.world.tasks.begin(node, f"{prefix}{name}", str(vmid), caller.id, locked).upid

    # -- what is refused before there is a task ------------------------------------------------------------------

    def _refuse_vm(self, call: Call, guest: Guest | None, action: str) -> None:
        vmid = call.vmid
        if action == "start":
            self.world.need_quorum()
        if action in {"reboot", "reset", "suspend", "resume"}:
            guest = self.world.guest_on(call.node, "qemu", vmid)
            if not guest.running and not (action == "resume" and guest.lock == "suspended"):
                raise died(f"VM {vmid} not running")
        if guest is None:
            return
        if guest.paused and (action == "reboot" or (action == "shutdown" and not call.flag("forceStop"))):
            raise died("VM is paused - cannot shutdown")
        if action == "suspend" and call.flag("todisk"):
            if guest.ha:
                raise died("Cannot suspend HA managed VM to disk")
            storage = call.text("statestorage", guest.storage)
            call.need("VM.Config.Disk", f"/vms/{vmid}")
            call.need("Datastore.AllocateSpace", f"/storage/{storage}")

    def _refuse_ct(self, call: Call, guest: Guest | None, action: str) -> None:
        vmid, running = call.vmid, guest is not None and guest.running
        if action in {"start", "resume"} and running:
            raise died(f"CT {vmid} already running")
        if action in {"stop", "shutdown", "suspend"} and not running:
            raise died(f"CT {vmid} not running")
        if action == "reboot" and not running:
            raise died(f"VM {vmid} not running")  # sic
        if action == "start":
            self.world.need_quorum()

    def _overrule(self, call: Call) -> None:
        """Ends running shutdown tasks of the guest, so that stop gets its lock file."""
        for task in self.world.tasks.on(call.node):
            mine = task.owned_by(call.caller.id) or call.may("Sys.Modify", f"/nodes/{call.node}")
            if mine and task.running and task.id == str(call.vmid) and task.type in {"qmshutdown", "vzshutdown"}:
                self.world.tasks.interrupt(task)

    # -- what the tasks do ---------------------------------------------------------------------------------------

    @staticmethod
    def _unlocked(guest: Guest, *but: str) -> None:
        if guest.lock and guest.lock not in but:
            raise TaskFailed(f"{guest.word} is locked ({guest.lock})")

    def _start(self, guest: Guest, task: Task) -> Work:
        vm = guest.kind == "qemu"
        if guest.template:
            raise TaskFailed(f"you can't start a {'vm' if vm else 'CT'} if it's a template")
        if vm and guest.lock == "backup" and guest.running:
            return  # resumed, in case the backup had started it
        self._unlocked(guest, *(["suspended"] if vm else ["mounted"]))
        if guest.running:
            raise TaskFailed(f"{guest.word} {guest.vmid} already running")
        hibernated = guest.lock == "suspended"
        if hibernated:
            task.say("Resuming suspended VM")
        yield guest.boot_time
        if guest.broken:
            words = "start failed: QEMU exited with code 1" if vm else f"startup for container '{guest.vmid}' failed"
            raise TaskFailed(words)
        if hibernated:
            guest.lock = ""
            task.say("Resumed VM, removing state")
        self.world.boot(guest)
        if guest.ha:
            guest.hastate = "started"

    def _stop(self, guest: Guest) -> Work:
        if guest.running:
            self._unlocked(guest, *(["mounted"] if guest.kind == "lxc" else []))
            yield 0.5
            self.world.halt(guest)

    def _shutdown(self, guest: Guest, task: Task, params: Mapping[str, Value]) -> Work:
        if guest.running:
            self._unlocked(guest)
            yield from self._down(guest, task, params, force=bool(params.get("forceStop")))

    def _down(self, guest: Guest, task: Task, params: Mapping[str, Value], *, force: bool) -> Work:
        timeout = float(params.get("timeout", 60))
        if guest.paused:
            yield 0.5  # with forceStop: stopped rather than shut down
        elif not guest.deaf and guest.shutdown_time < timeout:
            yield guest.shutdown_time
        else:
            yield timeout
            if guest.running and guest.kind == "qemu":
                if not force:
                    raise TaskFailed("VM quit/powerdown failed - got timeout")
                task.say("VM still running - terminating now with SIGTERM")
            elif guest.running and not force:
                task.say(f"command 'lxc-stop -n {guest.vmid} --nokill --timeout {timeout:.0f}' failed: exit code 1")
                raise TaskFailed("container did not stop")
            yield 0.5
        self.world.halt(guest)

    def _reboot(self, guest: Guest, task: Task, params: Mapping[str, Value]) -> Work:
        """A container is started again by the task itself, a VM by qmeventd, in a task of root's.

        Without quorum neither is: the guest stays down.
        """
        if guest.kind == "lxc":
            yield from self._down(guest, task, params, force=True)
            if not self.world.quorate:  # lxc-pve-prestart-hook, check_cfs_quorum
                raise TaskFailed(f"startup for container '{guest.vmid}' failed")
            yield guest.boot_time
            self.world.boot(guest)
            return
        self._unlocked(guest)
        yield from self._down(guest, task, params, force=False)
        self.world.clock.later(CLEANUP, lambda: self._restart(guest))

    def _restart(self, guest: Guest) -> None:
        if guest.running or not self.world.nodes[guest.node].online:
            return
        if not self.world.quorate:  # vm_start refuses before there is a task: only the node's journal tells
            self.world.clock.later(CLEANUP, lambda: self._restart(guest))  # Proxmox VE itself would leave it down
            return
        if guest.ha:
            self._ask_ha(ROOT, guest, "start", 0)
        else:
            self.start(guest)

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
        elif guest.paused:
            self._unlocked(guest, "backup")
            yield 0.1
            guest.paused = False

    def _hibernate(self, guest: Guest, task: Task) -> Work:
        if guest.lock == "backup":
            raise TaskFailed("cannot suspend to disk during backup")
        self._unlocked(guest)
        guest.lock = "suspending"
        yield 4
        task.say("State saved, quitting")
        self.world.halt(guest)
        guest.lock = "suspended"

    # -- HA ------------------------------------------------------------------------------------------------------

    def _ask_ha(self, caller: Caller, guest: Guest, action: str, timeout: int) -> str:
        """The request is filed and the task ends; the resource manager acts later, as root@pam."""
        verb = "start" if action == "start" else "stop"

        def file(task: Task) -> Work:
            task.say(f"Requesting HA {verb} for {guest.word} {guest.vmid}")
            guest.ha = "started" if verb == "start" else "stopped"
            if verb == "stop":
                guest.hastate = "request_stop"
            self.world.clock.later(HA_ACTS, lambda: self._ha_acts(guest, action, timeout))
            yield from ()  # the request takes no time

        return self.world.tasks.begin(guest.node, f"ha{verb}", str(guest.vmid), caller.id, file).upid

    def _ha_acts(self, guest: Guest, action: str, timeout: int) -> None:
        def down(guest: Guest, task: Task) -> Work:
            if action == "stop":
                yield from self._stop(guest)
            elif guest.running:
                self._unlocked(guest)
                yield from self._down(guest, task, {"timeout": timeout}, force=True)
            guest.hastate = "stopped"

        if not self.world.nodes[guest.node].online:
            return
        if action == "start" and guest.ha == "started" and not guest.running:
            self.start(guest)
        elif action != "start" and guest.ha == "stopped":
            self._begin(ROOT, guest.node, guest.kind, guest.vmid, action, down)
