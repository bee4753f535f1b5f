"""Health: how a live object is, by one table of kinds, and by kstatus for every other kind.

Pods' own reasons, and whether waiting can still help, are in `reasons`.
"""

from collections.abc import Callable

from deployer.cluster.health import gateway_api, others, workloads
from deployer.cluster.health.generic import generic
from deployer.cluster.health.status import WELL, Health, Object, Status, progressing, text, worst

__all__ = ["WELL", "Health", "Object", "Status", "health", "worst"]

_Rule = Callable[[Object], Health]
_GATEWAY_API = ("v1", "v1beta1", "v1alpha2", "v1alpha3")

# By group and kind: the rule, and the versions that it can read.
_RULES: dict[tuple[str, str], tuple[_Rule, tuple[str, ...]]] = {
    ("apps", "Deployment"): (workloads.deployment, ("v1",)),
    ("apps", "StatefulSet"): (workloads.stateful_set, ("v1",)),
    ("apps", "DaemonSet"): (workloads.daemon_set, ("v1",)),
    ("apps", "ReplicaSet"): (workloads.replica_set, ("v1",)),
    ("", "Pod"): (workloads.pod, ("v1",)),
    ("batch", "Job"): (workloads.job, ("v1",)),
    ("batch", "CronJob"): (workloads.cron_job, ("v1",)),
    ("policy", "PodDisruptionBudget"): (others.pod_disruption_budget, ("v1",)),
    ("", "PersistentVolumeClaim"): (others.persistent_volume_claim, ("v1",)),
    ("", "Service"): (others.service, ("v1",)),
    ("networking.k8s.io", "Ingress"): (others.ingress, ("v1", "v1beta1")),
    ("extensions", "Ingress"): (others.ingress, ("v1beta1",)),
    ("autoscaling", "HorizontalPodAutoscaler"): (
        others.horizontal_pod_autoscaler,
        ("v1", "v2", "v2beta1", "v2beta2"),
    ),
    ("apiregistration.k8s.io", "APIService"): (others.api_service, ("v1", "v1beta1")),
    ("apiextensions.k8s.io", "CustomResourceDefinition"): (others.custom_resource_definition, ("v1",)),
    ("gateway.networking.k8s.io", "GatewayClass"): (gateway_api.gateway_class, _GATEWAY_API),
    ("gateway.networking.k8s.io", "Gateway"): (gateway_api.gateway, _GATEWAY_API),
    ("gateway.networking.k8s.io", "HTTPRoute"): (gateway_api.route, _GATEWAY_API),
    ("gateway.networking.k8s.io", "GRPCRoute"): (gateway_api.route, _GATEWAY_API),
    ("gateway.networking.k8s.io", "BackendTLSPolicy"): (gateway_api.backend_tls_policy, _GATEWAY_API),
    ("argoproj.io", "Workflow"): (others.workflow, ("v1alpha1",)),
}


def health(obj: Object | None) -> Health:
    """Judge a live object as the API server returned it; None is one that is not there.

    Nothing in an object makes it raise: a custom resource may hold anything.
    """
    if obj is None:
        return Health(Status.MISSING, "it is not in the cluster")
    if text(obj, "metadata", "deletionTimestamp"):
        return progressing(_pending_deletion(obj))
    group, _, version = text(obj, "apiVersion").rpartition("/")
    rule, versions = _RULES.get((group, text(obj, "kind")), (generic, ()))
    if versions and version not in versions:
        known = " or ".join(f"{group}/{one}".lstrip("/") for one in versions)
        return Health(Status.UNKNOWN, f"there is no health rule for {text(obj, 'apiVersion')}; use {known}")
    return rule(obj)


def _pending_deletion(obj: Object) -> str:
    finalizers = obj["metadata"].get("finalizers")
    if not isinstance(finalizers, list) or not finalizers:
        return "Pending deletion"
    return f"Pending deletion; waits for its finalizers: {', '.join(map(str, finalizers))}"
