import json
from typing import Any

import pytest

from deployer.cluster.health import health


def judge(
    api_version: str, kind: str, spec: dict[str, Any], status: dict[str, Any], **metadata: Any
) -> tuple[str, str]:
    obj = {"apiVersion": api_version, "kind": kind, "metadata": {"name": "web", **metadata}, "spec": spec}
    found = health({**obj, "status": status})
    return found.status, found.message


def conditions(*triples: tuple[str, str, str]) -> dict[str, Any]:
    return {
        "conditions": [
            {"type": kind, "status": status, "reason": reason, "message": "why"} for kind, status, reason in triples
        ]
    }


@pytest.mark.parametrize(
    ("status", "expected", "message"),
    [
        ({}, "Progressing", "the budget has not been looked at by its controller yet"),
        (conditions(("DisruptionAllowed", "False", "SyncFailed")), "Degraded", "SyncFailed: why"),
        (conditions(("DisruptionAllowed", "False", "InsufficientPods")), "Healthy", "InsufficientPods: why"),
        (conditions(("DisruptionAllowed", "True", "SufficientPods")), "Healthy", "SufficientPods: why"),
    ],
)
def test_pod_disruption_budget(status: dict[str, Any], expected: str, message: str) -> None:
    assert judge("policy/v1", "PodDisruptionBudget", {}, status) == (expected, message)


@pytest.mark.parametrize(
    ("spec", "phase", "expected", "message"),
    [
        ({"volumeName": "pv-1"}, "Bound", "Healthy", "bound to volume pv-1"),
        (
            {"storageClassName": "fast"},
            "Pending",
            "Progressing",
            "waits for a volume of storage class fast, or for a pod that uses it",
        ),
        ({}, "Pending", "Progressing", "waits for a volume of storage class without a name, or for a pod that uses it"),
        ({}, "Lost", "Degraded", "its volume is lost"),
        ({}, "", "Unknown", "its phase is not known yet"),
    ],
)
def test_persistent_volume_claim(spec: dict[str, Any], phase: str, expected: str, message: str) -> None:
    assert judge("v1", "PersistentVolumeClaim", spec, {"phase": phase}) == (expected, message)


ADDRESS = {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}


@pytest.mark.parametrize(
    ("spec", "status", "expected", "message"),
    [
        ({"type": "ClusterIP"}, {"loadBalancer": {}}, "Healthy", "it needs no load balancer"),
        ({"type": "LoadBalancer"}, {}, "Progressing", "waits for the address of its load balancer"),
        ({"type": "LoadBalancer"}, {"loadBalancer": {"ingress": []}}, "Progressing", "waits for the address"),
        ({"type": "LoadBalancer"}, ADDRESS, "Healthy", "its load balancer has an address"),
    ],
)
def test_service(spec: dict[str, Any], status: dict[str, Any], expected: str, message: str) -> None:
    found, words = judge("v1", "Service", spec, status)
    assert found == expected
    assert words.startswith(message)


@pytest.mark.parametrize("api_version", ["networking.k8s.io/v1", "networking.k8s.io/v1beta1", "extensions/v1beta1"])
def test_ingress(api_version: str) -> None:
    waits = ("Progressing", "waits for an address from its ingress controller")
    assert judge(api_version, "Ingress", {}, {"loadBalancer": {}}) == waits
    assert judge(api_version, "Ingress", {}, ADDRESS) == ("Healthy", "it has an address")


HPA_CASES = [
    ([], "Progressing", "it has not scaled anything yet"),
    ([("AbleToScale", "False", "FailedGetScale")], "Degraded", "FailedGetScale: why"),
    ([("AbleToScale", "False", "FailedUpdateScale")], "Degraded", "FailedUpdateScale: why"),
    *(
        (
            [("AbleToScale", "True", "SucceededGetScale"), ("ScalingActive", "False", reason)],
            "Degraded",
            f"{reason}: why",
        )
        for reason in (
            *("FailedGetResourceMetric", "FailedGetObjectMetric", "FailedGetPodsMetric", "FailedGetExternalMetric"),
            *("FailedComputeMetricsReplicas", "InvalidSelector"),
        )
    ),
    ([("AbleToScale", "True", "ReadyForNewScale")], "Healthy", "ReadyForNewScale: why"),
    ([("ScalingActive", "False", "ScalingDisabled"), ("ScalingLimited", "True", "TooFew")], "Healthy", "TooFew: why"),
    ([("AbleToScale", "False", "BackoffBoth")], "Progressing", "it has not scaled anything yet"),
    ([("ScalingActive", "False", "FailedGetScale")], "Progressing", "it has not scaled anything yet"),
]


@pytest.mark.parametrize(("triples", "expected", "message"), HPA_CASES)
def test_horizontal_pod_autoscaler(triples: list[tuple[str, str, str]], expected: str, message: str) -> None:
    """autoscaling/v2 has its conditions in status, autoscaling/v1 in an annotation."""
    told = conditions(*triples)
    kind = "HorizontalPodAutoscaler"
    annotations = {"autoscaling.alpha.kubernetes.io/conditions": json.dumps(told["conditions"])}
    assert judge("autoscaling/v2", kind, {}, told) == (expected, message)
    assert judge("autoscaling/v1", kind, {}, {}, annotations=annotations) == (expected, message)


@pytest.mark.parametrize("annotation", ["", "{", "{}", "[" * 100_000])
def test_an_autoscaler_whose_annotation_is_odd(annotation: str) -> None:
    annotations = {"autoscaling.alpha.kubernetes.io/conditions": annotation}
    found, _ = judge("autoscaling/v1", "HorizontalPodAutoscaler", {}, {}, annotations=annotations)
    assert found == "Progressing"


@pytest.mark.parametrize(
    ("status", "expected", "message"),
    [
        ({}, "Progressing", "it has not been tried yet"),
        (conditions(("Available", "True", "Passed")), "Healthy", "Passed: why"),
        (conditions(("Available", "False", "MissingEndpoints")), "Progressing", "MissingEndpoints: why"),
    ],
)
@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_api_service(version: str, status: dict[str, Any], expected: str, message: str) -> None:
    assert judge(f"apiregistration.k8s.io/{version}", "APIService", {}, status) == (expected, message)


@pytest.mark.parametrize(
    ("status", "expected", "message"),
    [
        ({}, "Progressing", "its kind is not served yet"),
        (
            conditions(("NamesAccepted", "False", "NameConflict"), ("Established", "True", "InitialNamesAccepted")),
            "Degraded",
            "NameConflict: why",
        ),
        (
            conditions(("NamesAccepted", "True", "NoConflicts"), ("Established", "False", "Installing")),
            "Progressing",
            "Installing: why",
        ),
        (
            conditions(("NamesAccepted", "True", "NoConflicts"), ("Established", "True", "InitialNamesAccepted")),
            "Healthy",
            "its kind is served",
        ),
    ],
)
def test_custom_resource_definition(status: dict[str, Any], expected: str, message: str) -> None:
    assert judge("apiextensions.k8s.io/v1", "CustomResourceDefinition", {}, status) == (expected, message)


@pytest.mark.parametrize(
    ("status", "expected", "message"),
    [
        ({}, "Progressing", "it has not begun yet"),
        ({"phase": ""}, "Progressing", "it has not begun yet"),
        ({"phase": "Pending"}, "Progressing", "Pending"),
        ({"phase": "Running", "progress": "1/3"}, "Progressing", "Running"),
        ({"phase": "Succeeded"}, "Healthy", "Succeeded"),
        ({"phase": "Failed", "message": "child 'web-1' failed"}, "Degraded", "Failed: child 'web-1' failed"),
        (
            {"phase": "Error", "message": "spec.entrypoint is required"},
            "Degraded",
            "Error: spec.entrypoint is required",
        ),
        ({"phase": "Confused"}, "Unknown", "Confused"),
    ],
)
def test_workflow(status: dict[str, Any], expected: str, message: str) -> None:
    assert judge("argoproj.io/v1alpha1", "Workflow", {}, status) == (expected, message)
