"""One sync from beginning to end: write, wait for health, and say what became of each object."""

from collections.abc import Callable, Mapping, Sequence

from deployer.cluster.connection import Cluster
from deployer.cluster.health import Health, health, worst
from deployer.errors import ClusterError
from deployer.manifest import Manifest, ObjectKey
from deployer.sync.ahead import Ahead
from deployer.sync.diff import Difference, difference
from deployer.sync.engine import RefusedError, Writing
from deployer.sync.options import Options
from deployer.sync.record import Cover
from deployer.sync.result import Action, ObjectResult, Outcome, Progress, SyncResult
from deployer.sync.rollout import await_health
from deployer.sync.timing import timed


def sync(
    cluster: Cluster,
    manifests: Sequence[Manifest],
    options: Options,
    progress: Progress,
    on_written: Callable[[], None] = lambda: None,
    ahead: Ahead | None = None,
) -> SyncResult:
    """Bring a cluster to the manifests, and wait until they are healthy.

    Args:
        cluster: where.
        manifests: every object of the application.
        options: namespace, time-out, dry-run.
        progress: told of each step, and of what holds a rollout up.
        on_written: called once everything is applied, before the wait.
        ahead: what the cluster has been asked before.

    Returns:
        `succeeded`, `failed` with the first reason, or `unfinished` where health was not to be waited for. An object
        that was not reached is `skipped`.

    Raises:
        ClusterError: the cluster cannot be reached at all.
    """
    writing = Writing(cluster, options, progress, ahead)
    try:
        writing.run(manifests)
    except RefusedError as refused:
        problem = refused.problem or _first(refused.reasons)
        _record(writing, options, "failed", problem)
        return _result(manifests, writing, options, "failed", problem, {}, refused.reasons)
    except ClusterError as error:
        _record(writing, options, "failed", str(error))
        if not writing.actions:
            raise
        return _result(manifests, writing, options, "failed", str(error), {}, {})
    on_written()
    if options.dry_run:
        healths = {
            target.key: health(live) for target in writing.plan.targets if (live := writing.live.get(target.key))
        }
        return _result(manifests, writing, options, "unfinished", "", healths, {})
    if options.timeout <= 0:
        _record(writing, options, "unfinished", "", writing.left())
        return _result(manifests, writing, options, "unfinished", "", {}, {})
    with timed(writing.durations, "wait"):
        rollout = await_health(
            cluster,
            writing.plan.targets,
            writing.live,
            options.timeout,
            progress,
            waited=options.waited,
            until=options.until,
        )
    outcome: Outcome = "failed" if rollout.problem else "unfinished" if rollout.under_way else "succeeded"
    _record(writing, options, outcome, rollout.problem, writing.left())
    return _result(manifests, writing, options, outcome, rollout.problem or rollout.under_way, rollout.healths, {})


def _record(writing: Writing, options: Options, outcome: Outcome, problem: str, left: Cover | None = None) -> None:
    if writing.record and not options.dry_run:
        with writing.record.telling():
            writing.record.end(outcome, writing.counts(), writing.durations, problem, left)


def _result(
    manifests: Sequence[Manifest],
    writing: Writing,
    options: Options,
    outcome: Outcome,
    problem: str,
    healths: Mapping[ObjectKey, Health],
    reasons: Mapping[ObjectKey, str],
) -> SyncResult:
    going: dict[ObjectKey, Action] = {one.key: "pruned" for one in writing.plan.leavers if not one.kept}
    actions = {**writing.planned, **going} if options.dry_run else writing.actions
    # What could not become a target is known by its reason only.
    refused = {manifest.key: manifest for manifest in manifests if manifest.key in reasons}
    shown = {target.key: target.manifest for target in writing.plan.targets}
    left = {one.key: one.target.manifest for one in writing.plan.leavers}
    kept = {one.key: one.kept for one in writing.plan.leavers}
    differences = _differences(writing)
    owners = {key: "only the owners of its fields" for key, one in differences.items() if one.live == one.desired}
    unchecked = {key: f"not checked by the server: {reason}" for key, reason in writing.untried.items()}
    messages = {**owners, **unchecked, **kept, **reasons}
    objects = tuple(
        ObjectResult(
            key,
            manifest.version,
            "failed" if key in reasons else actions.get(key, "skipped"),
            healths.get(key),
            messages.get(key, ""),
            writing.changes.get(key, ()) if actions.get(key) == "updated" else (),
            None if key in reasons else differences.get(key),
        )
        for key, manifest in (shown | refused | left).items()
    )
    overall = worst(healths.values()).status if healths else ""
    inventory = writing.record.inventory if writing.record else None
    return SyncResult(outcome, problem, overall, objects, writing.durations, inventory)


def _differences(writing: Writing) -> dict[ObjectKey, Difference]:
    """What would change where only a dry-run was asked for."""
    manifests = {target.key: target.manifest for target in writing.plan.targets}
    desired = {**{key: manifests[key].body for key in writing.untried}, **writing.tried}
    changed = {
        key: difference(writing.live.get(key), desired[key], status="status" in manifest.body)
        for key, manifest in manifests.items()
        if key in desired and writing.planned[key] != "unchanged"
    }
    gone = {one.key: difference(one.target.manifest.body, None) for one in writing.plan.leavers if not one.kept}
    return changed | gone


def _first(reasons: Mapping[ObjectKey, str]) -> str:
    key, reason = next(iter(reasons.items()))
    more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
    return f"{key}: {reason}{more}"
