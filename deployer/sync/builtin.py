"""What Kubernetes' own types make of a value that is written to them: the form in which it comes back. Pure.

The server reads an object into a type of Go and writes it anew, so a quantity changes its form, an empty field is left
out, a default is filled in. Custom resources are kept as they are written. Only what is known for certain stands here
(kubernetes 1.37, api/openapi-spec and the types of k8s.io/api): what does not is "not the same", and costs a request.
"""

from collections.abc import Mapping
from typing import Any

from deployer.sync.field_set import MISSING
from deployer.sync.quantity import canonical

_GROUPS = {
    *("", "apps", "autoscaling", "batch", "policy"),
    *("admissionregistration.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io", "certificates.k8s.io"),
    *("coordination.k8s.io", "discovery.k8s.io", "events.k8s.io", "flowcontrol.apiserver.k8s.io"),
    *("networking.k8s.io", "node.k8s.io", "rbac.authorization.k8s.io", "resource.k8s.io", "scheduling.k8s.io"),
    *("storage.k8s.io", "storagemigration.k8s.io"),
}

Where = tuple[str, str]
"""The name of a field, and before it that of the field it stands in; items of a list stand in the list's."""

ATOMIC = {
    *("configMapKeyRef", "controllerExpandSecretRef", "controllerPublishSecretRef", "dataSource", "fieldRef"),
    *("fileKeyRef", "imagePullSecrets", "labelSelector", "matchConstraints", "matchResources", "namespaceSelector"),
    *("nodeExpandSecretRef", "nodePublishSecretRef", "nodeSelector", "nodeStageSecretRef", "objectSelector"),
    *("paramKind", "paramRef", "podSelector", "port", "preference", "required", "resourceFieldRef", "roleRef"),
    *("scopeSelector", "secretKeyRef", "secretRef", "secrets", "selector", "targetRef"),
}
"""Fields, and lists, whose mappings are owned as a whole wherever they stand (`x-kubernetes-map-type: atomic`)."""

GRANULAR = {"annotations", "labels", "metadata", "resources", "securityContext", "strategy", "updateStrategy"}
"""Fields whose mappings are owned field by field."""

_CONTAINERS = ("containers", "initContainers")
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")

LISTS = {
    *(("metadata", "finalizers"), ("metadata", "ownerReferences"), ("ServiceAccount", "secrets")),
    *(("MutatingWebhookConfiguration", "webhooks"), ("ValidatingWebhookConfiguration", "webhooks")),
    *(("resources", "claims"), ("spec", "matchConditions"), ("webhooks", "matchConditions")),
    *(("spec", name) for name in ("hostAliases", "imagePullSecrets", "initContainers", "ports", "resourceClaims")),
    *(("spec", name) for name in ("schedulingGates", "topologySpreadConstraints", "volumes")),
    *((one, name) for one in _CONTAINERS for name in ("env", "ports", "volumeDevices", "volumeMounts")),
}
"""Lists whose items are owned one by one: nothing of an empty one is owned."""

_LIST_NAMES = {name for _, name in LISTS}

_DROPPED: dict[Where, Any] = {
    **{(one, "matchLabels"): {} for one in ("namespaceSelector", "podSelector", "selector")},
    ("ConfigMap", "binaryData"): {},
    ("ConfigMap", "data"): {},
    ("Secret", "data"): {},
    ("metadata", "annotations"): {},
    ("metadata", "labels"): {},
    ("spec", "nodeSelector"): {},
    ("resources", "limits"): {},
    ("resources", "requests"): {},
    **{("spec", name): False for name in ("hostIPC", "hostNetwork", "hostPID", "paused", "preserveUnknownFields")},
    ("spec", "publishNotReadyAddresses"): False,
    ("spec", "minReadySeconds"): 0,
    ("spec", "priorityClassName"): "",
    **{(one, name): False for one in _CONTAINERS for name in ("stdin", "stdinOnce", "tty")},
    ("env", "value"): "",
    ("ports", "hostPort"): 0,
    ("ports", "nodePort"): 0,
    ("tolerations", "effect"): "",
    ("volumeMounts", "readOnly"): False,
    ("volumeMounts", "subPath"): "",
    **{(one, "initialDelaySeconds"): 0 for one in _PROBES},
}
"""Empty values that are left out. Those of other fields may stay: it depends on whether Go has a pointer there."""

_DEFAULTS: dict[Where, Any] = {
    ("fieldRef", "apiVersion"): "v1",
    ("resourceFieldRef", "divisor"): "0",
    ("ports", "protocol"): "TCP",
    ("rules", "scope"): "*",
    ("serviceAccountToken", "expirationSeconds"): 3600,
    ("volumeClaimTemplates", "apiVersion"): "v1",
    ("volumeClaimTemplates", "kind"): "PersistentVolumeClaim",
    ("volumeClaimTemplates", "status"): {"phase": "Pending"},
    ("spec", "volumeMode"): "Filesystem",
}
"""Defaults inside of what is owned as a whole; elsewhere they are nobody's, and do not count."""

_AMOUNTS_OF = {
    *("capacity", "default", "defaultRequest", "hard", "limits", "max", "maxLimitRequestRatio", "min", "overhead"),
    *("podFixed", "requests"),
}
_AMOUNTS = {
    *(("emptyDir", "sizeLimit"), ("resourceFieldRef", "divisor"), ("target", "averageValue"), ("target", "value")),
}


def is_builtin(group: str) -> bool:
    """Whether the kinds of an API group are Kubernetes' own."""
    return group in _GROUPS


def same_value(desired: Any, live: Any, where: Where, *, builtin: bool) -> bool:
    """Whether a desired value, written, comes back as the live one.

    Args:
        desired: a JSON value.
        live: a JSON value, or MISSING.
        where: the field.
        builtin: whether it is in a type of Kubernetes' own.

    Returns:
        True only where that is certain.
    """
    if _equal(desired, live):
        return True
    if not builtin:
        return False
    if isinstance(desired, Mapping) and isinstance(live, Mapping):
        there = all(
            same_value(value, live.get(name, MISSING), (where[1], name), builtin=True)
            for name, value in desired.items()
        )
        return there and all(
            _equal(_DEFAULTS.get((where[1], name), MISSING), live[name]) for name in live.keys() - desired.keys()
        )
    if isinstance(desired, list) and isinstance(live, list):
        pairs = zip(desired, live, strict=False)
        return len(desired) == len(live) and all(same_value(*pair, where, builtin=True) for pair in pairs)
    if live is MISSING and desired == []:
        return where[1] not in _LIST_NAMES  # or it may once have been null, which is owned
    if live is MISSING:
        return desired is None or _equal(desired, _DROPPED.get(where, MISSING))
    return (where[0] in _AMOUNTS_OF or where in _AMOUNTS) and isinstance(live, str) and canonical(desired) == live


def _equal(one: Any, other: Any) -> bool:
    return bool(one == other) and _alike(one, other)


def _alike(one: Any, other: Any) -> bool:
    """Whether values that are equal to Python are the same in JSON, where true is not 1."""
    if isinstance(one, dict):
        return all(_alike(value, other[name]) for name, value in one.items() if not isinstance(value, str))
    if isinstance(one, list):
        return all(map(_alike, one, other))
    return isinstance(one, bool) == isinstance(other, bool)
