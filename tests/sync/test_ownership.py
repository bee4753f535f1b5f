"""Whether an apply would change anything: first by tables, then with the server as the judge."""

from collections.abc import Callable
from typing import Any

import pytest

from deployer.cluster.connection import APPLY, Cluster
from deployer.sync.field_set import MISSING
from deployer.sync.ownership import Mismatch, mismatches, unchanged
from tests.sync.helpers import manifest, written
from tests.sync.managers import JSON_PATCH, copy, left_alone, ours, patch, read, remove

WEB = 'k:{"name":"web"}'


def live(fields: dict[str, Any], owned: dict[str, Any], *others: dict[str, Any], version: str = "v1") -> dict[str, Any]:
    """A live ConfigMap, or one that looks like it, with the fields that we own and those of others."""
    entries = [{"manager": "deployer", "operation": "Apply", "apiVersion": version, "fieldsV1": owned}]
    entries += [{"manager": "other", "operation": "Update", "apiVersion": version, "fieldsV1": one} for one in others]
    return {
        "apiVersion": version,
        "kind": "Any",
        "metadata": {"name": "a", "uid": "u", "managedFields": entries},
        **fields,
    }


def body(fields: dict[str, Any], *, version: str = "v1") -> dict[str, Any]:
    return {"apiVersion": version, "kind": "Any", "metadata": {"name": "a"}, **fields}


CUSTOM = "example.com/v1"
DATA: dict[str, Any] = {"f:data": {"f:a": {}}}
PORT = 'k:{"containerPort":80,"protocol":"TCP"}'


@pytest.mark.parametrize(
    ("desired", "there", "owned", "same"),
    [
        ({"data": {"a": "1"}}, {"data": {"a": "1"}}, DATA, True),
        ({"data": {"a": "1"}}, {"data": {"a": "1", "b": "2"}}, DATA, True),  # somebody else's
        ({"data": {"a": "1"}}, {"data": {"a": "2"}}, DATA, False),
        ({"data": {"a": "1"}}, {"data": {}}, DATA, False),
        ({"data": {"a": "1"}}, {}, DATA, False),
        ({"data": {"a": "1"}}, {"data": None}, DATA, False),
        ({"data": {"a": "1"}}, {"data": {"a": "1"}}, {}, False),  # a value that is equal, and not ours
        ({}, {"data": {"a": "1"}}, DATA, False),  # ours, and no longer wanted
        ({"data": {}}, {"data": {"a": "1"}}, DATA, False),
        ({"data": {"b": "1"}}, {"data": {"a": "1", "b": "1"}}, {"f:data": {"f:a": {}, "f:b": {}}}, False),
        ({"a": True}, {"a": 1}, {"f:a": {}}, False),
        ({"a": 1}, {"a": 1.0}, {"f:a": {}}, True),
        ({"a": "1"}, {"a": 1}, {"f:a": {}}, False),
        ({"a": [True]}, {"a": [1]}, {"f:a": {}}, False),
        ({"a": [1, 2]}, {"a": [1, 2]}, {"f:a": {}}, True),
        ({"a": [1, 2]}, {"a": [2, 1]}, {"f:a": {}}, False),
        ({"a": [1]}, {"a": [1, 2]}, {"f:a": {}}, False),
        ({"a": [1]}, {"a": [1]}, {"f:a": {"i:0": {}}}, False),
        ({"a": [1]}, {"a": [1]}, {}, False),
        ({"a": "1"}, {"a": "1"}, {"f:a": {"f:b": {}}}, False),
        ({"a": {"b": 1}}, {"a": 1}, {"f:a": {"f:b": {}}}, False),
    ],
)
def test_values_and_owners(desired: dict[str, Any], there: dict[str, Any], owned: dict[str, Any], same: bool) -> None:
    for version in ("v1", CUSTOM):
        assert unchanged(body(desired, version=version), live(there, owned, version=version)) is same


ITEMS: dict[str, Any] = {"f:c": {WEB: {".": {}, "f:name": {}, "f:x": {}}}}
TWO: dict[str, Any] = {"f:c": {'k:{"name":"a"}': {".": {}, "f:name": {}}, 'k:{"name":"b"}': {".": {}, "f:name": {}}}}


@pytest.mark.parametrize(
    ("desired", "there", "owned", "same"),
    [
        ([{"name": "web", "x": 1}], [{"name": "web", "x": 1, "y": 2}], ITEMS, True),
        ([{"name": "web", "x": 1}], [{"name": "s"}, {"name": "web", "x": 1}, {"name": "t"}], ITEMS, True),
        ([{"name": "web", "x": 1}], [{"name": "web", "x": 2}], ITEMS, False),
        ([{"name": "web"}], [{"name": "web", "x": 1}], ITEMS, False),
        ([{"name": "web", "x": 1}], [{"name": "s"}], ITEMS, False),
        ([{"name": "web", "x": 1}], None, ITEMS, False),
        ([], [{"name": "web", "x": 1}], ITEMS, False),
        ([{"name": "web", "x": 1}], [{"name": "web", "x": 1}], {"f:c": {WEB: {"f:name": {}, "f:x": {}}}}, False),
        ([{"name": "web", "x": 1}] * 2, [{"name": "web", "x": 1}], ITEMS, False),
        ([{"name": "web", "x": 1}], [{"name": "web", "x": 1}] * 2, ITEMS, False),
        ([{"x": 1}], [{"name": "web", "x": 1}], ITEMS, False),
        (["web"], [{"name": "web", "x": 1}], ITEMS, False),
        ([{"name": "a"}, {"name": "b"}], [{"name": "a"}, {"name": "s"}, {"name": "b"}], TWO, True),
        ([{"name": "a"}, {"name": "b"}], [{"name": "b"}, {"name": "a"}], TWO, False),
        ([{"name": "a"}], [{"name": "a"}, {"name": "b"}], TWO, False),
        ([{"name": "a"}, {"name": "b"}, {"name": "c"}], [{"name": n} for n in "abc"], TWO, False),
        (
            [{"containerPort": 80}],
            [{"containerPort": 80, "protocol": "TCP"}],
            {"f:c": {PORT: {".": {}, "f:containerPort": {}}}},
            True,
        ),
        (
            [{"containerPort": 80}],
            [{"containerPort": 80, "protocol": "UDP"}],
            {"f:c": {PORT: {".": {}, "f:containerPort": {}}}},
            False,
        ),
        (["a"], ["x", "a"], {"f:c": {'v:"a"': {}}}, True),
        (["a", "b"], ["b", "a"], {"f:c": {'v:"a"': {}, 'v:"b"': {}}}, False),
        (["a", "b"], ["a", "b"], {"f:c": {'v:"a"': {}}}, False),
        (["a"], ["a", "b"], {"f:c": {'v:"a"': {}, 'v:"b"': {}}}, False),
        (["a"], ["a"], {"f:c": {'v:"a"': {}, WEB: {}}}, False),
    ],
)
def test_items_of_lists(desired: Any, there: Any, owned: dict[str, Any], same: bool) -> None:
    for version in ("v1", CUSTOM):
        assert unchanged(body({"c": desired}, version=version), live({"c": there}, owned, version=version)) is same


SELECTOR: dict[str, Any] = {"f:spec": {"f:selector": {}}}


@pytest.mark.parametrize(
    ("desired", "there", "owned", "builtin", "custom"),
    [
        # A mapping that is owned as a whole, or once was written as {}: known of Kubernetes' own types only.
        ({"spec": {"selector": {"a": "b"}}}, {"spec": {"selector": {"a": "b"}}}, SELECTOR, True, True),
        ({"spec": {"selector": {"a": "b"}}}, {"spec": {"selector": {"a": "b", "c": "d"}}}, SELECTOR, False, False),
        ({"spec": {"selector": {}}}, {"spec": {"selector": {"a": "b"}}}, SELECTOR, False, False),
        ({"spec": {"selector": {}}}, {"spec": {"selector": {}}}, SELECTOR, True, True),
        ({"spec": {"x": {"a": "b"}}}, {"spec": {"x": {"a": "b"}}}, {"f:spec": {"f:x": {}}}, False, True),
        (
            {"spec": {"strategy": {}}},
            {"spec": {"strategy": {"type": "x"}}},
            {"f:spec": {"f:strategy": {}}},
            True,
            False,
        ),
        # What a type of Go leaves out.
        ({"spec": {"nodeSelector": {}}}, {"spec": {}}, {"f:spec": {"f:nodeSelector": {}}}, True, False),
        ({"spec": {"x": {}}}, {"spec": {}}, {"f:spec": {"f:x": {}}}, False, False),
        ({"spec": {"hostNetwork": False}}, {"spec": {}}, {"f:spec": {"f:hostNetwork": {}}}, True, False),
        ({"spec": {"hostNetwork": True}}, {"spec": {}}, {"f:spec": {"f:hostNetwork": {}}}, False, False),
        ({"spec": {"hostUsers": False}}, {"spec": {}}, {"f:spec": {"f:hostUsers": {}}}, False, False),  # a pointer
        ({"spec": {"x": None}}, {"spec": {}}, {"f:spec": {"f:x": {}}}, True, False),
        ({"spec": {"x": None}}, {"spec": {"x": 1}}, {"f:spec": {"f:x": {}}}, False, False),
        ({"spec": {"args": []}}, {"spec": {}}, {"f:spec": {"f:args": {}}}, True, False),
        ({"spec": {"volumes": []}}, {"spec": {}}, {"f:spec": {"f:volumes": {}}}, False, False),  # once null
        # Nothing of an empty list is owned, where its items are owned one by one.
        ({"spec": {"volumes": []}}, {"spec": {}}, {}, True, False),
        ({"spec": {"volumes": []}}, {"spec": {"volumes": []}}, {}, True, True),
        ({"spec": {"args": []}}, {"spec": {}}, {}, False, False),
        ({"spec": {"args": []}}, {"spec": {"args": []}}, {}, False, True),
        # Amounts.
        ({"requests": {"cpu": "1000m"}}, {"requests": {"cpu": "1"}}, {"f:requests": {"f:cpu": {}}}, True, False),
        ({"requests": {"cpu": 1}}, {"requests": {"cpu": "1"}}, {"f:requests": {"f:cpu": {}}}, True, False),
        ({"requests": {"cpu": "2"}}, {"requests": {"cpu": "1"}}, {"f:requests": {"f:cpu": {}}}, False, False),
        ({"data": {"cpu": "1000m"}}, {"data": {"cpu": "1"}}, {"f:data": {"f:cpu": {}}}, False, False),
        # Defaults, in what is owned as a whole.
        (
            {"spec": {"fieldRef": {"fieldPath": "x"}}},
            {"spec": {"fieldRef": {"fieldPath": "x", "apiVersion": "v1"}}},
            {"f:spec": {"f:fieldRef": {}}},
            True,
            False,
        ),
        ({"status": {}}, {"status": {"x": 1}}, {}, True, False),
        ({"metadata": {"name": "a", "labels": {}}}, {}, {"f:metadata": {"f:labels": {}}}, True, True),
        ({"metadata": {"name": "a", "creationTimestamp": None, "generation": 5}}, {}, {}, True, True),
        ({"metadata": {"name": "a", "resourceVersion": "5"}}, {}, {}, False, False),
    ],
)
def test_what_a_server_makes_of_a_value(
    desired: dict[str, Any], there: dict[str, Any], owned: dict[str, Any], builtin: bool, custom: bool
) -> None:
    assert unchanged(body(desired), live(there, owned)) is builtin
    assert unchanged(body(desired, version=CUSTOM), live(there, owned, version=CUSTOM)) is custom


def test_others_tell_how_a_field_is_owned() -> None:
    empty: dict[str, Any] = {"f:spec": {"f:x": {}}}
    wanted, there = {"spec": {"x": {"a": 1}}}, {"spec": {"x": {"a": 1}}}
    parts: dict[str, Any] = {"f:spec": {"f:x": {"f:a": {}}}}
    assert not unchanged(body(wanted, version=CUSTOM), live(there, empty, parts, version=CUSTOM))
    assert unchanged(body({"spec": {"x": {}}}), live(there, empty, parts))
    listed = {"spec": {"x": ["a"]}}
    assert not unchanged(
        body(listed, version=CUSTOM), live(listed, empty, {"f:spec": {"f:x": {'v:"a"': {}}}}, version=CUSTOM)
    )
    none: dict[str, Any] = {"spec": {"x": []}}
    assert unchanged(body(none), live(listed, {}, {"f:spec": {"f:x": {'v:"a"': {}}}}))
    assert not unchanged(body(none, version=CUSTOM), live(none, {}, {"f:spec": {"f:x": {}}}, version=CUSTOM))


def test_a_status_is_ignored_where_it_is_a_subresource() -> None:
    one = live({"status": {"x": 1}}, {}, version=CUSTOM)
    assert not unchanged(body({"status": {"x": 2}}, version=CUSTOM), one)
    entry = {"manager": "c", "operation": "Update", "apiVersion": CUSTOM, "subresource": "status", "fieldsV1": {}}
    one["metadata"]["managedFields"].append(entry)
    assert unchanged(body({"status": {"x": 2}}, version=CUSTOM), one)


def test_another_version_is_not_certain() -> None:
    one = live({"data": {"a": "1"}}, DATA)
    assert unchanged(body({"data": {"a": "1"}}), one)
    one["metadata"]["managedFields"][0]["apiVersion"] = "v1beta1"
    assert list(mismatches(body({"data": {"a": "1"}}), one)) == [Mismatch(("f:apiVersion",), "v1beta1", "v1")]
    assert not unchanged(body({"data": {"a": "1"}}, version="v2"), live({"data": {"a": "1"}}, DATA))
    del one["apiVersion"]  # as in lists
    one["metadata"]["managedFields"][0]["apiVersion"] = "v1"
    assert unchanged(body({"data": {"a": "1"}}), one)


def test_an_object_that_nobody_owns_is_not_certain() -> None:
    assert not unchanged(body({}), {"apiVersion": "v1", "kind": "Any", "metadata": {"name": "a"}})


def test_mismatches_name_the_field() -> None:
    wanted = body({"data": {"a": "1", "b": "2"}, "c": [{"name": "web", "x": 1}]})
    there = {"data": {"a": "0", "b": "2", "z": "3"}, "c": [{"name": "web", "x": 1}, {"name": "old"}]}
    owned = {"f:data": {"f:a": {}, "f:z": {}}, "f:c": {WEB: {".": {}, "f:name": {}}, 'k:{"name":"old"}': {".": {}}}}
    assert list(mismatches(wanted, live(there, owned))) == [
        Mismatch(("f:data", "f:a"), "0", "1"),
        Mismatch(("f:data", "f:b"), "2", "2"),
        Mismatch(("f:data", "f:z"), "3", MISSING),
        Mismatch(("f:c", WEB, "f:x"), 1, 1),
        Mismatch(("f:c", 'k:{"name":"old"}'), {"name": "old"}, MISSING),
    ]


def test_what_we_wrote_by_other_means_than_an_apply_is_named_where_it_left_the_source() -> None:
    fields = {"data": {"a": "1", "z": "9"}, "c": [{"name": "web", "x": 1, "y": 2}], "d": "1"}
    applied = {"f:data": {".": {}, "f:a": {}}, "f:c": ITEMS["f:c"]}
    put = {"f:data": {".": {}, "f:a": {}, "f:z": {}}, "f:c": {WEB: {".": {}, "f:name": {}, "f:y": {}}}, "f:d": {}}
    there = live(fields, applied, put, version=CUSTOM)
    there["metadata"]["managedFields"][1]["manager"] = "deployer"
    desired = body({"data": {"a": "1"}, "c": [{"name": "web", "x": 1}]}, version=CUSTOM)
    assert list(mismatches(desired, there)) == [
        Mismatch(("f:data", "f:z"), "9", MISSING),
        Mismatch(("f:c", WEB, "f:y"), 2, MISSING),
        Mismatch(("f:d",), "1", MISSING),
    ]


def test_a_list_with_an_item_twice_is_told_as_a_whole() -> None:
    twice = [{"name": "web", "x": 1}] * 2
    found = [Mismatch(("f:c",), [{"name": "web", "x": 1}], twice)]
    assert list(mismatches(body({"c": twice}), live({"c": twice[:1]}, ITEMS))) == found


# From here on the server is the judge. Nothing runs: the Deployment is paused.


def web(namespace: str, **spec: Any) -> dict[str, Any]:
    """A Deployment with all that a server writes in another way."""
    container = {
        "name": "web",
        "image": "nginx:1",
        "command": None,
        "args": [],
        "env": [
            {"name": "EMPTY", "value": ""},
            {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
        ],
        "ports": [{"containerPort": 80}, {"containerPort": 53, "protocol": "UDP"}],
        "resources": {"requests": {"cpu": "1000m", "memory": "1024Mi"}, "limits": {"cpu": 2, "memory": "1.5Gi"}},
        "readinessProbe": {"httpGet": {"port": 80, "path": "/"}, "initialDelaySeconds": 0},
        "securityContext": {"privileged": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": "cache", "mountPath": "/cache", "readOnly": False}],
        "lifecycle": {},
    }
    pod = {
        "containers": [container],
        "initContainers": [],
        "hostNetwork": False,
        "nodeSelector": {},
        "securityContext": {},
        "tolerations": [],
        "imagePullSecrets": [{"name": "registry"}],
        "volumes": [{"name": "cache", "emptyDir": {"sizeLimit": "1024Mi"}}, {"name": "tmp", "emptyDir": {}}],
    }
    labels = {"app": "web"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": namespace, "labels": labels, "creationTimestamp": None},
        "spec": {
            "paused": True,
            "replicas": 3,
            "strategy": {},
            "selector": {"matchLabels": labels, "matchExpressions": []},
            "template": {"metadata": {"labels": labels, "creationTimestamp": None}, "spec": pod},
            **spec,
        },
        "status": {},
    }


def containers(body: dict[str, Any]) -> Any:
    return body["spec"]["template"]["spec"]["containers"]


CONTAINERS = "/spec/template/spec/containers"

Change = Callable[[dict[str, Any]], Any]


@pytest.mark.parametrize(
    "desire",
    [
        lambda one: None,
        lambda one: (
            containers(one)[0].update(
                ports=[{"containerPort": 80, "protocol": "TCP"}, {"containerPort": 53, "protocol": "UDP"}]
            )
            or containers(one)[0].update(args=None)
        ),
    ],
)
def test_after_an_apply_nothing_is_to_be_done(staging: Cluster, namespace: str, desire: Change) -> None:
    one = web(namespace)
    desire(one)
    written(staging, namespace)
    ours(staging, one)
    there, left = left_alone(staging, one)
    assert left
    assert list(mismatches(one, there)) == []


@pytest.mark.parametrize(
    ("desire", "same"),
    [
        (lambda one: one["spec"].update(replicas=5), False),
        (lambda one: one["spec"].pop("replicas"), False),
        (lambda one: one["metadata"]["labels"].update(tier="x"), False),
        (lambda one: one["metadata"].pop("labels"), False),
        (lambda one: one["metadata"].update(annotations={"a": "b"}), False),
        (lambda one: containers(one)[0]["env"].pop(), False),
        (lambda one: containers(one)[0]["env"].reverse(), False),
        (lambda one: containers(one)[0]["ports"].reverse(), False),
        (lambda one: containers(one)[0]["ports"][1].pop("protocol"), False),
        (lambda one: containers(one)[0].update(args=["x"]), False),
        (lambda one: containers(one)[0].pop("args"), False),
        (lambda one: containers(one).append({"name": "side", "image": "s"}), False),
        (lambda one: containers(one)[0]["securityContext"].update(privileged=None), False),
        (lambda one: containers(one)[0]["resources"]["requests"].update(cpu="1"), True),
        (lambda one: containers(one)[0]["resources"]["requests"].update(memory="1Gi"), True),
        (lambda one: containers(one)[0]["resources"]["requests"].update(memory="1073741824"), False),
        (lambda one: one["spec"].update(strategy={"type": "RollingUpdate"}), False),
        (lambda one: one.pop("status"), True),
    ],
)
def test_another_manifest(staging: Cluster, namespace: str, desire: Change, same: bool) -> None:
    one = web(namespace)
    written(staging, namespace)
    ours(staging, one)
    desire(one := copy(one))
    there, left = left_alone(staging, one)
    assert (unchanged(one, there), left) == (same, same)


@pytest.mark.parametrize(
    ("edits", "same"),
    [
        ([{"spec": {"replicas": 5}}], False),
        ([{"spec": {"replicas": 5}}, {"spec": {"replicas": 3}}], False),  # the value is equal, and theirs
        ([{"metadata": {"labels": {"app": None}}}], False),
        ([{"metadata": {"labels": {"app": "db"}}}], False),
        ([{"metadata": {"labels": {"tier": "x"}, "annotations": {"a": "b"}}}], True),
        ([{"spec": {"strategy": {"rollingUpdate": {"maxSurge": 7}}}}], True),
        ([{"spec": {"template": {"metadata": {"annotations": {"restarted": "now"}}}}}], True),
        ([[{"op": "add", "path": f"{CONTAINERS}/0", "value": {"name": "side", "image": "s"}}]], True),
        ([[{"op": "add", "path": f"{CONTAINERS}/-", "value": {"name": "side", "image": "s"}}]], True),
        ([[{"op": "add", "path": f"{CONTAINERS}/0/env/1", "value": {"name": "FOREIGN", "value": "1"}}]], True),
        ([[{"op": "remove", "path": f"{CONTAINERS}/0/env/0"}]], False),
        ([[{"op": "move", "from": f"{CONTAINERS}/0/env/0", "path": f"{CONTAINERS}/0/env/-"}]], False),
        ([[{"op": "replace", "path": f"{CONTAINERS}/0/image", "value": "nginx:2"}]], False),
        ([[{"op": "replace", "path": f"{CONTAINERS}/0/securityContext/privileged", "value": None}]], False),
        ([[{"op": "add", "path": f"{CONTAINERS}/0/args", "value": ["x"]}]], False),
        ([[{"op": "replace", "path": f"{CONTAINERS}/0/resources/requests/cpu", "value": "2"}]], False),
    ],
)
def test_somebody_elses_edit(staging: Cluster, namespace: str, edits: list[Any], same: bool) -> None:
    one = web(namespace)
    written(staging, namespace)
    ours(staging, one)
    for edit in edits:
        kind = {"content_type": JSON_PATCH} if isinstance(edit, list) else {}
        patch(staging, one, edit, "kubectl-edit", **kind)
    there, left = left_alone(staging, one)
    assert (unchanged(one, there), left) == (same, same)


def test_what_is_applied_by_two(staging: Cluster, namespace: str) -> None:
    one = manifest("v1", "ConfigMap", "a", namespace, data={"k": "1"})
    written(staging, namespace)
    ours(staging, one)
    patch(staging, one, one, "kubectl", APPLY)
    there, left = left_alone(staging, one)
    assert (unchanged(one, there), left) == (True, True)
    patch(staging, one, {**one, "data": {"k": "2"}}, "kubectl", APPLY)
    there, left = left_alone(staging, one)
    assert (unchanged(one, there), left) == (False, False)


def test_a_config_map_with_finalizers(staging: Cluster, namespace: str) -> None:
    one = manifest("v1", "ConfigMap", "a", namespace, data={"k": ""}, binaryData={})
    one["metadata"]["finalizers"] = ["example.com/a", "example.com/b"]
    written(staging, namespace)
    ours(staging, one)
    there, left = left_alone(staging, one)
    assert (unchanged(one, there), left) == (True, True)
    patch(staging, one, {"metadata": {"finalizers": ["example.com/b", "example.com/a"]}}, "other")
    there, left = left_alone(staging, one)
    assert (unchanged(one, there), left) == (False, False)
    remove(staging, one)
    patch(staging, one, {"metadata": {"finalizers": None}}, "other")


def test_an_empty_mapping_that_somebody_else_has_filled_is_as_it_should_be(staging: Cluster, namespace: str) -> None:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "web", "image": "nginx:1"}]}}
    one = manifest("apps/v1", "Deployment", "a", namespace, spec={"selector": {"matchLabels": {"a": "b"}}})
    one["spec"]["template"] = template
    one["metadata"]["annotations"] = {}
    written(staging, namespace)
    ours(staging, one)
    patch(staging, one, {"metadata": {"annotations": {"theirs": "1"}}}, "other")
    assert unchanged(one, read(staging, one))
