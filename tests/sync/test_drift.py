"""Which fields are not as they should be, and who made them so."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from deployer.cluster.connection import Cluster
from deployer.sync.drift import FieldChange, changes, in_words, readable
from local.world import World
from tests.local.kubectl import Kubectl
from tests.sync.helpers import manifest, written
from tests.sync.managers import left_alone, ours, patch

NOON = "2026-01-02T12:00:00Z"
MORNING = "2026-01-02T10:03:07Z"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("f:spec", "f:replicas"), "spec.replicas"),
        (("f:metadata", "f:annotations", "f:a.b/c"), 'metadata.annotations["a.b/c"]'),
        (("f:spec", "f:containers", 'k:{"name":"web"}', "f:image"), "spec.containers[name=web].image"),
        (("f:spec", "f:ports", 'k:{"port":80,"protocol":"TCP"}'), "spec.ports[port=80,protocol=TCP]"),
        (("f:metadata", "f:finalizers", 'v:"a"'), "metadata.finalizers[value=a]"),
        (("f:a", "i:0"), "a[0]"),
        ((), ""),
    ],
)
def test_paths_for_people(path: tuple[str, ...], text: str) -> None:
    assert readable(path) == text


def live(data: dict[str, Any], *owners: tuple[str, str, dict[str, Any]], **fields: Any) -> dict[str, Any]:
    entries: list[dict[str, Any]] = [
        {
            "manager": manager,
            "operation": "Apply" if manager == "deployer" else "Update",
            "apiVersion": "v1",
            "fieldsV1": {"f:data": {f"f:{key}": {} for key in owned}},
            **({"time": when} if when else {}),
        }
        for manager, when, owned in owners
    ]
    return {**manifest("v1", "ConfigMap", "a"), "data": data, **fields} | {"metadata": {"managedFields": entries}}


def desired(**data: Any) -> dict[str, Any]:
    return manifest("v1", "ConfigMap", "a", data=data)


@pytest.mark.parametrize(
    ("wanted", "there", "owners", "found"),
    [
        ({"a": "1"}, {"a": "1"}, [("deployer", NOON, "a")], []),
        ({"a": "1"}, {"a": "2"}, [("deployer", NOON, "a")], [("data.a", "2", "1", "deployer", NOON)]),
        (
            {"a": "1", "b": "1"},
            {"a": "2", "b": "1"},
            [("deployer", NOON, "b"), ("kubectl-edit", MORNING, "a")],
            [("data.a", "2", "1", "kubectl-edit", MORNING)],
        ),
        ({"a": "1"}, {"a": "1"}, [("kubectl-edit", MORNING, "a")], [("data.a", "1", "1", "kubectl-edit", MORNING)]),
        (
            {"a": "1"},
            {"a": "2"},
            [("x", MORNING, "a"), ("y", NOON, "a"), ("z", "", "a")],
            [("data.a", "2", "1", "y", NOON)],
        ),
        ({"a": "1"}, {"a": "2"}, [("kubectl", "", "a")], [("data.a", "2", "1", "kubectl", "")]),
        (
            {"a": "1"},
            {"a": "2"},
            [("deployer", MORNING, "a"), ("other", NOON, "a")],
            [("data.a", "2", "1", "deployer", MORNING)],
        ),
        ({"a": "1"}, {"b": "2"}, [("other", NOON, "b")], [("data.a", None, "1", "", "")]),
        ({}, {"a": "1"}, [("deployer", NOON, "a")], [("data.a", "1", None, "deployer", NOON)]),
    ],
)
def test_who_did_what(wanted: dict[str, Any], there: dict[str, Any], owners: list[Any], found: list[Any]) -> None:
    assert changes(desired(**wanted), live(there, *owners)) == [FieldChange(*one) for one in found]


KUBECTL = "kubectl-client-side-apply"


@pytest.mark.parametrize(
    ("owners", "found"),
    [
        # What kubectl applied becomes ours first, and what is not in the source goes with that.
        ([(KUBECTL, MORNING, "ab")], [("data.b", "2", None, KUBECTL, MORNING), ("data.a", "1", "9", KUBECTL, MORNING)]),
        (
            [("deployer", NOON, "a"), (KUBECTL, MORNING, "ab")],
            [("data.a", "1", "9", "deployer", NOON), ("data.b", "2", None, KUBECTL, MORNING)],
        ),
        # It has nothing in common with the source, so it is somebody else's object as well.
        ([("deployer", NOON, "a"), (KUBECTL, MORNING, "b")], [("data.a", "1", "9", "deployer", NOON)]),
        # What others wrote beside it stays, be it by hand or by a controller.
        ([("kubectl-edit", MORNING, "ab")], [("data.a", "1", "9", "kubectl-edit", MORNING)]),
        ([("a-controller", MORNING, "ab")], [("data.a", "1", "9", "a-controller", MORNING)]),
    ],
    ids=["kubectl's", "both's", "kubectl's alone", "by hand", "a controller's"],
)
def test_what_goes_with_a_take_over_is_listed(owners: list[Any], found: list[Any]) -> None:
    said = changes(desired(a="9"), live({"a": "1", "b": "2", "c": "3"}, *owners))
    assert sorted(said, key=str) == sorted((FieldChange(*change) for change in found), key=str)


def test_a_take_over_itself_is_listed() -> None:
    one = live({"a": "1", "b": "2"}, (KUBECTL, MORNING, {"a": 1, "b": 1}))
    taken = FieldChange("data.a", "1", "1", KUBECTL, MORNING)
    assert {*changes(desired(a="1"), one)} == {taken, FieldChange("data.b", "2", None, KUBECTL, MORNING)}
    assert changes(desired(a="1", b="2"), one) == [taken, FieldChange("data.b", "2", "2", KUBECTL, MORNING)]


def test_values_of_secrets_are_masked() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret"}
    one = {
        **live({"a": "aHVudGVyMQ==", "b": "eA=="}, ("deployer", NOON, {"b": 1}), ("kubectl-edit", NOON, {"a": 1})),
        **secret,
    }
    wanted = {**desired(a="aHVudGVyMg==", b="eA=="), **secret}
    assert changes(wanted, one) == [FieldChange("data.a", "*** (1)", "*** (3)", "kubectl-edit", NOON)]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (FieldChange("spec.replicas", 5, 3, "kubectl-edit", MORNING), "spec.replicas 3 → 5 by kubectl-edit at 10:03"),
        (
            FieldChange("spec.replicas", 5, 3, "kubectl-edit", "2025-12-31T23:59:59Z"),
            "spec.replicas 3 → 5 by kubectl-edit at 2025-12-31 23:59",
        ),
        (FieldChange("spec.replicas", 5, 3, "kubectl", ""), "spec.replicas 3 → 5 by kubectl"),
        (FieldChange("data.a", None, "ä", "", ""), 'data.a "ä" → absent by unknown'),
        (FieldChange("data.a", 3, 3, "kubectl-edit", MORNING), "data.a 3 taken over by kubectl-edit at 10:03"),
        (FieldChange("data.a", 3, 3, "", ""), "data.a 3 taken over by unknown"),
        (FieldChange("a", "x" * 99, 3, "x", ""), f'a 3 → "{"x" * 58}… by x'),
    ],
)
def test_in_words(change: FieldChange, words: str) -> None:
    assert in_words(change, datetime(2026, 1, 2, 12, tzinfo=UTC)) == words


def test_what_people_do_with_kubectl(staging: Cluster, namespace: str, world: World) -> None:
    kubectl = Kubectl(world.clusters["staging"].admin_kubeconfig)
    labels = {"app": "web"}
    pod = {"containers": [{"name": "web", "image": "nginx:1"}]}
    spec = {"replicas": 3, "paused": True, "selector": {"matchLabels": labels}}
    one = manifest(
        "apps/v1",
        "Deployment",
        "web",
        namespace,
        spec={**spec, "template": {"metadata": {"labels": labels}, "spec": pod}},
    )
    one["metadata"]["labels"] = {"app": "web", "tier": "a"}
    written(staging, namespace)
    ours(staging, one)
    left_alone(staging, one)  # the controller has written its part

    def said() -> list[str]:
        now = datetime.now(UTC)
        return [
            re.sub(r"at \d\d:\d\d$", "at TIME", in_words(change, now))
            for change in changes(one, left_alone(staging, one)[0])
        ]

    assert said() == []
    kubectl("scale", "deployment/web", "--replicas=5", "-n", namespace)
    assert said() == ["spec.replicas 3 → 5 by kubectl"]
    kubectl("scale", "deployment/web", "--replicas=3", "-n", namespace)
    assert said() == ["spec.replicas 3 taken over by kubectl"]
    ours(staging, one)
    kubectl("patch", "deployment/web", "-n", namespace, "-p", '{"spec": {"replicas": 4}}')
    kubectl("set", "image", "deployment/web", "web=nginx:2", "-n", namespace)
    kubectl("label", "deployment/web", "tier-", "extra=1", "-n", namespace)
    assert said() == [
        'metadata.labels.tier "a" → absent by unknown',
        "spec.replicas 3 → 4 by kubectl-patch at TIME",
        'spec.template.spec.containers[name=web].image "nginx:1" → "nginx:2" by kubectl-set at TIME',
    ]
    patch(staging, one, {"spec": {"replicas": 6}}, "hpa")
    assert said()[1] == "spec.replicas 3 → 6 by hpa at TIME"
    ours(staging, one)
    assert said() == []
