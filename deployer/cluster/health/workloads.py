"""The health of what runs: Deployment, StatefulSet, DaemonSet, ReplicaSet, Pod, Job, CronJob.

The rules give the statuses of Argo CD's `gitops-engine/pkg/health` and `resource_customizations`, which follow
`kubectl rollout status`.
"""

from deployer.cluster.health.containers import ending, waiting, waiting_reason
from deployer.cluster.health.status import (
    Health,
    Object,
    Status,
    condition,
    degraded,
    dig,
    healthy,
    is_true,
    number,
    objects,
    progressing,
    said,
    text,
    unobserved,
)

_UNOBSERVED = "the latest change has not been seen by the controller yet"


def deployment(obj: Object) -> Health:
    """Judge an apps/v1 Deployment."""
    wanted = number(obj, "spec", "replicas", default=1)
    replicas, updated, available = (
        number(obj, "status", name) for name in ("replicas", "updatedReplicas", "availableReplicas")
    )
    if dig(obj, "spec", "paused") is True:
        return Health(Status.SUSPENDED, "the Deployment is paused (spec.paused)")
    if unobserved(obj):
        return progressing(_UNOBSERVED)
    progress = condition(obj, "Progressing")
    if progress.get("reason") == "ProgressDeadlineExceeded":
        return degraded(said(progress))
    if updated < wanted:
        return progressing(f"{updated} of {wanted} replicas are updated")
    if replicas > updated:
        return progressing(f"{replicas - updated} old replicas are still there")
    if available < updated:
        return progressing(f"{available} of {updated} updated replicas are available")
    return healthy(f"{available} of {wanted} replicas are available")


def stateful_set(obj: Object) -> Health:
    """Judge an apps/v1 StatefulSet."""
    wanted = number(obj, "spec", "replicas", default=1)
    ready, updated = number(obj, "status", "readyReplicas"), number(obj, "status", "updatedReplicas")
    strategy = dig(obj, "spec", "updateStrategy")
    all_ready = f"{ready} of {wanted} replicas are ready"
    if unobserved(obj) or not number(obj, "status", "observedGeneration"):
        return progressing(_UNOBSERVED)
    if ready < wanted:
        return progressing(all_ready)
    if text(strategy, "type") == "RollingUpdate" and dig(strategy, "rollingUpdate") is not None:
        partition = number(strategy, "rollingUpdate", "partition")
        if updated < wanted - partition:
            return progressing(f"{updated} of {wanted - partition} replicas above the partition are updated")
        return healthy(all_ready)
    if text(strategy, "type") == "OnDelete":
        return healthy(f"{all_ready}; each is updated when it is deleted (OnDelete)")
    if text(obj, "status", "updateRevision") != text(obj, "status", "currentRevision"):
        return progressing(f"{updated} of {wanted} replicas are updated")
    return healthy(all_ready)


def daemon_set(obj: Object) -> Health:
    """Judge an apps/v1 DaemonSet."""
    wanted, updated, available = (
        number(obj, "status", name) for name in ("desiredNumberScheduled", "updatedNumberScheduled", "numberAvailable")
    )
    if unobserved(obj):
        return progressing(_UNOBSERVED)
    if text(obj, "spec", "updateStrategy", "type") == "OnDelete":
        return healthy(f"{updated} of {wanted} pods are updated; each is when it is deleted (OnDelete)")
    if updated < wanted:
        return progressing(f"{updated} of {wanted} pods are updated")
    if available < wanted:
        return progressing(f"{available} of {wanted} pods are available")
    return healthy(f"{available} of {wanted} pods are available")


def replica_set(obj: Object) -> Health:
    """Judge an apps/v1 ReplicaSet."""
    wanted, available = number(obj, "spec", "replicas", default=1), number(obj, "status", "availableReplicas")
    if unobserved(obj):
        return progressing(_UNOBSERVED)
    if is_true(obj, "ReplicaFailure"):
        return degraded(said(condition(obj, "ReplicaFailure")))
    message = f"{available} of {wanted} replicas are available"
    return progressing(message) if available < wanted else healthy(message)


def pod(obj: Object) -> Health:
    """Judge a v1 Pod."""
    phase, policy = text(obj, "status", "phase"), text(obj, "spec", "restartPolicy") or "Always"
    containers = objects(obj, "status", "containerStatuses")
    stuck = [one for one in containers if _is_stuck(waiting_reason(one))]
    if policy == "Always" and stuck:
        return degraded("; ".join(waiting(one) for one in stuck))
    if phase == "Pending":
        scheduled = condition(obj, "PodScheduled")
        unscheduled = said(scheduled) if scheduled.get("status") == "False" else ""
        waits = "; ".join(filter(None, map(waiting, containers)))
        return progressing(unscheduled or waits or "the pod is not running yet")
    if phase == "Succeeded":
        return healthy("the pod has run to its end")
    if phase == "Failed":
        every = (*objects(obj, "status", "initContainerStatuses"), *containers)
        ends = (f"container {text(one, 'name')}: {end}" for one in every if (end := ending(obj, one)))
        return degraded(text(obj, "status", "message") or next(ends, "the pod failed"))
    if phase != "Running":
        return Health(Status.UNKNOWN, f"the pod's phase is {phase or 'not known'}: its node may be lost")
    if policy != "Always":
        return progressing("the pod has not run to its end yet")
    if is_true(obj, "Ready"):
        return healthy("the pod is ready")
    for one in containers:
        if dig(one, "lastState", "terminated"):
            ended = ending(obj, one, "lastState") or "exit code 0"
            return degraded(f"container {text(one, 'name')} is not ready after a restart; it ended with {ended}")
    return progressing(said(condition(obj, "Ready")) or "the pod is not ready yet")


def job(obj: Object) -> Health:
    """Judge a batch/v1 Job.

    Unlike Argo CD, which takes one that was suspended and resumed (`Suspended` is `False`) for Healthy.
    """
    active, succeeded, failed = (number(obj, "status", name) for name in ("active", "succeeded", "failed"))
    if is_true(obj, "Failed"):
        return degraded(said(condition(obj, "Failed")) or "the Job failed")
    if is_true(obj, "Complete"):
        return healthy(f"complete: {succeeded} pods succeeded")
    if is_true(obj, "Suspended"):
        return Health(Status.SUSPENDED, "the Job is suspended (spec.suspend)")
    completions = number(obj, "spec", "completions", default=1)
    return progressing(f"{succeeded} of {completions} pods succeeded, {active} run, {failed} failed")


def cron_job(obj: Object) -> Health:
    """Judge a batch/v1 CronJob."""
    scheduled, successful = text(obj, "status", "lastScheduleTime"), text(obj, "status", "lastSuccessfulTime")
    active = objects(obj, "status", "active")
    if (
        not active and successful and successful < scheduled
    ):  # both are RFC 3339 in UTC, whose order is that of the text
        return degraded(f"the run of {scheduled} did not succeed; the last that did ended at {successful}")
    if dig(obj, "spec", "suspend") is True:
        return healthy("the CronJob is suspended (spec.suspend)")
    if active:
        return healthy("a Job of it is running")
    if not scheduled:
        return healthy("it has not been due yet")
    return healthy(f"the last run succeeded at {successful}" if successful else "no run has succeeded yet")


def _is_stuck(reason: str) -> bool:
    return reason.startswith("Err") or reason.endswith(("Error", "BackOff"))
