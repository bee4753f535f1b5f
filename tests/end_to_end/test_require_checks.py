"""A commit is deployed once the checks that its application requires are green on it, and not before."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise

import pytest

from local.world import World
from tests.end_to_end.ci import Ci
from tests.end_to_end.reconciling import history, no_deliveries, push_unheard
from tests.world import Bench, config_map, deployment

WAITING = ("pending", "waiting for build")
FAILED = ("failure", "not deployed: build failed")


@pytest.fixture
def ci(bench: Bench) -> Ci:
    return Ci(bench)


@contextmanager
def hears(world: World, *events: str) -> Iterator[None]:
    """Have the webhook send some events, and no others."""
    hook = world.github.webhook
    assert hook
    world.github.webhook = replace(hook, events=events)
    try:
        yield
    finally:
        world.github.webhook = hook


def pushed(bench: Bench, value: str) -> str:
    """Push, and wait until the function has answered; returns the commit."""
    commit = bench.push({"a.yaml": config_map("a", value)})
    assert bench.world.github.wait_for_delivery(commit).succeeded
    return commit


def first(bench: Bench, ci: Ci, *, self_heal: bool = False) -> str:
    """Have a first commit be live, whose check is green; returns that."""
    bench.configure(require_checks="build", self_heal=self_heal)
    commit = pushed(bench, "1")
    ci.check(commit)
    assert bench.settled(commit)[0] == "success"
    bench.logged(commit)
    return commit


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def told(bench: Bench, commit: str, status: tuple[str, str]) -> None:
    """Wait until a status is the last that the commit has."""
    wait_for(lambda: bench.statuses(commit)[-1] == status)


def value(bench: Bench) -> str:
    return str(bench.live("configmap", "a")["data"]["key"])


def test_a_commit_waits_for_its_check_and_is_live_seconds_after_it_is_green(bench: Bench, ci: Ci) -> None:
    bench.configure(require_checks="build")
    commit = bench.push({"a.yaml": config_map("a")})
    delivery = bench.world.github.wait_for_delivery(commit)
    assert (delivery.status, '"outcome":"stays"' in delivery.body) == (200, True)
    assert bench.statuses(commit) == [WAITING]
    assert bench.versions("configmaps") == {}

    number = ci.begin(commit)
    assert bench.reconcile() == "stays"
    assert bench.statuses(commit) == [WAITING], "said once"
    start = time.monotonic()
    ci.end(number)
    assert bench.settled(commit)[0] == "success"
    assert time.monotonic() - start < 10
    assert [state for state, _ in bench.statuses(commit)] == ["pending", "pending", "success"]
    (only,) = history(bench)
    assert only["why"] == f"check_run build of {bench.repository}"


def test_what_is_deployed_stays_and_is_healed_while_a_newer_commit_waits(bench: Bench, ci: Ci) -> None:
    live = first(bench, ci, self_heal=True)
    before = bench.statuses(live)
    commit = pushed(bench, "2")
    for _ in range(2):
        bench.kubectl("patch", "configmap", "a", "-n", bench.name, "--type=merge", "-p", '{"data": {"key": "hand"}}')
        assert bench.reconcile() == "succeeded"
        assert value(bench) == "1"
        time.sleep(2.1)  # a heal in a row waits for that long
    assert bench.reconcile() == "in sync"
    assert bench.statuses(commit) == [WAITING]
    assert bench.statuses(live) == before, "it has been told that it is live"
    assert {one["revision"] for one in history(bench)} == {live}


def test_a_red_check_keeps_a_commit_out_until_it_is_run_again(bench: Bench, ci: Ci) -> None:
    first(bench, ci)
    commit = pushed(bench, "2")
    with bench.delivered("check_run", 2):  # begun, and ended
        ci.check(commit, "failure")
    assert bench.statuses(commit) == [WAITING, FAILED]
    assert bench.reconcile() == "in sync", "what is deployed is"
    assert (bench.statuses(commit), value(bench)) == ([WAITING, FAILED], "1")

    number = ci.begin(commit)
    assert bench.reconcile() == "in sync"
    assert bench.statuses(commit)[-1] == WAITING
    ci.end(number)
    assert bench.settled(commit)[0] == "success"
    assert value(bench) == "2"


def test_a_status_is_as_good_as_a_check_and_of_several_all_count(bench: Bench, ci: Ci) -> None:
    bench.configure(require_checks="build, ci/jenkins, test (3.13, linux)")
    commit = pushed(bench, "1")
    assert bench.statuses(commit) == [("pending", "waiting for build, ci/jenkins, test (3.13, linux)")]
    ci.check(commit)
    told(bench, commit, ("pending", "waiting for ci/jenkins, test (3.13, linux)"))
    ci.status(commit, "error", "ci/jenkins")
    told(bench, commit, ("failure", "not deployed: ci/jenkins failed"))
    ci.check(commit, "cancelled", "test (3.13, linux)")
    told(bench, commit, ("failure", "not deployed: ci/jenkins failed, test (3.13, linux) cancelled"))
    ci.check(commit, "skipped", "test (3.13, linux)")
    told(bench, commit, ("failure", "not deployed: ci/jenkins failed"))
    assert bench.versions("configmaps") == {}
    ci.status(commit, "success", "ci/jenkins")
    wait_for(lambda: bench.statuses(commit)[-1][0] == "success")
    assert value(bench) == "1"


def test_a_check_and_a_status_of_one_name_both_count(bench: Bench, ci: Ci) -> None:
    bench.configure(require_checks="build")
    commit = pushed(bench, "1")
    ci.status(commit, "pending", "build")
    with bench.delivered("check_run", 2):
        ci.check(commit)
    assert bench.statuses(commit) == [WAITING]
    ci.status(commit, "success", "build")
    assert bench.settled(commit)[0] == "success"


def test_a_green_check_of_an_older_commit_deploys_nothing(bench: Bench, ci: Ci) -> None:
    first(bench, ci)
    second, third = pushed(bench, "2"), pushed(bench, "3")
    before = bench.versions()
    with bench.delivered("check_run", 2) as deliveries:
        ci.check(second)
    assert any(f"{second[:7]} is not what they watch" in one.body for one in deliveries)
    assert bench.statuses(third) == [WAITING]
    assert bench.versions() == before
    assert bench.reconcile() == "in sync"
    assert bench.versions() == before


def test_a_commit_that_waits_learns_that_a_newer_one_has_taken_its_place(bench: Bench, ci: Ci) -> None:
    first(bench, ci)
    commits = [pushed(bench, str(number)) for number in (2, 3, 4)]
    ci.check(commits[-1])
    assert bench.settled(commits[-1])[0] == "success"
    for older, newer in pairwise(commits):
        assert bench.statuses(older) == [WAITING, ("failure", f"superseded by {newer[:7]}")]
    assert value(bench) == "4"


def test_what_is_rolling_out_ends_well_while_a_newer_commit_waits(bench: Bench, ci: Ci) -> None:
    """A commit that may not be deployed takes nobody's place."""
    bench.configure(require_checks="build")
    commit = bench.push({"web.json": deployment("web", "nginx:slow")})
    with bench.delivered("check_run", 2):
        ci.check(commit)
    assert bench.statuses(commit)[-1][0] == "pending", "it outlives the request"
    newer = bench.push({"web.json": deployment("web", "nginx:1.29.3")})
    assert bench.world.github.wait_for_delivery(newer).succeeded
    assert bench.reconciled(commit)[0] == "success"
    assert bench.statuses(newer) == [WAITING]


def test_a_check_that_is_run_again_takes_nothing_away_from_what_is_deployed(bench: Bench, ci: Ci) -> None:
    live = first(bench, ci)
    before = bench.statuses(live)
    for conclusion in ("success", "failure"):
        with bench.delivered("check_run", 2):
            ci.check(live, conclusion)
        assert bench.reconcile() == "in sync"
    assert bench.statuses(live) == before
    assert len(history(bench)) == 1


@pytest.mark.parametrize("conclusion", ["success", "failure"])
def test_a_lost_event_of_a_check_is_made_good(bench: Bench, ci: Ci, conclusion: str) -> None:
    first(bench, ci)
    commit = push_unheard(bench, {"a.yaml": config_map("a", "2")})
    assert bench.reconcile() == "in sync"
    assert bench.statuses(commit) == [WAITING]
    with no_deliveries(bench.world):
        ci.check(commit, conclusion)
    assert bench.reconcile() == ("succeeded" if conclusion == "success" else "in sync")
    if conclusion == "success":
        assert (bench.statuses(commit)[-1][0], value(bench)) == ("success", "2")
    else:
        assert (bench.statuses(commit)[-1], value(bench)) == (FAILED, "1")


@pytest.mark.parametrize("event", ["check_run", "check_suite", "workflow_run"])
def test_one_kind_of_event_is_enough(bench: Bench, ci: Ci, event: str) -> None:
    with hears(bench.world, "push", event):
        bench.configure(require_checks="build")
        commit = pushed(bench, "1")
        ci.check(commit)
        if event == "workflow_run":
            bench.world.github.workflow_run(bench.repository, commit)
        assert bench.settled(commit)[0] == "success"


def test_nothing_of_our_own_starts_anything(bench: Bench, ci: Ci) -> None:
    commit = first(bench, ci)
    with (
        hears(bench.world, "check_run", "status", "deployment"),
        bench.delivered("status", 3),
        bench.delivered("check_run", 2),
        bench.delivered("deployment"),
    ):
        asked = len(bench.world.github.requests)
        for context in ("deployer", f"deployer/{bench.name}", "Deployer/other"):
            ci.status(commit, "success", context)
        ci.check(commit, name="deployer/plan")
        ci.ask("/deployments", {"ref": commit, "environment": bench.name, "task": "deployer", "required_contexts": []})
    for event in ("status", "deployment"):
        for delivery in bench.deliveries(event):
            assert "our own, which starts nothing" in delivery.body, delivery.payload
    heard = [method for method, path in bench.world.github.requests[asked:] if bench.repository in path]
    assert sorted(heard) == ["PATCH", *(["POST"] * 5)], "nobody has asked GitHub anything"
    assert len(history(bench)) == 1


def test_only_applications_that_require_a_check_are_looked_at(bench: Bench, ci: Ci) -> None:
    bench.configure(require_checks="build")
    commit = pushed(bench, "1")
    with bench.delivered("check_run", 2) as deliveries:
        ci.check(commit, name="lint")
    assert ["requires the check lint" in one.body for one in deliveries].count(True) == 1
    assert bench.statuses(commit) == [WAITING]


def test_a_person_is_told_that_a_commit_waits(
    bench: Bench, ci: Ci, deployer: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    bench.configure(require_checks="build", automated=False)
    commit = pushed(bench, "1")
    assert bench.statuses(commit) == [WAITING]
    done = deployer("sync", bench.name)
    assert (done.returncode, "error: waiting for build" in done.stderr) == (1, True), done.stderr
    assert bench.versions("configmaps") == {}
    with bench.delivered("check_run", 2):
        ci.check(commit)
    assert bench.statuses(commit)[-1] == ("pending", "out of sync: 1 to create")
    assert deployer("sync", bench.name).returncode == 0
    assert bench.statuses(commit)[-1][0] == "success"
