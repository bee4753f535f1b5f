"""Waits for health, and says what holds it up in the pods' own words."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime

from deployer.cluster.connection import PARALLEL, Cluster
from deployer.cluster.discovery import Resource
from deployer.cluster.health import WELL, Health, Status, health
from deployer.cluster.health.pods import selector
from deployer.cluster.health.reasons import Reason, workload_reason
from deployer.cluster.history import Fault
from deployer.cluster.objects import Live, get, last_apply, list_all
from deployer.errors import ClusterError
from deployer.manifest import ObjectKey
from deployer.sync.owner import not_moved
from deployer.sync.result import Progress, Step
from deployer.sync.targets import Target

_PODS = Resource("", "v1", "Pod", "pods", namespaced=True)
_FIRST_PAUSE, _LAST_PAUSE, _GROWTH = 0.1, 2.0, 1.3
LOST = ("Degraded", "Unknown", "Missing")
"""What a hook does not get well from."""

_UNENDED = ("Progressing", "Suspended")

_PATIENCE = 1.0
"""Seconds that a workload may be on its way before its pods are looked at: most need no more."""


@dataclass(frozen=True)
class Rollout:
    """How a wait ended: the health of each object, and the problem in one sentence, `""` where all is well.

    `under_way` says in one sentence what was not healthy yet where the wait was to end before the time was over.
    `fault` is of what sort the problem is. `live` are the objects as they were seen last, where all is well.
    """

    healths: Mapping[ObjectKey, Health] = field(default_factory=dict)
    problem: str = ""
    under_way: str = ""
    fault: Fault = ""
    live: Mapping[ObjectKey, Live | None] = field(default_factory=dict)

    @property
    def well(self) -> bool:
        """Whether there is nothing left to wait for."""
        return not self.problem and not self.under_way


def await_health(
    cluster: Cluster,
    targets: Sequence[Target],
    live: Mapping[ObjectKey, Live],
    timeout: float,
    progress: Progress,
    *,
    waited: float = 0.0,
    until: float | None = None,
    on_wait: Callable[[], None] = lambda: None,
    moved: Callable[[], str] = not_moved,
) -> Rollout:
    """Wait until every object is healthy (a suspended one counts) and every hook has ended well, or nothing can help.

    It ends, too, where a newer sync has written an object: what becomes of that is not this one's to tell.

    Args:
        cluster: where.
        targets: the objects.
        live: how they were when they were read or applied; those that are not healthy are read again.
        timeout: seconds to wait.
        progress: told how many are healthy, and of the first reason where something is held up.
        waited: how many of these seconds have passed before.
        until: when to leave a rollout that is under way (`time.monotonic()`); None waits for its end.
        on_wait: called before each wait.
        moved: asked in each wait whether a newer commit has taken this one's place, whose rollout is then left alone.

    Raises:
        ClusterError: the cluster cannot be reached.
    """
    since, deadline = datetime.now(UTC), time.monotonic() + timeout - waited
    now: dict[ObjectKey, Live | None] = dict(live)
    pause = _FIRST_PAUSE
    with ThreadPoolExecutor(PARALLEL) as pool:
        while True:
            healths = {target.key: _health(target, now.get(target.key)) for target in targets}
            waiting = [target for target in targets if not _well(target, healths[target.key])]
            if not waiting:
                return Rollout(healths, live={target.key: now.get(target.key) for target in targets})
            lost = next((one.key for one in waiting if one.hook and healths[one.key].status in LOST), None)
            over = time.monotonic() >= deadline
            reasons: dict[ObjectKey, Reason] = {}
            if over or lost or (datetime.now(UTC) - since).total_seconds() >= _PATIENCE:
                objects = {target.key: now.get(target.key) for target in waiting}
                found = pool.map(lambda one: _reason(cluster, one, since), objects.values())
                reasons = {key: reason for key, reason in zip(objects, found, strict=True) if reason}
            hopeless = lost or next((key for key, reason in reasons.items() if reason.hopeless), None)
            if over or hopeless:
                told = {key: _told(one, reasons.get(key)) for key, one in healths.items()}
                first = next((one for one in waiting if one.key == hopeless), waiting[0])
                why = f"{_called(first)}: {told[first.key].message}"
                late = f"{len(waiting)} of {len(targets)} objects not healthy after {timeout:g} s: "
                return Rollout(told, why if hopeless else late + why, fault="hook" if first.hook else "health")
            reason, held_up = _held_up(targets, waiting, healths, reasons)
            if until is not None and time.monotonic() >= until:
                return Rollout(healths, under_way=f"still rolling out {held_up}")
            on_wait()
            if newer := moved():
                return Rollout(healths, newer, fault="overtaken")
            progress(Step(f"waiting {held_up}", reason=reason))
            ends = deadline if until is None else min(until, deadline)
            time.sleep(min(pause, max(ends - time.monotonic(), 0)))
            pause = min(pause * _GROWTH, _LAST_PAUSE)
            read = pool.map(lambda one: get(cluster, one.resource, one.key.namespace, one.key.name), waiting)
            now.update(zip((target.key for target in waiting), read, strict=True))
            for target in waiting:
                live_now, ours = now[target.key], live.get(target.key)
                if live_now and ours and last_apply(live_now) != last_apply(ours):
                    problem = f"superseded: a newer sync has written {target.key} while this one waited"
                    return Rollout(healths, problem, fault="overtaken")


def await_end(
    held_up: Callable[[], str],
    timeout: float,
    progress: Progress,
    *,
    until: float | None = None,
    on_wait: Callable[[], None] = lambda: None,
    moved: Callable[[], str] = not_moved,
    fault: Fault = "",
) -> Rollout:
    """Wait until there is nothing to wait for.

    Args:
        held_up: says in one sentence what there is; `""` where nothing is.
        timeout: seconds to wait.
        progress: told what is waited for.
        until: when to leave it to the next reconcile (`time.monotonic()`); None waits for its end.
        on_wait: called before each wait.
        moved: as for `await_health`.
        fault: of what sort it is if the time is over.
    """
    deadline, pause = time.monotonic() + timeout, _FIRST_PAUSE
    while told := held_up():
        if time.monotonic() >= deadline:
            return Rollout(problem=told, fault=fault)
        if until is not None and time.monotonic() >= until:
            return Rollout(under_way=told)
        on_wait()
        if newer := moved():
            return Rollout(problem=newer, fault="overtaken")
        progress(Step(f"waiting: {told}"))
        ends = deadline if until is None else min(until, deadline)
        time.sleep(min(pause, max(ends - time.monotonic(), 0)))
        pause = min(pause * _GROWTH, _LAST_PAUSE)
    return Rollout()


def still_there(cluster: Cluster, pool: ThreadPoolExecutor, targets: Sequence[Target]) -> str:
    """Say which of some objects that were deleted is still there, and what holds it; `""` where none is."""
    lives = pool.map(lambda one: get(cluster, one.resource, one.key.namespace, one.key.name), targets)
    for target, live in zip(targets, lives, strict=True):
        if live and live["metadata"]["uid"] == target.manifest.body["metadata"]["uid"]:
            finalizers = ", ".join(live["metadata"].get("finalizers") or ())
            return f"{target.key} is deleted and still there" + (f", held by {finalizers}" if finalizers else "")
    return ""


def _health(target: Target, live: Live | None) -> Health:
    """The health of an object; of a hook that is being deleted, it counts how it has ended."""
    if not target.hook or not live or not live["metadata"].get("deletionTimestamp"):
        return health(live)
    metadata = {key: value for key, value in live["metadata"].items() if key != "deletionTimestamp"}
    ended = health({**live, "metadata": metadata})
    return ended if ended.status not in _UNENDED else Health(Status.MISSING, "it was deleted before it had ended")


def _well(target: Target, health: Health) -> bool:
    """Whether an object need not be waited for; a hook that is suspended has not ended (gitops-engine, pkg/sync)."""
    return health.status == "Healthy" or (not target.hook and health.status in WELL)


def _called(target: Target) -> str:
    return f"{target.phase} hook {target.key}" if target.hook else str(target.key)


def _reason(cluster: Cluster, live: Live | None, since: datetime) -> Reason | None:
    """What holds an object up: its own conditions, and its pods where it has some."""
    if live is None:
        return None
    labels = selector(live)
    try:
        pods = list_all(cluster, _PODS, live["metadata"]["namespace"], labels) if labels else []
    except ClusterError:
        # The reason is a help, not a condition: who may not list pods still sees the workload's own words.
        pods = []
    return workload_reason(live, pods, datetime.now(UTC), since)


def _told(one: Health, reason: Reason | None) -> Health:
    return Health(one.status, f"{one.message}; {reason}") if reason else one


def _held_up(
    targets: Sequence[Target],
    waiting: Sequence[Target],
    healths: Mapping[ObjectKey, Health],
    reasons: Mapping[ObjectKey, Reason],
) -> tuple[str, str]:
    """The first reason, `""` where there is none; and how many objects are healthy, with the first that is not."""
    first = next((target for target in waiting if target.key in reasons), waiting[0])
    told = f"{_called(first)}: {_told(healths[first.key], reasons.get(first.key)).message}"
    counts = f"[{len(targets) - len(waiting)}/{len(targets)} healthy]"
    return told if first.key in reasons else "", f"{counts}: {told}"
