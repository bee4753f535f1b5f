"""How a sync is done."""

import hashlib
from dataclasses import dataclass, field
from typing import Literal

from deployer.annotations import DEFAULT_TIMEOUT
from deployer.namespace_metadata import NamespaceMetadata
from deployer.object_options import DEFAULTS, ObjectOptions
from deployer.sync.ignoring import NOTHING_IGNORED, Ignoring
from deployer.sync.owner import Owner
from deployer.sync.prune import NO_PRUNING, Pruning
from deployer.sync.targets import Forbidden, nothing_forbidden

Hooks = Literal["always", "changes", "never"]
"""When hooks run: with every sync, only where something else has to be written, or not at all.

Those of an operation that was interrupted run in any case but the last.
"""


@dataclass(frozen=True)
class Options:
    """How a sync is done.

    `namespace`, `create_namespace` and `namespace_metadata` are the application's, `forbidden` is its project's;
    `timeout` is in seconds, and for health; `waited` of them have passed before, and at `until` (`time.monotonic()`) a
    rollout is left to the next reconcile. Without an `owner` there is no inventory, and nothing is pruned. Objects are
    read and written as the user `impersonate`, all else as whoever the credentials are of; `""` is that one, too.
    `defaults` are for objects that do not say otherwise. Without `wait`, nobody waits for health after the last wave.
    `files` is what a person calls files that have no owner.
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
    hooks: Hooks = "always"
    defaults: ObjectOptions = DEFAULTS
    wait: bool = True
    files: str = ""
    impersonate: str = ""
    ignored: Ignoring = NOTHING_IGNORED
    namespace_metadata: NamespaceMetadata = field(default_factory=dict)

    @property
    def hook_owner(self) -> str:
        """The label of this sync's hooks; those of files on a person's disk have an owner, too, by the files' name."""
        return self.owner.id if self.owner else f"files-{hashlib.sha256(self.files.encode()).hexdigest()[:16]}"
