"""Hooks whose sync did not stay with them: left to reconcile, overtaken, carried out by two, or not waited for."""

import json
import subprocess
from collections.abc import Callable
from contextlib import ExitStack

from tests.end_to_end.reconciling import history, inventory, make_ready
from tests.end_to_end.staged import ended, events, job, now, order, text, turn, wait_until
from tests.world import Bench

Run = Callable[..., subprocess.CompletedProcess[str]]
HANGS = "busybox:never"
OBJECT = {"object.json": turn(text("object"))}


def end_pods(bench: Bench, phase: str) -> None:
    """Have every pod of the application end."""
    for pod in bench.kubectl("get", "pods", "-n", bench.name, "-o", "name").split():
        status = json.dumps({"status": {"phase": phase}})
        bench.kubectl("patch", pod, "-n", bench.name, "--subresource=status", "--type=merge", "-p", status)


def test_a_hook_that_fails_while_nobody_looks_is_told_by_reconcile(bench: Bench) -> None:
    bench.configure()
    since = now(bench)
    files = {"a.json": turn(job("migrate", HANGS), hook="PreSync"), "b.json": turn(job("failing"), hook="SyncFail")}
    commit = bench.push({**OBJECT, **files})
    delivery = bench.world.github.wait_for_delivery(commit)
    assert json.loads(delivery.body)["applications"] == [{"application": bench.name, "outcome": "unfinished"}]
    state, description = bench.statuses(commit)[-1]
    assert (state, "PreSync hook Job/migrate" in description) == ("pending", True), description
    end_pods(bench, "Failed")
    wait_until(lambda: bench.live("job", "migrate")["status"].get("failed"))
    state, description = bench.reconciled(commit)
    assert (state, description.startswith("PreSync hook Job/migrate: ")) == ("failure", True), description
    assert order(events(bench, since)) == ["Job/migrate", "Job/failing"]
    assert [one["result"] for one in history(bench)] == ["failed"]


def test_a_newer_push_waits_for_the_hook_of_the_older_one(bench: Bench) -> None:
    bench.configure(timeout=30)
    since = now(bench)
    older = bench.push(
        {
            **OBJECT,
            "a.json": turn(job("migrate", HANGS, ttlSecondsAfterFinished=0), hook="PreSync"),
            "b.json": turn(text("older")),
        }
    )
    wait_until(lambda: "Job/migrate" in bench.versions("jobs"))
    bench.clone.git("rm", "-q", "b.json")
    newer = bench.push({"a.json": turn(job("migrate"), hook="PreSync"), "c.json": turn(text("newer"))})
    wait_until(lambda: json.loads(inventory(bench)["data"]["operation"])["revision"] == newer)
    make_ready(bench)
    assert bench.reconciled(newer)[0] == "success"
    state, description = bench.settled(older)
    assert (state, "superseded by" in description) == ("failure", True), description
    found = events(bench, since)
    assert order(found)[:2] == ["Job/migrate", "Job/migrate"]
    assert sorted(order(found)[2:]) == ["ConfigMap/newer", "ConfigMap/object"]
    first, second = [one.version for one in found if one.name == "Job/migrate" and one.what == "ADDED"]
    assert first < ended(found, "Job/migrate") < second


def test_a_hook_that_nobody_needs_any_more_is_let_go(bench: Bench, deployer: Run) -> None:
    """Its sync was killed, and the next commit has another hook: what kept the object for its end must not stay."""
    bench.configure(automated=False)
    body = job("", HANGS, ttlSecondsAfterFinished=0)
    body["metadata"] = {"generateName": "migrate-"}
    bench.world.github.wait_for_delivery(bench.push({**OBJECT, "a.json": turn(body, hook="PreSync")}))
    with bench.syncing(lambda line: "PreSync hook Job/migrate-" in line) as process:
        process.kill()
    make_ready(bench)
    bench.clone.git("rm", "-q", "a.json")
    bench.push({"object.json": turn(text("object", "2"))})
    done = deployer("sync", bench.name)
    assert done.returncode == 0, done.stderr
    wait_until(lambda: not bench.versions("jobs"))


def test_a_hook_that_went_while_nobody_looked_does_not_run_again(bench: Bench, deployer: Run) -> None:
    bench.configure(automated=False)
    hook = turn(job("migrate", HANGS, ttlSecondsAfterFinished=0), hook="PreSync")
    bench.world.github.wait_for_delivery(bench.push({**OBJECT, "a.json": hook}))
    since = now(bench)
    with bench.syncing(lambda line: "PreSync hook Job/migrate" in line) as process:
        process.kill()
    make_ready(bench)
    wait_until(lambda: bench.live("job", "migrate")["metadata"].get("deletionTimestamp"))
    done = deployer("sync", bench.name)
    assert done.returncode == 0, done.stderr
    assert order(events(bench, since)) == ["Job/migrate", "ConfigMap/object"]
    wait_until(lambda: not bench.versions("jobs"))


def test_a_hook_that_has_ended_is_remembered_also_where_it_was_deleted(bench: Bench, deployer: Run) -> None:
    bench.configure(automated=False)
    files = {"a.json": turn(job("migrate"), hook="PreSync"), "b.json": turn(job("after", HANGS), hook="PostSync")}
    bench.world.github.wait_for_delivery(bench.push({**OBJECT, **files}))
    since = now(bench)
    with bench.syncing(lambda line: "PostSync hook Job/after" in line) as process:
        process.kill()
    bench.kubectl("delete", "job", "migrate", "-n", bench.name)
    make_ready(bench)
    done = deployer("sync", bench.name)
    assert done.returncode == 0, done.stderr
    assert order(events(bench, since)) == ["Job/migrate", "ConfigMap/object", "Job/after"]


def test_two_commands_at_once_carry_out_one_operation(bench: Bench) -> None:
    bench.configure(automated=False)
    files = {"a.json": turn(job("migrate", HANGS), hook="PreSync"), "b.json": turn(job("after"), hook="PostSync")}
    bench.world.github.wait_for_delivery(bench.push({**OBJECT, **files}))
    since = now(bench)
    with ExitStack() as both:
        processes = [both.enter_context(bench.syncing(lambda line: "hook Job/migrate" in line)) for _ in range(2)]
        make_ready(bench)
        done = [(one.communicate(timeout=60)[1], one.returncode) for one in processes]
    assert [code for _, code in done] == [0, 0], done
    assert order(events(bench, since)) == ["Job/migrate", "ConfigMap/object", "Job/after"]
    assert [one["result"] for one in history(bench)] == ["succeeded"]


def test_without_waiting_the_last_hooks_are_left_to_reconcile(bench: Bench, deployer: Run) -> None:
    bench.configure(automated=False)
    files = {
        "a.json": turn(job("before"), hook="PreSync", policy="HookSucceeded"),
        "b.json": turn(job("after", HANGS), hook="PostSync", policy="HookSucceeded"),
    }
    bench.world.github.wait_for_delivery(bench.push({**OBJECT, **files}))
    since = now(bench)
    done = deployer("sync", bench.name, "--no-wait")
    assert done.returncode == 0, done.stderr
    found = events(bench, since)
    assert order(found) == ["Job/before", "ConfigMap/object", "Job/after"]
    assert order(found, "DELETED") == [], "whether it succeeds is not known yet"
    make_ready(bench)
    wait_until(lambda: bench.reconcile() == "succeeded")
    assert bench.versions("jobs") == {}
    assert [one["result"] for one in history(bench)] == ["succeeded"]
    assert order(events(bench, since)) == ["Job/before", "ConfigMap/object", "Job/after"]


def test_a_hook_that_takes_too_long_or_is_deleted_has_failed(bench: Bench, deployer: Run) -> None:
    bench.configure(automated=False, timeout=1)
    bench.world.github.wait_for_delivery(bench.push({**OBJECT, "a.json": turn(job("migrate", HANGS), hook="PreSync")}))
    done = deployer("sync", bench.name)
    assert done.returncode == 1
    assert "1 of 1 objects not healthy after 1 s: PreSync hook Job/migrate: " in done.stderr
    bench.kubectl("delete", "job", "migrate", "-n", bench.name)
    bench.configure(automated=False)
    with bench.syncing(lambda line: "PreSync hook Job/migrate" in line) as process:
        bench.kubectl("delete", "job", "migrate", "-n", bench.name)
        _, told = process.communicate(timeout=60)
    assert (process.returncode, "PreSync hook Job/migrate: it " in told) == (1, True), told
    assert "ConfigMap/object" not in bench.versions()
    assert history(bench)[0]["fault"] == "hook"
