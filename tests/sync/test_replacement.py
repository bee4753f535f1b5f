"""What is replaced: whether that would change anything, and what becomes of it when it is applied again."""

import time
from collections.abc import Mapping
from typing import Any

import pytest

from deployer.cluster.connection import Cluster
from deployer.cluster.objects import Live
from deployer.cluster.replacing import replace
from deployer.errors import ClusterError
from deployer.sync.field_set import entries
from deployer.sync.ownership import unchanged
from deployer.sync.replacement import would_change
from deployer.sync.take_over import take_over
from tests.sync.app import CONFIG_MAP
from tests.sync.helpers import manifest, written
from tests.sync.managers import DEPLOYMENT, copy, ours, patch, read

_RESOURCES = {"ConfigMap": CONFIG_MAP, "Deployment": DEPLOYMENT}


def of(fields: dict[str, Any], owned: dict[str, Any] | None = None, **entry: Any) -> dict[str, Any]:
    """A live object, with fields that an entry of ours holds, or another's."""
    one = {"manager": "deployer", "operation": "Update", **entry, "fieldsV1": owned or {}}
    return {"metadata": {"name": "a", "uid": "1", "managedFields": [one]}, **fields}


WEB: dict[str, Any] = {'k:{"name":"web"}': {".": {}, "f:name": {}, "f:x": {}}}


@pytest.mark.parametrize(
    ("desired", "live", "tried", "changes"),
    [
        ({"d": {"a": "1"}}, of({"d": {"a": "1"}}), {"d": {"a": "1"}}, False),
        ({"d": {"a": "2"}}, of({"d": {"a": "1"}}), {"d": {"a": "2"}}, True),
        ({"d": {"a": "1"}}, of({}), {"d": {"a": "1"}}, True),
        ({"d": {"a": 1000}}, of({"d": {"a": "1k"}}), {"d": {"a": "1k"}}, False),  # as the server writes it
        ({"d": {"a": None}}, of({"d": {}}), {"d": {}}, False),
        ({"d": [1, 2]}, of({"d": [1, 2]}), {"d": [1, 2]}, False),
        ({"d": [1, 2]}, of({"d": [1]}), {"d": [1, 2]}, True),
        ({"d": [{"x": 1}]}, of({"d": [{"x": 1, "y": 2}]}), {"d": [{"x": 1}]}, False),
        ({"d": [{"x": 1}]}, of({"d": [{"x": 2}]}), {"d": [{"x": 1}]}, True),
        ({"d": {"a": {}}}, of({"d": {"a": "1"}}), {"d": {"a": {}}}, True),
        # What others have written, and what the server makes of it when they have not.
        ({"d": {"a": "1"}}, of({"d": {"a": "1", "b": "1"}}), {"d": {"a": "1"}}, False),
        (
            {"d": {"a": "1"}},
            of({"d": {"a": "1"}, "n": 5}, {"f:n": {}}, manager="hpa"),
            {"d": {"a": "1"}, "n": 1},
            False,
        ),
        ({}, of({"n": 5}, {"f:n": {}}, subresource="scale"), {"n": 1}, False),
        # What we have written, by whatever means.
        ({}, of({"n": 5}, {"f:n": {}}), {}, True),
        ({}, of({"n": 5}, {"f:n": {}}, operation="Apply"), {}, True),
        ({}, of({"n": 5}, {"f:n": {}}), {"n": 1}, True),
        ({}, of({"n": 5}, {"f:n": {}}), {"n": 5}, False),
        ({}, of({"d": {"a": "1"}}, {"f:d": {".": {}}}), {}, False),  # somebody else's in a mapping of ours
        ({}, of({"c": [{"name": "web", "x": 1}]}, {"f:c": WEB}), {"c": [{"name": "web", "x": 1}]}, False),
        ({}, of({"c": [{"name": "web", "x": 1, "y": 1}]}, {"f:c": WEB}), {"c": [{"name": "web", "x": 1}]}, False),
        ({}, of({"c": [{"name": "web", "x": 1}]}, {"f:c": WEB}), {"c": [{"name": "web"}]}, True),
        ({}, of({"c": [{"name": "web", "x": 1}]}, {"f:c": WEB}), {}, True),
    ],
)
def test_what_counts(desired: dict[str, Any], live: dict[str, Any], tried: dict[str, Any], changes: bool) -> None:
    for more in ({}, {"namespace": "shop"}):
        body = {"metadata": {"name": "a", **more}, **desired}
        assert would_change(body, live, {"metadata": {"name": "a"}, **tried}) is changes


def web(namespace: str, **labels: str) -> dict[str, Any]:
    """A Deployment without replicas, so that it may have those of an autoscaler."""
    pod = {"containers": [{"name": "web", "image": "nginx:1.29.3", "resources": {"requests": {"cpu": "1000m"}}}]}
    template = {"metadata": {"labels": {"app": "web"}}, "spec": pod}
    spec = {"selector": {"matchLabels": {"app": "web"}}, "template": template}
    body = manifest("apps/v1", "Deployment", "web", namespace, spec=spec)
    body["metadata"]["labels"] = labels
    return body


def put(
    cluster: Cluster, body: Mapping[str, Any], *, new: bool = False, dry_run: bool = False
) -> tuple[Live | None, Live]:
    """An object before and after it is replaced, whatever controllers write to it meanwhile."""
    while True:
        live = None if new else read(cluster, body)
        try:
            return live, replace(cluster, _RESOURCES[body["kind"]], body, live, dry_run=dry_run)
        except ClusterError as error:
            if error.status != 409:
                raise


def changed(cluster: Cluster, body: Mapping[str, Any]) -> bool:
    live, tried = put(cluster, body, dry_run=True)
    assert live
    return would_change(body, live, tried)


def applied_again(cluster: Cluster, body: Mapping[str, Any]) -> Live:
    """Apply what was replaced, as a sync does."""
    for _ in range(20):
        live = read(cluster, body)
        assert not unchanged(body, live)
        change = take_over(live, body)
        assert change
        try:
            taken = patch(cluster, body, change, "deployer")
        except ClusterError:
            continue  # a controller was faster
        assert take_over(taken, body) is None
        break
    return ours(cluster, body)


def owners(live: Live) -> set[tuple[str, str]]:
    return {(one["manager"], one["operation"]) for one in entries(live) if one["manager"] == "deployer"}


def test_a_deployment_that_runs_is_as_it_should_be(staging: Cluster, namespace: str) -> None:
    written(staging, namespace)
    body = web(namespace, app="web", old="1")
    put(staging, body, new=True)
    deadline = time.monotonic() + 20
    while "deployment.kubernetes.io/revision" not in read(staging, body)["metadata"].get("annotations", {}):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert not changed(staging, body)
    patch(staging, body, {"spec": {"replicas": 3}}, "kube-controller-manager")
    patch(staging, body, {"metadata": {"labels": {"foreign": "1"}}}, "lens")
    assert not changed(staging, body)

    for desired in (web(namespace, app="web"), web(namespace, app="shop", old="1")):
        assert changed(staging, desired)
    patch(staging, body, {"metadata": {"labels": {"old": "2"}}}, "kubectl-edit")
    assert changed(staging, body)
    put(staging, web(namespace, app="web"))
    assert read(staging, body)["metadata"]["labels"] == {"app": "web"}
    assert not changed(staging, web(namespace, app="web"))


def test_what_was_replaced_and_is_applied_again_loses_what_leaves_the_source(staging: Cluster, namespace: str) -> None:
    written(staging, namespace)
    put(staging, web(namespace, app="web", old="1"), new=True)
    body = web(namespace, app="web")
    before = read(staging, body)
    after = applied_again(staging, body)
    assert after["metadata"]["labels"] == {"app": "web"}
    assert after["spec"] == before["spec"], "what the server fills in stays"
    assert owners(after) == {("deployer", "Apply")}
    assert unchanged(body, after)
    assert "labels" not in ours(staging, web(namespace))["metadata"]


def test_what_a_replacement_has_added_leaves_with_the_option(staging: Cluster, namespace: str) -> None:
    written(staging, namespace)
    body = manifest("v1", "ConfigMap", "a", namespace, data={"a": "1"})
    ours(staging, body)
    more = copy(body)
    more["data"]["z"] = "9"
    _, after = put(staging, more)
    assert owners(after) == {("deployer", "Apply"), ("deployer", "Update")}
    after = applied_again(staging, body)
    assert (after["data"], owners(after)) == ({"a": "1"}, {("deployer", "Apply")})
    assert unchanged(body, after)
