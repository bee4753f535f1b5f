"""Which kinds a cluster knows."""

from dataclasses import replace
from typing import Any

import pytest

from deployer.cluster.connection import Cluster
from deployer.cluster.discovery import Discovery, Resource, discover, parse_discovery
from deployer.errors import ClusterError
from tests.cluster.conftest import Server


def resource(kind: str = "Widget", plural: str = "widgets", **changes: Any) -> dict[str, Any]:
    verbs = ["create", "get", "list", "patch"]
    return {"resource": plural, "responseKind": {"kind": kind}, "scope": "Namespaced", "verbs": verbs, **changes}


def listing(*resources: dict[str, Any], group: str = "example.com", **version: Any) -> dict[str, Any]:
    return {
        "items": [{"metadata": {"name": group}, "versions": [{"version": "v1", "resources": resources, **version}]}]
    }


WIDGET = Resource("example.com", "v1", "Widget", "widgets", namespaced=True)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (resource(), [WIDGET]),
        (resource(scope="Cluster"), [Resource("example.com", "v1", "Widget", "widgets", namespaced=False)]),
        (resource(verbs=["create"]), []),  # such as TokenReview
        (resource(verbs=["get", "list"]), []),  # such as ComponentStatus
        (resource(verbs=None), []),
        (resource(responseKind=None), []),
        (
            resource(subresources=[{"subresource": "status", "responseKind": {"kind": "Other"}, "verbs": ["patch"]}]),
            [WIDGET],
        ),
    ],
)
def test_a_resource_is_taken_where_it_can_be_read_and_applied(given: dict[str, Any], found: list[Resource]) -> None:
    assert list(parse_discovery(listing(given)).resources.values()) == found


def test_every_version_of_every_group_of_every_list_is_read() -> None:
    core = {"items": [{"versions": [{"version": "v1", "resources": [resource("Pod", "pods")]}]}]}
    versions = [{"version": version, "resources": [resource()]} for version in ("v2", "v1")]
    groups = {"items": [{"metadata": {"name": "example.com"}, "versions": versions}]}
    discovery = parse_discovery(core, groups)
    assert list(discovery.resources) == [
        ("", "v1", "Pod"),
        ("example.com", "v2", "Widget"),
        ("example.com", "v1", "Widget"),
    ]
    assert discovery.find("example.com", "v1", "Widget") == WIDGET
    assert discovery.find("example.com", "v3", "Widget") is None


def test_of_two_resources_of_a_kind_the_first_is_taken() -> None:
    assert parse_discovery(listing(resource(), resource(plural="others"))).find("example.com", "v1", "Widget") == WIDGET


def test_a_kind_is_found_in_the_version_that_the_cluster_prefers() -> None:
    discovery = parse_discovery(listing(resource(), version="v2"), listing(resource()))
    assert discovery.any_version("example.com", "Widget") == replace(WIDGET, version="v2")
    assert discovery.any_version("other.com", "Widget") is None


def test_group_versions_that_do_not_answer_are_known() -> None:
    stale = listing(group="metrics.k8s.io", freshness="Stale")
    assert parse_discovery(stale, listing(freshness="Current")).stale == {("metrics.k8s.io", "v1")}


@pytest.mark.parametrize(
    "wrong",
    [{"items": "x"}, {"items": ["x"]}, {"items": [{"versions": [{}]}]}, listing({"responseKind": "x"})],
)
def test_a_list_of_kinds_that_is_malformed_is_told(server: Server, cluster: Cluster, wrong: dict[str, Any]) -> None:
    kind = {"kind": "APIGroupDiscoveryList"}
    server.answers = {"/api": (200, kind), "/apis": (200, {**wrong, **kind})}
    with pytest.raises(
        ClusterError, match="cluster test answered GET /api or /apis with a malformed list of its kinds"
    ):
        discover(cluster)


@pytest.mark.parametrize("empty", [{}, {"items": None}, {"items": [{"versions": None}]}, listing(resources=None)])
def test_what_is_empty_has_no_kinds(empty: dict[str, Any]) -> None:
    assert parse_discovery(empty) == Discovery({})


def test_a_real_cluster_tells_its_kinds_in_two_requests(staging: Cluster) -> None:
    discovery = discover(staging)
    assert staging.requests == 2
    assert discovery.find("apps", "v1", "Deployment") == Resource("apps", "v1", "Deployment", "deployments", True)
    assert discovery.find("", "v1", "Namespace") == Resource("", "v1", "Namespace", "namespaces", False)
    assert discovery.find("autoscaling", "v1", "Scale") is None, "subresources are no kinds"
    assert discovery.find("authentication.k8s.io", "v1", "TokenReview") is None, "it cannot be read"


NEW = "APIGroupDiscoveryList"


@pytest.mark.parametrize(("core", "groups"), [("APIVersions", "APIGroupList"), (NEW, "x"), ("x", NEW)])
def test_a_cluster_without_aggregated_discovery_is_told(
    server: Server, cluster: Cluster, core: str, groups: str
) -> None:
    server.answers = {"/api": (200, {"kind": core}), "/apis": (200, {"kind": groups})}
    with pytest.raises(ClusterError, match=r"cluster test has no aggregated discovery: Kubernetes 1\.27 or newer"):
        discover(cluster)


def test_a_cluster_that_does_not_answer_is_told(server: Server, cluster: Cluster) -> None:
    server.answers = {"/api": (200, {"kind": "APIGroupDiscoveryList"}), "/apis": (503, {"message": "shutting down"})}
    with pytest.raises(ClusterError, match="shutting down"):
        discover(cluster)
