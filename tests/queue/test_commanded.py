"""A person's command that comes to nothing in the queue: the commit says so, and stands as it stood."""

import json
import time
from typing import Any

import pytest

from deployer.cluster.connection import Cluster
from deployer.cluster.inventory_store import read
from deployer.cluster.lease import holding
from deployer.configuration import Placement, load_configuration
from deployer.job import Action, Job, JobOptions
from deployer.queue.jobs import Ended, run
from deployer.settings import Settings
from tests.queue.helpers import lines
from tests.queue.test_held_back import HELD, window
from tests.queue.test_jobs import placement, told
from tests.world import Bench, config_map

__all__ = ["window"]


def act(where: Placement, settings: Settings, action: Action, *, actor: str = "ada", **options: Any) -> Ended:
    job = Job(where.application.name, "by hand", action, actor=actor, options=JobOptions(**options))
    return run(job, where, settings, time.monotonic() + 30)


def of(settings: Settings, where: Placement) -> Placement:
    """The application as it is configured by now."""
    assert settings.config
    return load_configuration(settings.config).placement(where.application.name)


@pytest.mark.parametrize(("action", "kept"), [("sync", True), ("rollback", True)])
def test_a_sync_window(bench: Bench, settings: Settings, window: Any, action: Action, kept: bool) -> None:
    commit = bench.push({"a/a.yaml": config_map("a")})
    where = placement(bench, settings)
    assert act(where, settings, action) == Ended("out of sync", kept)
    said = f"{action} by ada: application {where.application.name} is {HELD}"
    assert told(bench, commit, where) == [("failure", said[:139] + "…" if len(said) > 140 else said)]


def test_the_commit_stands_as_it_stood(bench: Bench, settings: Settings) -> None:
    commit = bench.push({"a/a.yaml": config_map("a")})
    where = placement(bench, settings)
    assert act(where, settings, "sync").outcome == "succeeded"
    before = told(bench, commit, where)
    assert before[0] == ("pending", "deploying to staging, as ada asks")
    assert act(where, settings, "rollback", rollback=7) == Ended("failed")
    (state, words), *_ = reversed(told(bench, commit, where))
    assert state == "success"
    assert str(words).startswith(f"rollback by ada: {where.application.name} cannot return to sync 7: ")
    assert len(told(bench, commit, where)) == len(before) + 1


def test_a_failure_that_was_told_is_told_once(bench: Bench, settings: Settings) -> None:
    commit = bench.push({"a/a.yaml": config_map("a") + "---\n" + config_map("a")})
    where = placement(bench, settings)
    assert act(where, settings, "sync") == Ended("failed")
    begun, (state, words) = told(bench, commit, where)
    assert begun[0] == "pending"
    assert (state, str(words).startswith("sync by ada")) == ("failure", False)


def test_another_sync_under_way(bench: Bench, settings: Settings, staging: Cluster) -> None:
    commit = bench.push({"a/a.yaml": config_map("a")})
    where = placement(bench, settings)
    assert act(where, settings, "sync").outcome == "succeeded"
    bench.push({"a/a.yaml": config_map("a", "2")})
    name = f"deployer-{where.application.name}"
    with holding(staging, bench.name, name, "bob, it", 5):
        assert act(where, settings, "sync") == Ended("under way")
    newer = bench.clone.git("rev-parse", "HEAD").strip()
    (state, words), *_ = reversed(told(bench, newer, where))
    assert (state, str(words).startswith("sync by ada: ")) == ("pending", True)
    assert commit != newer


def test_nobody_is_told_of_what_nobody_asked_for(bench: Bench, settings: Settings, window: Any) -> None:
    commit = bench.push({"a/a.yaml": config_map("a")})
    where = placement(bench, settings)
    assert act(where, settings, "sync", actor="") == Ended("out of sync")
    assert told(bench, commit, where) == []


def test_a_deletion_that_finds_nothing_or_fails(
    bench: Bench, settings: Settings, log: pytest.LogCaptureFixture
) -> None:
    commit = bench.push({"a/a.yaml": config_map("a")})
    where = placement(bench, settings, automated=False)
    assert act(where, settings, "delete") == Ended("succeeded")
    nothing = f"nothing to delete: staging has nothing of {where.application.name}, as far as its inventory says"
    assert told(bench, commit, where) == [("failure", f"delete by ada: {nothing}")]
    assert nothing in [message for message, _ in lines(log, "INFO")]

    confirm = 'name: a\n  annotations: {argocd.argoproj.io/sync-options: "Delete=confirm"}'
    commit = bench.push({"a/a.yaml": config_map("a").replace("name: a", confirm)})
    assert act(where, settings, "sync").outcome == "succeeded"
    assert act(where, settings, "delete") == Ended("failed")
    (state, words), *_ = reversed(told(bench, commit, where))
    assert (state, str(words).startswith("delete by ada: ConfigMap/a")) == ("failure", True)


def test_a_deletion_that_outlives_its_request_has_failed(bench: Bench, settings: Settings, staging: Cluster) -> None:
    held = 'name: a\n  finalizers: ["example.com/held"]'
    bench.push({"a/a.yaml": config_map("a").replace("name: a", held)})
    where = placement(bench, settings, automated=False)
    assert act(where, settings, "sync").outcome == "succeeded"
    job = Job(where.application.name, "by hand", "delete", actor="ada")
    assert run(job, where, settings, time.monotonic() + 2) == Ended("failed")
    last = read(staging, where.application.name, bench.name).history[0]
    assert (last.result, last.deletion, "held by example.com/held" in last.error) == ("failed", True, True)
    bench.kubectl("patch", "configmap", "a", "-n", bench.name, "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    assert act(where, settings, "delete") == Ended("succeeded")


def test_a_github_that_cannot_be_told(bench: Bench, settings: Settings, log: pytest.LogCaptureFixture) -> None:
    where = placement(bench, settings)  # nothing was pushed: there is no repository
    assert act(where, settings, "sync") == Ended("failed")
    assert any("ada could not be told that this came to nothing: " in message for message, _ in lines(log, "WARNING"))


def test_one_of_many_of_a_ref_has_no_status_of_its_own(bench: Bench, settings: Settings, window: Any) -> None:
    commit = bench.push({"a/a.yaml": config_map("a")})
    where = placement(bench, settings)
    assert settings.config
    document = json.loads((settings.config / f"{where.application.name}.yaml").read_text())
    for number in range(20):
        name = f"{where.application.name}-{number}"
        (settings.config / f"{name}.yaml").write_text(json.dumps({**document, "metadata": {"name": name}}))
    assert act(of(settings, where), settings, "sync") == Ended("out of sync")
    assert told(bench, commit, where) == []
