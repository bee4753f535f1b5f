"""Fields that become ours: first by tables, then on a server, from the tools that people come from."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from deployer.cluster.connection import APPLY, Cluster
from deployer.cluster.objects import Live
from deployer.errors import ClusterError
from deployer.sync.field_set import entries, entry, owned
from deployer.sync.ownership import unchanged
from deployer.sync.take_over import as_taken_over, defaulting, take_over
from local.world import World
from tests.local.kubectl import Kubectl
from tests.sync.helpers import manifest, written
from tests.sync.managers import JSON_PATCH, copy, left_alone, ours, patch, read

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
BODY = manifest("v1", "ConfigMap", "a", data={"a": "1", "b": "1"})


def by(manager: str, *keys: str, operation: str = "Update", **more: Any) -> dict[str, Any]:
    """An entry of a manager that owns keys of a ConfigMap."""
    fields = {"fieldsType": "FieldsV1", "fieldsV1": {"f:data": {f"f:{key}": {} for key in keys}}}
    return {
        "manager": manager,
        "operation": operation,
        "apiVersion": "v1",
        "time": "2026-01-01T10:00:00Z",
        **fields,
        **more,
    }


def live(*entries: dict[str, Any], **annotations: str) -> dict[str, Any]:
    data = {"a": "1", "b": "1", "z": "9"}
    return {
        **BODY,
        "data": data,
        "metadata": {"name": "a", "resourceVersion": "7", "annotations": annotations, "managedFields": [*entries]},
    }


def names(one: Mapping[str, Any]) -> dict[str, str]:
    """Who owns which keys, such as `{"deployer Apply": "ab"}`."""
    return {f"{one['manager']} {one['operation']}": "".join(sorted(key[2:] for key in one["fieldsV1"]["f:data"]))}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([by("kubectl-client-side-apply", "a", "z")], {"deployer Apply": "az"}),
        ([by("kubectl", "a", "z", operation="Apply")], {"deployer Apply": "az"}),
        ([by("helm", "a", "z")], {"deployer Apply": "az"}),
        ([by("argocd-controller", "a", "z", operation="Apply")], {"deployer Apply": "az"}),
        # What Argo CD called itself before; such entries stay for years.
        ([by("argocd-application-controller", "a", "z")], {"deployer Apply": "az"}),
        ([by("kustomize-controller", "a", "z", operation="Apply")], {"deployer Apply": "az"}),
        ([by("kubectl-client-side-apply", "a"), by("helm", "b")], {"deployer Apply": "ab"}),
        ([by("deployer", "a", operation="Apply"), by("kubectl", "a", operation="Apply")], {"deployer Apply": "a"}),
        # What we have put in an object's place is ours, whatever it is.
        ([by("deployer", "z")], {"deployer Apply": "z"}),
        ([by("deployer", "b", "z"), by("deployer", "a", operation="Apply")], {"deployer Apply": "abz"}),
        # What is changed by hand stays as it is, but for what we want or own.
        ([by("kubectl-edit", "a", "z")], {"deployer Apply": "a", "kubectl-edit Update": "z"}),
        ([by("kubectl-edit", "a", "b")], {"deployer Apply": "ab"}),
        ([by("before-first-apply", "a", "z")], {"deployer Apply": "a", "before-first-apply Update": "z"}),
        ([by("kubectl", "a", "z", subresource="scale")], {"deployer Apply": "a", "kubectl Update": "z"}),
        (
            [by("kubectl", "a", "z", operation="Apply", subresource="scale")],
            {"deployer Apply": "a", "kubectl Apply": "z"},
        ),
        ([by("deployer", "z", operation="Apply"), by("kubectl-edit", "z")], {"deployer Apply": "z"}),
        # Other versions are told in other paths.
        (
            [by("helm", "a"), by("kubectl-edit", "b", apiVersion="v2")],
            {"deployer Apply": "a", "kubectl-edit Update": "b"},
        ),
        ([by("lens", "a"), by("helm", "a")], {"deployer Apply": "a", "lens Update": "a"}),
    ],
)
def test_whose_fields_become_ours(before: list[dict[str, Any]], after: dict[str, str]) -> None:
    taken = take_over(live(*before), BODY)
    assert taken
    assert taken["metadata"].keys() == {"name", "resourceVersion", "managedFields"}
    assert taken["metadata"]["resourceVersion"] == "7"
    owners: dict[str, str] = {}
    for one in taken["metadata"]["managedFields"]:
        owners |= names(one)
    assert owners == after


@pytest.mark.parametrize(
    "entries",
    [
        [],
        [by("deployer", "a", operation="Apply")],
        [by("kubectl-client-side-apply", "z")],
        [by("kubectl-annotate", "z")],
        [by("hpa", "a", "b")],
        [by("deployer", "a", "z", subresource="status")],
        [by("deployer", fieldsV1={})],
        [by("deployer", "a", operation="Apply"), by("deployer", "z", apiVersion="v2")],
        [by("kube-controller-manager", "a")],
        [by("deployer", "a", operation="Apply"), by("helm", "a", apiVersion="v2")],
    ],
)
def test_nothing_to_take_over(entries: list[dict[str, Any]]) -> None:
    assert take_over(live(*entries), BODY) is None


def test_the_annotation_of_kubectl_goes() -> None:
    assert take_over(live(**{LAST_APPLIED: "{}"}), BODY) == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a", "resourceVersion": "7", "annotations": {LAST_APPLIED: None}},
    }


def test_our_entry_is_as_late_as_the_latest() -> None:
    taken = take_over(live(by("helm", "a"), by("kubectl-edit", "b", time="2026-01-01T11:00:00Z")), BODY)
    assert taken
    entry = by("deployer", "a", "b", operation="Apply", time="2026-01-01T11:00:00Z")
    assert taken["metadata"]["managedFields"] == [entry]
    scaled = by("kubectl", "a", subresource="scale")
    del scaled["time"]
    taken = take_over(live(scaled), BODY)
    assert taken
    assert "time" not in taken["metadata"]["managedFields"][0]


@pytest.mark.parametrize(
    ("owners", "left"),
    [
        ([by("helm", "a", "z")], "ab"),
        ([by("deployer", "a", operation="Apply"), by("helm", "a", "z")], "ab"),
        ([by("helm", "a", "z"), by("lens", "z")], "abz"),
        ([by("helm", "z")], "abz"),  # nothing that we want: it is somebody else's object as well
        ([by("kubectl-edit", "a", "z")], "abz"),
        ([by("lens", "a", "z")], "abz"),
    ],
)
def test_what_leaves_with_a_take_over(owners: list[dict[str, Any]], left: str) -> None:
    ours = by("deployer", "a", "b", operation="Apply")
    tried = live(*(one for one in owners if one["manager"] != "deployer"), ours)
    found = as_taken_over(tried, BODY, live(*owners))
    assert "".join(sorted(found["data"])) == left
    assert found["metadata"] == tried["metadata"]


def test_of_annotations_only_those_leave_that_have_become_ours() -> None:
    noted = {"f:metadata": {"f:annotations": {".": {}, f"f:{LAST_APPLIED}": {}, "f:old": {}}}, "f:data": {"f:a": {}}}
    count: dict[str, Any] = {"f:metadata": {"f:annotations": {".": {}, "f:count": {}}}}
    owners = [by("kubectl-client-side-apply", fieldsV1=noted), by("kube-controller-manager", fieldsV1=count)]
    before = live(*owners, **{LAST_APPLIED: "{}", "count": "1", "old": "1"})
    tried = {**before, "metadata": {**before["metadata"], "managedFields": [*owners, by("deployer", "a", "b")]}}
    assert as_taken_over(tried, BODY, before)["metadata"]["annotations"] == {"count": "1"}


def test_the_server_is_asked_for_defaults() -> None:
    before = {**live(x="1"), "spec": {"a": 1, "b": {"c": 1, "d": [1, 2]}}, "kept": {"e": 1}}
    tried = {**before, "metadata": {"name": "a", "resourceVersion": "7", "generation": 2, "labels": {"l": "1"}}}
    assert defaulting(tried, tried, before) is None
    assert defaulting({**tried, "metadata": {"name": "a"}}, tried, before) is None
    left = {key: one for key, one in tried.items() if key != "kept"} | {"spec": {"b": {"d": [2]}}}
    assert defaulting(left, tried, before) == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a", "annotations": None, "labels": {"l": "1"}},
        "spec": {"a": None, "b": {"c": None, "d": [2]}},
        "kept": None,
    }


LABELS = {"app": "web"}


def web(namespace: str) -> dict[str, Any]:
    container = {
        "name": "web",
        "image": "nginx:1",
        "ports": [{"containerPort": 80}],
        "env": [{"name": "A", "value": "1"}],
    }
    spec = {"replicas": 3, "paused": True, "selector": {"matchLabels": LABELS}}
    template = {"metadata": {"labels": LABELS}, "spec": {"containers": [container]}}
    one = manifest("apps/v1", "Deployment", "web", namespace, spec={**spec, "template": template})
    one["metadata"] |= {"labels": {"app": "web", "old": "1"}, "annotations": {"note": "x"}}
    return one


def adopt(cluster: Cluster, body: Mapping[str, Any]) -> Live:
    """Take an object over, and look that no value changes by it; then apply it."""
    while True:
        before = read(cluster, body)
        try:
            after = patch(cluster, body, take_over(before, body), "deployer")
            break
        except ClusterError as error:
            assert error.status == 409, error  # noqa: PT017 - a controller was faster
    assert values(after) == values(before)
    assert take_over(after, body) is None
    ours(cluster, body)
    return left_alone(cluster, body)[0]


def values(live: Live) -> Any:
    metadata = copy({key: live["metadata"].get(key) for key in ("labels", "annotations")})
    metadata["annotations"].pop(LAST_APPLIED, None)
    return metadata, live["spec"]


def managers(live: Live) -> set[tuple[str, str, str | None]]:
    return {(one["manager"], one["operation"], one.get("subresource")) for one in entries(live)} - {
        ("kube-controller-manager", "Update", "status")
    }


@pytest.mark.parametrize("how", [(), ("--server-side",)])
def test_what_kubectl_applied_is_ours(staging: Cluster, namespace: str, world: World, how: tuple[str, ...]) -> None:
    kubectl = Kubectl(world.clusters["staging"].admin_kubeconfig)
    written(staging, namespace)
    one = web(namespace)
    kubectl("apply", *how, "-f", "-", stdin=json.dumps(one))
    patch(staging, one, {"metadata": {"labels": {"foreign": "1"}}}, "lens")
    adopted = adopt(staging, one)
    assert managers(adopted) == {("deployer", "Apply", None), ("lens", "Update", None)}
    assert LAST_APPLIED not in adopted["metadata"]["annotations"]
    assert unchanged(one, adopted)

    # What leaves the source leaves the cluster, and what is somebody else's stays.
    del one["metadata"]["labels"]["old"], one["metadata"]["annotations"]
    del one["spec"]["template"]["spec"]["containers"][0]["env"]
    after = ours(staging, one)
    assert after["metadata"]["labels"] == {"app": "web", "foreign": "1"}
    assert "note" not in after["metadata"].get("annotations", {})
    assert "env" not in after["spec"]["template"]["spec"]["containers"][0]


def test_what_left_the_source_before_goes_with_the_adoption(staging: Cluster, namespace: str, world: World) -> None:
    kubectl = Kubectl(world.clusters["staging"].admin_kubeconfig)
    written(staging, namespace)
    kubectl("apply", "-f", "-", stdin=json.dumps(web(namespace)))
    one = web(namespace)
    del one["spec"]["template"]["spec"]["containers"][0]["env"]
    assert "env" not in adopt(staging, one)["spec"]["template"]["spec"]["containers"][0]


def test_an_edit_there_and_back(staging: Cluster, namespace: str, world: World) -> None:
    kubectl = Kubectl(world.clusters["staging"].admin_kubeconfig)
    written(staging, namespace)
    one = web(namespace)
    ours(staging, one)
    for replicas in (5, 3):
        patch(staging, one, {"spec": {"replicas": replicas}}, "kubectl-edit")
    adopt(staging, one)
    for replicas in (5, 3):
        kubectl("scale", "deployment/web", f"--replicas={replicas}", "-n", namespace)
    adopt(staging, one)
    del one["spec"]["replicas"]
    assert ours(staging, one)["spec"]["replicas"] == 1, "the default"


def test_the_replicas_of_an_autoscaler_stay(staging: Cluster, namespace: str, world: World) -> None:
    kubectl = Kubectl(world.clusters["staging"].admin_kubeconfig)
    written(staging, namespace)
    one = web(namespace)
    kubectl("apply", "-f", "-", stdin=json.dumps(one))
    patch(staging, one, {"spec": {"replicas": 7}}, "kube-controller-manager")
    del one["spec"]["replicas"]
    adopted = adopt(staging, one)
    assert adopted["spec"]["replicas"] == 7
    assert "f:replicas" in owned(adopted, "kube-controller-manager", "Update")["f:spec"]


def test_a_container_that_was_added_by_hand_leaves_with_the_source(staging: Cluster, namespace: str) -> None:
    written(staging, namespace)
    one = web(namespace)
    ours(staging, one)
    side = {"name": "side", "image": "s", "args": ["x"]}
    patch(
        staging,
        one,
        [{"op": "add", "path": "/spec/template/spec/containers/-", "value": side}],
        "kubectl-edit",
        JSON_PATCH,
    )
    with_side = copy(one)
    with_side["spec"]["template"]["spec"]["containers"].append({"name": "side", "image": "s"})
    adopt(staging, with_side)
    ours(staging, one)
    assert [each["name"] for each in read(staging, one)["spec"]["template"]["spec"]["containers"]] == ["web"]


def test_an_object_that_has_changed_in_between_is_left_alone(staging: Cluster, namespace: str) -> None:
    one = manifest("v1", "ConfigMap", "a", namespace, data={"a": "1"})
    written(staging, namespace)
    before = patch(staging, one, one, "kubectl", APPLY)
    patch(staging, one, {"data": {"b": "2"}}, "lens")
    with pytest.raises(ClusterError) as caught:
        patch(staging, one, take_over(before, one), "deployer")
    assert caught.value.status == 409
    assert entry(read(staging, one)) == {}
