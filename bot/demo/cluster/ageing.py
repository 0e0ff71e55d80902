"""Time that goes by at once, or faster than it does: everything happens, and then all of it is that much older.

The clock of the cluster stays right meanwhile, as the bot's is: what moved on are the things, not the hour. A task
keeps its UPID, though it began earlier now: whoever knows it by name still does.
"""

from bot.demo.cluster.world import World

AHEAD = 0.5  # seconds that do not matter


def skip(world: World, seconds: float) -> None:
    """`seconds` go by: tasks end, jobs run, nodes boot; then the clock is where it was, and all is older."""
    world.catch_up()
    world.clock.advance(seconds)
    world.catch_up()
    world.clock.back(seconds)
    age(world, seconds)


def anchor(world: World, now: float) -> None:
    """Of a world that runs faster than time does: its clock shows `now` again, and all is older by as much."""
    ahead = world.clock.now() - now
    if ahead > AHEAD:
        world.clock.back(ahead)
        age(world, ahead)


def age(world: World, seconds: float) -> None:
    world.born -= seconds
    world.shifted(seconds)
    for task in world.tasks.all.values():
        task.start -= seconds
        if task.end is not None:
            task.end -= seconds
    for guest in world.guests.values():
        if guest.booted:
            guest.booted -= seconds
        for snapshot in guest.snapshots:
            snapshot.taken -= seconds
    for storage in world.storages:
        for volume in storage.volumes:
            volume.created -= seconds
    for node in world.nodes.values():
        _age_node(world, node.name, seconds)
    world.fenced = {name: until - seconds for name, until in world.fenced.items()}
    for token in world.access.tokens.values():
        if token.expire:
            token.expire -= seconds


def _age_node(world: World, name: str, seconds: float) -> None:
    node = world.nodes[name]
    node.booted -= seconds
    node.went_off -= seconds if node.went_off else 0
    node.frozen -= seconds if node.frozen else 0
    machine = node.machine
    machine.due -= seconds if machine.due else 0
    for certificate in machine.certificates:
        certificate.issued -= seconds
        certificate.expires -= seconds
    for job in machine.replications:
        job.last_sync -= seconds
        job.last_try -= seconds
