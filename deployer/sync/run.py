"""One sync from beginning to end: write, wait for health, and say what became of each object."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from deployer.cluster.connection import Cluster
from deployer.cluster.health import health, worst
from deployer.cluster.history import Fault
from deployer.errors import BusyError, ClusterError, SupersededError
from deployer.manifest import Manifest, ObjectKey
from deployer.sync.ahead import Ahead
from deployer.sync.diff import Difference, difference
from deployer.sync.engine import Engine
from deployer.sync.options import Options
from deployer.sync.record import Cover, EndedError
from deployer.sync.result import Action, ObjectResult, Outcome, Progress, SyncResult
from deployer.sync.rollout import LOST, Rollout
from deployer.sync.stages import SYNC
from deployer.sync.targets import hook_name
from deployer.sync.trying import RefusedError


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
        on_written: called whenever nothing is written for a while, and at the end: other jobs may write then.
        ahead: what the cluster has been asked before.

    Returns:
        `succeeded`, `failed` with the first reason, or `unfinished` where health was not to be waited for. An object
        that was not reached is `skipped`.

    Raises:
        ClusterError: the cluster cannot be reached at all.
    """
    engine = Engine(cluster, options, progress, ahead, on_written)
    try:
        rollout = engine.run(manifests)
    except RefusedError as refused:
        problem = refused.problem or first_reason(refused.reasons)
        fault: Fault = "hook" if refused.reasons.keys() & {hook.key for hook in engine.plan.hooks} else ""
        _close(engine, options, "failed", problem, fault)
        return result_of(manifests, engine, options, "failed", Rollout(problem=problem, fault=fault), refused.reasons)
    except EndedError as ended:
        entry = ended.entry
        ending = Rollout(problem=entry.error, fault=entry.fault)
        return result_of(manifests, engine, options, entry.result, ending, {})
    except BusyError:
        raise
    except ClusterError as error:
        superseded = engine.overtaken or isinstance(error, SupersededError)
        _close(engine, options, "failed", str(error), "overtaken" if superseded else "")
        if not engine.actions and not engine.ran:
            raise
        ending = Rollout(problem=str(error), fault="overtaken" if superseded else "lost")
        return result_of(manifests, engine, options, "failed", ending, {})
    if options.dry_run:
        lives = {target.key: engine.live.get(target.key) for target in engine.plan.targets}
        rollout = Rollout({key: health(live) for key, live in lives.items() if live})
        return result_of(manifests, engine, options, "unfinished", rollout, {})
    over = options.wait and not rollout.under_way
    outcome: Outcome = "failed" if rollout.problem else "succeeded" if over else "unfinished"
    if not engine.paused:
        _close(engine, options, outcome, rollout.problem, rollout.fault, engine.left())
        if engine.overtaken and rollout.problem:
            rollout = replace(rollout, fault="overtaken")
    return result_of(manifests, engine, options, outcome, rollout, {})


def _close(
    engine: Engine,
    options: Options,
    outcome: Outcome,
    problem: str,
    fault: Fault = "",
    left: Cover | None = None,
) -> None:
    if not options.dry_run:
        engine.close(outcome, problem, fault, left)


def result_of(
    manifests: Sequence[Manifest],
    writing: Engine,
    options: Options,
    outcome: Outcome,
    rollout: Rollout,
    reasons: Mapping[ObjectKey, str],
) -> SyncResult:
    """Say what became of a sync, object by object.

    Args:
        manifests: every object of the application.
        writing: the sync, which has ended.
        options: how it was done.
        outcome: of all of it.
        rollout: how its last wait ended.
        reasons: why objects were refused.
    """
    healths = rollout.healths
    going: dict[ObjectKey, Action] = {one.key: "pruned" for one in writing.plan.leavers if not one.kept}
    actions = {**writing.planned, **going} if options.dry_run else writing.actions
    # What could not become a target is known by its reason only.
    refused = {manifest.key: manifest for manifest in manifests if manifest.key in reasons}
    shown = {target.key: target.manifest for target in (*writing.plan.home, *writing.plan.targets)}
    alone = {target.key: target.manifest for target in writing.plan.alone}
    hooks = {hook.key for hook in writing.plan.hooks}
    told = [one for one in writing.plan.leavers if not (one.kept and one.extraneous)]
    left = {one.key: one.target.manifest for one in told}
    kept = {one.key: one.kept for one in writing.plan.leavers}
    differences = _differences(writing)
    owners = {key: "only the owners of its fields" for key, one in differences.items() if one.live == one.desired}
    unchecked = {key: f"not checked by the server: {reason}" for key, reason in writing.untried.items()}
    messages = {**owners, **unchecked, **kept, **dict.fromkeys(alone, "left alone, as it says itself"), **reasons}
    actions = {**dict.fromkeys(alone, "unchanged"), **actions}
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
        for key, manifest in (shown | alone | refused | left).items()
        if key not in hooks
    )
    judged = [one for key, one in healths.items() if key not in hooks]
    overall = worst(judged).status if judged else ""
    inventory = writing.record.inventory if writing.record else None
    return SyncResult(
        outcome,
        rollout.problem or (rollout.under_way if options.wait else ""),
        overall,
        objects,
        writing.durations,
        inventory,
        rollout.fault,
        _hooks(writing, options, reasons),
    )


def _hooks(engine: Engine, options: Options, reasons: Mapping[ObjectKey, str]) -> tuple[ObjectResult, ...]:
    """What became of the hooks: those that ran, those that were refused, and after a dry-run all that would run."""
    results = []
    for hook in engine.plan.hooks:
        name, refused = hook_name(hook), reasons.get(hook.key, "")
        ran = name in engine.ran or (options.dry_run and options.hooks == "always" and hook.phase in SYNC)
        if not ran and not refused:
            continue
        health = engine.ran.get(name)
        lost = refused or (health is not None and health.status in LOST)
        action: Action = "failed" if lost else "created"
        message = refused or (health.message if health else "")
        results.append(ObjectResult(hook.key, hook.manifest.version, action, health, message, phase=hook.phase))
    return tuple(results)


def _differences(writing: Engine) -> dict[ObjectKey, Difference]:
    """What would change where only a dry-run was asked for."""
    manifests = {target.key: target.manifest for target in (*writing.plan.home, *writing.plan.targets)}
    desired = {**{key: manifests[key].body for key in writing.untried}, **writing.tried}
    changed = {
        key: difference(writing.live.get(key), desired[key], status="status" in manifest.body)
        for key, manifest in manifests.items()
        if key in desired and writing.planned[key] != "unchanged"
    }
    gone = {one.key: difference(one.target.manifest.body, None) for one in writing.plan.leavers if not one.kept}
    return changed | gone


def first_reason(reasons: Mapping[ObjectKey, str]) -> str:
    """The first of the reasons why objects were refused, and how many more there are."""
    key, reason = next(iter(reasons.items()))
    more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
    return f"{key}: {reason}{more}"
