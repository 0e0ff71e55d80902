"""The table itself: every row of every file, in the order of the documentation."""

from collections.abc import Mapping

from bot.rules import (
    agents,
    backups,
    cluster,
    coverage,
    disks,
    expected,
    expiry,
    frozen,
    guests,
    ha,
    nodes,
    own,
    presence,
    replication,
    storages,
    stores,
    strain,
    tasks,
    troubled,
    upkeep,
    usage,
    zpools,
)
from bot.rules.rule import Rule

RULES: tuple[Rule, ...] = (
    *cluster.RULES,
    *presence.RULES,
    *frozen.RULES,
    *ha.RULES,
    *guests.RULES,
    *expected.RULES,
    *troubled.RULES,
    *agents.RULES,
    *usage.RULES,
    *nodes.RULES,
    *strain.RULES,
    *storages.RULES,
    *zpools.RULES,
    *disks.RULES,
    *replication.RULES,
    *backups.RULES,
    *coverage.RULES,
    *stores.RULES,
    *tasks.RULES,
    *upkeep.RULES,
    *expiry.RULES,
    *own.RULES,
)

BY_KEY: Mapping[str, Rule] = {rule.key: rule for rule in RULES}
