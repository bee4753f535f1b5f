"""Deletions on a real control plane: what goes, in which order, and what stays."""

import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from deployer.cluster.history import DELETION
from deployer.cluster.objects import get
from deployer.manifest import ObjectKey
from deployer.sync.deletion import delete, places_kept
from deployer.sync.options import Options
from deployer.sync.prune import APPROVED, Leaver, Pruning
from deployer.sync.result import Step
from deployer.sync.targets import nothing_forbidden
from tests.sync.app import NAMESPACE, App, actions, messages
from tests.sync.deleting import HOLD, MERGE, SAYS, agree, done, gone, hook, jobs, remove, text, waved
from tests.sync.helpers import ignore, manifest
from tests.sync.leaving import live
from tests.world import config_map, deployment


def test_all_goes_and_nothing_of_it_is_left(app: App) -> None:
    app.sync(config_map("a"), deployment("web"))
    app.make("somebody-elses")
    result = done(remove(app))
    assert (result.outcome, actions(result)) == ("succeeded", {"Deployment/web": "pruned", "ConfigMap/a": "pruned"})
    assert (app.names(), gone(app)) == ({"somebody-elses"}, True)
    assert remove(app) is None, "there is nothing any more"


def test_the_highest_wave_goes_first_and_the_next_when_it_is_gone(app: App) -> None:
    held = waved("third", 3)
    held["metadata"]["finalizers"] = ["example.com/held"]
    app.sync(waved("first", -1), config_map("second"), held)
    seen: list[set[str]] = []

    def progress(step: Step) -> None:
        if step.message.startswith("waiting: ConfigMap/third is deleted and still there, held by example.com/held"):
            seen.append(app.names())
            path = f"/api/v1/namespaces/{app.namespace}/configmaps/third"
            app.cluster.request("PATCH", path, body={"metadata": {"finalizers": None}}, content_type=MERGE)

    assert done(remove(app, progress=progress)).outcome == "succeeded"
    assert seen == [{"first", "second", "third"}], "while it waits, nothing else is touched"
    assert (app.names(), gone(app)) == (set(), True)


def test_what_does_not_go_in_time_is_told_and_the_rest_waits(app: App) -> None:
    held = waved("last", 1)
    held["metadata"]["finalizers"] = ["example.com/held"]
    app.sync(config_map("a"), held)
    result = done(remove(app, timeout=0.5))
    assert (result.outcome, result.message) == (
        "failed",
        "ConfigMap/last is deleted and still there, held by example.com/held",
    )
    assert app.names() == {"a", "last"}
    (entry, *_) = app.inventory().history
    assert (entry.result, entry.why, entry.error) == ("failed", DELETION, result.message)
    path = f"/api/v1/namespaces/{app.namespace}/configmaps/last"
    app.cluster.request("PATCH", path, body={"metadata": {"finalizers": None}}, content_type=MERGE)
    assert done(remove(app)).outcome == "succeeded"
    assert gone(app)


@pytest.mark.parametrize(
    ("annotations", "why"),
    [
        ({SAYS: "Delete=false"}, "not deleted: it says argocd.argoproj.io/sync-options: Delete=false"),
        ({"helm.sh/resource-policy": "keep"}, "not deleted: it says helm.sh/resource-policy: keep"),
    ],
)
def test_what_says_so_stays_and_the_inventory_with_it(app: App, annotations: dict[str, str], why: str) -> None:
    app.sync(config_map("a"), text("b", **annotations))
    result = done(remove(app))
    assert result.outcome == "succeeded"
    assert (actions(result), messages(result)) == (
        {"ConfigMap/a": "pruned", "ConfigMap/b": "skipped"},
        {"ConfigMap/b": why},
    )
    assert (app.names(), gone(app)) == ({"b"}, False)
    (entry, *_) = app.inventory().history
    assert (entry.result, dict(entry.counts)) == ("succeeded", {"pruned": 1})


def test_the_applications_word_counts_where_an_object_says_nothing(app: App) -> None:
    app.sync(config_map("a"), text("b", **{SAYS: "Delete=true"}))
    assert actions(done(remove(app, option="false"))) == {"ConfigMap/a": "skipped", "ConfigMap/b": "pruned"}
    assert app.names() == {"a"}


def test_what_is_to_be_confirmed_stops_all_until_it_is(app: App) -> None:
    app.sync(config_map("a"), text("b", **{SAYS: "Delete=confirm"}))
    for _ in range(2):
        result = done(remove(app))
        assert result.outcome == "failed"
        assert "Delete=confirm, and nobody has approved it; if meant: `kubectl annotate" in result.message
        assert "and delete again" in result.message
        assert app.names() == {"a", "b"}
    now = datetime.now(UTC).replace(microsecond=0)
    approval = {"metadata": {"annotations": {APPROVED: f"{now:%Y-%m-%dT%H:%M:%SZ}"}}}
    path = f"/api/v1/namespaces/{app.namespace}/configmaps/b"
    app.cluster.request("PATCH", path, body=approval, content_type=MERGE)
    while datetime.now(UTC).replace(microsecond=0) == now:
        time.sleep(0.02)
    # What then goes wrong, in a later second, does not make the approval void.
    assert done(remove(app, hook("backup", "PreDelete", "busybox:exit-1"))).outcome == "failed"
    assert done(remove(app)).outcome == "succeeded"
    assert (app.names(), gone(app)) == (set(), True)


def test_only_what_is_ours_goes(app: App) -> None:
    app.sync(config_map("a"), config_map("b"))
    copied = {"metadata": {"name": "copied", "labels": {"applyset.kubernetes.io/part-of": app.owner.id}}}
    path = f"/api/v1/namespaces/{app.namespace}/configmaps"
    app.cluster.request("POST", path, body=copied, query={"fieldManager": "a-controller"})
    unlabelled = {"metadata": {"labels": {"applyset.kubernetes.io/part-of": None}}}
    path = f"/api/v1/namespaces/{app.namespace}/configmaps/b"
    app.cluster.request("PATCH", path, body=unlabelled, content_type=MERGE)
    result = done(remove(app))
    assert app.names() == {"b", "copied"}
    assert messages(result) == {"ConfigMap/copied": "not deleted: it has our label, but we never applied it"}


def test_what_the_project_forbids_stays(app: App) -> None:
    app.sync(config_map("a"), config_map("b"))

    def forbidden(key: ObjectKey, namespaced: bool) -> str:
        return "the project says so" if key.name == "b" else nothing_forbidden(key, namespaced)

    options = Options(
        app.namespace,
        owner=replace(app.owner, why=DELETION),
        pruning=Pruning(enabled=True, max_percentage=100, word="Delete"),
        forbidden=forbidden,
    )
    result = done(delete(app.cluster, [], options, ignore, agree))
    assert messages(result) == {"ConfigMap/b": "not deleted: the project says so"}
    assert app.names() == {"b"}


def test_a_dry_run_says_what_would_go_and_changes_nothing(app: App) -> None:
    app.sync(config_map("a"), text("b", **{SAYS: "Delete=confirm"}))
    before = app.inventory()
    result = done(remove(app, hook("before", "PreDelete"), dry_run=True))
    assert (result.outcome, actions(result)) == ("failed", {"ConfigMap/a": "pruned", "ConfigMap/b": "failed"})
    result = done(remove(app, hook("before", "PreDelete"), hook("no", "PreSync"), dry_run=True, option="true"))
    app.sync(config_map("a"), config_map("b"))
    result = done(remove(app, hook("before", "PreDelete"), hook("no", "PreSync"), dry_run=True))
    assert (result.outcome, actions(result)) == ("unfinished", {"ConfigMap/b": "pruned", "ConfigMap/a": "pruned"})
    assert [one.key.name for one in result.hooks] == ["before"]
    assert (app.names(), app.inventory().group_kinds) == ({"a", "b"}, before.group_kinds)
    assert not jobs(app)


def test_one_that_is_held_keeps_its_inventory(app: App) -> None:
    app.sync(config_map("a"))
    assert done(remove(app, hold=HOLD)).outcome == "succeeded"
    inventory = app.inventory()
    assert (inventory.hold, inventory.group_kinds, app.names()) == (HOLD, frozenset(), set())
    (entry, *_) = inventory.history
    assert (entry.why, entry.result, dict(entry.counts)) == (DELETION, "succeeded", {"pruned": 1})


def test_a_rollout_that_had_not_ended_is_not_told_as_the_deletion(app: App) -> None:
    app.sync(deployment("web", "nginx:never"), wait=False)
    assert done(remove(app, hold=HOLD)).outcome == "succeeded"
    assert [(one.why, one.result) for one in app.inventory().history] == [
        (DELETION, "succeeded"),
        ("a push", "unfinished"),
    ]


def test_its_own_namespace_goes_last_and_the_inventory_with_it(app: App) -> None:
    own = manifest("v1", "Namespace", app.namespace)
    app.sync(own, config_map("a"))
    result = done(remove(app, hook("after", "PostDelete")))
    assert (result.outcome, set(actions(result).values())) == ("succeeded", {"pruned"})
    found = get(app.cluster, NAMESPACE, "", app.namespace)
    assert found is None or found["metadata"].get("deletionTimestamp")


def test_its_own_namespace_stays_where_it_is_held(app: App) -> None:
    own = manifest("v1", "Namespace", app.namespace)
    app.sync(own, config_map("a"))
    result = done(remove(app, hold=HOLD))
    assert (result.outcome, app.names()) == ("succeeded", set())
    assert messages(result)[f"Namespace/{app.namespace}"].startswith("not deleted: in it stands what keeps")
    assert done(remove(app)).outcome == "succeeded"
    found = get(app.cluster, NAMESPACE, "", app.namespace)
    assert found is None or found["metadata"].get("deletionTimestamp")


def leaver(kind: str, name: str, kept: str = "", **metadata: str) -> Leaver:
    return Leaver(live(kind, name, **metadata), kept)


@pytest.mark.parametrize(
    ("kept", "held", "why"),
    [
        ("", "", ""),
        ("Delete=false", "", "not deleted: ConfigMap/data stays in it"),
        ("", "other", ""),
        ("", "shop", "not deleted: in it stands what keeps the application deleted"),
    ],
)
def test_a_namespace_stays_with_what_stays_in_it(kept: str, held: str, why: str) -> None:
    leavers = [leaver("Namespace", "shop"), leaver("ConfigMap", "data", kept), leaver("Namespace", "x")]
    home, *others = places_kept(leavers, held)
    assert (home.kept.startswith(why), bool(home.kept)) == (True, bool(why))
    assert [one.kept for one in others] == [kept, ""]
