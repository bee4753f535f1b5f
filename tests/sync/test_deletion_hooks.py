"""Hooks of a deletion, and deletions that are refused, kept out, or killed half-way."""

from contextlib import closing
from typing import Any

import pytest

from deployer.cluster.connection import Cluster, connect
from deployer.cluster.lease import holding
from deployer.errors import BusyError, ClusterError
from deployer.sync.deletion import going, running
from deployer.sync.plan import Plan
from deployer.sync.result import Step
from tests.cli.clinic import kubeconfig
from tests.end_to_end.staged import job
from tests.sync.app import App, actions
from tests.sync.deleting import HOLD, Order, done, gone, hook, jobs, remove, waved
from tests.sync.helpers import Wire
from tests.world import Bench, config_map


def test_hooks_run_before_and_after(app: App) -> None:
    app.sync(config_map("a"))
    order = Order()
    hooks = (hook("before", "PreDelete"), hook("after", "PostDelete"), hook("never", "PreSync"))
    result = done(remove(app, *hooks, progress=order))
    assert [(one.key.name, one.phase, one.action) for one in result.hooks] == [
        ("before", "PreDelete", "created"),
        ("after", "PostDelete", "created"),
    ]
    assert result.objects[0].action == "pruned"
    made = {name: one["metadata"]["creationTimestamp"] for name, one in jobs(app).items()}
    assert made.keys() == {"before", "after"}
    assert all(one["status"].get("succeeded") for one in jobs(app).values())
    assert (app.names(), gone(app)) == (set(), True)


def test_a_hook_that_fails_before_stops_everything(app: App) -> None:
    app.sync(config_map("a"))
    before = app.inventory()
    result = done(remove(app, hook("backup", "PreDelete", "busybox:exit-1"), hold=HOLD))
    assert (result.outcome, result.fault) == ("failed", "hook")
    assert result.message.startswith("PreDelete hook Job/backup: ")
    assert (app.names(), app.inventory().operation) == ({"a"}, None)
    assert app.inventory().hold is None, "it is not deleted"
    assert [one.result for one in app.inventory().history] == ["failed", "succeeded"]
    assert app.inventory().group_kinds >= before.group_kinds
    assert done(remove(app, hook("backup", "PreDelete"))).outcome == "succeeded"
    assert gone(app)


def test_a_hook_after_the_objects_that_fails_is_told(app: App) -> None:
    app.sync(config_map("a"))
    result = done(remove(app, hook("after", "PostDelete", "busybox:exit-1"), hold=HOLD))
    assert (result.outcome, app.names()) == ("failed", set())
    assert app.inventory().hold == HOLD, "what is deleted stays so"
    assert [one.action for one in result.hooks] == ["failed"]


def test_hook_policies_count(app: App) -> None:
    app.sync(config_map("a"))
    hooks = (hook("before", "PreDelete", policy="HookSucceeded"), hook("after", "PostDelete", policy="HookSucceeded"))
    assert done(remove(app, *hooks)).outcome == "succeeded"
    assert [name for name, one in jobs(app).items() if not one["metadata"].get("deletionTimestamp")] == []


def test_what_hooks_of_syncs_have_left_goes_too(app: App) -> None:
    app.sync(config_map("a"), hook("migrate", "PreSync"), hook("kept", "PostSync", ttlSecondsAfterFinished=3600))
    theirs = job("theirs")
    app.cluster.request("POST", f"/apis/batch/v1/namespaces/{app.namespace}/jobs", body=theirs)
    assert jobs(app).keys() == {"migrate", "kept", "theirs"}
    assert done(remove(app)).outcome == "succeeded"  # without its source, which is not known
    assert [name for name, one in jobs(app).items() if not one["metadata"].get("deletionTimestamp")] == ["theirs"]


def test_hooks_of_its_name_elsewhere_are_not_touched(app: App, staging: Cluster) -> None:
    """Who may write labels in a namespace must not have the deployer delete things there."""
    app.sync(config_map("a"))
    elsewhere = f"{app.namespace}-2"
    app.make_namespace(elsewhere)
    try:
        body = job("theirs")
        body["metadata"]["labels"] = {"deployer/hook-of": app.owner.id}
        staging.request("POST", f"/apis/batch/v1/namespaces/{elsewhere}/jobs", body=body)
        assert done(remove(app)).outcome == "succeeded"
        found = staging.request("GET", f"/apis/batch/v1/namespaces/{elsewhere}/jobs/theirs")
        assert "deletionTimestamp" not in found["metadata"]
    finally:
        staging.request("DELETE", f"/api/v1/namespaces/{elsewhere}")


def test_nobody_agrees(app: App) -> None:
    app.sync(config_map("a"))
    before = app.inventory()
    asked: list[Plan] = []

    def refuse(plan: Plan) -> bool:
        asked.append(plan)
        return False

    hooks = (hook("after", "PostDelete"), hook("before", "PreDelete"), hook("never", "Sync"))
    assert remove(app, *hooks, agreed=refuse) is None
    assert [str(one.key) for one in going(asked[0])] == ["ConfigMap/a"]
    assert [one.key.name for one in running(asked[0])] == ["before", "after"]
    assert (app.inventory(), app.names()) == (before, {"a"})


def test_what_has_come_since_it_was_asked_is_not_deleted(app: App) -> None:
    app.sync(config_map("a"))

    def agreed(plan: Plan) -> bool:
        app.sync(config_map("a"), config_map("b"))
        return True

    with pytest.raises(ClusterError, match="meanwhile there is more than was to be deleted"):
        remove(app, agreed=agreed)
    assert app.names() == {"a", "b"}


def test_another_one_that_is_under_way_keeps_it_out(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    app.sync(config_map("a"))
    before = app.inventory()
    monkeypatch.setattr("deployer.sync.record._WAIT", 0.1)  # a number, no behaviour
    with (
        holding(app.cluster, app.namespace, f"deployer-{app.namespace}", "somebody", 0),
        pytest.raises(BusyError),
    ):
        remove(app)
    assert (app.names(), app.inventory()) == ({"a"}, before)


def test_one_that_is_killed_goes_on_where_it_was(app: App) -> None:
    app.sync(config_map("a"), waved("b", 1))
    hooks = (hook("before", "PreDelete"), hook("after", "PostDelete"))
    with pytest.raises(KeyboardInterrupt):
        remove(app, *hooks, hold=HOLD, progress=Order("pruning ConfigMap/a"))
    assert app.names() == {"a"}
    operation = app.inventory().operation
    assert operation
    assert operation.hooks == {f"PreDelete Job.batch {app.namespace}/before": "succeeded"}
    uid = jobs(app)["before"]["metadata"]["uid"]
    result = done(remove(app, *hooks, hold=HOLD))
    assert result.outcome == "succeeded"
    assert jobs(app)["before"]["metadata"]["uid"] == uid, "it has run once"
    assert jobs(app).keys() == {"before", "after"}
    assert (app.names(), app.inventory().hold, app.inventory().operation) == (set(), HOLD, None)


def test_a_cluster_that_is_lost_half_way_leaves_what_the_next_one_goes_on_with(app: App, world: Any) -> None:
    app.sync(config_map("a"), waved("b", 1))
    with Wire(world.clusters["staging"]) as wire:

        def cut(step: Step) -> None:
            if step.message == "pruning ConfigMap/a":
                wire.cut()

        result = done(remove(app, cluster=wire.cluster, progress=cut))
    assert (result.outcome, actions(result)["ConfigMap/b"]) == ("failed", "pruned")
    assert app.names() == {"a"}
    assert done(remove(app)).outcome == "succeeded"
    assert gone(app)


def test_an_account_that_may_not_look_for_hooks_deletes_all_the_same(app: App, bench: Bench) -> None:
    app.sync(config_map("a"), hook("migrate", "PreSync"))
    name = app.namespace
    bench.kubectl("create", "serviceaccount", "narrow", "-n", name)
    verbs, kinds = "--verb=get,list,create,patch,delete", "--resource=configmaps,leases.coordination.k8s.io"
    bench.kubectl("create", "role", "narrow", "-n", name, verbs, kinds)
    bench.kubectl("create", "rolebinding", "narrow", "-n", name, "--role=narrow", f"--serviceaccount={name}:narrow")
    token = bench.kubectl("create", "token", "narrow", "-n", name).strip()
    order = Order()
    with closing(connect("staging", kubeconfig(bench, token=token).encode(), "the-secret")) as narrow:
        assert done(remove(app, cluster=narrow, progress=order)).outcome == "succeeded"
    assert app.names() == set()
    assert any("whether hooks have left a Job is not known: " in reason for reason in order.reasons)
    assert jobs(app).keys() == {"migrate"}
