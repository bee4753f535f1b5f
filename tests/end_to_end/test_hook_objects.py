"""What a hook may be in a real cluster: kinds, names of other tools, objects that are there already, neighbours."""

import json
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deployer.cluster.inventory import MEMBER
from deployer.hooks import HELM_HOOK, HELM_POLICY, HELM_WEIGHT
from tests.end_to_end.projects import in_project
from tests.end_to_end.reconciling import make_ready
from tests.end_to_end.staged import ended, events, job, now, order, text, turn, wait_until
from tests.sync.helpers import definition, manifest
from tests.world import Bench

Run = Callable[..., subprocess.CompletedProcess[str]]
OBJECT = {"object.json": turn(text("object"))}


def test_a_hook_of_two_phases_runs_twice(bench: Bench) -> None:
    bench.configure()
    since = now(bench)
    assert bench.settled(bench.push({**OBJECT, "a.json": turn(job("both"), hook="PreSync,PostSync")}))[0] == "success"
    found = events(bench, since)
    assert order(found) == ["Job/both", "ConfigMap/object", "Job/both"]
    assert order(found, "DELETED") == ["Job/both"]


def test_helms_names(bench: Bench) -> None:
    def helm(name: str, hook: str, weight: str = "0", policy: str = "before-hook-creation") -> str:
        return turn(job(name), also={HELM_HOOK: hook, HELM_WEIGHT: weight, HELM_POLICY: policy})

    bench.configure()
    since = now(bench)
    files = {
        "a.json": helm("second", "pre-install, pre-upgrade", "5"),
        "b.json": helm("first", "pre-install", "-5"),
        "c.json": helm("after", "post-upgrade", policy="hook-succeeded"),
        "d.json": helm("tested", "test"),
        "e.json": helm("back", "pre-rollback"),
    }
    assert bench.settled(bench.push({**OBJECT, **files}))[0] == "success"
    found = events(bench, since)
    assert order(found) == ["Job/first", "Job/second", "ConfigMap/object", "Job/after"]
    assert order(found, "DELETED") == ["Job/after"]


def test_a_pod_is_a_hook_that_ends(bench: Bench) -> None:
    containers = [{"name": "pod", "image": "busybox:1.37"}]
    pod = manifest("v1", "Pod", "pod", spec={"restartPolicy": "Never", "containers": containers})
    bench.configure()
    since = now(bench)
    commit = bench.push({**OBJECT, "a.json": turn(pod, hook="PreSync")})
    wait_until(lambda: bench.statuses(commit) and "Pod/pod" in bench.versions("pods"))
    assert "ConfigMap/object" not in bench.versions()
    bench.kubectl(
        *("patch", "pod", "pod", "-n", bench.name, "--subresource=status", "--type=merge"),
        *("-p", '{"status": {"phase": "Succeeded"}}'),
    )
    assert bench.settled(commit)[0] == "success"

    pod["spec"]["containers"] = [{"name": "pod", "image": "busybox:exit-1"}]
    state, description = bench.settled(bench.push({"a.json": turn(pod, hook="PreSync"), "b.json": turn(text("b"))}))
    assert (state, description.startswith("PreSync hook Pod/pod: ")) == ("failure", True), description
    assert order(events(bench, since, ("ConfigMap", "Pod"))) == ["Pod/pod", "ConfigMap/object", "Pod/pod"]


def test_what_an_earlier_sync_still_runs_is_waited_for_and_not_killed(bench: Bench, deployer: Run) -> None:
    bench.configure(automated=False)
    bench.world.github.wait_for_delivery(
        bench.push({**OBJECT, "a.json": turn(job("migrate", "x:never"), hook="PreSync")})
    )
    since = now(bench)
    with bench.syncing(lambda line: "PreSync hook Job/migrate" in line) as process:
        process.kill()
    bench.world.github.wait_for_delivery(bench.push({"a.json": turn(job("migrate"), hook="PreSync")}))
    with bench.syncing(lambda line: "hook Job/migrate: the run of an earlier sync has not ended" in line) as process:
        assert order(events(bench, since), "DELETED") == []
        make_ready(bench)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    found = events(bench, since)
    assert order(found) == ["Job/migrate", "Job/migrate", "ConfigMap/object"]
    gone = next(one.version for one in found if one.what == "DELETED")
    assert ended(found, "Job/migrate") < gone, "the first one had its end"


def test_an_object_that_is_there_and_is_no_hook_of_ours_is_refused_first(bench: Bench) -> None:
    bench.kubectl("create", "namespace", bench.name)
    bench.kubectl("create", "job", "migrate", "-n", bench.name, "--image=busybox:1.37")
    bench.configure()
    since = now(bench)
    files = {"a.json": turn(job("first"), hook="PreSync", wave=-1), "b.json": turn(job("migrate"), hook="PostSync")}
    state, description = bench.settled(bench.push({**OBJECT, **files}))
    assert state == "failure"
    assert description.startswith("Job/migrate: is there already, and no hook of this application's"), description
    assert order(events(bench, since)) == []


def test_a_job_that_goes_by_itself_is_seen_to_its_end(bench: Bench) -> None:
    bench.configure()
    since = now(bench)
    soon = job("soon", ttlSecondsAfterFinished=0)
    ill = turn(job("ill", "busybox:exit-1", ttlSecondsAfterFinished=0), hook="PostSync", wave=1)
    files = {
        **OBJECT,
        "a.json": turn(soon, hook="PreSync"),
        "b.json": turn(soon | {"metadata": {"name": "late"}}, hook="PostSync"),
    }
    commit = bench.push({**files, "c.json": ill})
    state, description = bench.settled(commit)
    assert (state, description.startswith("PostSync hook Job/ill: ")) == ("failure", True), description
    wait_until(lambda: bench.versions("jobs") == {})
    found = events(bench, since)
    assert order(found) == ["Job/soon", "ConfigMap/object", "Job/late", "Job/ill"]
    for name in ("Job/soon", "Job/late", "Job/ill"):
        assert ended(found, name)


def test_an_object_becomes_a_hook_and_an_object_again(bench: Bench, deployer: Run) -> None:
    bench.configure(automated=False)
    bench.world.github.wait_for_delivery(bench.push({**OBJECT, "a.json": turn(job("a"))}))
    assert deployer("sync", bench.name).returncode == 0
    uids = [bench.live("job", "a")["metadata"]["uid"]]
    for hook, label in (("PostSync", "deployer/hook-of"), ("", MEMBER)):
        bench.push({"a.json": turn(job("a"), hook=hook)})
        done = deployer("sync", bench.name, "--prune")
        assert done.returncode == 0, (hook, done.stderr)
        live = bench.live("job", "a")["metadata"]
        assert {MEMBER, "deployer/hook-of"} & live["labels"].keys() == {label}
        uids.append(live["uid"])
    assert uids[0] != uids[1] == uids[2], "it ran anew as a hook; a Job that has ended becomes an object as it is"
    done = deployer("sync", bench.name, "--prune")
    assert "nothing to change" in done.stdout
    bench.clone.git("rm", "-q", "a.json")
    bench.push({})
    assert deployer("sync", bench.name, "--prune").returncode == 0
    assert bench.versions("jobs") == {}


@pytest.fixture
def group(bench: Bench) -> Iterator[str]:
    """An API group of one test; its definition is gone after it."""
    group = f"{uuid.uuid4().hex[:8]}.example.org"
    yield group
    bench.kubectl("delete", "crd", f"widgets.{group}", "--ignore-not-found")


def test_a_hook_of_a_kind_that_comes_in_the_same_sync(bench: Bench, group: str) -> None:
    bench.configure()
    widget = manifest(f"{group}/v1", "Widget", "w", size=1)
    files = {"crd.json": json.dumps(definition(group)), "w.json": turn(widget, hook="PreSync")}
    state, description = bench.settled(bench.push({**OBJECT, **files}))
    assert (state, "2 objects in staging: 2 created, 1 hook ran" in description) == ("success", True), description
    assert "deployer/hook-of" in bench.live(f"widgets.{group}", "w")["metadata"]["labels"]


def test_a_project_forbids_a_hooks_kind(bench: Bench) -> None:
    with in_project(bench, namespaceResourceBlacklist=[{"group": "batch", "kind": "Job"}]):
        state, description = bench.settled(bench.push({**OBJECT, "a.json": turn(job("a"), hook="PostSync")}))
    assert state == "failure"
    assert description.startswith("Job/a: "), description
    assert "project" in description
    assert bench.versions() == {}


def test_two_applications_with_hooks_of_one_name_in_one_namespace(bench: Bench, deployer: Run) -> None:
    assert (
        bench.deploy({"one/a.json": turn(job("migrate"), hook="PreSync"), "one/b.json": turn(text("b"))}, path="one")[0]
        == "success"
    )
    config = Path(bench.world.exports["DEPLOYER_CONFIG"])
    document = json.loads((config / f"{bench.name}.yaml").read_text())
    document["metadata"]["name"] = f"{bench.name}-2"
    document["spec"]["source"]["path"] = "two"
    document["spec"]["syncPolicy"].pop("automated")
    second = config / f"{bench.name}-2.yaml"
    bench.push({"two/a.json": turn(job("migrate"), hook="PreSync"), "two/c.json": turn(text("c"))})
    before = bench.live("job", "migrate")
    second.write_text(json.dumps(document))
    try:
        done = deployer("sync", f"{bench.name}-2")
    finally:
        second.unlink()
    assert (done.returncode, "Job/migrate: " in done.stderr) == (1, True), done.stderr
    assert "ConfigMap/c" not in bench.versions()
    assert bench.live("job", "migrate") == before
