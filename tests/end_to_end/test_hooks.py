"""Hooks in a real cluster: when they run and when they do not, and what one that fails stops."""

import json
import subprocess
from collections.abc import Callable

import pytest

from deployer.hooks import WAVE
from tests.end_to_end.reconciling import age, history, inventory, last_synced
from tests.end_to_end.staged import ended, events, job, made, now, order, text, turn, web
from tests.world import Bench

Run = Callable[..., subprocess.CompletedProcess[str]]
ALL = {
    "a.json": turn(job("before"), hook="PreSync"),
    "b.json": turn(text("note"), hook="PreSync", wave=1),
    "c.json": turn(web()),
    "d.json": turn(job("with"), hook="Sync", wave=1),
    "e.json": turn(job("after"), hook="PostSync"),
    "f.json": turn(job("failing"), hook="SyncFail"),
    "g.json": turn(job("skipped"), hook="Skip"),
    "h.json": turn(text("last"), wave=2),
}
HOOKS = ["Job/before", "ConfigMap/note", "Job/with", "Job/after"]


def test_hooks_run_in_their_phases(bench: Bench, deployer: Run) -> None:
    bench.configure()
    since = now(bench)
    state, description = bench.settled(bench.push(ALL))
    told = "2 objects in staging: 2 created, 4 hooks ran"
    assert (state, description.partition(", healthy")[0]) == ("success", told)
    found = events(bench, since)
    assert order(found) == [
        *("Job/before", "ConfigMap/note", "Deployment/web", "Job/with", "ConfigMap/last", "Job/after"),
    ]
    assert ended(found, "Job/before") < made(found, "ConfigMap/note")
    assert ended(found, "Deployment/web") < made(found, "Job/with")
    assert ended(found, "Job/with") < made(found, "ConfigMap/last")

    # They are no members: nobody counts, compares or prunes them.
    shown = json.loads(deployer("status", bench.name, "-o", "json").stdout)
    assert "Job" not in json.dumps(shown)
    assert "Job" not in inventory(bench)["metadata"]["annotations"]["applyset.kubernetes.io/contains-group-kinds"]
    assert deployer("diff", bench.name).returncode == 0
    assert not [entry for entry in bench.live("job", "with")["metadata"]["labels"] if "part-of" in entry]

    # Each `deployer sync` is another operation, and so runs them again.
    since = now(bench)
    done = deployer("sync", bench.name, "--prune")
    assert (done.returncode, "nothing to change, 4 hooks ran" in done.stdout) == (0, True), done.stdout + done.stderr
    found = events(bench, since)
    assert (order(found), order(found, "DELETED")) == (HOOKS, HOOKS)

    # A push that changes nothing of the application runs none, and neither does what is healed.
    since = now(bench)
    assert bench.settled(bench.push({"README.md": "read me"}))[0] == "success"
    bench.configure(self_heal=True)
    bench.kubectl("delete", "configmap", "last", "-n", bench.name)
    last_synced(bench, 60)
    assert bench.reconcile() == "succeeded"
    found = events(bench, since)
    assert order(found) == ["ConfigMap/last"]


def test_a_hook_before_all_else_that_fails_keeps_everything_as_it_is(bench: Bench) -> None:
    files = {"a.json": turn(text("kept")), "b.json": turn(job("failing"), hook="SyncFail")}
    assert bench.deploy(files)[0] == "success"
    since = now(bench)
    broken = {
        "a.json": turn(text("kept", "2")),
        "c.json": turn(job("migrate", "busybox:exit-1"), hook="PreSync"),
        "d.json": turn(job("too-late"), hook="PreSync", wave=1),
        "e.json": turn(text("new"), wave=-5),
        "f.json": turn(job("after"), hook="PostSync"),
    }
    commit = bench.push(broken)
    state, description = bench.settled(commit)
    assert (state, description.startswith("PreSync hook Job/migrate: ")) == ("failure", True), description
    found = events(bench, since)
    assert (order(found), [one.name for one in found if one.what != "ADDED" and "ConfigMap" in one.name]) == (
        *(["Job/migrate", "Job/failing"], []),
    )
    assert ended(found, "Job/migrate") < made(found, "Job/failing")
    assert bench.live("configmap", "kept")["data"] == {"key": "1"}
    (failed, _) = history(bench)
    assert (failed["result"], failed["fault"], failed["revision"]) == ("failed", "hook", commit)
    assert inventory(bench)["data"]["operation"] == ""

    # It is tried again when its time has come, and not before; what mends it runs all of it.
    assert bench.reconcile() == "failed"
    age(bench, commit, 3600)
    assert bench.reconcile() == "failed"
    again = events(bench, str(max(one.version for one in found)))
    assert order(again) == ["Job/migrate", "Job/failing"]
    assert bench.settled(bench.push({"c.json": turn(job("migrate"), hook="PreSync")}))[0] == "success"
    assert bench.live("configmap", "kept")["data"] == {"key": "2"}


@pytest.mark.parametrize(
    ("phase", "ran"),
    [
        ("Sync", ["ConfigMap/first", "Job/broken", "Job/failing"]),
        ("PostSync", ["ConfigMap/first", "ConfigMap/second", "Job/broken", "Job/failing"]),
    ],
)
def test_a_hook_that_fails_later_leaves_what_was_written(bench: Bench, phase: str, ran: list[str]) -> None:
    bench.configure()
    since = now(bench)
    files = {
        "a.json": turn(text("first"), wave=-1),
        "b.json": turn(job("broken", "busybox:exit-1"), hook=phase),
        "c.json": turn(text("second"), wave=1),
        "d.json": turn(job("after"), hook="PostSync", wave=1),
        "e.json": turn(job("failing"), hook="SyncFail"),
    }
    state, description = bench.settled(bench.push(files))
    assert (state, description.startswith(f"{phase} hook Job/broken: ")) == ("failure", True), description
    assert order(events(bench, since)) == ran
    assert [one["result"] for one in history(bench)] == ["failed"]


POLICIES = {
    "a.json": turn(job("when-well"), hook="PreSync", policy="HookSucceeded"),
    "b.json": turn(job("when-ill"), hook="PreSync", policy="HookFailed"),
    "c.json": turn(job("either"), hook="Sync", policy="HookSucceeded,HookFailed"),
    "d.json": turn(job("first-of-all"), hook="PreSync", policy="BeforeHookCreation"),
    "e.json": turn(text("object")),
}


def test_hooks_are_deleted_as_their_policies_say(bench: Bench, deployer: Run) -> None:
    bench.configure(automated=False)
    bench.world.github.wait_for_delivery(bench.push({**POLICIES, "f.json": turn(web(), wave=1)}))
    since = now(bench)
    done = deployer("sync", bench.name)
    assert done.returncode == 0, done.stderr
    found = events(bench, since)
    gone = {one.name: one.version for one in found if one.what == "DELETED"}
    assert gone.keys() == {"Job/when-well", "Job/either"}
    assert ended(found, "Deployment/web") < min(gone.values()), "not before the whole sync has succeeded"

    # What this one leaves, the next finds there: only one of the two says that it is to go before that.
    bench.push(
        {"d.json": POLICIES["d.json"].replace("1.37", "1.36"), "g.json": turn(job("x", "x:exit-1"), hook="PostSync")}
    )
    since = now(bench)
    done = deployer("sync", bench.name)
    assert (done.returncode, "PostSync hook Job/x: " in done.stderr) == (1, True), done.stderr
    found = events(bench, since)
    assert set(order(found, "DELETED")) == {"Job/first-of-all", "Job/when-ill", "Job/either"}
    assert set(order(found)) == {"Job/first-of-all", "Job/when-well", "Job/either", "Job/x"}
    assert "1.36" in json.dumps(bench.live("job", "first-of-all"))
    assert set(bench.versions("jobs")) == {"Job/when-well", "Job/first-of-all", "Job/x"}


def test_a_hook_with_the_beginning_of_a_name_gets_another_each_time(bench: Bench, deployer: Run) -> None:
    body = job("x")
    body["metadata"] = {"generateName": "migrate-", "annotations": {WAVE: "3"}}
    bench.configure(automated=False)
    commit = bench.push({"a.json": turn(body, hook="PreSync"), "b.json": turn(text("b"))})
    bench.world.github.wait_for_delivery(commit)
    for times in (1, 2):
        done = deployer("sync", bench.name)
        assert done.returncode == 0, done.stderr
        names = sorted(bench.versions("jobs"))
        assert len(names) == times
    since = [name.removeprefix(f"Job/migrate-{commit[:7]}-presync-") for name in names]
    assert int(since[0]) < int(since[1])
    assert len(since[0]) == 10
