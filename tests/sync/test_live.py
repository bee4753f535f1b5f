"""One LIST a kind, and what cannot be listed."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deployer.cluster.connection import Cluster, connect
from deployer.cluster.discovery import Discovery, Resource
from deployer.cluster.inventory import GroupKind, Inventory
from deployer.errors import ClusterError
from deployer.manifest import Manifest
from deployer.sync.live import Members, list_members
from deployer.sync.targets import Target
from tests.cluster.conftest import Server

CONFIG_MAP = Resource("", "v1", "ConfigMap", "configmaps", namespaced=True)
ROLE = Resource("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", namespaced=False)
SCALER, OLD_SCALER = (
    Resource("autoscaling", version, "HorizontalPodAutoscaler", "horizontalpodautoscalers", True)
    for version in ("v2", "v1")
)
DISCOVERY = Discovery(
    {(one.group, one.version, one.kind): one for one in (CONFIG_MAP, ROLE, SCALER, OLD_SCALER)},
    stale=frozenset({("metrics.k8s.io", "v1beta1")}),
)
INVENTORY = Inventory("shop", "web", frozenset({GroupKind("", "ConfigMap")}), frozenset({"old"}))
MAPS, ROLES = "/api/v1/configmaps", "/apis/rbac.authorization.k8s.io/v1/clusterroles"
FORBIDDEN = (403, {"message": "no list"})


def target(resource: Resource, name: str, namespace: str = "web", **changes: Any) -> Target:
    version = f"{resource.group}/{resource.version}" if resource.group else resource.version
    metadata = {"name": name, **({"namespace": namespace} if resource.namespaced else {})}
    body = {"apiVersion": version, "kind": resource.kind, "metadata": metadata}
    return replace(Target(Manifest(body, "a.yaml"), resource), **changes)


def items(*names: tuple[str, str]) -> tuple[int, dict[str, Any]]:
    return 200, {"items": [{"metadata": {"namespace": namespace, "name": name}} for namespace, name in names]}


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path) as server:
        yield server


@pytest.fixture
def cluster(server: Server) -> Iterator[Cluster]:
    cluster = connect("test", server.kubeconfig().encode(), "the-secret")
    yield cluster
    cluster.close()


def names(members: Members) -> list[str]:
    return sorted(f"{one.key.namespace}/{one.key.name}" for one in members.found)


def asked(server: Server) -> list[str]:
    return sorted(one.path.partition("?")[0] for one in server.asked)


def test_members_are_those_in_the_namespaces_of_the_inventory_and_of_the_source(
    server: Server, cluster: Cluster, pool: ThreadPoolExecutor
) -> None:
    server.answers = {MAPS: items(("web", "a"), ("old", "b"), ("new", "c"), ("strange", "d"))}
    members = list_members(cluster, pool, DISCOVERY, INVENTORY, [target(CONFIG_MAP, "a", "new")], {})
    assert names(members) == ["new/c", "old/b", "web/a"]
    assert [one.path for one in server.asked] == [
        f"{MAPS}?labelSelector=applyset.kubernetes.io%2Fpart-of%3D{INVENTORY.id}"
    ]
    assert members.found[0].manifest.api_version == "v1"
    assert members.found[0].manifest.kind == "ConfigMap"


def test_where_a_kind_may_not_be_listed_everywhere_each_namespace_is(
    server: Server, cluster: Cluster, pool: ThreadPoolExecutor
) -> None:
    server.answers = {
        MAPS: FORBIDDEN,
        "/api/v1/namespaces/web/configmaps": items(("web", "a")),
        "/api/v1/namespaces/old/configmaps": items(("old", "b")),
    }
    assert names(list_members(cluster, pool, DISCOVERY, INVENTORY, [], {})) == ["old/b", "web/a"]


def test_what_may_not_be_listed_at_all_refuses_its_objects_or_all(
    server: Server, cluster: Cluster, pool: ThreadPoolExecutor
) -> None:
    server.answers = {MAPS: FORBIDDEN, "/api/v1/namespaces/old/configmaps": FORBIDDEN}
    wanted = target(CONFIG_MAP, "a")
    assert list_members(cluster, pool, DISCOVERY, INVENTORY, [wanted], {}).refused == {wanted.key: "no list"}
    with pytest.raises(ClusterError, match="no list"):
        list_members(cluster, pool, DISCOVERY, INVENTORY, [], {})


def test_a_kind_without_namespaces_that_may_not_be_listed_is_unseen(
    server: Server, cluster: Cluster, pool: ThreadPoolExecutor
) -> None:
    server.answers = {ROLES: FORBIDDEN}
    members = list_members(cluster, pool, DISCOVERY, Inventory("shop", "web"), [target(ROLE, "r")], {})
    assert members == Members(unseen={GroupKind(ROLE.group, "ClusterRole"): "no list"})


def test_a_kind_that_is_gone_has_no_members_and_one_that_does_not_answer_is_unseen(
    server: Server, cluster: Cluster, pool: ThreadPoolExecutor
) -> None:
    kinds = {GroupKind("example.com", "Widget"), GroupKind("metrics.k8s.io", "NodeMetrics")}
    members = list_members(cluster, pool, DISCOVERY, replace(INVENTORY, group_kinds=frozenset(kinds)), [], {})
    assert list(members.unseen) == [GroupKind("metrics.k8s.io", "NodeMetrics")]
    assert server.asked == []


def test_a_kind_is_listed_in_the_version_of_the_source_and_else_in_the_preferred_one(
    server: Server, cluster: Cluster, pool: ThreadPoolExecutor
) -> None:
    root = "/apis/autoscaling/{}/horizontalpodautoscalers"
    inventory = replace(INVENTORY, group_kinds=frozenset({GroupKind("autoscaling", "HorizontalPodAutoscaler")}))
    server.answers = {root.format(version): items(("web", "a")) for version in ("v1", "v2")}
    old = target(OLD_SCALER, "a")
    members = list_members(cluster, pool, DISCOVERY, inventory, [old], {})
    assert asked(server) == [root.format("v1")]
    assert set(members.live([old])) == {old.key}
    assert members.live([target(SCALER, "a")]) == {}, "it was read in another version"
    server.asked.clear()
    list_members(cluster, pool, DISCOVERY, inventory, [], {})
    assert asked(server) == [root.format("v2")]


def test_a_promised_kind_cannot_be_listed_yet(server: Server, cluster: Cluster, pool: ThreadPoolExecutor) -> None:
    list_members(cluster, pool, DISCOVERY, Inventory("shop", "web"), [target(CONFIG_MAP, "a", promised=True)], {})
    assert server.asked == []
