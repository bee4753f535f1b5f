"""One job in this process: what is done because of how an application stands, and what the log says of it."""

import json
import re
import time
from dataclasses import replace
from typing import Any

import pytest

from deployer.configuration import Placement, load_configuration
from deployer.job import Action, Job
from deployer.queue.inline import BUDGET
from deployer.queue.jobs import run
from deployer.settings import Settings
from tests.queue.helpers import configure, lines
from tests.world import Bench, config_map, deployment


def act(action: Action, where: Placement, settings: Settings, seconds: float = BUDGET) -> str:
    """Run a job of that sort; returns its outcome."""
    job = Job(where.application.name, "test", action, actor="somebody")
    return run(job, where, settings, time.monotonic() + seconds).outcome


def sync(where: Placement, settings: Settings, seconds: float = BUDGET) -> str:
    return act("sync", where, settings, seconds)


def reconcile(where: Placement, settings: Settings) -> str:
    return act("reconcile", where, settings)


def placement(bench: Bench, settings: Settings, **options: Any) -> Placement:
    """The application of the folder `a`."""
    name = configure(bench, settings, "a", **options)
    assert settings.config
    return load_configuration(settings.config).placement(name)


def history(bench: Bench, of: Placement) -> list[dict[str, Any]]:
    data = bench.live("configmap", f"deployer-{of.application.name}")["data"]
    found: list[dict[str, Any]] = json.loads(data["history"])
    return found


def told(bench: Bench, commit: str, of: Placement) -> list[tuple[str, str | None]]:
    """The statuses that an application gave a commit."""
    context = f"deployer/{of.application.name}"
    every = bench.world.github.statuses.of(bench.repository, commit)
    return [(one.state, one.description) for one in every if one.context == context]


def change(bench: Bench, **data: str) -> None:
    """Change the ConfigMap by hand."""
    patch = json.dumps({"data": data})
    bench.kubectl("patch", "configmap", "a", "-n", bench.name, "--type=merge", "-p", patch)


def test_a_sync_says_what_became_of_it(bench: Bench, settings: Settings, log: pytest.LogCaptureFixture) -> None:
    commit = bench.push({"a/a.yaml": config_map("a")})
    where = placement(bench, settings)
    assert sync(where, settings) == "succeeded"
    ((looking, _), (message, fields)) = lines(log, "INFO")
    assert looking == "looking, because of a test"
    assert message.startswith("1 object in staging: 1 created, healthy in ")
    assert (fields["application"], fields["revision"]) == (where.application.name, commit)
    assert 0 < fields["duration"] < 30
    assert {"resolve", "fetch", "render", "connect", "live", "apply", "wait"} <= fields["durations"].keys()
    assert all(round(seconds, 3) == seconds for seconds in fields["durations"].values())
    assert lines(log, "WARNING") == lines(log, "ERROR") == []


def test_a_reason_that_holds_a_rollout_up_is_logged_once(
    bench: Bench, settings: Settings, log: pytest.LogCaptureFixture
) -> None:
    bench.push({"a/web.json": deployment("web", "nginx:does-not-exist")})
    assert sync(placement(bench, settings), settings, 3) == "unfinished"
    reasons = [message for message, _ in lines(log, "WARNING")]
    assert len(reasons) == len(set(reasons))
    assert reasons[0].startswith("Deployment/web: ")
    assert "nginx:does-not-exist" in reasons[0]
    message, _ = lines(log, "INFO")[-1]
    assert "still rolling out [0/1 healthy]: Deployment/web: " in message


def test_a_look_that_finds_nothing_to_do_says_nothing(
    bench: Bench, settings: Settings, log: pytest.LogCaptureFixture
) -> None:
    commit = bench.push({"a/a.yaml": config_map("a")})
    where = placement(bench, settings)
    sync(where, settings)
    before = told(bench, commit, where)
    log.clear()
    assert reconcile(where, settings) == "in sync"
    assert lines(log) == []
    assert told(bench, commit, where) == before


def test_a_look_says_who_changed_what(bench: Bench, settings: Settings, log: pytest.LogCaptureFixture) -> None:
    commit = bench.push({"a/a.yaml": config_map("a", "git")})
    where = placement(bench, settings)
    sync(where, settings)
    change(bench, key="hand")
    log.clear()
    assert reconcile(where, settings) == "out of sync"
    (named, fields), (stands, _) = lines(log)
    assert re.sub(r"\d\d:\d\d", "NOW", named) == 'drift: ConfigMap/a data.key "git" → "hand" by kubectl-patch at NOW'
    assert stands == "out of sync: 1 to change"
    assert fields == {"application": where.application.name, "delivery": "", "revision": commit}


def test_what_a_new_commit_changes_is_no_drift(bench: Bench, settings: Settings, log: pytest.LogCaptureFixture) -> None:
    bench.push({"a/a.yaml": config_map("a", "1")})
    where = placement(bench, settings, automated={"selfHeal": True})
    sync(where, settings)
    bench.push({"a/a.yaml": config_map("a", "2")})
    log.clear()
    assert reconcile(where, settings) == "succeeded"
    assert [message.split(", healthy")[0] for message, _ in lines(log)] == [
        "main has moved",
        "1 object in staging: 1 changed",
    ]
    last = history(bench, where)[0]
    assert (last["why"], last["who"]) == ("main has moved", "somebody")


def test_a_heal_says_so_in_the_history(bench: Bench, settings: Settings) -> None:
    bench.push({"a/a.yaml": config_map("a", "git")})
    where = placement(bench, settings, automated={"selfHeal": True})
    sync(where, settings)
    change(bench, key="hand")
    assert reconcile(where, settings) == "succeeded"
    assert bench.live("configmap", "a")["data"] == {"key": "git"}
    last = history(bench, where)[0]
    assert (last["why"], last["who"], last["counts"]) == ("drift", "somebody", {"updated": 1})


def test_a_rollout_is_left_after_the_budget(bench: Bench, settings: Settings) -> None:
    bench.push({"a/web.json": deployment("web", "nginx:never")})
    where = placement(bench, settings, timeout=60)
    start = time.monotonic()
    assert reconcile(where, settings) == "unfinished"
    assert BUDGET <= time.monotonic() - start < BUDGET + 2, "GitHub waits for ten seconds"


def test_a_manual_application_is_told_of_and_left(
    bench: Bench, settings: Settings, log: pytest.LogCaptureFixture
) -> None:
    commit = bench.push({"a/a.yaml": config_map("a")})
    where = placement(bench, settings, automated=False)
    for _ in range(2):
        assert reconcile(where, settings) == "out of sync"
    assert told(bench, commit, where) == [("pending", "out of sync: 1 to create")]
    assert [message for message, _ in lines(log)] == ["out of sync: 1 to create"] * 2


def test_a_commit_that_cannot_be_told_is_a_warning(
    bench: Bench, settings: Settings, log: pytest.LogCaptureFixture
) -> None:
    commit = bench.push({"a/a.yaml": config_map("a")})
    where = placement(bench, settings, automated=False)
    fault = bench.world.github.fail(f"{bench.repository}/statuses", 422, method="POST")
    assert reconcile(where, settings) == "out of sync"
    assert fault.left == 0
    ((message, fields),) = lines(log, "WARNING")
    assert message.startswith("the commit could not be told 'pending' (out of sync: 1 to create): ")
    assert fields == {"application": where.application.name, "revision": commit}
    assert reconcile(where, settings) == "out of sync"
    assert told(bench, commit, where) == [("pending", "out of sync: 1 to create")], "the next look makes it good"


def test_a_ref_that_is_not_there_is_logged_and_no_commit_is_told(
    bench: Bench, settings: Settings, log: pytest.LogCaptureFixture
) -> None:
    bench.clone.commit("first", {"a/a.yaml": config_map("a")})
    bench.clone.push("HEAD:refs/heads/other")
    where = placement(bench, settings)
    assert reconcile(where, settings) == "failed"
    assert sync(where, settings) == "failed"
    ((message, fields), again) = lines(log, "ERROR")
    assert "main" in message
    assert fields == {"application": where.application.name, "delivery": ""}
    assert again == (message, fields)


def test_a_fault_of_our_own_is_logged_with_its_place(
    bench: Bench, settings: Settings, log: pytest.LogCaptureFixture
) -> None:
    bench.push({"a/a.yaml": config_map("a")})
    where = placement(bench, settings)
    broken: Any = None  # settings that no environment gives
    assert reconcile(where, replace(settings, limits=broken)) == "failed"
    (fault,) = log.records
    assert fault.getMessage() == "the deployer failed in a way it should not"
    assert fault.exc_info
    assert fault.__dict__["fields"] == {"application": where.application.name, "delivery": ""}
