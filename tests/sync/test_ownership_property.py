"""Whatever becomes of an object: what is called unchanged, an apply leaves as it is, says the server."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from deployer.cluster.connection import APPLY, Cluster
from deployer.errors import ClusterError
from deployer.sync.drift import changes
from deployer.sync.ownership import unchanged
from tests.sync.helpers import written
from tests.sync.managers import copy, left_alone, ours, patch, read, remove

ABSENT: Any = object()
LABELS = [ABSENT, {}, {"a": "1"}, {"a": "2", "b": ""}, {"a": None}, None]
POD = {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}
POD_V1 = {"name": "POD", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}}

FIELDS: Mapping[str, Mapping[str, Sequence[Any]]] = {
    "ConfigMap": {
        "metadata.labels": LABELS,
        "metadata.finalizers": [ABSENT, [], ["x.io/a"], ["x.io/a", "x.io/b"], ["x.io/b", "x.io/a"], None],
        "data": [ABSENT, {}, {"k": ""}, {"k": "1"}, {"k": "1", "l": "2"}, {"k": None}, None],
        "binaryData": [ABSENT, {}, {"z": "aGk="}, None],
        "immutable": [ABSENT, False, None],
    },
    "Service": {
        "metadata.labels": LABELS,
        "spec.selector": [ABSENT, {"a": "b"}, {"a": "b", "c": "d"}, {}, None],
        "spec.ports": [
            [{"port": 80}],
            [{"port": 80, "protocol": "TCP", "targetPort": 80}],
            [{"port": 80, "name": "x"}, {"port": 53, "protocol": "UDP", "name": "y", "targetPort": "d"}],
            [{"port": 53, "protocol": "UDP", "name": "y"}, {"port": 80, "name": "x", "nodePort": 0}],
        ],
        "spec.publishNotReadyAddresses": [ABSENT, False, True, None],
        "spec.sessionAffinity": [ABSENT, "None", "ClientIP", None],
        "spec.externalIPs": [ABSENT, [], ["192.0.2.1"], None],
    },
    "Deployment": {
        "metadata.labels": LABELS,
        "spec.replicas": [ABSENT, 0, 3, 5, None],
        "spec.minReadySeconds": [ABSENT, 0, 1, None],
        "spec.strategy": [ABSENT, {}, {"type": "Recreate"}, {"type": "RollingUpdate"}, None],
        "pod.nodeSelector": [ABSENT, {}, {"x": "y"}, {"x": "z"}, None],
        "pod.securityContext": [ABSENT, {}, {"runAsUser": 5}, {"runAsNonRoot": False}, None],
        "pod.automountServiceAccountToken": [ABSENT, False, True, None],
        "pod.imagePullSecrets": [ABSENT, [], [{"name": "a"}, {"name": "b"}], [{"name": "b"}, {"name": "a"}], None],
        "pod.tolerations": [ABSENT, [], [{"key": "k", "operator": "Exists"}], None],
        "pod.volumes": [
            ABSENT,
            [],
            [{"name": "v", "emptyDir": {}}],
            [{"name": "v", "emptyDir": {"sizeLimit": "1024Mi"}}],
        ],
        "web.image": ["i:1", "i:2"],
        "web.args": [ABSENT, [], ["a"], ["a", "b"], None],
        "web.env": [
            ABSENT,
            [],
            [{"name": "A", "value": ""}],
            [{"name": "A"}],
            [{"name": "A", "value": "1"}, POD],
            [POD_V1, {"name": "A", "value": "1"}],
            None,
        ],
        "web.ports": [
            ABSENT,
            [],
            [{"containerPort": 80}],
            [{"containerPort": 80, "protocol": "TCP"}],
            [{"containerPort": 80, "protocol": "UDP"}],
            None,
        ],
        "web.resources": [
            ABSENT,
            {},
            {"requests": {"cpu": "1000m"}},
            {"requests": {"cpu": "1"}},
            {"requests": {"memory": "1073741824"}},
            {"requests": {"memory": "1Gi"}},
        ],
        "web.securityContext": [ABSENT, {}, {"privileged": False}, {"privileged": None}, None],
        "web.stdin": [ABSENT, False, True, None],
    },
}

Choice = dict[str, Any]
Step = tuple[str, Any]


def choices(kind: str) -> st.SearchStrategy[Choice]:
    return st.fixed_dictionaries({path: st.sampled_from(values) for path, values in FIELDS[kind].items()})


def few(kind: str) -> st.SearchStrategy[Choice]:
    """Other values for up to two fields."""
    one = st.sampled_from(sorted(FIELDS[kind])).flatmap(
        lambda path: st.tuples(st.just(path), st.sampled_from(FIELDS[kind][path]))
    )
    return st.lists(one, max_size=2).map(dict)


def steps(kind: str) -> st.SearchStrategy[list[Step]]:
    """What is done to an object: by us, or by somebody else in one of four ways."""
    return st.lists(
        st.tuples(st.sampled_from(["ours", "ours", "apply", "merge", "first", "reverse"]), few(kind)), max_size=5
    )


HISTORIES = st.sampled_from(sorted(FIELDS)).flatmap(
    lambda kind: st.tuples(st.just(kind), choices(kind), steps(kind), st.lists(few(kind), min_size=1, max_size=3))
)


def build(kind: str, namespace: str, name: str, choice: Choice) -> dict[str, Any]:
    body: dict[str, Any] = {"kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": {}}
    web: dict[str, Any] = {"name": "web"}
    pod: dict[str, Any] = {"containers": [web, {"name": "side", "image": "s"}]}
    places = {"": body, "web": web, "pod": pod, "metadata": body["metadata"], "spec": body["spec"]}
    for path, value in choice.items():
        place, _, field = path.rpartition(".")
        if value is not ABSENT:
            places[place][field] = copy(value)
    body["apiVersion"] = "apps/v1" if kind == "Deployment" else "v1"
    if kind == "ConfigMap":
        del body["spec"]
    if kind == "Deployment":
        template = {"metadata": {"labels": {"app": "x"}}, "spec": pod}
        body["spec"] |= {"paused": True, "selector": {"matchLabels": {"app": "x"}}, "template": template}
    return body


def somebody_else(cluster: Cluster, body: dict[str, Any], how: str) -> None:
    if how == "apply":
        patch(cluster, body, body, "kubectl", APPLY)
    elif how == "merge":
        patch(cluster, body, {key: value for key, value in body.items() if key not in ("apiVersion", "kind")}, "lens")
    else:
        path, items, new = _list(read(cluster, body))
        items = [new, *items] if how == "first" else items[::-1]
        if items:
            patch(cluster, body, _within(path, items), "kubectl-edit")


def _within(path: tuple[str, ...], value: Any) -> Any:
    return {path[0]: _within(path[1:], value)} if path else value


def _list(live: Mapping[str, Any]) -> tuple[tuple[str, ...], list[Any], Any]:
    """A list whose items are owned one by one, and a new item for it."""
    if live["kind"] == "ConfigMap":
        return ("metadata", "finalizers"), live["metadata"].get("finalizers", []), f"x.io/{uuid.uuid4().hex}"
    if live["kind"] == "Service":
        return ("spec", "ports"), live["spec"]["ports"], {"port": 999, "name": "foreign"}
    new = {"name": f"foreign-{uuid.uuid4().hex[:8]}", "image": "f"}
    path = ("spec", "template", "spec", "containers")
    return path, live["spec"]["template"]["spec"]["containers"], new


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # each example is many requests
)
@given(history=HISTORIES)
def test_what_is_called_unchanged_is_left_alone(
    staging: Cluster, namespace: str, history: tuple[str, Choice, list[Step], list[Choice]]
) -> None:
    kind, choice, done, wishes = history
    name = f"a{uuid.uuid4().hex[:8]}"
    written(staging, namespace)
    first = build(kind, namespace, name, choice)
    ours(staging, first)
    try:
        for how, changed in done:
            try:
                if how == "ours":
                    ours(staging, build(kind, namespace, name, {**choice, **changed}))
                    choice = {**choice, **changed}
                else:
                    somebody_else(staging, build(kind, namespace, name, {**choice, **changed}), how)
            except ClusterError as error:
                assert error.status in (409, 422, 500), error  # noqa: PT017 - what is not valid is no step
        for changed in ({}, *wishes):
            body = build(kind, namespace, name, {**choice, **changed})
            try:
                live, left = left_alone(staging, body)
            except ClusterError as error:
                assert error.status in (422, 500), error  # noqa: PT017
                continue
            certain = unchanged(body, live)
            assert left or not certain
            assert certain is (changes(body, live) == [])
    finally:
        patch(staging, first, {"metadata": {"finalizers": None}}, "x")
        remove(staging, first)
