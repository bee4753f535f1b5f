"""Why a rollout is held up, in the pods' own words, and whether waiting can still help.

A reason is hopeless at once only where no amount of waiting helps. A crash loop or an image that cannot be pulled gets
a minute, because dependencies start in any order. What waits for room (Unschedulable, a quota) is never hopeless:
clusters that scale themselves make room first.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from deployer.cluster.health.containers import ending, shorten, waiting_reason
from deployer.cluster.health.pods import current
from deployer.cluster.health.status import Object, condition, dig, is_true, number, objects, text, unobserved

GRACE = timedelta(seconds=60)
RESTARTS = 3

# The kubelet's reasons (pkg/kubelet/images/types.go, pkg/kubelet/kuberuntime/kuberuntime_container.go).
_STARTING = ("", "ContainerCreating", "PodInitializing")
_HOPELESS = ("InvalidImageName", "ErrImageNeverPull")
_CANNOT_PULL = ("ErrImagePull", "ImagePullBackOff", "RegistryUnavailable", "SignatureValidationFailed")
_MISSING_KEY = "couldn't find key"
_CRASH_LOOP = "CrashLoopBackOff"


@dataclass(frozen=True)
class Reason:
    """What holds an object up: `about` names it, such as `Pod/web-1`, `container` is one of its containers or `""`."""

    about: str
    container: str
    reason: str
    message: str
    hopeless: bool = False

    def __str__(self) -> str:
        """`Pod/web-1, container web: ImagePullBackOff: Back-off pulling image "web:2"`."""
        about = f"{self.about}, container {self.container}" if self.container else self.about
        return ": ".join(part for part in (about, self.reason, self.message) if part)


def workload_reason(workload: Object, pods: Iterable[Object], now: datetime, since: datetime) -> Reason | None:
    """Return what holds a workload up, the most hopeless first; None where nothing that it or its pods say does.

    `pods` are those that its selector lists (a Pod speaks for itself); `since` is when the wait for it began.
    """
    itself = _own_reason(workload)
    speaking = [workload] if text(workload, "kind") == "Pod" else current(workload, pods)
    reasons = [reason for pod in speaking if (reason := pod_reason(pod, now, since))]
    # Its pods know better than the workload why it failed.
    if itself and itself.hopeless:
        return replace(reasons[0], hopeless=True) if reasons else itself
    return next((one for one in reasons if one.hopeless), None) or itself or next(iter(reasons), None)


def pod_reason(pod: Object, now: datetime, since: datetime) -> Reason | None:
    """Return what holds a pod up; None where nothing does, or nothing is known yet.

    A minute counts from the pod's start, but never from before `since`: a change beside the pod may be what mends it.
    """
    about = f"Pod/{text(pod, 'metadata', 'name')}"
    containers = [*objects(pod, "status", "initContainerStatuses"), *objects(pod, "status", "containerStatuses")]
    stands = now - max([since, *_starts(pod)])
    found = [reason for one in containers if (reason := _container_reason(about, pod, one, stands))]
    if found:
        return max(found, key=lambda reason: reason.hopeless)
    scheduled = condition(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        return Reason(about, "", text(scheduled, "reason"), shorten(text(scheduled, "message")))
    if text(pod, "status", "phase") == "Failed":  # such as Evicted
        return Reason(about, "", text(pod, "status", "reason") or "Failed", shorten(text(pod, "status", "message")))
    ready = condition(pod, "Ready")
    if text(pod, "status", "phase") == "Running" and ready.get("status") == "False" and stands >= GRACE / 2:
        return Reason(about, "", "NotReady", shorten(f"it runs, but {text(ready, 'message') or 'is not ready'}"))
    return None


def _own_reason(workload: Object) -> Reason | None:
    """Return what the workload's own conditions say; those of a Deployment only if they are about its latest change."""
    kind = text(workload, "kind")
    late = condition(workload, "Progressing").get("reason") == "ProgressDeadlineExceeded"
    if kind in ("Deployment", "ReplicaSet") and unobserved(workload):
        return None
    if kind == "Job" and is_true(workload, "Failed"):
        told, hopeless = "Failed", True
    elif kind == "Deployment" and late:
        told, hopeless = "Progressing", True
    elif is_true(workload, "ReplicaFailure"):
        told, hopeless = "ReplicaFailure", False
    else:
        return None
    one = condition(workload, told)
    about = f"{kind}/{text(workload, 'metadata', 'name')}"
    return Reason(about, "", text(one, "reason"), shorten(text(one, "message")), hopeless)


def _container_reason(about: str, pod: Object, container: Object, stands: timedelta) -> Reason | None:
    name, why = text(container, "name"), waiting_reason(container)
    restarts = number(container, "restartCount")
    if why == _CRASH_LOOP:
        ended = ending(pod, container, "lastState") or "exit code 0"
        message = f"restarted {restarts} times, ended with {ended}"
        return Reason(about, name, why, message, restarts >= RESTARTS and stands >= GRACE)
    if why not in _STARTING:
        message = text(container, "state", "waiting", "message")
        missing = why == "CreateContainerConfigError" and _MISSING_KEY in message
        hopeless = why in _HOPELESS or missing or (why in _CANNOT_PULL and stands >= GRACE)
        return Reason(about, name, why, shorten(message), hopeless)
    if ended := ending(pod, container):
        return Reason(about, name, text(container, "state", "terminated", "reason") or "Error", f"ended with {ended}")
    runs = dig(container, "state", "running") is not None
    if runs and container.get("ready") is not True and (ended := ending(pod, container, "lastState")):
        return Reason(about, name, "NotReady", f"restarted {restarts} times, ended with {ended}")
    return None


def _starts(pod: Object) -> list[datetime]:
    """List when the pod's containers could start: its own start, and the end of its init containers."""
    times = (text(pod, "status", "startTime"), text(condition(pod, "Initialized"), "lastTransitionTime"))
    return [datetime.fromisoformat(time) for time in times if time]
