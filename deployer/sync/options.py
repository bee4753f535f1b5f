"""How a sync is done."""

from dataclasses import dataclass

from deployer.annotations import DEFAULT_TIMEOUT
from deployer.sync.owner import Owner
from deployer.sync.prune import NO_PRUNING, Pruning
from deployer.sync.targets import Forbidden, nothing_forbidden


@dataclass(frozen=True)
class Options:
    """How a sync is done.

    `namespace` and `create_namespace` are the application's, `forbidden` is its project's; `timeout` is in seconds, and
    for health; `waited` of them have passed before, and at `until` (`time.monotonic()`) a rollout is left to the next
    reconcile. Without an `owner` there is no inventory, and nothing is pruned.
    """

    namespace: str = ""
    create_namespace: bool = False
    timeout: float = DEFAULT_TIMEOUT
    dry_run: bool = False
    forbidden: Forbidden = nothing_forbidden
    owner: Owner | None = None
    pruning: Pruning = NO_PRUNING
    waited: float = 0.0
    until: float | None = None
