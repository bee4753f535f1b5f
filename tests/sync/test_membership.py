"""The inventory of an application in a real cluster, and when it is written."""

from deployer.cluster.connection import Cluster
from deployer.cluster.discovery import Resource
from deployer.cluster.objects import get, list_all
from deployer.sync.options import Options
from deployer.sync.owner import Owner
from deployer.sync.run import sync
from tests.sync.app import CONFIG_MAP, ONE, PRUNE, SERVICE, TWO, App, actions
from tests.sync.helpers import ignore, manifest, manifests
from tests.world import config_map, deployment


def test_a_second_sync_writes_nothing_not_even_the_inventory(app: App) -> None:
    documents = (config_map("a"), deployment("web"), SERVICE)
    app.sync(*documents)
    before = app.inventory()
    kinds = (CONFIG_MAP, Resource("apps", "v1", "Deployment", "deployments", True))
    versions = [[one["metadata"]["resourceVersion"] for one in list_all(app.cluster, k, app.namespace)] for k in kinds]
    sent = app.cluster.requests
    assert set(actions(app.sync(*documents)).values()) == {"unchanged"}
    # Discovery, the inventory, a list a kind.
    assert app.cluster.requests - sent == 2 + 1 + 3
    assert app.sync(*documents, wait=False).outcome == "unfinished"
    assert app.inventory().resource_version == before.resource_version
    after = [[one["metadata"]["resourceVersion"] for one in list_all(app.cluster, k, app.namespace)] for k in kinds]
    assert after == versions


def test_a_new_commit_that_changes_nothing_is_one_request_more(app: App) -> None:
    app.sync(config_map("a"))
    sent = app.cluster.requests
    app.sync(config_map("a"), revision=TWO)
    assert app.cluster.requests - sent == 2 + 1 + 1 + 1
    assert [one.revision for one in app.inventory().history] == [TWO, ONE]


def test_a_change_is_written_under_the_lease(app: App) -> None:
    app.sync(config_map("a"))
    sent = app.cluster.requests
    app.sync(config_map("a", "2"), revision=TWO)
    # Beside what an unchanged one sends: the Lease is taken and given back, the inventory read again, widened and
    # closed, one object applied, and its health recorded.
    assert app.cluster.requests - sent == (2 + 1 + 1 + 1) + 2 + 3 + 1 + 1


def test_the_history_is_as_long_as_it_may_be(app: App) -> None:
    for number in range(3):
        app.sync(config_map("a", str(number)), revision=str(number) * 40, history_limit=2)
    assert [one.revision[0] for one in app.inventory().history] == ["2", "1"]
    app.sync(config_map("a", "x"), history_limit=0)
    assert app.inventory().history == ()


def test_an_application_without_a_namespace_has_its_inventory_in_one_of_its_own(staging: Cluster, app: App) -> None:
    app.make_namespace(app.namespace)
    options = Options(wait=False, owner=Owner(app.namespace, revision=ONE), pruning=PRUNE)
    try:
        both = [manifest("v1", "ConfigMap", name, app.namespace) for name in "ab"]
        assert sync(staging, manifests(*both), options, ignore).outcome == "unfinished"
        assert get(staging, CONFIG_MAP, "deployer", f"deployer-{app.namespace}") is not None
        assert actions(sync(staging, manifests(both[0]), options, ignore))["ConfigMap/b"] == "pruned"
    finally:
        staging.request("DELETE", f"/api/v1/namespaces/deployer/configmaps/deployer-{app.namespace}")
