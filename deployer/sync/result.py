"""What a sync did, as plain data: the same for the log, the commit status, the terminal and JSON."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from deployer.cluster.health import Health
from deployer.cluster.history import Fault, Result
from deployer.cluster.inventory import Inventory
from deployer.manifest import ObjectKey
from deployer.sync.diff import Difference
from deployer.sync.drift import FieldChange

Action = Literal["created", "updated", "unchanged", "pruned", "skipped", "failed"]
Outcome = Result


@dataclass(frozen=True)
class ObjectResult:
    """What became of one object; `health` is None where it was not looked at.

    `changes` are the fields that were, or would be, updated, and who had made them so. `difference` is what a sync
    would change, where that is all that was asked for and there is something. `phase` is a hook's, `""` for others.
    """

    key: ObjectKey
    version: str
    action: Action
    health: Health | None = None
    message: str = ""
    changes: tuple[FieldChange, ...] = ()
    difference: Difference | None = None
    phase: str = ""

    @property
    def left(self) -> bool:
        """Whether the object left Git and stays: it is skipped for a reason of its own."""
        return self.action == "skipped" and bool(self.message)


@dataclass(frozen=True)
class SyncResult:
    """What became of a sync.

    `message` is one sentence for people: the first reason where it failed, what is not healthy yet where the rollout
    goes on. `hooks` are those that were made, or were to be. `durations` are seconds by step. `inventory` is the
    application's as it was read, or written last; `fault` is of what sort a failure is.
    """

    outcome: Outcome
    message: str
    health: str = ""
    objects: tuple[ObjectResult, ...] = ()
    durations: Mapping[str, float] = field(default_factory=dict)
    inventory: Inventory | None = None
    fault: Fault = ""
    hooks: tuple[ObjectResult, ...] = ()

    @property
    def kept(self) -> int:
        """How many objects left Git and stay."""
        return sum(one.left for one in self.objects)

    def count(self, action: Action) -> int:
        """How many objects met this action."""
        return sum(result.action == action for result in self.objects)


@dataclass(frozen=True)
class Step:
    """Something that a sync has to say while it is under way.

    `reason` is set where a rollout is held up: why, in the pod's own words.
    """

    message: str
    reason: str = ""


Progress = Callable[[Step], None]
"""Whoever wants to know how a sync is doing."""
