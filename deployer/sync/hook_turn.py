"""What is next for a hook, given what is in the cluster and what its operation remembers. Pure."""

from typing import Literal

from deployer.cluster.health import health
from deployer.cluster.objects import Live
from deployer.cluster.operation import Operation
from deployer.sync.hook_object import HOOK_OF, hook_owner, operation_of
from deployer.sync.owner import label
from deployer.sync.targets import Target, hook_name

HookTurn = Literal["over", "running", "earlier", "replace", "apply"]
"""It has ended; this operation has made it; an earlier one's run has not ended; it is to be made anew, or applied."""


def hook_turn(hook: Target, live: Live | None, operation: Operation) -> HookTurn:
    """Say what is next for a hook.

    An operation makes a hook once, whatever process carries it out. What an earlier one made is waited for where it
    still runs (a migration that is stopped half-way is worse than a late one), and goes before the next one is made
    if the hook says `BeforeHookCreation`.
    """
    if hook_name(hook) in operation.hooks:
        return "over"
    if live is None:
        return "apply"
    if operation_of(live) == operation_label(operation, hook):
        return "running"
    if live["metadata"].get("deletionTimestamp"):
        return "replace"  # it goes anyway, once our finalizer lets it
    if health(live).status == "Progressing":
        return "earlier"
    return "replace" if hook.hook and "BeforeHookCreation" in hook.hook.policies else "apply"


def operation_label(operation: Operation, hook: Target) -> str:
    """Return what a hook's label says of the operation that made it; a hook of two phases is made twice."""
    return f"{operation.id}-{hook.phase.lower()}"


def foreign(live: Live, owner_id: str) -> str:
    """Say that an object where a hook is to be is not the application's own; `""` where it is.

    A hook is deleted before it runs again, and only what bears a label of ours is ever deleted.
    """
    if owner_id in (hook_owner(live), label(live)):
        return ""
    metadata = live["metadata"]
    where = f" -n {metadata['namespace']}" if metadata.get("namespace") else ""
    return (
        f"is there already, and no hook of this application's (it lacks the label {HOOK_OF}={owner_id}); if nobody "
        f"needs it: `kubectl delete {live['kind']} {metadata['name']}{where}`, and sync again"
    )
