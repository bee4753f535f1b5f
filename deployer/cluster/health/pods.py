"""Which pods speak for a workload."""

from collections.abc import Iterable

from deployer.cluster.health.status import Object, dig, number, objects, text, unobserved

# Where a workload counts the pods of its newest revision, and the label of pods that tells revisions apart.
_REVISIONS = {
    "Deployment": ("updatedReplicas", "pod-template-hash"),
    "StatefulSet": ("updatedReplicas", "controller-revision-hash"),
    "DaemonSet": ("updatedNumberScheduled", "controller-revision-hash"),
}
_WORKLOADS = {f"apps/v1 {kind}" for kind in (*_REVISIONS, "ReplicaSet")} | {"batch/v1 Job"}


def selector(workload: Object) -> str | None:
    """Return what lists a workload's pods, as the `labelSelector` of a request; None for what has no pods."""
    if f"{text(workload, 'apiVersion')} {text(workload, 'kind')}" not in _WORKLOADS:
        return None
    labels = dig(workload, "spec", "selector", "matchLabels") or {}
    parts = [f"{name}={value}" for name, value in labels.items()]
    parts += [_expression(one) for one in objects(workload, "spec", "selector", "matchExpressions")]
    return ",".join(parts) or None  # an empty one would list every pod of the namespace


def current(workload: Object, pods: Iterable[Object]) -> list[Object]:
    """Return the pods that the latest change of a workload made, the newest first; the selector has chosen `pods`.

    Pods that are going away, of another owner or of an earlier revision say nothing about the change: an old one may be
    in the very crash loop that it mends.
    """
    mine = [pod for pod in pods if not text(pod, "metadata", "deletionTimestamp") and _owns(workload, pod)]
    mine.sort(key=lambda pod: text(pod, "metadata", "creationTimestamp"), reverse=True)
    kind = text(workload, "kind")
    if not mine or kind not in _REVISIONS:
        return mine
    count, label = _REVISIONS[kind]
    if unobserved(workload) or not number(workload, "status", count):
        return []
    # Only a StatefulSet names its newest revision. The others make a pod of it before they count one.
    newest = text(workload, "status", "updateRevision") or text(mine[0], "metadata", "labels", label)
    return [pod for pod in mine if text(pod, "metadata", "labels", label) == newest]


def _owns(workload: Object, pod: Object) -> bool:
    """Say whether a pod is the workload's; a Deployment's belongs to a ReplicaSet with the pod's hash in its name."""
    owners = [one for one in objects(pod, "metadata", "ownerReferences") if one.get("controller") is True]
    if text(workload, "kind") != "Deployment":
        return any(text(one, "uid") == text(workload, "metadata", "uid") for one in owners)
    name = f"{text(workload, 'metadata', 'name')}-{text(pod, 'metadata', 'labels', 'pod-template-hash')}"
    return any((one.get("kind"), one.get("name")) == ("ReplicaSet", name) for one in owners)


def _expression(one: Object) -> str:
    """Write a `matchExpressions` entry as the API takes it in a request."""
    name, values = text(one, "key"), ",".join(one.get("values") or [])
    return {
        "In": f"{name} in ({values})",
        "NotIn": f"{name} notin ({values})",
        "Exists": name,
        "DoesNotExist": f"!{name}",
    }[text(one, "operator")]
