from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.cluster.health import Health, Status, health

KINDS = [
    *(("apps/v1", "Deployment"), ("apps/v1", "StatefulSet"), ("apps/v1", "DaemonSet"), ("apps/v1", "ReplicaSet")),
    *(("v1", "Pod"), ("batch/v1", "Job"), ("batch/v1", "CronJob"), ("policy/v1", "PodDisruptionBudget")),
    *(("v1", "PersistentVolumeClaim"), ("v1", "Service"), ("networking.k8s.io/v1", "Ingress")),
    *(("autoscaling/v1", "HorizontalPodAutoscaler"), ("autoscaling/v2", "HorizontalPodAutoscaler")),
    *(("apiregistration.k8s.io/v1", "APIService"), ("apiextensions.k8s.io/v1", "CustomResourceDefinition")),
    *(("v1", "ConfigMap"), ("example.com/v1", "Thing")),
]


def test_what_is_not_there_is_missing() -> None:
    assert health(None) == Health(Status.MISSING, "it is not in the cluster")


@pytest.mark.parametrize(("api_version", "kind"), KINDS)
def test_what_is_being_deleted_is_progressing(api_version: str, kind: str) -> None:
    metadata: dict[str, Any] = {"deletionTimestamp": "2026-11-24T08:00:00Z"}
    obj = {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": {"paused": True}}
    assert health(obj) == Health(Status.PROGRESSING, "Pending deletion")
    metadata["finalizers"] = ["example.com/a", "example.com/b"]
    words = "Pending deletion; waits for its finalizers: example.com/a, example.com/b"
    assert health(obj) == Health(Status.PROGRESSING, words)


@pytest.mark.parametrize(
    ("api_version", "kind"),
    [
        *(("v1", "ConfigMap"), ("v1", "Secret"), ("v1", "ServiceAccount"), ("rbac.authorization.k8s.io/v1", "Role")),
        *(("apps/v1", "ControllerRevision"), ("argoproj.io/v1alpha1", "AppProject"), ("example.com/v1", "Deployment")),
    ],
)
def test_what_has_no_rule_is_healthy_when_it_exists(api_version: str, kind: str) -> None:
    assert health({"apiVersion": api_version, "kind": kind, "metadata": {}}) == Health(Status.HEALTHY, "it exists")


@pytest.mark.parametrize(
    ("api_version", "kind", "use"),
    [
        ("apps/v1beta1", "Deployment", "apps/v1"),
        ("batch/v1beta1", "CronJob", "batch/v1"),
        ("v2", "Pod", "v1"),
        ("networking.k8s.io/v2", "Ingress", "networking.k8s.io/v1 or networking.k8s.io/v1beta1"),
    ],
)
def test_a_version_without_a_rule_is_unknown(api_version: str, kind: str, use: str) -> None:
    found = health({"apiVersion": api_version, "kind": kind, "metadata": {}})
    assert found == Health(Status.UNKNOWN, f"there is no health rule for {api_version}; use {use}")


ODD = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text("aE", max_size=2),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["type", "status", "reason", "conditions", "replicas", "state", "waiting", "phase", "x"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@given(kind=st.sampled_from(KINDS), spec=ODD, status=ODD, metadata=ODD)
def test_nothing_in_an_object_makes_it_raise(kind: tuple[str, str], spec: Any, status: Any, metadata: Any) -> None:
    found = health({"apiVersion": kind[0], "kind": kind[1], "metadata": metadata, "spec": spec, "status": status})
    assert isinstance(found.status, Status)
    assert found.message
