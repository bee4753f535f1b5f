"""Health of kinds that run nothing themselves, and of Workflows: the rules of Argo CD's `gitops-engine/pkg/health`."""

import json

from deployer.cluster.health.status import (
    Health,
    Object,
    Status,
    condition,
    degraded,
    healthy,
    is_true,
    objects,
    progressing,
    said,
    text,
)

_HPA_FAILURES = {
    "AbleToScale": {"FailedGetScale", "FailedUpdateScale"},
    "ScalingActive": {
        "FailedGetResourceMetric",
        "FailedGetObjectMetric",
        "FailedGetPodsMetric",
        "FailedGetExternalMetric",
        "FailedComputeMetricsReplicas",
        "InvalidSelector",
    },
}
_PHASES = {
    **dict.fromkeys(("", "Pending", "Running"), Status.PROGRESSING),
    "Succeeded": Status.HEALTHY,
    **dict.fromkeys(("Failed", "Error"), Status.DEGRADED),
}
_HPA_V1_CONDITIONS = "autoscaling.alpha.kubernetes.io/conditions"


def pod_disruption_budget(obj: Object) -> Health:
    """Judge a policy/v1 PodDisruptionBudget. Too few pods (InsufficientPods) may be meant, so that is no failure."""
    conditions = objects(obj, "status", "conditions")
    if not conditions:
        return progressing("the budget has not been looked at by its controller yet")
    for one in conditions:
        if one.get("status") == "False" and one.get("reason") != "InsufficientPods":
            return degraded(said(one))
    return healthy(said(conditions[-1]))


def persistent_volume_claim(obj: Object) -> Health:
    """Judge a v1 PersistentVolumeClaim."""
    phase = text(obj, "status", "phase")
    if phase == "Bound":
        return healthy(f"bound to volume {text(obj, 'spec', 'volumeName')}")
    if phase == "Pending":
        storage_class = text(obj, "spec", "storageClassName") or "without a name"
        return progressing(f"waits for a volume of storage class {storage_class}, or for a pod that uses it")
    if phase == "Lost":
        return degraded("its volume is lost")
    return Health(Status.UNKNOWN, f"its phase is {phase or 'not known yet'}")


def service(obj: Object) -> Health:
    """Judge a v1 Service."""
    if text(obj, "spec", "type") != "LoadBalancer":
        return healthy("it needs no load balancer")
    if not objects(obj, "status", "loadBalancer", "ingress"):
        return progressing("waits for the address of its load balancer")
    return healthy("its load balancer has an address")


def ingress(obj: Object) -> Health:
    """Judge an Ingress."""
    if not objects(obj, "status", "loadBalancer", "ingress"):
        return progressing("waits for an address from its ingress controller")
    return healthy("it has an address")


def horizontal_pod_autoscaler(obj: Object) -> Health:
    """Judge a HorizontalPodAutoscaler; autoscaling/v1 has its conditions in an annotation."""
    conditions = objects(obj, "status", "conditions") or _hpa_v1_conditions(obj)
    for one in conditions:
        if text(one, "reason") in _HPA_FAILURES.get(text(one, "type"), ()):
            return degraded(said(one))
    for one in conditions:
        if text(one, "type") in ("AbleToScale", "ScalingLimited") and one.get("status") == "True":
            return healthy(said(one))
    return progressing("it has not scaled anything yet")


def api_service(obj: Object) -> Health:
    """Judge an APIService."""
    available = condition(obj, "Available")
    if available.get("status") == "True":
        return healthy(said(available))
    return progressing(said(available) or "it has not been tried yet")


def custom_resource_definition(obj: Object) -> Health:
    """Judge an apiextensions.k8s.io/v1 CustomResourceDefinition."""
    if condition(obj, "NamesAccepted").get("status") == "False":
        return degraded(said(condition(obj, "NamesAccepted")))
    if is_true(obj, "Established"):
        return healthy("its kind is served")
    return progressing(said(condition(obj, "Established")) or "its kind is not served yet")


def workflow(obj: Object) -> Health:
    """Judge a Workflow of Argo Workflows."""
    phase, message = text(obj, "status", "phase"), text(obj, "status", "message")
    status = _PHASES.get(phase, Status.UNKNOWN)
    return Health(status, ": ".join(filter(None, (phase, message))) or "it has not begun yet")


def _hpa_v1_conditions(obj: Object) -> list[Object]:
    try:
        return objects(
            {"conditions": json.loads(text(obj, "metadata", "annotations", _HPA_V1_CONDITIONS))}, "conditions"
        )
    except (ValueError, RecursionError):
        return []
