"""TABLE: every route that the simulated cluster was taught, of its version; all else is 501."""

from bot.demo.cluster import (
    backup_views,
    cluster_views,
    guest_views,
    ha_views,
    machine_views,
    node_views,
    rrd,
    storage_views,
    task_views,
)
from bot.demo.cluster.api import Route
from bot.demo.cluster.broadcast import Broadcast
from bot.demo.cluster.power import Power
from bot.demo.cluster.world import World


def routes(world: World, broadcast: Broadcast, power: Power) -> tuple[Route, ...]:
    release = world.release
    found = (
        *cluster_views.routes(broadcast), *ha_views.ROUTES, *backup_views.ROUTES,
        *node_views.routes(power), *task_views.ROUTES, *storage_views.ROUTES, *machine_views.routes(release),
        *guest_views.routes(power), *rrd.routes(world),
    )  # fmt: skip
    return tuple(route for route in found if release.since(*route.since))
