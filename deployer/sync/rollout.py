"""Waits for health, and says what holds it up in the pods' own words."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

from deployer.cluster.connection import PARALLEL, Cluster
from deployer.cluster.discovery import Resource
from deployer.cluster.health import WELL, Health, health
from deployer.cluster.health.pods import selector
from deployer.cluster.health.reasons import Reason, workload_reason
from deployer.cluster.objects import Live, get, last_apply, list_all
from deployer.errors import ClusterError
from deployer.manifest import ObjectKey
from deployer.sync.result import Progress, Step
from deployer.sync.targets import Target

_PODS = Resource("", "v1", "Pod", "pods", namespaced=True)
_FIRST_PAUSE, _LAST_PAUSE, _GROWTH = 0.1, 2.0, 1.3
_PATIENCE = 1.0
"""Seconds that a workload may be on its way before its pods are looked at: most need no more."""


@dataclass(frozen=True)
class Rollout:
    """How a wait ended: the health of each object, and the problem in one sentence, `""` where all is well.

    `under_way` says in one sentence what was not healthy yet where the wait was to end before the time was over.
    """

    healths: Mapping[ObjectKey, Health]
    problem: str = ""
    under_way: str = ""


def await_health(
    cluster: Cluster,
    targets: Sequence[Target],
    live: Mapping[ObjectKey, Live],
    timeout: float,
    progress: Progress,
    *,
    waited: float = 0.0,
    until: float | None = None,
) -> Rollout:
    """Wait until every object is healthy (a suspended one counts), or waiting cannot help any more.

    It ends, too, where a newer sync has written an object: what becomes of that is not this one's to tell.

    Args:
        cluster: where.
        targets: the objects.
        live: how they were when they were read or applied; those that are not healthy are read again.
        timeout: seconds to wait.
        progress: told how many are healthy, and of the first reason where something is held up.
        waited: how many of these seconds have passed before.
        until: when to leave a rollout that is under way (`time.monotonic()`); None waits for its end.

    Raises:
        ClusterError: the cluster cannot be reached.
    """
    since, deadline = datetime.now(UTC), time.monotonic() + timeout - waited
    now: dict[ObjectKey, Live | None] = dict(live)
    pause = _FIRST_PAUSE
    with ThreadPoolExecutor(PARALLEL) as pool:
        while True:
            healths = {target.key: health(now.get(target.key)) for target in targets}
            waiting = [target for target in targets if healths[target.key].status not in WELL]
            if not waiting:
                return Rollout(healths)
            over = time.monotonic() >= deadline
            reasons: dict[ObjectKey, Reason] = {}
            if over or (datetime.now(UTC) - since).total_seconds() >= _PATIENCE:
                objects = {target.key: now.get(target.key) for target in waiting}
                found = pool.map(lambda one: _reason(cluster, one, since), objects.values())
                reasons = {key: reason for key, reason in zip(objects, found, strict=True) if reason}
            hopeless = next((key for key, reason in reasons.items() if reason.hopeless), None)
            if over or hopeless:
                told = {key: _told(one, reasons.get(key)) for key, one in healths.items()}
                first = hopeless or waiting[0].key
                why = f"{first}: {told[first].message}"
                late = f"{len(waiting)} of {len(targets)} objects not healthy after {timeout:g} s: "
                return Rollout(told, why if hopeless else late + why)
            reason, held_up = _held_up(targets, waiting, healths, reasons)
            if until is not None and time.monotonic() >= until:
                return Rollout(healths, under_way=f"still rolling out {held_up}")
            progress(Step(f"waiting {held_up}", reason=reason))
            ends = deadline if until is None else min(until, deadline)
            time.sleep(min(pause, max(ends - time.monotonic(), 0)))
            pause = min(pause * _GROWTH, _LAST_PAUSE)
            read = pool.map(lambda one: get(cluster, one.resource, one.key.namespace, one.key.name), waiting)
            now.update(zip((target.key for target in waiting), read, strict=True))
            for target in waiting:
                if (newer := now[target.key]) and last_apply(newer) != last_apply(live[target.key]):
                    return Rollout(healths, f"overtaken: a newer sync has written {target.key} while this one waited")


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
    first = next((target.key for target in waiting if target.key in reasons), waiting[0].key)
    told = f"{first}: {_told(healths[first], reasons.get(first)).message}"
    counts = f"[{len(targets) - len(waiting)}/{len(targets)} healthy]"
    return told if first in reasons else "", f"{counts}: {told}"
