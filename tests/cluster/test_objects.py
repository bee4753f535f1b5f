"""Live objects, read and applied in a real cluster."""

import base64
import traceback
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from deployer.cluster.connection import Cluster, connect
from deployer.cluster.discovery import Resource
from deployer.cluster.objects import FIELD_MANAGER, apply, get, list_all, same
from deployer.errors import ClusterError
from local.world import World
from tests.cluster.anew import manifest, resource, widgets
from tests.cluster.conftest import Server

CONFIG_MAP = Resource("", "v1", "ConfigMap", "configmaps", namespaced=True)
SECRET = Resource("", "v1", "Secret", "secrets", namespaced=True)
NAMESPACE = Resource("", "v1", "Namespace", "namespaces", namespaced=False)


@pytest.fixture
def place(staging: Cluster, namespace: str) -> str:
    """A namespace that is there."""
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": {"test": namespace}}}
    apply(staging, NAMESPACE, body, dry_run=False)
    return namespace


def config_map(namespace: str, name: str = "a", **data: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "labels": {"name": name}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def test_an_object_that_is_not_there_is_none(staging: Cluster, place: str) -> None:
    assert get(staging, CONFIG_MAP, place, "a") is None
    assert get(staging, CONFIG_MAP, "no-such-namespace", "a") is None
    assert get(staging, NAMESPACE, "", "no-such-namespace") is None


def test_an_applied_object_can_be_read(staging: Cluster, place: str) -> None:
    applied = apply(staging, CONFIG_MAP, config_map(place, k="1"), dry_run=False)
    assert applied["data"] == {"k": "1"}
    assert get(staging, CONFIG_MAP, place, "a") == applied
    (entry,) = applied["metadata"]["managedFields"]
    assert (entry["manager"], entry["operation"]) == (FIELD_MANAGER, "Apply")


def test_a_dry_run_says_what_would_be_and_changes_nothing(staging: Cluster, place: str) -> None:
    assert apply(staging, CONFIG_MAP, config_map(place, k="1"), dry_run=True)["data"] == {"k": "1"}
    assert get(staging, CONFIG_MAP, place, "a") is None
    there = apply(staging, CONFIG_MAP, config_map(place, k="1"), dry_run=False)
    assert apply(staging, CONFIG_MAP, config_map(place, k="2"), dry_run=True)["data"] == {"k": "2"}
    assert get(staging, CONFIG_MAP, place, "a") == there


def test_a_field_of_somebody_else_is_taken_over(staging: Cluster, place: str) -> None:
    apply(staging, CONFIG_MAP, config_map(place, k="1"), dry_run=False)
    staging.request(
        "PATCH",
        f"/api/v1/namespaces/{place}/configmaps/a",
        query={"fieldManager": "somebody"},
        body={"data": {"k": "2"}},
        content_type="application/merge-patch+json",
    )
    assert apply(staging, CONFIG_MAP, config_map(place, k="3"), dry_run=False)["data"] == {"k": "3"}


def test_a_field_that_the_kind_does_not_have_is_refused(staging: Cluster, place: str) -> None:
    with pytest.raises(ClusterError, match="dataa"):
        apply(staging, CONFIG_MAP, {**config_map(place), "dataa": {}}, dry_run=True)


def test_a_refused_secret_is_not_shown(staging: Cluster, place: str) -> None:
    password = base64.b64encode(b"s3cret").decode()
    metadata = {"name": "a", "namespace": place}
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "data": {"password": password, "pin": 987654321},
    }
    with pytest.raises(ClusterError) as caught:
        apply(staging, SECRET, body, dry_run=True)
    shown = "".join(traceback.format_exception(caught.value))
    assert "***" in str(caught.value), "the server quoted a value"
    assert not [value for value in (password, "s3cret", "987654321") if value in shown]


@pytest.mark.parametrize(
    ("resource", "here", "selector", "names"),
    [
        (CONFIG_MAP, True, "name in (a,b)", {"a", "b"}),
        (CONFIG_MAP, True, "name=a", {"a"}),
        (CONFIG_MAP, True, "", {"a", "b", "c", "kube-root-ca.crt"}),
        (CONFIG_MAP, False, "name=a", {"a"}),
        (CONFIG_MAP, True, "name=z", set()),
        (NAMESPACE, False, "test", {"itself"}),
    ],
)
def test_objects_are_listed(
    staging: Cluster, place: str, resource: Resource, here: bool, selector: str, names: set[str]
) -> None:
    for name in ("a", "b", "c"):
        apply(staging, CONFIG_MAP, config_map(place, name), dry_run=False)
    found = list_all(staging, resource, place if here else "", selector)
    mine = [one["metadata"] for one in found if place in (one["metadata"].get("namespace"), one["metadata"]["name"])]
    listed = {one["name"].replace(place, "itself") for one in mine}
    assert listed | {"kube-root-ca.crt"} == names | {"kube-root-ca.crt"}  # a controller's own, in its own time


@pytest.fixture
def nobody(world: World, staging: Cluster, place: str) -> Iterator[Cluster]:
    """The connection of a service account that may do nothing."""
    account = f"/api/v1/namespaces/{place}/serviceaccounts/nobody"
    body = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "nobody", "namespace": place}}
    apply(staging, Resource("", "v1", "ServiceAccount", "serviceaccounts", True), body, dry_run=False)
    token = staging.request("POST", f"{account}/token", body={"spec": {}})["status"]["token"]
    config = yaml.safe_load(world.clusters["staging"].deployer_kubeconfig)
    config["users"][0]["user"] = {"token": token}
    cluster = connect("staging", yaml.safe_dump(config).encode(), "the-secret")
    yield cluster
    cluster.close()


def test_what_may_not_be_read_is_not_taken_for_missing(nobody: Cluster, place: str) -> None:
    with pytest.raises(ClusterError, match=f'User "system:serviceaccount:{place}:nobody" cannot get') as caught:
        get(nobody, CONFIG_MAP, place, "a")
    assert caught.value.status == 403


RIGHT = {"kind": "ConfigMap", "metadata": {"name": "a", "namespace": "shop"}}


@pytest.mark.parametrize(
    "wrong",
    [
        {**RIGHT, "kind": "Secret"},
        {**RIGHT, "metadata": {"name": "b", "namespace": "shop"}},
        {**RIGHT, "metadata": {"name": "a", "namespace": "other"}},
        {**RIGHT, "metadata": {"name": "a"}},
        {**RIGHT, "metadata": "a"},
        {},
        {"kind": "ConfigMapList", "items": []},
    ],
)
def test_an_answer_about_another_object_is_refused(server: Server, cluster: Cluster, wrong: dict[str, Any]) -> None:
    path = "/api/v1/namespaces/shop/configmaps/a"
    server.answers[path] = (200, RIGHT)
    assert get(cluster, CONFIG_MAP, "shop", "a") == RIGHT
    server.answers[path] = (200, wrong)
    told = r"cluster test was asked for ConfigMap shop a and answered with .*: check what"
    with pytest.raises(ClusterError, match=told):
        get(cluster, CONFIG_MAP, "shop", "a")
    with pytest.raises(ClusterError, match=told):
        apply(cluster, CONFIG_MAP, RIGHT, dry_run=True)


def test_a_list_of_nothing_may_be_null(server: Server, cluster: Cluster) -> None:
    server.answers["/api/v1/configmaps"] = (200, {"items": None})
    assert list_all(cluster, CONFIG_MAP, "") == []


def test_what_is_no_list_does_not_pass_for_an_empty_one(server: Server, cluster: Cluster) -> None:
    server.answers["/api/v1/configmaps"] = (200, {"status": "ok"})
    with pytest.raises(ClusterError, match=r"cluster test answered GET /api/v1/configmaps with no list: check what"):
        list_all(cluster, CONFIG_MAP, "")


def test_a_404_of_something_in_between_does_not_say_that_there_is_no_object(server: Server, cluster: Cluster) -> None:
    server.answers["/api/v1/namespaces/shop/configmaps/a"] = (404, b"404 page not found")
    with pytest.raises(ClusterError, match=r"answered 404 to GET .* without a reason: check"):
        get(cluster, CONFIG_MAP, "shop", "a")


def entry(manager: str = "deployer", time: str = "2026-01-01T00:00:00Z", **fields: Any) -> dict[str, Any]:
    return {"manager": manager, "time": time, "fieldsV1": fields}


def live(*entries: dict[str, Any], version: str = "1", **data: str) -> dict[str, Any]:
    return {"metadata": {"resourceVersion": version, "managedFields": list(entries)}, "data": data}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (live(k="1"), live(k="1"), True),
        (live(k="1"), live(k="2"), False),
        (live(), live(version="2"), False),
        (live(entry()), live(entry(time="2026-01-02T00:00:00Z")), True),
        (live(entry()), live(entry(manager="kubectl")), False),
        (live(entry()), live(entry(k={})), False),
        (live(entry()), live(entry(), entry(manager="kubectl")), False),
        ({}, {"metadata": {"managedFields": None}}, True),
    ],
)
def test_the_time_of_owners_alone_makes_no_difference(
    one: dict[str, Any], other: dict[str, Any], expected: bool
) -> None:
    assert same(one, other) is expected
    assert same(other, one) is expected


@pytest.mark.parametrize("validate", [True, False])
def test_what_a_kind_does_not_have_is_refused_without_validation_too(
    staging: Cluster, place: str, validate: bool
) -> None:
    with widgets(staging) as version:
        custom = manifest(version, "Widget", "only", place, sise=2)
        for body in (custom, config_map(place) | {"dataa": {}}, config_map(place) | {"data": {"a": 1}}):
            with pytest.raises(ClusterError, match="failed to create typed patch object"):
                apply(staging, resource(body), body, dry_run=True, validate=validate)


def test_without_validation_the_server_is_told_so(server: Server, cluster: Cluster) -> None:
    server.answers["/api/v1/namespaces/shop/configmaps/a"] = (200, config_map("shop"))
    apply(cluster, CONFIG_MAP, config_map("shop"), dry_run=True, validate=False)
    apply(cluster, CONFIG_MAP, config_map("shop"), dry_run=True)
    told = [parse_qs(urlsplit(one.path).query)["fieldValidation"] for one in server.asked]
    assert told == [["Ignore"], ["Strict"]]
