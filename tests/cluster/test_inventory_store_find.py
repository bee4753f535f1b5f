"""All inventories of a cluster, or some of them, and what an account with few rights sees of them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deployer.cluster.connection import Cluster
from deployer.cluster.inventory import PARENT, TOOLING, GroupKind, Inventory, document, empty, widened
from deployer.cluster.inventory_store import Found, find, write
from deployer.errors import ClusterError
from local.world import World
from tests.cluster.helpers import make_namespace, narrow, through_proxy
from tests.faults.proxy import Answer

LIST = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}]


@pytest.fixture
def other(staging: Cluster, namespace: str) -> Iterator[str]:
    """A second namespace, made and gone with the test; the first is made, too."""
    make_namespace(staging, namespace)
    make_namespace(staging, f"{namespace}-b")
    yield f"{namespace}-b"
    staging.request("DELETE", f"/api/v1/namespaces/{namespace}-b")


def written(cluster: Cluster, application: str, namespace: str) -> Inventory:
    none = empty(application, namespace)
    return write(cluster, none, widened(none, [GroupKind("apps", "Deployment")], [namespace]))


def make(cluster: Cluster, body: dict[str, Any]) -> None:
    cluster.request("POST", f"/api/v1/namespaces/{body['metadata']['namespace']}/configmaps", body=body)


def of(found: Found, *namespaces: str) -> dict[str, Inventory]:
    """Of what was found, what is in these namespaces: the cluster is other tests', too."""
    return {id: one for id, one in found.inventories.items() if one.namespace in namespaces}  # noqa: A001


def test_all_inventories_of_a_cluster_are_one_request(staging: Cluster, namespace: str, other: str) -> None:
    web, shop = written(staging, "web", namespace), written(staging, "shop", other)
    make(staging, {"metadata": {"name": "plain", "namespace": namespace}})
    sent = staging.requests
    found = find(staging, [])
    assert staging.requests == sent + 1
    assert of(found, namespace, other) == {web.id: web, shop.id: shop}
    assert found.inventories[web.id].resource_version == web.resource_version


def test_some_are_found_by_their_ids(staging: Cluster, namespace: str, other: str) -> None:
    web, shop = written(staging, "web", namespace), written(staging, "shop", other)
    written(staging, "blog", namespace)
    sent = staging.requests
    assert find(staging, [], {web.id, shop.id, "applyset-unknown-v1"}) == Found({web.id: web, shop.id: shop})
    assert staging.requests == sent + 1
    assert find(staging, [namespace], ["applyset-unknown-v1"]) == Found({})
    assert find(staging, [namespace], []) == Found({})
    assert staging.requests == sent + 2, "where nothing is wanted, nobody is asked"


@pytest.mark.parametrize("annotations", [{}, {TOOLING: "kubectl/v1.37.0"}, {TOOLING: "deployer-two/1"}])
def test_those_of_other_tools_are_left_out(
    staging: Cluster, namespace: str, other: str, annotations: dict[str, str]
) -> None:
    body = document(empty("web", other))
    body["metadata"]["annotations"] = annotations
    make(staging, body)
    assert find(staging, [], [empty("web", other).id]) == Found({})


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda body: body["metadata"].update(name="deployer-copy"), "its label applyset.kubernetes.io/id is not the "),
        (lambda body: body["data"].update(application="blog"), "its application does not belong to its name; mend it"),
    ],
)
def test_a_malformed_one_is_told_and_hides_no_other(
    staging: Cluster, namespace: str, other: str, spoil: Callable[[dict[str, Any]], None], problem: str
) -> None:
    web, body = written(staging, "web", namespace), document(empty("shop", other))
    spoil(body)
    make(staging, body)
    found = find(staging, [], [web.id, body["metadata"]["labels"][PARENT]])
    assert found.inventories == {web.id: web}
    (warning,) = found.warnings
    assert warning.startswith(f"cluster staging: ConfigMap {body['metadata']['name']} in namespace {other}: {problem}")


def test_a_history_that_cannot_be_read_is_a_warning_of_its_own_inventory(
    staging: Cluster, namespace: str, other: str
) -> None:
    body = document(empty("web", other))
    body["data"]["history"] = "{"
    make(staging, body)
    (one,) = find(staging, [], [empty("web", other).id]).inventories.values()
    assert one.history == ()
    assert "its history cannot be read" in one.warnings[0]


def test_who_may_list_in_some_namespaces_finds_what_is_there(
    world: World, staging: Cluster, namespace: str, other: str
) -> None:
    web, shop = written(staging, "web", namespace), written(staging, "shop", other)
    with narrow(world.clusters["staging"], staging, namespace, LIST) as cluster:
        assert find(cluster, [namespace]) == Found({web.id: web})
        assert find(cluster, [namespace], [web.id, shop.id]) == Found({web.id: web})
        sent = cluster.requests
        found = find(cluster, [namespace, other], [web.id, shop.id])
        assert cluster.requests == sent + 3
    assert found.inventories == {web.id: web}
    (warning,) = found.warnings
    assert warning.startswith(f"inventories in namespace {other} stay unknown: cluster staging: the account ")
    assert 'cannot list resource "configmaps"' in warning


@pytest.mark.parametrize("answers", [[Answer(400)], [Answer(403), Answer(400)]])
def test_another_refusal_is_an_error(world: World, namespace: str, tmp_path: Path, answers: list[Answer]) -> None:
    with through_proxy(world.clusters["staging"], tmp_path) as (proxy, cluster):
        proxy.play("^GET ", *answers)
        with pytest.raises(ClusterError) as error:
            find(cluster, [namespace])
        assert len(proxy.seen) == len(answers)
    assert error.value.status == 400
