"""Makes hooks, waits for those of an earlier sync, and deletes them as their policies say."""

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor

from deployer.cluster.connection import Cluster
from deployer.cluster.discovery import Resource
from deployer.cluster.finalizer import release
from deployer.cluster.guarded import conflict, persist, remove
from deployer.cluster.objects import Live, apply, get, list_all
from deployer.cluster.operation import Operation
from deployer.cluster.replacing import await_gone
from deployer.errors import ClusterError
from deployer.sync.hook_object import HOOK_OF, operation_of, same_hook
from deployer.sync.hook_turn import foreign, hook_turn, operation_label
from deployer.sync.live import list_within
from deployer.sync.targets import Target, hook_name

_JOBS = Resource("batch", "v1", "Job", "jobs", namespaced=True)
"""The hooks that a finalizer may hold."""

_GONE_TIMEOUT = 60.0
"""Seconds that an earlier run may take to be gone: its pods are deleted after it."""

Check = Callable[[], None]


def make(cluster: Cluster, hook: Target, operation: Operation, owner_id: str, check: Check) -> Live:
    """Make a hook, unless its operation has made it already; an earlier one goes before that, if its policy says so.

    Args:
        cluster: where.
        hook: the hook.
        operation: what it belongs to.
        owner_id: whose hooks may be deleted.
        check: called before each write; nothing is sent where it raises.

    Raises:
        ClusterError: the cluster cannot be reached or refuses, or the object is not the application's.
    """
    live = _own(cluster, hook, owner_id)
    turn = hook_turn(hook, live, operation)
    if live and turn == "running":
        return live
    if live and turn in ("replace", "earlier"):
        remove_hook(cluster, hook.resource, live, check)
        live = await_gone(cluster, hook.resource, live, _GONE_TIMEOUT)
        if live and (problem := foreign(live, owner_id)):  # somebody was quicker
            raise ClusterError(problem)
    body, validate = hook.manifest.body, hook.options.validate
    return apply(cluster, hook.resource, body, dry_run=False, live=live, validate=validate, before=check)


def earlier(
    cluster: Cluster, pool: ThreadPoolExecutor, hooks: Sequence[Target], operation: Operation, owner_id: str
) -> str:
    """Say which of the hooks that are to be made an earlier sync still runs; `""` where it runs none.

    Args:
        cluster: where.
        pool: sends the requests.
        hooks: those that are to be made.
        operation: what they belong to.
        owner_id: whose hooks they are.
    """
    selector = f"{HOOK_OF}={owner_id}"
    lists = pool.map(lambda one: list_all(cluster, one.resource, one.key.namespace, selector), hooks)
    for hook, lives in zip(hooks, lists, strict=True):
        for live in lives:
            name = live["metadata"]["name"]
            one = {**live, "apiVersion": hook.manifest.api_version, "kind": hook.manifest.kind}
            if same_hook(name, hook.key.name) and hook_turn(hook, one, operation) == "earlier":
                return f"{hook.phase} hook {hook.key.kind}/{name}: the run of an earlier sync has not ended"
    return ""


def clean_up(
    cluster: Cluster, hook: Target, operation: Operation, ended: Collection[str], *, succeeded: bool, check: Check
) -> None:
    """Delete a hook that has ended, if its policy says so after such a sync, and let go of it in any case.

    `HookSucceeded` deletes after a sync that has succeeded, `HookFailed` after one that has failed, as Argo CD does.

    Args:
        cluster: where.
        hook: the hook.
        operation: what it belongs to: another's is not touched.
        ended: the hooks that have.
        succeeded: whether the sync has.
        check: called before each write; nothing is sent where it raises.

    Raises:
        ClusterError: the cluster cannot be reached or refuses.
    """
    live = get(cluster, hook.resource, hook.key.namespace, hook.key.name)
    if live is None or operation_of(live) != operation_label(operation, hook):
        return
    policy = "HookSucceeded" if succeeded else "HookFailed"
    if hook.hook and policy in hook.hook.policies and hook_name(hook) in ended:
        remove_hook(cluster, hook.resource, live, check)
    else:
        release(cluster, hook.resource, live, check)


def _own(cluster: Cluster, hook: Target, owner_id: str) -> Live | None:
    live = get(cluster, hook.resource, hook.key.namespace, hook.key.name)
    if live and (problem := foreign(live, owner_id)):
        raise ClusterError(problem)
    return live


def remove_hook(cluster: Cluster, resource: Resource, live: Live, check: Check) -> None:
    """Delete a hook, also while a controller writes its status all the time.

    Args:
        cluster: where.
        resource: its kind.
        live: as it was read; one that is gone is as good, and another one of its name is not touched.
        check: called before each write; nothing is sent where it raises.

    Raises:
        ClusterError: the cluster cannot be reached or refuses.
    """
    metadata = live["metadata"]

    def released() -> Live | None:
        release(cluster, resource, live, check)
        return get(cluster, resource, metadata.get("namespace") or "", metadata["name"])

    def act(now: Live | None) -> None:
        if now and now["metadata"]["uid"] == metadata["uid"]:
            remove(cluster, resource, now, "Background", check)

    busy = "cannot be deleted: somebody else writes it all the time; sync again"
    persist(act, released(), released, conflict, busy)


def let_go(cluster: Cluster, namespaces: Collection[str], operation: Operation, owner_id: str, check: Check) -> None:
    """Let go of the Jobs of earlier operations: those did not get to their end, and nobody looks at them any more.

    Args:
        cluster: where.
        namespaces: where they may be, if the account may not look everywhere.
        operation: whose hooks are not meant.
        owner_id: whose hooks are.
        check: called before each write; nothing is sent where it raises.

    Raises:
        ClusterError: the cluster cannot be reached or refuses.
    """
    for live in list_within(cluster, _JOBS, namespaces, f"{HOOK_OF}={owner_id}"):
        if not operation_of(live).startswith(f"{operation.id}-"):
            release(cluster, _JOBS, live, check)
