"""A person's command as a job, and what becomes of a job: its outcome, and whether the queue is to repeat it."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deployer.annotations import GENERATE_PATHS, REQUIRE_CHECKS, SKIP_RECONCILE
from deployer.cluster import inventory_store
from deployer.cluster.connection import Cluster
from deployer.cluster.lease import holding
from deployer.job import Action, Job, JobOptions
from deployer.queue.jobs import Ended, run
from deployer.settings import Settings
from tests.end_to_end.reconciling import make_ready
from tests.queue.helpers import asked, configure, dead, lines, say, told
from tests.queue.running import Running
from tests.world import Bench, config_map, deployment


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeat requests as often as ever, and without pauses."""
    monkeypatch.setattr("deployer.retry._FIRST", 0.01)  # a number, no behaviour


ACTIONS: tuple[Action, ...] = ("push", "sync", "reconcile", "delete")
DONE = Ended("succeeded")


def test_a_sync_is_done_for_whoever_asks(bench: Bench, settings: Settings, running: Running) -> None:
    configure(bench, settings, "a", automated=False)
    bench.push({"a/a.yaml": config_map("a"), "a/b.yaml": config_map("b")})
    assert running("sync") == DONE
    bench.clone.git("rm", "-q", "a/b.yaml")
    commit = bench.push({"a/a.yaml": config_map("a", "2")})
    assert running("sync") == DONE
    assert bench.live("configmap", "b"), "it was not to be pruned"
    last, first = running.history()
    assert (last["revision"], last["why"], last["who"]) == (commit, "deployer sync", "ada")
    assert running.status(commit)[0] == "success"
    approved = JobOptions(prune=True, approve_prune=commit)
    assert running("sync", actor="bob", options=approved) == DONE
    last = running.history()[0]
    assert (last["who"], last["counts"]["pruned"]) == ("bob", 1)
    assert first["who"] == "ada"


def test_a_sync_that_nobody_waits_for_does_not_wait(bench: Bench, running: Running) -> None:
    commit = bench.push({"a/web.json": deployment("web", "nginx:never")})
    assert running("sync", options=JobOptions(timeout=0)) == Ended("unfinished")
    assert running.status(commit)[1] == "1 object in staging: 1 created, health not waited for"
    assert running("sync", options=JobOptions(timeout=0.5)) == Ended("failed")
    assert "not healthy after 0.5 s" in (running.status(commit)[1] or "")


def test_a_rollback_is_done_for_whoever_asks_and_a_sync_lets_go_of_it(bench: Bench, running: Running) -> None:
    commits = [bench.push({"a/a.yaml": config_map("a", number)}) for number in "1"]
    assert running() == DONE
    for number in "23":
        commits.append(bench.push({"a/a.yaml": config_map("a", number)}))
        assert running() == DONE
    assert running("rollback", actor="bob") == DONE
    assert bench.live("configmap", "a")["data"] == {"key": "2"}
    last = running.history()[0]
    assert (last["revision"], last["why"], last["who"]) == (commits[1], "deployer rollback", "bob")
    assert running("rollback", options=JobOptions(rollback=1)) == DONE
    assert bench.live("configmap", "a")["data"] == {"key": "1"}
    state, description = running.status(commits[2])
    assert state == "failure"
    assert description
    assert description.startswith(f"rolled back to {commits[0][:7]} by ada; ")

    assert running() == DONE, "a push of the same commit changes nothing about it"
    assert running("reconcile") == Ended("in sync")
    assert bench.live("configmap", "a")["data"] == {"key": "1"}
    assert running("sync") == DONE
    assert bench.live("configmap", "a")["data"] == {"key": "3"}


def test_a_rollback_that_is_heard_of_twice_is_done_once(bench: Bench, running: Running) -> None:
    """Back to what was healthy before: the second time, that would be one commit further back."""
    for number in "123":
        bench.push({"a/a.yaml": config_map("a", number)})
        assert running() == DONE
    job = Job(running.name, "deployer rollback", "rollback", actor="bob")
    since = datetime.now(UTC)
    for asked_at, value in ((since, "2"), (since, "2"), (datetime.now(UTC) + timedelta(seconds=2), "1")):
        until = time.monotonic() + 60
        assert run(job, running.placement, running.settings, until, asked_at=asked_at) == DONE
        assert bench.live("configmap", "a")["data"] == {"key": value}


def test_what_cannot_be_returned_to_is_no_fault_that_passes(
    bench: Bench, running: Running, log: pytest.LogCaptureFixture
) -> None:
    bench.push({"a/a.yaml": config_map("a")})
    assert running() == DONE
    assert running("rollback", options=JobOptions(rollback=7)) == Ended("failed")
    ((message, fields),) = lines(log, "ERROR")
    assert message.startswith(f"{running.name} cannot return to sync 7: ")
    assert fields == {"application": running.name, "delivery": ""}


def test_a_deletion_is_done_for_whoever_asks_and_stays(
    bench: Bench, running: Running, log: pytest.LogCaptureFixture
) -> None:
    commit = bench.push({"a/a.yaml": config_map("a")})
    assert running() == DONE
    assert running("delete", actor="bob") == DONE
    assert bench.versions("configmaps").keys() & {"ConfigMap/a"} == set()
    last = running.history()[0]
    assert (last["why"], last["who"], last["counts"]) == ("deployer delete", "bob", {"pruned": 1})
    assert running.status(commit) == ("failure", "deleted from staging by bob")
    log.clear()
    assert running("push") == running("reconcile") == Ended("held")
    assert running("delete") == DONE
    assert [message for message, _ in lines(log) if message.startswith("nothing to delete: ")]
    assert running("sync") == DONE
    assert bench.live("configmap", "a")


def test_what_nobody_of_is_to_do_anything_by_itself_is_left_alone(
    bench: Bench, settings: Settings, running: Running, log: pytest.LogCaptureFixture
) -> None:
    configure(bench, settings, "a", annotations={SKIP_RECONCILE: "true"})
    commit = bench.push({"a/a.yaml": config_map("a")})
    assert running("push") == running("reconcile") == Ended("skipped")
    assert [message for message, _ in lines(log)].count(f"nothing is done, as {SKIP_RECONCILE} says") == 2
    assert told(bench, commit, f"deployer/{running.name}") == []
    assert running("sync") == DONE


def test_a_newer_commit_ends_the_wait_of_an_older_one(
    bench: Bench, running: Running, monkeypatch: pytest.MonkeyPatch, log: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("deployer.sync.engine._ASK_AGAIN", 0.2)  # a number, no behaviour
    older = bench.push({"a/web.json": deployment("web", "nginx:never")})
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(running)
        written(bench, "Deployment/web")
        newer = bench.push({"a/web.json": deployment("web")})
        assert waiting.result() == Ended("superseded")
    end = ("failure", f"superseded by {newer[:7]}: main of {bench.repository} has moved")
    assert running.status(older) == end
    assert lines(log, "ERROR") == [], "it is no fault"
    assert running(before=older, after=newer) == DONE
    assert running.status(older) == end
    assert [(one["revision"], one["result"], one["fault"]) for one in running.history()] == [
        (newer, "succeeded", ""),
        (older, "failed", "overtaken"),
    ]


def test_a_commit_that_is_pushed_again_after_it_was_overtaken_is_deployed(
    bench: Bench, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deployer.sync.engine._ASK_AGAIN", 0.2)  # a number, no behaviour
    older = bench.push({"a/web.json": deployment("web", "nginx:never")})
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(running)
        written(bench, "Deployment/web")
        bench.push({"a/web.json": deployment("web")})
        assert waiting.result() == Ended("superseded")
    bench.clone.git("reset", "-q", "--hard", older)
    bench.clone.push("--force", "main")
    assert running("reconcile", seconds=0) == Ended("unfinished")
    make_ready(bench)
    assert running("reconcile") == DONE
    assert running.status(older)[0] == "success"


def test_a_commit_that_touches_nothing_leaves_a_rollout_alone(
    bench: Bench, settings: Settings, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deployer.sync.engine._ASK_AGAIN", 0.2)  # a number, no behaviour
    configure(bench, settings, "a", annotations={GENERATE_PATHS: "."})
    commit = bench.push({"a/web.json": deployment("web", "nginx:never")})
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(running)
        written(bench, "Deployment/web")
        bench.push({"README.md": "read me"})
        asked_again(bench)
        make_ready(bench)
        assert waiting.result() == DONE
    assert running.status(commit)[0] == "success"


def test_a_commit_that_waits_for_its_checks_leaves_a_rollout_alone(
    bench: Bench, settings: Settings, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deployer.sync.engine._ASK_AGAIN", 0.2)  # a number, no behaviour
    configure(bench, settings, "a", annotations={REQUIRE_CHECKS: "build"})
    commit = bench.push({"a/web.json": deployment("web", "nginx:never")})
    say(bench, commit, "build", "success")
    assert running(seconds=0) == Ended("unfinished")
    newer = bench.push({"a/web.json": deployment("web")})
    assert running(before=commit, after=newer) == Ended("stays")
    assert running.status(newer) == ("pending", "waiting for build")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(running, "reconcile")
        asked_again(bench)
        make_ready(bench)
        assert waiting.result() == DONE
    assert running.status(commit)[0] == "success", "it has its own end"
    say(bench, newer, "build", "success")
    assert running() == DONE
    assert running.status(newer)[0] == "success"


@pytest.mark.usefixtures("hurry")
def test_what_went_wrong_is_kept_or_comes_again(
    bench: Bench, settings: Settings, running: Running, staging: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    again, kept = Ended("failed", kept=False), Ended("failed")
    assert running() == kept, "there is no such repository"
    bench.push({"a/a.yaml": config_map("a")})
    with bench.world.github.down():
        assert [running("push"), running("sync"), running("rollback"), running("delete")] == [again] * 4
        assert running("reconcile") == kept, "the schedule comes again anyway"
    broken: Any = None  # settings that no environment gives
    job = Job(running.name, "test")
    assert run(job, running.placement, replace(settings, limits=broken), time.monotonic() + 60) == again
    assert running() == DONE

    bench.push({"a/a.yaml": config_map("a", "2")})
    inventory = inventory_store.read(staging, running.name, bench.name)
    monkeypatch.setattr("deployer.sync.record._WAIT", 0.1)  # a number, no behaviour
    with holding(staging, bench.name, inventory.name, "another process", 0):
        assert [running(action) for action in ACTIONS[:3]] == [Ended("under way")] * 3
    dead(bench, settings)
    configure(bench, settings, "a", cluster="dead")
    assert [running(action) for action in ACTIONS] == [kept] * 4


@pytest.mark.usefixtures("hurry")
def test_what_github_does_not_take_is_no_end_of_a_sync(bench: Bench, settings: Settings, running: Running) -> None:
    """A failure that nobody was told of, and that no inventory counts, comes again."""
    dead(bench, settings)
    configure(bench, settings, "a", cluster="dead")
    bench.push({"a/a.yaml": config_map("a")})
    with bench.world.github.outage(f"{bench.repository}/statuses", method="POST"):
        assert running() == Ended("failed", kept=False)


@pytest.mark.usefixtures("hurry")
def test_a_failure_that_the_inventory_counts_is_kept(bench: Bench, running: Running) -> None:
    bench.push({"a/a.yaml": config_map("a")})
    assert running() == DONE
    commit = bench.push({"a/a.yaml": config_map("a", "2")})
    with bench.world.github.outage(f"{bench.repository}/(statuses|git/blobs)"):
        assert running() == Ended("failed")
        assert running() == Ended("failed")
    last = running.history()[0]
    assert (last["revision"], last["result"], last["tries"]) == (commit, "failed", 2)
    assert running("reconcile") == Ended("failed"), "its pause is not over"


def written(bench: Bench, name: str) -> None:
    """Wait until an object is in the cluster."""
    deadline = time.monotonic() + 30
    while name not in bench.versions():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def asked_again(bench: Bench) -> None:
    """Wait until a sync has asked GitHub twice more where the ref points at."""
    bench.world.github.requests.clear()
    deadline = time.monotonic() + 30
    while sum(path.startswith("GET git/ref") for path in asked(bench)) < 2:
        assert time.monotonic() < deadline, asked(bench)
        time.sleep(0.05)


def test_what_was_asked_for_before_the_ref_has_moved_is_refused(bench: Bench, running: Running) -> None:
    """A message may come days later; a sync deploys what the ref points at anyway."""
    first = bench.push({"a/a.yaml": config_map("a", "1")})
    assert running() == DONE
    second = bench.push({"a/a.yaml": config_map("a", "2")})
    assert running("rollback", at=first) == running("delete", at=first) == Ended("stays")
    assert (
        running.status(second)[1]
        == f"delete by ada: main has moved to {second[:7]} since this was asked for: ask once more"
    )
    assert bench.live("configmap", "a")["data"] == {"key": "1"}
    assert running("sync", at=first) == DONE
    assert running("rollback", at=second) == DONE
    assert bench.live("configmap", "a")["data"] == {"key": "1"}


def test_pushes_of_a_manual_application_are_told_of_and_end(bench: Bench, settings: Settings, running: Running) -> None:
    configure(bench, settings, "a", automated=False)
    first = bench.push({"a/a.yaml": config_map("a", "1")})
    waits = ("pending", "out of sync: 1 to create")
    assert running(before="0" * 40, after=first) == Ended("out of sync")
    assert running.status(first) == waits
    second = bench.push({"a/a.yaml": config_map("a", "2")})
    assert running(before=first, after=second) == Ended("out of sync")
    assert (running.status(first), running.status(second)) == (("failure", f"superseded by {second[:7]}"), waits)
    assert running("sync") == DONE
    known = told(bench, second, f"deployer/{running.name}")
    assert running(before=first, after=second) == Ended("in sync")
    assert told(bench, second, f"deployer/{running.name}") == known
