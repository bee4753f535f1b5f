"""Rollbacks: by hand and by itself, what the commit learns, and what ends the hold."""

import json
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.end_to_end.projects import configure, in_project, write_project
from tests.end_to_end.reconciling import age, history, inventory, last_synced, make_ready, said
from tests.end_to_end.staged import events, job, now, order, turn
from tests.world import Bench, config_map, deployment

Run = Callable[..., subprocess.CompletedProcess[str]]
GOOD = {"web.json": deployment("web")}
REFUSED = {"web.json": deployment("web", "INVALID//image")}
MISSING = {"web.json": deployment("web", "nginx:does-not-exist")}


def value(bench: Bench) -> str:
    """What the ConfigMap `a` holds."""
    found: str = bench.live("configmap", "a")["data"]["key"]
    return found


def image(bench: Bench) -> str:
    """The image of the Deployment `web`."""
    found: str = bench.live("deployment", "web")["spec"]["template"]["spec"]["containers"][0]["image"]
    return found


def hold(bench: Bench) -> dict[str, Any]:
    """What the inventory says that holds the application; empty where nothing does."""
    text = inventory(bench)["data"]["hold"]
    found: dict[str, Any] = json.loads(text) if text else {}
    return found


def two(bench: Bench, **options: Any) -> tuple[str, str]:
    """Deploy two commits, one after the other."""
    bench.configure(**options)
    commits = [bench.push({"a.yaml": config_map("a", number)}) for number in ("1",)]
    assert bench.settled(commits[0])[0] == "success"
    commits.append(bench.push({"a.yaml": config_map("a", "2")}))
    assert bench.settled(commits[1])[0] == "success"
    return commits[0], commits[1]


def test_by_hand_it_returns_and_stays_there_until_the_ref_moves(bench: Bench, deployer: Run) -> None:
    first, second = two(bench, self_heal=True)
    done = deployer("rollback", bench.name, USER="ada")
    assert done.returncode == 0, done.stderr
    assert f"rolled back to {first[:7]} by ada; 1 object in staging: 1 changed" in done.stdout
    assert f"{bench.name} is held at {first[:7]} until main moves, or `deployer sync {bench.name}`" in done.stderr
    assert value(bench) == "1"
    state, description = bench.statuses(second)[-1]
    assert (state, description.startswith(f"rolled back to {first[:7]} by ada; ")) == ("failure", True)
    assert (hold(bench)["revision"], hold(bench)["instead_of"], hold(bench)["who"]) == (first, second, "ada")
    newest = history(bench)[0]
    assert (newest["revision"], newest["why"], newest["who"]) == (first, "deployer rollback", "ada")

    told, before = bench.statuses(second), inventory(bench)
    assert bench.reconcile() == "in sync"
    assert (bench.statuses(second), inventory(bench)) == (told, before), "the schedule has nothing to do"
    bench.send(bench.world.github.wait_for_delivery(second).payload)
    assert value(bench) == "1", "a second delivery of the same push"
    assert bench.statuses(second)[-1][0] == "failure"

    bench.kubectl("delete", "configmap", "a", "-n", bench.name)
    assert bench.reconcile() == "succeeded"
    assert value(bench) == "1", "drift is healed, to what it is held at"
    assert bench.statuses(second)[-1][0] == "failure"

    third = bench.push({"a.yaml": config_map("a", "3")})
    assert bench.settled(third)[0] == "success"
    assert (value(bench), hold(bench)) == ("3", {})


def test_an_old_hold_does_not_come_back_with_the_ref(bench: Bench, deployer: Run) -> None:
    _, second = two(bench)
    assert deployer("rollback", bench.name).returncode == 0
    assert bench.settled(bench.push({"README.md": "about a"}))[0] == "success"
    assert value(bench) == "2", "what the ref points at has the second commit's manifests"
    bench.clone.git("reset", "--quiet", "--hard", second)
    bench.clone.git("push", "--quiet", "--force", "origin", "HEAD:main")
    deadline = time.monotonic() + 30
    while bench.statuses(second)[-1][0] != "success":
        assert time.monotonic() < deadline, bench.statuses(second)
        time.sleep(0.05)
    assert bench.reconcile() == "in sync"
    assert (value(bench), hold(bench)) == ("2", {})


def test_a_number_names_the_sync_and_those_that_there_are_are_told(bench: Bench, deployer: Run) -> None:
    first, _ = two(bench)
    assert bench.settled(third := bench.push({"a.yaml": config_map("a", "3")}))[0] == "success"
    done = deployer("rollback", bench.name, "9")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{bench.name} cannot return to sync 9: its history has no such sync that was healthy" in done.stderr
    assert f"there is: 3 ({third[:7]}), 2 (" in done.stderr
    assert value(bench) == "3"
    assert deployer("rollback", bench.name, "1").returncode == 0
    assert value(bench) == "1"
    assert bench.statuses(third)[-1][1].startswith(f"rolled back to {first[:7]}")

    # The number of what the ref points at ends the hold.
    done = deployer("rollback", bench.name, "3")
    assert done.returncode == 0, done.stderr
    assert (value(bench), hold(bench)) == ("3", {})
    assert f"no longer held at {first[:7]} by " in done.stderr
    assert bench.statuses(third)[-1][0] == "success"


def test_a_sync_ends_the_hold_and_says_so(bench: Bench, deployer: Run) -> None:
    first, second = two(bench)
    assert deployer("rollback", bench.name, USER="ada").returncode == 0
    diff = deployer("diff", bench.name)
    assert (diff.returncode, '-  key: "1"' in diff.stdout) == (1, True), diff.stdout
    assert f" s  held at {first[:7]} by ada at " in diff.stderr
    done = deployer("sync", bench.name)
    assert done.returncode == 0, done.stderr
    assert f"no longer held at {first[:7]} by ada at " in done.stderr
    assert (value(bench), hold(bench)) == ("2", {})
    assert bench.statuses(second)[-1][0] == "success"
    assert "no longer" not in deployer("sync", bench.name).stderr


def test_what_only_the_newer_commit_has_goes_where_that_is_asked_for(bench: Bench, deployer: Run) -> None:
    bench.configure()
    assert bench.settled(bench.push({"a.yaml": config_map("a")}))[0] == "success"
    assert bench.settled(bench.push({"b.yaml": config_map("b")}))[0] == "success"
    tried = deployer("rollback", bench.name, "--dry-run", "--prune")
    assert (tried.returncode, f"pruned\tConfigMap/b\t{bench.name}" in tried.stdout) == (0, True)
    assert (hold(bench), "ConfigMap/b" in bench.versions("configmaps")) == ({}, True)
    assert deployer("rollback", bench.name, "--prune").returncode == 0
    assert "ConfigMap/b" not in bench.versions("configmaps")


def test_its_hooks_run_again(bench: Bench, deployer: Run) -> None:
    bench.configure()
    migrate = {"migrate.json": turn(job("migrate"), hook="PreSync")}
    assert bench.settled(bench.push({**migrate, "a.yaml": config_map("a")}))[0] == "success"
    newer = {"migrate.json": turn(job("migrate", "busybox:1.38"), hook="PreSync"), "a.yaml": config_map("a", "2")}
    assert bench.settled(bench.push(newer))[0] == "success"
    since = now(bench)
    done = deployer("rollback", bench.name)
    assert done.returncode == 0, done.stderr
    assert f"created\tJob/migrate (PreSync)\t{bench.name}\tHealthy\t" in done.stdout
    assert order(events(bench, since)) == ["Job/migrate"]
    assert bench.live("job", "migrate")["spec"]["template"]["spec"]["containers"][0]["image"] == "busybox:1.37"


def test_a_sync_window_holds_it_back(bench: Bench, deployer: Run) -> None:
    with in_project(bench):
        configure(bench)
        for number in ("1", "2"):
            assert bench.settled(bench.push({"a.yaml": config_map("a", number)}))[0] == "success"
        window = {"kind": "deny", "schedule": "* * * * *", "duration": "1h", "applications": ["app-*"]}
        write_project(bench, syncWindows=[window])
        done = deployer("rollback", bench.name)
        assert (done.returncode, "held back with no end in sight" in done.stderr) == (1, True)
        assert deployer("rollback", bench.name, "--dry-run").returncode == 0
        assert value(bench) == "2"
        write_project(bench, syncWindows=[{**window, "manualSync": True}])
        assert deployer("rollback", bench.name).returncode == 0
        assert value(bench) == "1"


@pytest.mark.parametrize(("bad", "reason"), [(REFUSED, "InvalidImageName"), (MISSING, "not healthy after 3 s")])
def test_by_itself_it_returns_when_a_rollout_fails(
    bench: Bench, deployer: Run, bad: dict[str, str], reason: str
) -> None:
    bench.configure(rollback=True, timeout=3)
    good = bench.push(GOOD)
    assert bench.settled(good)[0] == "success"
    failed = bench.push(bad)
    state, description = bench.settled(failed)
    assert (state, description.startswith(f"rolled back to {good[:7]}: its rollout failed: ")) == ("failure", True)
    assert image(bench) == "nginx:1.29.3"
    assert reason in hold(bench)["why"]
    assert [(one["revision"], one["result"]) for one in history(bench)] == [
        (good, "succeeded"),
        (failed, "failed"),
        (good, "succeeded"),
    ]

    told, before = bench.statuses(failed), inventory(bench)
    for _ in range(2):
        age(bench, failed, 3600)
        assert bench.reconcile() == "in sync"
    assert (bench.statuses(failed), inventory(bench)) == (told, before), "the failed commit is not tried again"
    assert image(bench) == "nginx:1.29.3"
    shown = deployer("history", bench.name).stdout.splitlines()
    assert "\trollback by itself\t" in shown[0]
    assert "instead of another commit: its rollout failed: " in shown[0]

    assert bench.settled(bench.push({"web.json": deployment("web", "nginx:1.29.4")}))[0] == "success"
    assert (image(bench), hold(bench)) == ("nginx:1.29.4", {})


def test_without_the_annotation_nothing_returns(bench: Bench) -> None:
    bench.configure(timeout=3)
    assert bench.settled(bench.push(GOOD))[0] == "success"
    state, description = bench.settled(bench.push(REFUSED))
    assert (state, "rolled back" in description) == ("failure", False)
    assert image(bench) == "INVALID//image"


def test_with_nothing_to_return_to_it_only_fails(bench: Bench) -> None:
    bench.configure(rollback=True, timeout=3)
    state, description = bench.settled(bench.push(REFUSED))
    assert (state, description.startswith("Deployment/web: ")) == ("failure", True)
    assert (bench.reconcile(), hold(bench), image(bench)) == ("failed", {}, "INVALID//image")


def test_what_was_refused_before_anything_was_written_needs_no_return(bench: Bench) -> None:
    bench.configure(rollback=True)
    assert bench.settled(bench.push({"a.yaml": config_map("a")}))[0] == "success"
    state, description = bench.settled(bench.push({"a.yaml": config_map("a", 2)}))
    assert (state, "rolled back" in description) == ("failure", False)
    assert hold(bench) == {}


def test_a_rollout_that_is_only_slow_is_waited_for(bench: Bench) -> None:
    bench.configure(rollback=True, timeout=60)
    assert bench.settled(bench.push(GOOD))[0] == "success"
    slow = bench.push({"web.json": deployment("web", "nginx:never")})
    bench.world.github.wait_for_delivery(slow)
    assert bench.statuses(slow)[-1][0] == "pending"
    make_ready(bench)
    assert bench.reconciled(slow)[0] == "success"
    assert (image(bench), hold(bench)) == ("nginx:never", {})


def test_a_rollout_that_is_too_slow_is_returned_from_by_the_schedule(bench: Bench) -> None:
    bench.configure(rollback=True, timeout=60)
    good = bench.push(GOOD)
    assert bench.settled(good)[0] == "success"
    slow = bench.push({"web.json": deployment("web", "nginx:slow")})
    bench.world.github.wait_for_delivery(slow)
    assert bench.statuses(slow)[-1][0] == "pending"
    last_synced(bench, 59)
    state, description = bench.reconciled(slow)
    assert (state, description.startswith(f"rolled back to {good[:7]}: its rollout failed: ")) == ("failure", True)
    assert (image(bench), hold(bench)["instead_of"]) == ("nginx:1.29.3", slow)
    assert bench.reconcile() == "in sync"


def test_a_hook_that_fails_after_the_rollout_is_returned_from(bench: Bench) -> None:
    bench.configure(rollback=True)
    good = bench.push({"a.yaml": config_map("a")})
    assert bench.settled(good)[0] == "success"
    check = turn(job("check", "busybox:exit-1"), hook="PostSync")
    state, description = bench.settled(bench.push({"a.yaml": config_map("a", "2"), "check.json": check}))
    assert (state, description.startswith(f"rolled back to {good[:7]}: its rollout failed: ")) == ("failure", True)
    assert value(bench) == "1"
    assert bench.reconcile() == "in sync", said(bench)


def test_a_hook_that_fails_before_anything_was_changed_is_not(bench: Bench) -> None:
    bench.configure(rollback=True)
    assert bench.settled(bench.push({"a.yaml": config_map("a")}))[0] == "success"
    migrate = turn(job("migrate", "busybox:exit-1"), hook="PreSync")
    state, description = bench.settled(bench.push({"a.yaml": config_map("a", "2"), "migrate.json": migrate}))
    assert (state, "rolled back" in description) == ("failure", False)
    assert (value(bench), hold(bench)) == ("1", {})


def test_a_return_that_fails_says_so_and_is_held_all_the_same(bench: Bench, deployer: Run) -> None:
    bench.configure()
    files = {"a.yaml": config_map("a"), "check.json": turn(job("check"), hook="PostSync")}
    first = bench.push(files)
    assert bench.settled(first)[0] == "success"
    assert bench.settled(second := bench.push({"a.yaml": config_map("a", "2")}))[0] == "success"
    quota = ("create", "quota", "none", "-n", bench.name, "--hard=count/jobs.batch=0")
    bench.kubectl("delete", "job", "check", "-n", bench.name)
    bench.kubectl(*quota)
    done = deployer("rollback", bench.name)
    assert (done.returncode, f"the return to {first[:7]} failed: " in done.stderr) == (1, True), done.stderr
    assert bench.statuses(second)[-1][0] == "failure"
    assert "it was begun by" in done.stderr
