"""The table itself: every row of every file, in the order of the documentation."""

from collections.abc import Mapping

from bot.rules import cluster, expiry, own, tasks, upkeep
from bot.rules.backup import coverage, failed, stores
from bot.rules.guest import agents, expected, stopped, troubled, usage
from bot.rules.node import figures, frozen, ha, presence, strain
from bot.rules.rule import Rule
from bot.rules.storage import disks, replication, storages, zpools

RULES: tuple[Rule, ...] = (
    *cluster.RULES,
    *presence.RULES,
    *frozen.RULES,
    *ha.RULES,
    *stopped.RULES,
    *expected.RULES,
    *troubled.RULES,
    *agents.RULES,
    *usage.RULES,
    *figures.RULES,
    *strain.RULES,
    *storages.RULES,
    *zpools.RULES,
    *disks.RULES,
    *replication.RULES,
    *failed.RULES,
    *coverage.RULES,
    *stores.RULES,
    *tasks.RULES,
    *upkeep.RULES,
    *expiry.RULES,
    *own.RULES,
)

BY_KEY: Mapping[str, Rule] = {rule.key: rule for rule in RULES}
