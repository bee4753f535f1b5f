"""Sync windows: what they hold back is told, waits, and goes live once they have ended; what is under way goes on."""

import json
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.end_to_end.projects import configure, in_project, write_project
from tests.end_to_end.reconciling import history, make_ready, push_unheard, under_way
from tests.world import Bench, config_map, deployment

Run = Callable[..., subprocess.CompletedProcess[str]]
ALWAYS = {"kind": "deny", "schedule": "* * * * *", "duration": "1h", "applications": ["app-*"]}
HELD = "held back with no end in sight by the deny window * * * * * (1h)"


@pytest.fixture
def closed(bench: Bench) -> Iterator[Bench]:
    """An application that is held back."""
    with in_project(bench, syncWindows=[ALWAYS]):
        yield bench


def test_a_push_waits_for_the_window_to_end(closed: Bench, deployer: Run) -> None:
    commit = closed.push({"a.yaml": config_map("a")})
    delivery = closed.world.github.wait_for_delivery(commit)
    outcome = {"application": closed.name, "outcome": "out of sync"}
    assert (delivery.status, json.loads(delivery.body)) == (200, {"applications": [outcome]})
    assert closed.reconcile() == "out of sync"
    assert closed.statuses(commit) == [("pending", f"out of sync: 1 to create; {HELD}")], "told once"
    assert closed.kubectl("get", "namespace", closed.name, "--ignore-not-found") == ""

    status = deployer("status", closed.name, "-o", "json")
    (found,) = json.loads(status.stdout)["applications"]
    assert (status.returncode, found["sync"]) == (1, "OutOfSync")
    assert found["message"].endswith(f"; {HELD}")
    assert deployer("diff", closed.name).returncode == 1

    write_project(closed)
    assert closed.reconciled(commit)[0] == "success"
    assert closed.live("configmap", "a")["data"] == {"key": "1"}
    assert HELD not in deployer("status", closed.name).stdout


def test_a_person_is_held_back_too_unless_the_window_lets_them(closed: Bench, deployer: Run) -> None:
    commit = closed.push({"a.yaml": config_map("a")})
    closed.world.github.wait_for_delivery(commit)
    assert deployer("sync", closed.name, "--dry-run").returncode == 0
    done = deployer("sync", closed.name)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"application {closed.name} is {HELD}; " in done.stderr
    assert f"in that window of project {closed.name} ({closed.name}-project.yaml, document 1)" in done.stderr
    document = json.loads(deployer("sync", closed.name, "-o", "json").stdout)
    assert (document["outcome"], HELD in document["message"]) == ("failed", True)
    assert closed.kubectl("get", "namespace", closed.name, "--ignore-not-found") == ""

    write_project(closed, syncWindows=[{**ALWAYS, "manualSync": True}])
    assert closed.reconcile() == "out of sync", "which is no person"
    assert deployer("sync", closed.name).returncode == 0
    assert closed.statuses(commit)[-1][0] == "success"
    assert closed.reconcile() == "in sync"


@pytest.mark.parametrize("kind", ["deny", "allow"])
def test_until_when_is_told(bench: Bench, kind: str) -> None:
    """A window that ends in half an hour, or opens then, by the clock of a zone that is not UTC's."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    then = now + timedelta(minutes=30)
    starts = then if kind == "allow" else now - timedelta(minutes=30)
    india = starts + timedelta(hours=5, minutes=30)
    window = {"kind": kind, "schedule": f"{india.minute} {india.hour} * * *", "duration": "1h", "namespaces": ["*"]}
    with in_project(bench, syncWindows=[{**window, "timeZone": "Asia/Kolkata"}]):
        commit = bench.push({"a.yaml": config_map("a")})
        bench.world.github.wait_for_delivery(commit)
        (told,) = bench.statuses(commit)
    there = then + timedelta(hours=5, minutes=30)
    utc = f"{then:%H:%M}" if there.date() == then.date() else f"{then:%Y-%m-%d %H:%M}"
    until = f"held back until {there:%Y-%m-%d %H:%M} Asia/Kolkata ({utc} UTC)"
    assert (told[0], until in told[1]) == ("pending", True), told


def test_drift_is_healed_once_the_window_has_ended(bench: Bench) -> None:
    with in_project(bench):
        configure(bench, self_heal=True)
        assert bench.settled(commit := bench.push({"a.yaml": config_map("a")}))[0] == "success"
        write_project(bench, syncWindows=[ALWAYS])
        bench.kubectl("delete", "configmap", "a", "-n", bench.name)
        for _ in range(2):
            assert bench.reconcile() == "out of sync"
        assert bench.statuses(commit)[-2][0] == "success"
        assert bench.statuses(commit)[-1] == ("pending", f"out of sync: 1 to create; {HELD}")
        assert bench.versions("configmaps").keys() == {"ConfigMap/kube-root-ca.crt"}
        write_project(bench)
        assert bench.reconciled(commit)[0] == "success"
        assert "ConfigMap/a" in bench.versions("configmaps")


def test_a_rollout_that_is_under_way_is_settled(bench: Bench, deployer: Run) -> None:
    with in_project(bench):
        configure(bench, automated=False)
        commit = bench.push({"web.json": deployment("web", "nginx:never")})
        assert deployer("sync", bench.name, "--no-wait").returncode == 0
        write_project(bench, syncWindows=[ALWAYS])
        configure(bench)
        make_ready(bench)
        assert bench.reconciled(commit)[0] == "success"


def test_a_sync_that_was_interrupted_goes_on_but_not_with_a_newer_commit(bench: Bench) -> None:
    with in_project(bench):
        first = bench.push({"a.yaml": config_map("a")})
        assert bench.settled(first)[0] == "success"
        write_project(bench, syncWindows=[ALWAYS])
        bench.kubectl("delete", "configmap", "a", "-n", bench.name)
        under_way(bench, first, 60)
        assert bench.reconcile() == "succeeded"
        assert history(bench)[0]["why"] == "a sync was interrupted"
        assert "ConfigMap/a" in bench.versions("configmaps")

        second = push_unheard(bench, {"a.yaml": config_map("a", "2")})
        under_way(bench, first, 60)
        assert bench.reconcile() == "out of sync"
        assert bench.live("configmap", "a")["data"] == {"key": "1"}
        assert bench.statuses(second) == [("pending", f"out of sync: 1 to change; {HELD}")]


def test_a_commit_that_changes_nothing_is_in_sync(bench: Bench) -> None:
    with in_project(bench):
        assert bench.settled(bench.push({"a.yaml": config_map("a")}))[0] == "success"
        write_project(bench, syncWindows=[ALWAYS])
        commit = bench.push({"README.md": "about a"})
        assert bench.settled(commit) == ("success", "in sync: 1 object in staging")


@pytest.mark.parametrize(
    "window",
    [{"applications": ["another"]}, {"applications": ["app-*"], "clusters": ["production"], "andOperator": True}],
)
def test_a_window_of_others_holds_nothing_back(bench: Bench, window: dict[str, Any]) -> None:
    with in_project(bench, syncWindows=[{**ALWAYS, **window}]):
        assert bench.settled(bench.push({"a.yaml": config_map("a")}))[0] == "success"


def test_a_window_that_is_wrong_is_named(bench: Bench) -> None:
    with in_project(bench, syncWindows=[{**ALWAYS, "timeZone": "Europe/Bern"}]):
        commit = bench.push({"a.yaml": config_map("a")})
        assert bench.world.github.wait_for_delivery(commit).status == 500
        assert "spec.syncWindows[0].timeZone: 'Europe/Bern' is no zone of the IANA database" in bench.log()
