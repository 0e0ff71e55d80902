"""A node that is shut down or rebooted in order: stopall, its guests' own tasks, the power; startall after the boot.

pve-manager, API2/Nodes.pm: the command itself leaves no task, acts 2 s later, and systemd stops pve-guests first, whose
tasks are root@pam's. pve-ha-manager: a reboot freezes the node's services, a shutdown hands them over.
"""

from typing import Literal

from bot.demo.cluster.power import Power
from bot.demo.cluster.tasks import Task, Work
from bot.demo.cluster.things import Guest, Node

Command = Literal["reboot", "shutdown"]
ACTS = 2.0  # seconds from the command to what it does
STOP = 180  # seconds stopall gives a guest
BOOT = 75.0  # seconds from off to on again
HANDED_OVER = 20.0  # seconds until HA has a shut down node's guests elsewhere


class Order:
    """From the command on. What it is about to do can be called off until the node is off."""

    def __init__(self, power: Power, node: Node, command: Command) -> None:
        self._power, self._node, self._command = power, node, command
        self._world = power.world
        self._stopped: list[Guest] = []
        self._tasks: list[str] = []
        self._called_off = False
        node.going_down = True
        self._world.clock.later(ACTS, self._begin)

    @property
    def _goes_on(self) -> bool:
        return self._node.going_down and not self._called_off

    @property
    def _managed(self) -> list[Guest]:
        guests = self._world.guests.values()
        return [guest for guest in guests if guest.node == self._node.name and guest.ha == "started"]

    def call_off(self) -> None:
        """As if nobody had ordered it: what runs is interrupted, what has stopped is started again."""
        under_way, self._called_off = self._goes_on, True
        if not under_way:
            return
        self._node.going_down = False
        for upid in self._tasks:
            self._world.tasks.interrupt(self._world.tasks.all[upid])
        for guest in self._managed:
            guest.hastate = "started"
        stopped = [guest for guest in self._stopped if not guest.running]
        if stopped:
            self._world.start_all(self._node, stopped)

    def _begin(self) -> None:
        if not self._goes_on:
            return
        for guest in self._managed:
            guest.hastate = "freeze" if self._command == "reboot" else "request_stop"
        task = self._world.tasks.begin(self._node.name, "stopall", "", "root@pam", self._stop_all)
        self._tasks.append(task.upid)

    def _stop_all(self, task: Task) -> Work:
        world, here = self._world, self._node.name
        running = [guest for guest in world.guests.values() if guest.node == here and guest.running and not guest.ha]
        for guest in sorted(running, key=lambda one: one.vmid, reverse=True):
            task.say(f"Stopping {guest.word} {guest.vmid} (timeout = {STOP} seconds)")
            self._stopped.append(guest)
            self._tasks.append(self._power.shut_down(guest, STOP))
            yield 0.2
        while any(world.tasks.all[upid].running for upid in self._tasks if upid != task.upid):
            yield 1.0
        world.clock.later(5.0, self._off)

    def _off(self) -> None:
        if not self._goes_on:
            return
        for guest in self._managed:
            self._world.halt(guest)
        held = "reboot" if self._command == "reboot" else ""
        self._world.power_off(self._node, by=held, orderly=True)
        if self._command == "reboot":
            self._world.clock.later(BOOT, lambda: self._world.power_on(self._node, by=held))
        else:
            outage = self._node.outages
            self._world.clock.later(HANDED_OVER, lambda: self._hand_over(outage))

    def _hand_over(self, outage: int) -> None:
        world, node = self._world, self._node
        elsewhere = [other for other in world.nodes.values() if other.online]
        if node.online or node.outages != outage or not world.quorate or not elsewhere:
            return
        for guest in self._managed:
            guest.node = min(elsewhere, key=lambda other: other.load).name
            guest.hastate = "started"
            world.on_start(guest)
        world.access.changed()
