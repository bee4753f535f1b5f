"""What leaves the source leaves a real cluster, or stays and says why."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from deployer.cluster.connection import Cluster
from deployer.cluster.discovery import Resource
from deployer.cluster.inventory import MEMBER, GroupKind
from deployer.cluster.objects import get, list_all
from deployer.errors import ClusterError
from deployer.object_options import SYNC_OPTIONS
from deployer.sync.prune import Pruning
from deployer.sync.result import Progress, Step
from tests.sync.app import CONFIG_MAP, LEASE, NAMESPACE, ONE, PRUNE, SERVICE, SERVICES, TWO, App, actions, messages
from tests.sync.helpers import definition, manifest
from tests.world import config_map, deployment


def test_what_leaves_git_leaves_the_cluster_and_nothing_else_does(app: App) -> None:
    app.sync(config_map("a"), config_map("b"), SERVICE)
    app.make("foreign")
    result = app.sync(config_map("a"), revision=TWO)
    assert result.outcome == "succeeded"
    assert actions(result) == {"ConfigMap/a": "unchanged", "Service/web": "pruned", "ConfigMap/b": "pruned"}
    assert app.names() == {"a", "foreign"}
    inventory = app.inventory()
    assert inventory.group_kinds == {GroupKind("", "ConfigMap")}
    assert inventory.operation is None
    assert [(one.revision, one.result, one.counts) for one in inventory.history] == [
        (TWO, "succeeded", {"unchanged": 1, "pruned": 2}),
        (ONE, "succeeded", {"created": 4}),
    ]
    assert (inventory.history[0].why, inventory.history[0].who) == ("a push", "somebody")
    assert list_all(app.cluster, LEASE, app.namespace) == []


@pytest.mark.parametrize(("propagation", "left"), [("Orphan", True), ("Foreground", False)])
def test_what_a_pruned_object_owns_fares_as_the_application_says(app: App, propagation: str, left: bool) -> None:
    sets = Resource("apps", "v1", "ReplicaSet", "replicasets", namespaced=True)
    deployments = Resource("apps", "v1", "Deployment", "deployments", namespaced=True)
    app.sync(deployment("web"))
    app.sync(config_map("a"), pruning=replace(PRUNE, propagation=propagation))
    deadline = time.monotonic() + 20
    while get(app.cluster, deployments, app.namespace, "web"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert bool(list_all(app.cluster, sets, app.namespace)) == left


def test_an_object_in_another_namespace_is_pruned_with_its_namespace_remembered(app: App, staging: Cluster) -> None:
    other = f"{app.namespace}-other"
    app.make_namespace(other)
    try:
        app.sync(config_map("a"), manifest("v1", "ConfigMap", "b", other))
        assert app.inventory().namespaces == {other}
        assert actions(app.sync(config_map("a")))["ConfigMap/b"] == "pruned"
        assert "b" not in app.names(other)
        assert app.inventory().namespaces == frozenset()
    finally:
        staging.request("DELETE", f"/api/v1/namespaces/{other}")


def test_what_is_not_to_be_pruned_is_told_and_stays_a_member(app: App) -> None:
    app.sync(config_map("a"), SERVICE)
    result = app.sync(config_map("a"), pruning=Pruning())
    assert result.outcome == "succeeded"
    assert actions(result) == {"ConfigMap/a": "unchanged", "Service/web": "skipped"}
    assert messages(result) == {"Service/web": "left Git; not pruned: automated.prune is off"}
    assert GroupKind("", "Service") in app.inventory().group_kinds
    assert actions(app.sync(config_map("a")))["Service/web"] == "pruned"


def test_a_dry_run_says_what_would_be_pruned_and_prunes_nothing(app: App) -> None:
    app.sync(config_map("a"), config_map("b"))
    before = app.inventory()
    result = app.sync(config_map("a"), dry_run=True)
    assert actions(result) == {"ConfigMap/a": "unchanged", "ConfigMap/b": "pruned"}
    (gone,) = (one.difference for one in result.objects if one.difference)
    assert gone.desired is None
    assert gone.live is not None
    assert gone.live["data"] == {"key": "1"}
    assert app.names() == {"a", "b"}
    assert app.inventory().resource_version == before.resource_version


def test_the_guard_stops_before_anything_is_written_until_the_commit_is_approved(app: App) -> None:
    many = [config_map(f"c-{number}") for number in range(7)]
    app.sync(config_map("a"), *many)
    for dry_run in (True, False):
        refused = app.sync(config_map("a", "2"), revision=TWO, dry_run=dry_run)
        assert refused.outcome == "failed"
        assert refused.message.startswith("7 of 8 objects would be pruned, more than 50 %; if meant: ")
    assert get(app.cluster, CONFIG_MAP, app.namespace, "a")["data"] == {"key": "1"}  # type: ignore[index]
    assert len(app.names()) == 8
    assert app.inventory().history[0].error == refused.message

    assert app.sync(config_map("a"), revision=TWO, pruning=Pruning(True, approved=ONE)).outcome == "failed"
    assert app.sync(config_map("a"), revision=TWO, pruning=Pruning(True, approved=TWO[:7])).outcome == "succeeded"
    assert app.names() == {"a"}


def test_an_empty_source_prunes_everything_that_may_be(app: App) -> None:
    app.sync(config_map("a"), config_map("b"))
    assert app.sync().outcome == "succeeded"
    assert app.names() == set()
    assert app.inventory().group_kinds == frozenset()


def test_precious_kinds_and_those_that_say_so_stay(app: App, group: str) -> None:
    says = "argocd.argoproj.io/sync-options"
    claim = manifest(
        "v1",
        "PersistentVolumeClaim",
        "data",
        spec={"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    )
    kept, keep = manifest("v1", "ConfigMap", "kept"), manifest("v1", "ConfigMap", "keep")
    kept["metadata"]["annotations"] = {says: "Prune=false"}
    keep["metadata"]["annotations"] = {"helm.sh/resource-policy": "keep"}
    goes = manifest("v1", "Namespace", f"{app.namespace}-goes")
    goes["metadata"]["annotations"] = {says: "Prune=true"}
    stays = manifest("v1", "Namespace", f"{app.namespace}-stays")
    try:
        app.sync(config_map("a"), claim, kept, keep, goes, stays, definition(group), wait=False)
        result = app.sync(config_map("a"), wait=False)
        assert {str(key): action for key, action in actions(result).items() if action != "skipped"} == {
            "ConfigMap/a": "unchanged",
            f"Namespace/{app.namespace}-goes": "pruned",
        }
        assert len(messages(result)) == 5
        gone = get(app.cluster, NAMESPACE, "", f"{app.namespace}-goes")
        assert gone is None or "deletionTimestamp" in gone["metadata"]
        assert app.names() == {"a", "kept", "keep"}
        there = get(app.cluster, NAMESPACE, "", f"{app.namespace}-stays")
        assert there is not None
        assert "deletionTimestamp" not in there["metadata"]
    finally:
        app.cluster.request("DELETE", f"/api/v1/namespaces/{app.namespace}-stays")


def while_pruning(act: Callable[[], object]) -> Progress:
    """Do something between the plan and the first deletion."""

    def interfere(step: Step) -> None:
        if step.message.startswith("pruning"):
            act()

    return interfere


def test_another_object_of_the_same_name_is_not_pruned(app: App) -> None:
    app.sync(config_map("a"), SERVICE)
    path = f"/api/v1/namespaces/{app.namespace}/services"

    def replace_it() -> None:
        app.cluster.request("DELETE", f"{path}/web")
        app.cluster.request("POST", path, body={**SERVICE, "metadata": {"name": "web"}})

    result = app.sync(config_map("a"), revision=TWO, progress=while_pruning(replace_it))
    assert (result.outcome, actions(result)) == ("succeeded", {"ConfigMap/a": "unchanged", "Service/web": "pruned"})
    assert get(app.cluster, SERVICES, app.namespace, "web") is not None


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"labels": {MEMBER: None}}, "left Git; not pruned: it does not bear our label any more"),
        ({"annotations": {SYNC_OPTIONS: "Prune=false"}}, f"left Git; not pruned: it says {SYNC_OPTIONS}: Prune=false"),
    ],
)
def test_what_is_to_stay_by_now_is_not_pruned(app: App, change: dict[str, Any], why: str) -> None:
    app.sync(config_map("a"), SERVICE)
    told: list[str] = []
    path = f"/api/v1/namespaces/{app.namespace}/services/web"
    merge = "application/merge-patch+json"

    def keep_it() -> None:
        app.cluster.request("PATCH", path, body={"metadata": change}, content_type=merge)

    interfere = while_pruning(keep_it)

    def progress(step: Step) -> None:
        told.append(step.reason)
        interfere(step)

    result = app.sync(config_map("a"), revision=TWO, progress=progress)
    assert actions(result) == {"ConfigMap/a": "unchanged", "Service/web": "skipped"}
    assert f"Service/web: {why}" in told
    assert get(app.cluster, SERVICES, app.namespace, "web") is not None


def test_an_object_that_is_served_in_two_groups_is_one(app: App) -> None:
    fields = {"reason": "Test", "type": "Normal"}
    old = manifest("v1", "Event", "e", involvedObject={"kind": "Pod", "namespace": app.namespace}, **fields)
    app.sync(config_map("a"), old)
    new = manifest("events.k8s.io/v1", "Event", "e", regarding={"kind": "Pod", "namespace": app.namespace}, **fields)
    result = app.sync(config_map("a"), new, revision=TWO)
    assert "pruned" not in actions(result).values()
    assert get(app.cluster, Resource("", "v1", "Event", "events", namespaced=True), app.namespace, "e")


def forbid_deletion(app: App) -> None:
    """Have an admission policy keep the Services of the namespace; it does not outlive its namespace's name."""
    root, name = "/apis/admissionregistration.k8s.io/v1", app.namespace
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["DELETE"], "resources": ["services"]}
    here = {"matchLabels": {"kubernetes.io/metadata.name": name}}
    policy = {
        "matchConstraints": {"resourceRules": [rule], "namespaceSelector": here},
        "validations": [{"expression": "false", "message": "it is to stay"}],
    }
    binding = {"policyName": name, "validationActions": ["Deny"]}
    for plural, spec in (("validatingadmissionpolicies", policy), ("validatingadmissionpolicybindings", binding)):
        app.cluster.request("POST", f"{root}/{plural}", body={"metadata": {"name": name}, "spec": spec})
    deadline = time.monotonic() + 20
    path, query = f"/api/v1/namespaces/{name}/services/web", {"dryRun": "All"}
    while time.monotonic() < deadline:
        try:
            app.cluster.request("DELETE", path, query=query)
        except ClusterError:
            return
        time.sleep(0.1)
    raise AssertionError("the policy is not enforced")


def test_what_cannot_be_pruned_stays_a_member_and_fails_the_sync(app: App) -> None:
    app.sync(config_map("a"), SERVICE)
    forbid_deletion(app)
    result = app.sync(config_map("a", "2"), revision=TWO)
    assert result.outcome == "failed"
    assert actions(result) == {"ConfigMap/a": "updated", "Service/web": "failed"}
    assert "it is to stay" in result.message
    inventory = app.inventory()
    assert GroupKind("", "Service") in inventory.group_kinds
    assert (inventory.operation, inventory.history[0].result) == (None, "failed")


def test_a_failed_apply_prunes_nothing(app: App) -> None:
    app.sync(config_map("a"), config_map("b"))
    result = app.sync(config_map("a"), config_map("not_a_name"), revision=TWO)
    assert result.outcome == "failed"
    assert app.names() == {"a", "b"}
    assert [(one.revision, one.result) for one in app.inventory().history] == [(TWO, "failed"), (ONE, "succeeded")]
