"""What no delivery has brought about, `reconcile` makes good: lost ones, killed ones, and failures that may pass."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

from deployer.cluster.connection import Cluster
from deployer.cluster.lease import holding
from tests.end_to_end.reconciling import (
    age,
    history,
    inventory,
    last_synced,
    make_ready,
    no_deliveries,
    push_unheard,
    said,
    tell,
    under_way,
)
from tests.local.kubectl import Kubectl
from tests.world import Bench, config_map, deployment

INTERRUPTED = "a sync was interrupted"


def begun(bench: Bench) -> str:
    """Have a push change something, and its process end right after it has told the commit; returns that."""
    assert bench.deploy({"a.yaml": config_map("a", "1")})[0] == "success"
    commit = push_unheard(bench, {"a.yaml": config_map("a", "2")})
    tell(bench, commit, "pending", "deploying to staging")
    return commit


def test_a_lost_delivery_is_made_good(bench: Bench) -> None:
    bench.configure()
    for value, done in (("1", "1 created"), ("2", "1 changed")):
        commit = push_unheard(bench, {"a.yaml": config_map("a", value)})
        assert bench.statuses(commit) == []
        assert bench.reconcile() == "succeeded"
        begun, (state, description) = bench.statuses(commit)
        assert (begun, state) == (("pending", "deploying to staging"), "success")
        assert description.startswith(f"1 object in staging: {done}, healthy in ")
        assert bench.live("configmap", "a")["data"] == {"key": value}
        last = history(bench)[0]
        assert (last["revision"], last["why"], last["who"]) == (commit, "main has moved", "reconcile")
        assert said(bench, "INFO")[-2:] == ["main has moved", description]
    assert bench.reconcile() == "in sync"
    assert said(bench, "WARNING") == [], "a new commit is no drift"


def test_a_lost_delivery_of_what_cannot_be_deployed_is_told_once(bench: Bench) -> None:
    assert bench.deploy({"a.yaml": config_map("a")})[0] == "success"
    for name, reason in (("not_a_name", "ConfigMap/not_a_name: "), ("[", "x.yaml")):
        commit = push_unheard(bench, {"x.yaml": config_map(name)})
        for _ in range(3):
            assert bench.reconcile() == "failed"
            age(bench, commit, 10_000)
        told = bench.statuses(commit)
        assert [state for state, _ in told] == ["pending", "failure"]
        assert told[-1][1].startswith(reason)
        assert reason in said(bench, "ERROR")[-1]


def test_a_push_whose_process_was_killed_before_it_wrote_is_made_good(bench: Bench) -> None:
    commit = begun(bench)
    before = inventory(bench)
    assert bench.reconcile() == "under way", "it may still be at work"
    assert (inventory(bench), bench.statuses(commit)) == (before, [("pending", "deploying to staging")])
    age(bench, commit, 30)
    assert bench.reconcile() == "succeeded"
    assert bench.statuses(commit)[-1][0] == "success"
    assert bench.live("configmap", "a")["data"] == {"key": "2"}


def test_a_push_whose_process_was_killed_while_it_wrote_is_made_good(bench: Bench) -> None:
    commit = begun(bench)
    age(bench, commit, 30)
    under_way(bench, commit, 5)
    before = inventory(bench)
    assert bench.reconcile() == "under way"
    assert inventory(bench) == before
    under_way(bench, commit, 31)
    assert bench.reconcile() == "succeeded"
    assert said(bench, "INFO")[-2] == INTERRUPTED
    assert inventory(bench)["data"]["operation"] == ""
    assert (history(bench)[0]["revision"], history(bench)[0]["why"]) == (commit, INTERRUPTED)
    assert bench.statuses(commit)[-1][0] == "success"
    assert bench.reconcile() == "in sync"


def test_what_was_interrupted_and_cannot_go_on_is_told_once(bench: Bench) -> None:
    commit = begun(bench)
    age(bench, commit, 60)
    under_way(bench, commit, 60)
    merge = json.dumps({"immutable": True})
    bench.kubectl("patch", "configmap", "a", "-n", bench.name, "--type=merge", "-p", merge)
    for _ in range(3):
        assert bench.reconcile() == "failed"
        age(bench, commit, 10_000)
    assert [state for state, _ in bench.statuses(commit)] == ["pending", "pending", "failure"]
    # Once whoever made it immutable has gone, the commit is deployed after all.
    bench.kubectl("delete", "configmap", "a", "-n", bench.name)
    assert bench.reconcile() == "succeeded"
    assert bench.statuses(commit)[-1][0] == "success"


def test_a_sync_that_was_killed_while_it_waited_is_settled(bench: Bench) -> None:
    bench.configure()
    commit = push_unheard(bench, {"web.json": deployment("web", "nginx:never")})
    with bench.syncing(lambda line: "waiting [" in line) as process:
        process.kill()
    assert bench.statuses(commit)[-1][0] == "pending"
    last_synced(bench, 5)
    make_ready(bench)
    assert bench.reconcile() == "succeeded"
    state, description = bench.statuses(commit)[-1]
    assert (state, description.split(", healthy")[0]) == ("success", "1 object in staging: nothing to change")
    (only,) = history(bench)
    assert (only["result"], only["why"], only["counts"]) == ("succeeded", "deployer sync", {"created": 2})


@contextmanager
def only_dry_runs(bench: Bench) -> Iterator[None]:
    """Have the cluster refuse to write ConfigMap `a`, which it has, and of which it takes a dry-run."""
    refusal = {
        "matchConstraints": {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": bench.name}},
            "resourceRules": [
                {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["configmaps"]}
            ],
        },
        "validations": [
            {"expression": "object.metadata.name != 'a' || request.dryRun", "message": "not at this time of the day"}
        ],
    }
    binding = {"policyName": bench.name, "validationActions": ["Deny"]}
    policies = {"ValidatingAdmissionPolicy": refusal, "ValidatingAdmissionPolicyBinding": binding}
    kubectl = Kubectl(bench.world.clusters["staging"].admin_kubeconfig)
    for kind, spec in policies.items():
        named = {"kind": kind, "apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": bench.name}}
        kubectl.apply({**named, "spec": spec})
    try:
        deadline = time.monotonic() + 20
        probe = ("label", "configmap", "a", "-n", bench.name, "--overwrite")
        while kubectl.run(*probe, f"at=t{time.monotonic_ns()}").returncode == 0:  # the API server does not know it yet
            assert time.monotonic() < deadline
        yield
    finally:
        kubectl("delete", ",".join(policies), bench.name)


def test_a_commit_that_failed_is_tried_again_with_pauses_and_not_for_ever(bench: Bench) -> None:
    assert bench.deploy({"a.yaml": config_map("a", "1")})[0] == "success"
    with only_dry_runs(bench):
        commit = bench.push({"a.yaml": config_map("a", "2")})
        assert bench.settled(commit)[0] == "failure"
        bench.logged(commit)
        for tries, pause in enumerate((5, 10, 20, 40, 80), 1):
            age(bench, commit, pause - 60)
            assert bench.reconcile() == "failed"
            assert said(bench, "ERROR")[-1] == "the commit has failed"
            assert [state for state, _ in bench.statuses(commit)].count("failure") == tries
            age(bench, commit, 60)
            assert bench.reconcile() == "failed"
            assert "not at this time of the day" in said(bench, "ERROR")[-1]
            assert [state for state, _ in bench.statuses(commit)].count("failure") == tries + 1
    age(bench, commit, 10_000)
    before = (bench.statuses(commit), inventory(bench))
    assert bench.reconcile() == "failed"
    assert (bench.statuses(commit), inventory(bench)) == before, "five times more is enough"
    assert [one["result"] for one in history(bench)] == ["failed", "succeeded"]


def test_a_rollout_that_failed_is_told_once_and_is_well_once_it_is(bench: Bench) -> None:
    bench.configure()
    commit = bench.push({"web.json": deployment("web", "INVALID//image")})
    assert bench.settled(commit)[0] == "failure"
    bench.logged(commit)
    age(bench, commit, 10_000)
    before = (bench.statuses(commit), inventory(bench))
    assert bench.reconcile() == "failed"
    assert (bench.statuses(commit), inventory(bench)) == before
    assert len(history(bench)) == 1

    make_ready(bench)
    bench.kubectl("rollout", "status", "deployment/web", "-n", bench.name)
    assert bench.reconcile() == "succeeded"
    assert bench.statuses(commit)[:-1] == before[0]
    assert bench.statuses(commit)[-1][0] == "success"


def test_a_commit_that_comes_back_may_fail_as_often_as_before_it_was_live(bench: Bench) -> None:
    assert bench.deploy({"a.yaml": config_map("a", "1")})[0] == "success"
    first = bench.clone.head()
    for _ in range(5):
        tell(bench, first, "failure", "the quota is exceeded")
    tell(bench, first, "success", "live at last")
    assert bench.settled(bench.push({"a.yaml": config_map("a", "2")}))[0] == "success"
    age(bench, first, 10_000)
    bench.clone.git("reset", "-q", "--hard", first)
    with no_deliveries(bench.world):
        bench.clone.push("--force", "main")
    assert bench.reconcile() == "succeeded"
    assert bench.live("configmap", "a")["data"] == {"key": "1"}
    assert bench.statuses(first)[-1][0] == "success"


def test_a_sync_that_lasts_is_not_told_to_have_failed(bench: Bench, staging: Cluster) -> None:
    commit = begun(bench)
    age(bench, commit, 60)
    under_way(bench, commit, 60)
    with holding(staging, bench.name, f"deployer-{bench.name}", "a long sync", 5):
        assert bench.reconcile() == "under way"
        assert {state for state, _ in bench.statuses(commit)} == {"pending"}
    assert "another sync is under way: a long sync" in said(bench, "INFO")[-1]
    assert bench.reconcile() == "succeeded"
    assert bench.statuses(commit)[-1][0] == "success"
