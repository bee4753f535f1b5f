"""The one kind order: Argo CD's, so that an application comes up here as it does there."""

from collections.abc import Iterable
from itertools import groupby

from deployer.manifest import Manifest, ObjectKey

# gitops-engine, pkg/sync/sync_tasks.go. Kinds that are not here come after these.
_KINDS = (
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
)
_WEBHOOKS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
"""These come last of all, as in Flux: they judge what is applied after them, maybe before anything answers for them."""

_OTHERS = len(_KINDS)
_RANK = {kind: rank for rank, kind in enumerate(_KINDS)} | dict.fromkeys(_WEBHOOKS, _OTHERS + 1)


def in_order(manifests: Iterable[Manifest]) -> list[list[Manifest]]:
    """Group manifests into the steps in which they are applied.

    Returns:
        Groups in Argo CD's kind order; the objects of one group do not depend on each other and are applied in
        parallel. Kinds outside that order form one group, and webhook configurations the last.
    """
    ordered = sorted(manifests, key=lambda manifest: position(manifest.key))
    return [list(group) for _, group in groupby(ordered, key=lambda manifest: position(manifest.key)[0])]


def position(key: ObjectKey) -> tuple[int, str, str, str, str]:
    """Where an object stands in the order, as a key to sort by: the rank of its kind, then what tells it apart."""
    return _RANK.get(key.kind, _OTHERS), key.kind, key.namespace, key.name, key.group
