"""Whose live objects are, where the configuration does not know: asked of a real cluster."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from deployer.cluster.connection import Cluster, connect
from deployer.cluster.inventory import DEFAULT_NAMESPACE, MEMBER, Inventory, document, empty, widened
from deployer.cluster.inventory_store import write
from deployer.errors import ClusterError
from deployer.sync.claims import Claims
from deployer.sync.owner import Owner
from deployer.sync.result import Step
from local.world import World
from tests.cluster.conftest import Server
from tests.cluster.helpers import make_namespace, narrow
from tests.sync.helpers import manifest

UNKNOWN = "applyset-of-another-tool-v1"


class Asking:
    """Claims of the application `shop`; `told` is what they say."""

    def __init__(self, cluster: Cluster, namespace: str, *neighbours: Inventory) -> None:
        self.told: list[Step] = []
        self.cluster, self.namespace = cluster, namespace
        self.owner = Owner("shop", namespace, neighbours=neighbours)
        self.claims = Claims(cluster, self.owner, self.told.append)

    def __call__(self, owner_id: str, name: str = "a") -> str:
        """Check an object with this label; returns why it is refused."""
        live: dict[str, Any] = manifest("v1", "ConfigMap", name, self.namespace)
        live["metadata"]["labels"] = {MEMBER: owner_id} if owner_id else {}
        try:
            self.claims.check(live, {self.namespace})
        except ClusterError as error:
            return str(error)
        return ""

    @property
    def warnings(self) -> list[str]:
        assert all(step.reason == step.message for step in self.told), "a warning, not a step"
        return [step.message for step in self.told]


def inventory(cluster: Cluster, application: str, namespace: str) -> Inventory:
    """The inventory that an application has left in a cluster."""
    one = empty(application, namespace)
    return write(cluster, one, widened(one, [], [f"{namespace}-more"]))


def test_what_is_known_is_not_asked_about(staging: Cluster, namespace: str) -> None:
    asking = Asking(staging, namespace, empty("blog", namespace))
    sent = staging.requests
    assert asking("") == ""
    assert asking(asking.owner.id) == ""
    assert asking(empty("blog", namespace).id) == "belongs to application blog: leave it out of one of the two"
    assert (staging.requests, asking.told) == (sent, [])


def test_what_an_orphan_left_is_taken_over_and_told_of_each_object(staging: Cluster, namespace: str) -> None:
    make_namespace(staging, namespace)
    orphan = inventory(staging, "old", namespace)
    asking = Asking(staging, namespace)
    sent = staging.requests
    assert [asking(orphan.id, name) for name in "ab"] == ["", ""]
    assert staging.requests == sent + 1, "who it is is asked once"
    assert asking.warnings == [
        f"ConfigMap/{name}: taken over from application old, which is no application of this configuration "
        f"and has left ConfigMap deployer-old in namespace {namespace}"
        for name in "ab"
    ]


def test_what_nobody_knows_is_refused_and_asked_about_once(staging: Cluster, namespace: str) -> None:
    asking = Asking(staging, namespace)
    sent = staging.requests
    with ThreadPoolExecutor(4) as pool:
        reasons = list(pool.map(asking, [UNKNOWN] * 8))
    assert all(reason.startswith(f"belongs to {UNKNOWN}, which is no application of this") for reason in reasons)
    assert staging.requests == sent + 1
    assert "no inventory of it is known" in asking("applyset-still-another-v1")
    assert staging.requests == sent + 2, "another id is another question"
    assert asking.told == []


def test_an_inventory_that_cannot_be_read_is_told_and_gives_nothing_away(staging: Cluster, namespace: str) -> None:
    make_namespace(staging, namespace)
    orphan = empty("old", namespace)
    body = document(orphan)
    body["data"]["application"] = "other"
    staging.request("POST", f"/api/v1/namespaces/{namespace}/configmaps", body=body)
    asking = Asking(staging, namespace)
    assert "no inventory of it is known" in asking(orphan.id)
    (warning,) = asking.warnings
    assert f"ConfigMap deployer-old in namespace {namespace}: its application does not belong to its name" in warning


def test_who_may_not_look_everywhere_looks_where_it_is_told(staging: Cluster, namespace: str, world: World) -> None:
    make_namespace(staging, namespace)
    orphan = inventory(staging, "old", namespace)
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}]
    with narrow(world.clusters["staging"], staging, namespace, rules) as cluster:
        asking = Asking(cluster, namespace)
        assert asking(orphan.id) == ""
    unseen, taken = asking.warnings
    assert unseen.startswith(f"inventories in namespace {DEFAULT_NAMESPACE} stay unknown: ")
    assert taken.startswith("ConfigMap/a: taken over from application old")


def test_a_question_without_an_answer_is_asked_again(tmp_path: Path) -> None:
    orphan = empty("old", "web")
    with Server(tmp_path) as server:
        server.answers["/api/v1/configmaps"] = (200, {"items": [document(orphan)]})
        server.first = [(422, {"message": "not now"})]
        cluster = connect("test", server.kubeconfig().encode(), "the-secret")
        asking = Asking(cluster, "web")
        assert "not now" in asking(orphan.id)
        assert asking(orphan.id) == "", "an answer that did not come is not taken for none"
        cluster.close()
