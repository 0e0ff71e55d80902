"""A node that is shut down or rebooted in order: stopall, its guests' own tasks, the power; startall after the boot.

pve-manager, API2/Nodes.pm: the command itself leaves no task, acts 2 s later, and systemd stops pve-guests first, whose
tasks are root@pam's. pve-ha-manager: a reboot freezes the node's services, a shutdown hands them over.
"""

from typing import Literal

from bot.demo.cluster.power import Power
from bot.demo.cluster.tasks import Task, Work
from bot.demo.cluster.things import Guest, Node
from bot.demo.cluster.world import World

Command = Literal["reboot", "shutdown"]
ACTS = 2.0  # seconds from the command to what it does
STOP = 180  # seconds stopall gives a guest
BOOT = 75.0  # seconds from off to on again
HANDED_OVER = 20.0  # seconds until HA has a shut down node's guests elsewhere


def order(power: Power, node: Node, command: Command) -> None:
    power.world.clock.later(ACTS, lambda: _stop_all(power, node, command))


def _stop_all(power: Power, node: Node, command: Command) -> None:
    world = power.world
    if not node.online:
        return
    for guest in _managed(world, node):
        guest.hastate = "freeze" if command == "reboot" else "request_stop"
    world.tasks.begin(node.name, "stopall", "", "root@pam", lambda task: _stopping(power, node, command, task))


def _managed(world: World, node: Node) -> list[Guest]:
    return [guest for guest in world.guests.values() if guest.node == node.name and guest.ha == "started"]


def _stopping(power: Power, node: Node, command: Command, task: Task) -> Work:
    world = power.world
    running = [g for g in world.guests.values() if g.node == node.name and g.running and not g.ha]
    upids = []
    for guest in sorted(running, key=lambda one: one.vmid, reverse=True):
        task.say(f"Stopping {guest.word} {guest.vmid} (timeout = {STOP} seconds)")
        upids.append(power.shut_down(guest, STOP))
        yield 0.2
    while any(world.tasks.all[upid].running for upid in upids):
        yield 1.0
    world.clock.later(5.0, lambda: _off(power, node, command))


def _off(power: Power, node: Node, command: Command) -> None:
    world = power.world
    managed = _managed(world, node)
    for guest in managed:
        world.halt(guest)
    world.power_off(node, orderly=True)
    if command == "reboot":
        world.clock.later(BOOT, lambda: world.power_on(node))
    else:
        world.clock.later(HANDED_OVER, lambda: _hand_over(world, node))


def _hand_over(world: World, node: Node) -> None:
    elsewhere = [other for other in world.nodes.values() if other.online]
    if node.online or not world.quorate or not elsewhere:
        return
    for guest in _managed(world, node):
        guest.node = min(elsewhere, key=lambda other: other.load).name
        guest.hastate = "started"
        world.on_start(guest)
    world.access.changed()
