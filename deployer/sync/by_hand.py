"""What a person asks for: why that is done, and how, here or wherever its job is run."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from deployer.cluster.history import DELETION
from deployer.job import JobOptions
from deployer.report.command import Action
from deployer.sync.how import How
from deployer.sync.rollback import BY_HAND

WHY: Mapping[Action, str] = {"sync": "deployer sync", "rollback": BY_HAND, "delete": DELETION}
"""What the history says of it."""


def by_hand(action: Literal["sync", "rollback"], options: JobOptions, who: str) -> How:
    """Return how a sync, or the return to an earlier one, is done that a person asks for.

    Args:
        action: which of the two; a sync lets go of an earlier return.
        options: what is asked for besides.
        who: the person, for the history.
    """
    how = How(
        why=WHY[action],
        who=who,
        timeout=options.timeout,
        prune=options.prune,
        approve_prune=options.approve_prune,
        hooks="always",
    )
    return replace(how, release=True) if action == "sync" else replace(how, rollback=options.rollback)
