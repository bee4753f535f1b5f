"""Objects that are another application's, an orphan's, or nobody's: a sync of an application in a real cluster."""

from dataclasses import replace

import pytest

from deployer.cluster.connection import Cluster
from deployer.cluster.inventory import MEMBER, applyset_id, empty
from deployer.cluster.objects import get
from deployer.errors import ClusterError
from deployer.sync.options import Options
from deployer.sync.run import sync
from tests.sync.app import CONFIG_MAP, TWO, App, actions, messages
from tests.sync.helpers import ignore, manifests
from tests.world import config_map


def test_an_object_of_another_application_is_refused(app: App, staging: Cluster, namespace: str) -> None:
    app.sync(config_map("a"))
    other = replace(app.owner, application="other", revision=TWO)
    options = Options(namespace, owner=replace(other, neighbours=(empty(namespace, namespace),)))
    result = sync(staging, manifests(config_map("a", "2"), config_map("b")), options, ignore)
    assert result.message == f"ConfigMap/a: belongs to application {namespace}: leave it out of one of the two"
    assert app.names() == {"a"}
    # Neither has an inventory of the other's.
    assert get(staging, CONFIG_MAP, namespace, "deployer-other") is None


def test_an_object_of_an_orphaned_application_is_taken_over_with_a_warning(
    app: App, staging: Cluster, namespace: str
) -> None:
    app.sync(config_map("a"), config_map("b"))
    told: list[str] = []
    other = Options(namespace, owner=replace(app.owner, application="other", revision=TWO))
    result = sync(staging, manifests(config_map("a")), other, lambda step: told.append(step.reason))
    assert actions(result) == {"ConfigMap/a": "updated"}
    assert [line for line in told if "taken over" in line] == [
        f"ConfigMap/a: taken over from application {namespace}, which is no application of this configuration "
        f"and has left ConfigMap deployer-{namespace} in namespace {namespace}"
    ]
    live = get(staging, CONFIG_MAP, namespace, "a")
    assert live
    assert live["metadata"]["labels"][MEMBER] == applyset_id("deployer-other", namespace)


def test_files_of_a_disk_take_nothing_from_an_application(app: App, staging: Cluster, namespace: str) -> None:
    app.sync(config_map("a"))
    result = sync(staging, manifests(config_map("a", "2")), Options(namespace), ignore)
    assert result.message.startswith("ConfigMap/a: belongs to an application, by its label applyset-")
    live = get(staging, CONFIG_MAP, namespace, "a")
    assert live
    assert (live["data"], MEMBER in live["metadata"]["labels"]) == ({"key": "1"}, True)


def test_an_object_whose_application_nobody_knows_is_refused(app: App, staging: Cluster, namespace: str) -> None:
    app.make_namespace(namespace)
    for name in "ab":
        app.make(name, labels={MEMBER: "applyset-of-another-tool-v1"})
    sent = staging.requests
    result = app.sync(config_map("a"), config_map("b"))
    assert set(messages(result)) == {"ConfigMap/a", "ConfigMap/b"}
    assert "no inventory of it is known" in result.message
    # Discovery, the inventory, its Namespace and a list; the two are tried and read; the stranger is asked about once.
    assert staging.requests - sent == 2 + 1 + 1 + 1 + 2 + 2 + 1


def test_a_label_alone_makes_nothing_go_away(app: App, staging: Cluster) -> None:
    other = f"{app.namespace}-other"
    app.make_namespace(other)
    try:
        app.sync(config_map("a"))
        mine = {MEMBER: applyset_id(f"deployer-{app.namespace}", app.namespace)}
        app.make("here", labels=mine)
        app.make("there", other, mine)
        result = app.sync(config_map("a"))
        assert messages(result) == {"ConfigMap/here": "left Git; not pruned: it has our label, but we never applied it"}
        assert app.names() == {"a", "here"}
        assert "there" in app.names(other)
    finally:
        staging.request("DELETE", f"/api/v1/namespaces/{other}")


def test_a_foreign_inventory_is_refused_before_anything_is_written(app: App) -> None:
    app.make_namespace(app.namespace)
    app.make(f"deployer-{app.namespace}")
    with pytest.raises(ClusterError, match="is no inventory of ours"):
        app.sync(config_map("a"))
    assert app.names() == set()
