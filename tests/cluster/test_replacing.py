"""Objects put whole in others' places, in a real cluster."""

import base64
import time
from typing import Any

import pytest

from deployer.cluster.connection import Cluster
from deployer.cluster.objects import same
from deployer.cluster.replacing import replace
from deployer.errors import ClusterError
from tests.cluster.anew import (
    CONTAINERS,
    applied,
    job,
    manifest,
    read,
    remove,
    resource,
    there,
    widgets,
    write,
)
from tests.cluster.conftest import Server
from tests.cluster.helpers import make_namespace


@pytest.fixture
def place(staging: Cluster, namespace: str) -> str:
    """A namespace that is there."""
    make_namespace(staging, namespace)
    return namespace


def config_map(namespace: str, **data: str) -> dict[str, Any]:
    return manifest("v1", "ConfigMap", "a", namespace, data=data)


def replaced(cluster: Cluster, body: Any, live: Any, *, dry_run: bool = False, validate: bool = True) -> Any:
    return replace(cluster, resource(body), body, live, dry_run=dry_run, validate=validate)


def beside_controllers(cluster: Cluster, body: Any) -> tuple[Any, Any]:
    """An object before and after it is replaced, while controllers may be writing to it."""
    while True:
        live = there(cluster, body)
        try:
            return live, replaced(cluster, body, live)
        except ClusterError as error:
            if error.status != 409:
                raise


def owners(live: Any) -> dict[str, list[str]]:
    """Who owns which keys of a ConfigMap."""
    return {
        f"{one['manager']} {one['operation']}": sorted(
            key[2:] for key in one["fieldsV1"].get("f:data", {}) if key != "."
        )
        for one in live["metadata"]["managedFields"]
    }


def test_what_the_object_does_not_say_is_gone(staging: Cluster, place: str) -> None:
    before = applied(staging, config_map(place, kept="1", changed="1", left="1"))
    before = write(staging, before, {"data": {"theirs": "1"}, "metadata": {"labels": {"their": "label"}}})
    body = config_map(place, kept="1", changed="2", added="1")
    tried = replaced(staging, body, before, dry_run=True)
    assert there(staging, body) == before
    after = replaced(staging, body, before)
    assert tried["data"] == after["data"] == {"kept": "1", "changed": "2", "added": "1"}
    assert after["metadata"]["labels"] == body["metadata"]["labels"]
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert owners(after) == {"deployer Apply": ["kept"], "deployer Update": ["added", "changed"]}


def test_a_replacement_that_changes_nothing_is_told(staging: Cluster, place: str) -> None:
    body = config_map(place, a="1")
    first = replaced(staging, body, None)
    assert owners(first) == {"deployer Update": ["a"]}
    assert same(first, replaced(staging, body, first, dry_run=True))
    assert replaced(staging, body, first) == first
    assert not same(first, replaced(staging, config_map(place, a="2"), first, dry_run=True))


def test_somebody_wrote_removed_or_created_in_between(staging: Cluster, place: str) -> None:
    body = config_map(place, a="1")
    first = replaced(staging, body, None)
    with pytest.raises(ClusterError) as twice:
        replaced(staging, body, None)
    second = write(staging, body, {"data": {"a": "theirs"}})
    with pytest.raises(ClusterError) as late:
        replaced(staging, body, first)
    assert there(staging, body) == second
    remove(staging, body)
    with pytest.raises(ClusterError) as gone:
        replaced(staging, body, second)
    assert read(staging, body) is None
    third = replaced(staging, body, None)
    of_both = {**third["metadata"], "uid": first["metadata"]["uid"]}
    with pytest.raises(ClusterError) as another:
        replaced(staging, body, {**third, "metadata": of_both})
    assert [one.value.status for one in (twice, late, gone, another)] == [409, 409, 404, 409]


def test_nothing_is_sent_where_the_check_says_no(staging: Cluster, place: str) -> None:
    def check() -> None:
        raise ClusterError("lost")

    body, sent = config_map(place), staging.requests
    with pytest.raises(ClusterError, match="lost"):
        replace(staging, resource(body), body, None, dry_run=False, before=check)
    assert staging.requests == sent


def test_what_others_have_still_to_clean_up_stays(staging: Cluster, place: str) -> None:
    owner = applied(staging, manifest("v1", "ConfigMap", "owner", place))
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"]}
    body = config_map(place, a="1")
    applied(staging, body)
    theirs = {"finalizers": ["example.com/theirs"], "ownerReferences": [reference]}
    live = write(staging, body, {"metadata": theirs})
    body["data"] = {"a": "2"}
    body["metadata"]["finalizers"] = ["example.com/ours"]
    after = replaced(staging, body, live)
    write(staging, body, {"metadata": {"finalizers": []}})
    assert after["metadata"]["finalizers"] == ["example.com/ours", "example.com/theirs"]
    assert after["metadata"]["ownerReferences"] == [reference]


SELECTS = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
TEMPLATE = {"metadata": {"labels": {"app": "web"}}, "spec": CONTAINERS}


@pytest.mark.parametrize(
    ("version", "kind", "spec"),
    [
        ("v1", "Service", {**SELECTS, "type": "LoadBalancer", "externalTrafficPolicy": "Local"}),
        ("v1", "PersistentVolumeClaim", CLAIM),
        ("batch/v1", "Job", job("")["spec"]),
        ("apps/v1", "StatefulSet", {"selector": {"matchLabels": {"app": "web"}}, "template": TEMPLATE}),
    ],
    ids=["Service", "PersistentVolumeClaim", "Job", "StatefulSet"],
)
def test_what_the_cluster_has_filled_in_stays(
    staging: Cluster, place: str, version: str, kind: str, spec: dict[str, Any]
) -> None:
    body = manifest(version, kind, "web", place, spec=spec)
    replaced(staging, body, None)
    deadline = time.monotonic() + 20
    while kind == "PersistentVolumeClaim" and there(staging, body)["status"]["phase"] != "Bound":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    body["metadata"]["annotations"] = {"a": "b"}
    live, after = beside_controllers(staging, body)
    assert after["spec"] == live["spec"]
    assert after["metadata"]["annotations"]["a"] == "b"


def test_without_validation_unknown_fields_are_dropped(staging: Cluster, place: str) -> None:
    body = {**config_map(place, a="1"), "dataa": {"a": "1"}}
    with pytest.raises(ClusterError, match="dataa"):
        replaced(staging, body, None)
    first = replaced(staging, body, None, validate=False)
    assert "dataa" not in first
    assert same(first, replaced(staging, body, first, dry_run=True, validate=False))
    with widgets(staging) as version:
        widget = manifest(version, "Widget", "only", place, sise=1)
        with pytest.raises(ClusterError, match="sise"):
            replaced(staging, widget, None, dry_run=True)
        assert "sise" not in replaced(staging, widget, None, validate=False)


@pytest.mark.parametrize("is_there", [True, False])
def test_what_a_refusal_quotes_of_a_secret_is_masked(server: Server, cluster: Cluster, is_there: bool) -> None:
    old, new = (base64.b64encode(one).decode() for one in (b"hunter2", b"s3cret"))
    body = manifest("v1", "Secret", "a", "shop", data={"password": new})
    known = {"uid": "1", "resourceVersion": "1"}
    live = {**body, "metadata": {**body["metadata"], **known}, "data": {"password": old}} if is_there else None
    path = f"/api/v1/namespaces/shop/secrets{'/a' if is_there else ''}"
    server.answers[path] = (422, {"message": f"not valid: {old if is_there else new} s3cret"})
    with pytest.raises(ClusterError, match=r"^not valid: \*\*\* \*\*\*$"):
        replaced(cluster, body, live)


def test_an_answer_about_another_object_is_none(server: Server, cluster: Cluster) -> None:
    server.answers["/api/v1/namespaces/shop/configmaps"] = (200, config_map("shop") | {"kind": "Secret"})
    with pytest.raises(ClusterError, match="was asked for ConfigMap shop a and answered with Secret shop a"):
        replaced(cluster, config_map("shop"), None)
