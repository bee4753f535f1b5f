"""The order of a sync in a real cluster: waves, kinds in them, health in between, and prunes the other way round."""

import json
import subprocess
import time
from collections.abc import Callable, Mapping

import pytest

from deployer.hooks import HELM_WEIGHT
from deployer.object_options import IGNORE_HEALTH, SYNC_OPTIONS
from tests.end_to_end.reconciling import history, inventory, make_ready
from tests.end_to_end.staged import Event, ended, events, job, made, now, order, text, turn, wait_until, web
from tests.sync.helpers import manifest
from tests.world import Bench

Run = Callable[..., subprocess.CompletedProcess[str]]
SERVICE = manifest("v1", "Service", "middle", spec={"selector": {"app": "middle"}, "ports": [{"port": 80}]})


def test_waves_one_after_the_other_and_kinds_in_each(bench: Bench) -> None:
    bench.configure()
    since = now(bench)
    commit = bench.push(
        {
            "a.json": turn(text("last"), wave=3),
            "b.json": turn(text("weighed"), also={HELM_WEIGHT: "2"}),
            "c.json": turn(web("middle")),
            "d.json": turn(SERVICE),
            "e.json": turn(text("middle")),
            "f.json": turn(job("first"), wave=-1),
            "g.json": turn(text("very-first"), wave=-20),
            "h.json": turn(web("ill", "nginx:never"), also={IGNORE_HEALTH: "true"}),
        }
    )
    state, description = bench.settled(commit)
    assert (state, description.partition(", healthy")[0]) == ("success", "8 objects in staging: 8 created")
    found = events(bench, since, ("ConfigMap", "Deployment", "Job", "Service"))
    assert sorted(order(found)[4:6]) == ["Deployment/ill", "Deployment/middle"]  # of one kind, side by side
    assert [one for one in order(found) if one != "Deployment/ill"] == [
        *("ConfigMap/very-first", "Job/first"),
        *("ConfigMap/middle", "Service/middle", "Deployment/middle"),
        *("ConfigMap/weighed", "ConfigMap/last"),
    ]
    assert ended(found, "Job/first") < made(found, "ConfigMap/middle")
    assert ended(found, "Deployment/middle") < made(found, "ConfigMap/weighed")


def test_a_degraded_wave_stops_the_next_and_what_was_written_stays(bench: Bench) -> None:
    bench.configure()
    files = {"a.json": turn(text("before"), wave=-1), "c.json": turn(text("after"), wave=1)}
    commit = bench.push({**files, "b.json": turn(job("broken", "busybox:exit-1"))})
    start = time.monotonic()
    state, description = bench.settled(commit)
    assert time.monotonic() - start < 15, "it cannot get well any more"
    assert (state, "Job/broken: " in description) == ("failure", True), description
    assert set(bench.versions("configmaps,jobs")) == {"ConfigMap/before", "ConfigMap/kube-root-ca.crt", "Job/broken"}
    assert [one["result"] for one in history(bench)] == ["failed"]
    assert inventory(bench)["data"]["operation"] == ""

    # What mends it goes on where that has stopped.
    since = now(bench)
    bench.clone.git("rm", "-q", "b.json")
    assert bench.settled(bench.push({"d.json": turn(job("mended"))}))[0] == "success"
    found = events(bench, since)
    assert order(found) == ["Job/mended", "ConfigMap/after"]
    assert ended(found, "Job/mended") < made(found, "ConfigMap/after")


def writers(found: list[Event]) -> dict[str, int]:
    """How often the deployer has written each object."""
    times: dict[str, int] = {}
    last: dict[str, object] = {}
    for one in found:
        ours = [entry for entry in one.body["metadata"]["managedFields"] if entry["manager"] == "deployer"]
        fields = [{k: v for k, v in entry.items() if k != "time"} for entry in ours]
        if fields != last.get(one.name):
            times[one.name] = times.get(one.name, 0) + 1
        last[one.name] = fields
    return times


def test_a_delivery_that_ends_between_two_waves_is_gone_on_with_by_reconcile(bench: Bench) -> None:
    bench.configure()
    since = now(bench)
    commit = bench.push(
        {
            "a.json": turn(web("web", "nginx:never")),
            "b.json": turn(text("next"), wave=1),
            "c.json": turn(job("last"), wave=2),
        }
    )
    start = time.monotonic()
    delivery = bench.world.github.wait_for_delivery(commit)
    assert time.monotonic() - start < 10, "GitHub waits no longer"
    assert json.loads(delivery.body)["applications"] == [{"application": bench.name, "outcome": "unfinished"}]
    state, description = bench.statuses(commit)[-1]
    assert (state, "still rolling out [0/1 healthy]: Deployment/web: " in description) == ("pending", True), description
    operation = json.loads(inventory(bench)["data"]["operation"])
    assert (operation["revision"], operation["waited"] > 5) == (commit, True)
    assert "ConfigMap/next" not in bench.versions()

    make_ready(bench)
    assert bench.reconcile() == "succeeded"
    state, description = bench.statuses(commit)[-1]
    assert state == "success", description
    found = events(bench, since)
    assert order(found) == ["Deployment/web", "ConfigMap/next", "Job/last"]
    assert set(writers(found).values()) == {1}
    assert [one["result"] for one in history(bench)] == ["succeeded"]
    assert inventory(bench)["data"]["operation"] == ""
    assert bench.reconcile() == "in sync"


def test_a_newer_push_overtakes_one_that_waits_between_two_waves(bench: Bench) -> None:
    bench.configure()
    since = now(bench)
    older = bench.push({"a.json": turn(web("web", "nginx:never")), "b.json": turn(text("older"), wave=1)})
    wait_until(lambda: "Deployment/web" in bench.versions("deployments"))
    bench.clone.git("rm", "-q", "b.json")
    newer = bench.push({"a.json": turn(web()), "c.json": turn(text("newer"), wave=1)})
    assert bench.settled(newer)[0] == "success"
    state, description = bench.settled(older)
    assert (state, "superseded" in description) == ("failure", True), description
    bench.world.github.wait_for_delivery(older)  # it has ended
    assert order(events(bench, since)) == ["Deployment/web", "ConfigMap/newer"]
    assert (history(bench)[0]["revision"], history(bench)[0]["result"]) == (newer, "succeeded")
    assert bench.reconcile() == "in sync"


def pruned(bench: Bench, files: Mapping[str, str], more: Mapping[str, str] = {}) -> None:
    """Deploy files, and push what has `more` of them instead, with a command left to be run."""
    assert bench.deploy({**files})[0] == "success"
    bench.configure(automated=False)
    bench.clone.git("rm", "-q", *files)
    bench.world.github.wait_for_delivery(bench.push({"README.md": "gone", **more}))


WAVES = {
    "a.json": turn(text("stays")),
    "b.json": turn(text("lowest"), wave=-1),
    "c.json": turn(text("text"), wave=3),
    "d.json": turn({**SERVICE, "metadata": {"name": "service"}}, wave=3),
    "e.json": turn(text("highest"), wave=7),
}


def test_waves_are_pruned_the_other_way_round(bench: Bench, deployer: Run) -> None:
    pruned(bench, WAVES, {"a.json": WAVES["a.json"]})
    since = now(bench)
    done = deployer("sync", bench.name, "--prune")
    assert done.returncode == 0, done.stderr
    found = events(bench, since, ("ConfigMap", "Service"))
    assert order(found, "DELETED") == ["ConfigMap/highest", "Service/service", "ConfigMap/text", "ConfigMap/lowest"]


def test_what_cannot_be_pruned_stops_the_lower_waves(bench: Bench, deployer: Run) -> None:
    pruned(bench, WAVES, {"a.json": WAVES["a.json"]})
    bench.configure(automated=False, timeout=2)
    held = '{"metadata": {"finalizers": ["example.org/held"]}}'
    bench.kubectl("patch", "configmap", "text", "-n", bench.name, "--type=merge", "-p", held)
    since = now(bench)
    done = deployer("sync", bench.name, "--prune")
    assert done.returncode == 1
    assert "ConfigMap/text is deleted and still there, held by example.org/held" in done.stderr
    assert order(events(bench, since, ("ConfigMap", "Service")), "DELETED") == ["ConfigMap/highest", "Service/service"]
    assert history(bench)[0]["result"] == "failed"

    bench.kubectl(
        "patch", "configmap", "text", "-n", bench.name, "--type=merge", "-p", '{"metadata": {"finalizers": null}}'
    )
    done = deployer("sync", bench.name, "--prune")
    assert done.returncode == 0, done.stderr
    assert {one for one in bench.versions() if one.startswith("ConfigMap")} == {
        "ConfigMap/stays",
        "ConfigMap/kube-root-ca.crt",
    }


@pytest.mark.parametrize("options", [[], ["PruneLast=true"]], ids=["of the object", "of the application"])
def test_what_is_pruned_last_goes_once_all_is_healthy(bench: Bench, deployer: Run, options: list[str]) -> None:
    last = {} if options else {SYNC_OPTIONS: "PruneLast=true"}
    files = {
        "a.json": turn(text("stays")),
        "b.json": turn(text("last"), wave=5, also=last),
        "c.json": turn(text("soon")),
    }
    pruned(bench, files, {"a.json": files["a.json"], "d.json": turn(web("web", "nginx:never"))})
    bench.configure(automated=False, timeout=2, options=options)
    since = now(bench)
    done = deployer("sync", bench.name, "--prune")
    assert done.returncode == 1
    soon = [] if options else ["ConfigMap/soon"]
    assert order(events(bench, since), "DELETED") == soon, "nothing that is to go last has gone"

    bench.push({"d.json": turn(web())})
    done = deployer("sync", bench.name, "--prune")
    assert done.returncode == 0, done.stderr
    found = events(bench, since)
    gone = {one.name: one.version for one in found if one.what == "DELETED"}
    assert gone.keys() == {"ConfigMap/last", "ConfigMap/soon"}
    assert ended(found, "Deployment/web") < gone["ConfigMap/last"]
