"""A sync of an application, with its inventory, in a real cluster: what is a member, what is pruned, who may write."""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest

from deployer.cluster import inventory_store
from deployer.cluster.connection import Cluster, connect
from deployer.cluster.discovery import Resource
from deployer.cluster.inventory import MEMBER, GroupKind, Inventory, applyset_id, empty
from deployer.cluster.lease import holding
from deployer.cluster.objects import get, list_all
from deployer.errors import ClusterError
from deployer.sync.options import Options
from deployer.sync.owner import Owner
from deployer.sync.prune import SYNC_OPTIONS, Pruning
from deployer.sync.result import Progress, Step, SyncResult
from deployer.sync.run import sync
from local.world import World
from tests.sync.helpers import definition, ignore, manifest, manifests
from tests.world import config_map, deployment

CONFIG_MAP = Resource("", "v1", "ConfigMap", "configmaps", namespaced=True)
NAMESPACE = Resource("", "v1", "Namespace", "namespaces", namespaced=False)
LEASE = Resource("coordination.k8s.io", "v1", "Lease", "leases", namespaced=True)
PRUNE = Pruning(enabled=True)
ONE, TWO = "1" * 40, "2" * 40
SERVICE = manifest("v1", "Service", "web", spec={"selector": {"app": "web"}, "ports": [{"port": 80}]})


class App:
    """An application named like its namespace."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster, self.namespace = cluster, namespace
        self.owner = Owner(namespace, namespace, ONE, "a push", "somebody")

    def sync(
        self,
        *documents: str | dict[str, Any],
        pruning: Pruning = PRUNE,
        progress: Progress = ignore,
        revision: str = ONE,
        dry_run: bool = False,
        timeout: float = 30,
        **owner: Any,
    ) -> SyncResult:
        options = Options(
            self.namespace,
            create_namespace=True,
            timeout=timeout,
            dry_run=dry_run,
            owner=replace(self.owner, revision=revision, **owner),
            pruning=pruning,
        )
        return sync(self.cluster, manifests(*documents), options, progress)

    def inventory(self) -> Inventory:
        return inventory_store.read(self.cluster, self.namespace, self.namespace)

    def names(self, namespace: str = "") -> set[str]:
        """The ConfigMaps that are there, but for Kubernetes' own and the inventory."""
        found = {one["metadata"]["name"] for one in list_all(self.cluster, CONFIG_MAP, namespace or self.namespace)}
        return found - {"kube-root-ca.crt", f"deployer-{self.namespace}"}

    def make(self, name: str, namespace: str = "", labels: Any = None) -> None:
        """A ConfigMap of somebody else's."""
        namespace = namespace or self.namespace
        body = {"metadata": {"name": name, "namespace": namespace, "labels": labels or {}}}
        self.cluster.request("POST", f"/api/v1/namespaces/{namespace}/configmaps", body=body)

    def make_namespace(self, name: str) -> None:
        self.cluster.request("POST", "/api/v1/namespaces", body=manifest("v1", "Namespace", name))


@pytest.fixture
def app(staging: Cluster, namespace: str) -> App:
    return App(staging, namespace)


def actions(result: SyncResult) -> dict[str, str]:
    return {str(one.key): one.action for one in result.objects}


def messages(result: SyncResult) -> dict[str, str]:
    return {str(one.key): one.message for one in result.objects if one.message}


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
        app.sync(config_map("a"), claim, kept, keep, goes, stays, definition(group), timeout=0)
        result = app.sync(config_map("a"), timeout=0)
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
    assert app.sync(*documents, timeout=0).outcome == "unfinished"
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


def test_a_foreign_inventory_is_refused_before_anything_is_written(app: App) -> None:
    app.make_namespace(app.namespace)
    app.make(f"deployer-{app.namespace}")
    with pytest.raises(ClusterError, match="is no inventory of ours"):
        app.sync(config_map("a"))
    assert app.names() == set()


def test_an_application_without_a_namespace_has_its_inventory_in_one_of_its_own(staging: Cluster, app: App) -> None:
    app.make_namespace(app.namespace)
    options = Options(timeout=0, owner=Owner(app.namespace, revision=ONE), pruning=PRUNE)
    try:
        both = [manifest("v1", "ConfigMap", name, app.namespace) for name in "ab"]
        assert sync(staging, manifests(*both), options, ignore).outcome == "unfinished"
        assert get(staging, CONFIG_MAP, "deployer", f"deployer-{app.namespace}") is not None
        assert actions(sync(staging, manifests(both[0]), options, ignore))["ConfigMap/b"] == "pruned"
    finally:
        staging.request("DELETE", f"/api/v1/namespaces/deployer/configmaps/deployer-{app.namespace}")


class Running(threading.Thread):
    """A sync in a thread of its own, with a connection of its own."""

    def __init__(self, work: Callable[[Progress], SyncResult]) -> None:
        super().__init__()
        self.steps: list[str] = []
        self.result: SyncResult | None = None
        self.error: ClusterError | None = None
        self._work = work
        self.start()

    def run(self) -> None:
        try:
            self.result = self._work(lambda step: self.steps.append(step.message))
        except ClusterError as error:
            self.error = error

    def wait_for(self, message: str) -> None:
        deadline = time.monotonic() + 20
        while not any(message in step for step in self.steps):
            assert time.monotonic() < deadline, self.steps
            time.sleep(0.02)


@pytest.fixture
def second(world: World, app: App) -> App:
    cluster = connect("staging", world.clusters["staging"].deployer_kubeconfig.encode(), "the-secret")
    return App(cluster, app.namespace)


def overtaken(app: App, second: App, **owner: Any) -> Running:
    """A sync that had to wait while another one wrote; ended."""
    app.sync(config_map("a"))
    inventory = app.inventory()
    with ExitStack() as held:
        held.enter_context(holding(app.cluster, app.namespace, inventory.name, "another", 0))
        running = Running(lambda progress: second.sync(config_map("a", "2"), progress=progress, revision=TWO, **owner))
        running.wait_for("taking Lease")
        inventory_store.write(app.cluster, inventory, replace(inventory, history=()))
    running.join()
    second.cluster.close()
    return running


def test_a_sync_that_had_to_wait_plans_again(app: App, second: App) -> None:
    running = overtaken(app, second)
    assert running.result
    assert running.result.outcome == "succeeded"
    assert sum("asking cluster" in step for step in running.steps) == 2
    assert [one.revision for one in app.inventory().history] == [TWO]


def test_a_sync_whose_commit_is_an_older_one_by_then_writes_nothing(app: App, second: App) -> None:
    running = overtaken(app, second, moved=lambda: "main is 3333333 by now")
    assert str(running.error) == "overtaken: main is 3333333 by now"
    live = get(app.cluster, CONFIG_MAP, app.namespace, "a")
    assert live is not None
    assert live["data"] == {"key": "1"}


def test_an_inventory_that_others_write_all_the_time_is_told(app: App) -> None:
    app.sync(config_map("a"))

    def interfere(step: Step) -> None:
        if step.message.startswith("dry-run"):  # the inventory is read, and not looked at again yet
            now = app.inventory()
            inventory_store.write(app.cluster, now, replace(now, history=now.history[1:] or app_history))

    app_history = app.inventory().history * 9
    with pytest.raises(ClusterError, match=r"somebody else writes ConfigMap .* all the time; sync again"):
        app.sync(config_map("a", "2"), progress=interfere)
    assert list_all(app.cluster, LEASE, app.namespace) == [], "the Lease is given back"
    assert get(app.cluster, CONFIG_MAP, app.namespace, "a")["data"] == {"key": "1"}  # type: ignore[index]


def test_two_syncs_at_once_do_not_mix(app: App, second: App) -> None:
    app.sync(config_map("a"))
    one = Running(lambda progress: app.sync(config_map("a"), config_map("b"), progress=progress, revision=TWO))
    two = Running(lambda progress: second.sync(config_map("a"), config_map("c"), progress=progress, revision=TWO))
    one.join()
    two.join()
    second.cluster.close()
    assert (one.error, two.error) == (None, None)
    assert app.names() in ({"a", "b"}, {"a", "c"}), "the later one has pruned what the earlier one had made"
    assert app.inventory().operation is None


def while_pruning(act: Callable[[], object]) -> Progress:
    """Do something between the plan and the first deletion."""

    def interfere(step: Step) -> None:
        if step.message.startswith("pruning"):
            act()

    return interfere


SERVICES = Resource("", "v1", "Service", "services", namespaced=True)


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
