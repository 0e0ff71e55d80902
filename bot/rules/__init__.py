"""TABLE: what is worth an alert. One row and one pure function a rule, grouped by subject.

To add a rule: write its `find` in the file of its subject, and its row in that file's `RULES` (rule.py says what the
columns are). Its settings, its line in docs/alerts.md and its place in /why come from the row.
"""

from collections.abc import Mapping

from bot.rules import (
    agents,
    backups,
    cluster,
    coverage,
    disks,
    expiry,
    frozen,
    guests,
    ha,
    nodes,
    own,
    presence,
    replication,
    storages,
    strain,
    tasks,
    troubled,
    upkeep,
    usage,
)
from bot.rules.rule import Confirm, Kind, Limit, Limits, Rule

RULES: tuple[Rule, ...] = (
    *cluster.RULES,
    *presence.RULES,
    *frozen.RULES,
    *ha.RULES,
    *guests.RULES,
    *troubled.RULES,
    *agents.RULES,
    *usage.RULES,
    *nodes.RULES,
    *strain.RULES,
    *storages.RULES,
    *disks.RULES,
    *replication.RULES,
    *backups.RULES,
    *coverage.RULES,
    *tasks.RULES,
    *upkeep.RULES,
    *expiry.RULES,
    *own.RULES,
)

BY_KEY: Mapping[str, Rule] = {rule.key: rule for rule in RULES}

__all__ = ["BY_KEY", "RULES", "Confirm", "Kind", "Limit", "Limits", "Rule"]
