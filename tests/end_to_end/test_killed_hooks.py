"""Syncs with hooks that were killed wherever they were: whoever goes on runs each hook once, and a new sync again."""

import json
import random
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deployer.cluster.connection import Cluster
from deployer.sync.options import Options
from deployer.sync.owner import Owner
from deployer.sync.run import sync
from tests.end_to_end.killing import killed, undisturbed
from tests.end_to_end.reconciling import history, inventory, make_ready, push_unheard, rewrite, said
from tests.end_to_end.staged import Event, events, job, now, order, text, turn, wait_until
from tests.sync.helpers import ignore, manifests
from tests.world import Bench

Run = Callable[..., subprocess.CompletedProcess[str]]

POINTS = 10
MIGRATE = job("")
MIGRATE["metadata"] = {"generateName": "migrate-"}
FILES = {
    "a.json": turn(MIGRATE, hook="PreSync"),
    "b.json": turn(text("note"), hook="PreSync", wave=1, policy="HookSucceeded"),
    "c.json": turn(text("object")),
    "d.json": turn(job("with", ttlSecondsAfterFinished=0), hook="Sync"),
    "e.json": turn(text("late"), wave=1),
    "f.json": turn(job("after"), hook="PostSync"),
    "g.json": turn(text("failing"), hook="SyncFail"),
}
HOOKS = {"Job/migrate": 1, "ConfigMap/note": 1, "Job/with": 1, "Job/after": 1}


class Fleet:
    """Applications of one repository, each with a namespace of its name, in the cluster `staging`."""

    def __init__(self, bench: Bench, staging: Cluster) -> None:
        self.names = [f"{bench.name}-{number:02}" for number in range(POINTS + 1)]
        self._bench, self._staging = bench, staging
        self._config = Path(bench.world.exports["DEPLOYER_CONFIG"])

    def begin(self) -> None:
        """Have each of them synced before, with a hook that has to go before it runs again; and push what is next."""
        self._bench.configure(automated=False)
        document = json.loads((self._config / f"{self._bench.name}.yaml").read_text())
        self._bench.push(FILES)
        with ThreadPoolExecutor(POINTS + 1) as pool:
            list(pool.map(self._begin, self.names))
        for name in self.names:
            document["metadata"]["name"] = document["spec"]["destination"]["namespace"] = name
            (self._config / f"{name}.yaml").write_text(json.dumps(document))

    def end(self) -> None:
        for name in self.names:
            (self._config / f"{name}.yaml").unlink(missing_ok=True)
        self._bench.kubectl("delete", "namespace", *self.names, "--wait=false", "--ignore-not-found")

    def _begin(self, name: str) -> None:
        options = Options(name, create_namespace=True, owner=Owner(name, name, "1" * 40))
        result = sync(self._staging, manifests(FILES["c.json"], FILES["f.json"]), options, ignore)
        assert result.outcome == "succeeded", result.message

    def undisturbed(self, name: str) -> list[float]:
        return undisturbed(self._bench, name)

    def killed(self, name: str, line: int, seconds: float) -> None:
        killed(self._bench, line, seconds, name)

    def events(self, since: str) -> list[Event]:
        """All that has happened in any of the namespaces."""
        return events(self._bench, since, ("ConfigMap", "Job"), self.names)


@pytest.fixture
def fleet(bench: Bench, staging: Cluster) -> Iterator[Fleet]:
    fleet = Fleet(bench, staging)
    fleet.begin()
    yield fleet
    fleet.end()


def ran(found: list[Event], namespace: str) -> dict[str, Counter[str]]:
    """How often each hook was made, by operation; one that is named anew each time goes by the beginning."""
    runs: dict[str, Counter[str]] = {}
    for one in found:
        if one.what == "ADDED" and one.operation and one.body["metadata"]["namespace"] == namespace:
            name = "Job/migrate" if one.name.startswith("Job/migrate") else one.name
            runs.setdefault(one.operation.partition("-")[0], Counter())[name] += 1
    return runs


def test_syncs_killed_at_random_points_run_each_hook_once(bench: Bench, fleet: Fleet, deployer: Run) -> None:
    calm, *killed = fleet.names
    draw = random.Random(6)
    since = now(bench)
    pauses = fleet.undisturbed(calm)
    # A moment is told by what the sync has said last, and not by the clock alone, which a busy machine makes slow.
    lines = [number * len(pauses) // POINTS for number in range(POINTS)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(fleet.killed, killed, lines, [draw.random() * pauses[line] for line in lines]))
    halfway, then = fleet.events(since), now(bench)
    assert ran(halfway, calm).popitem()[1] == HOOKS
    under_way = {name: operation(bench, name) for name in killed}
    assert sum(map(bool, under_way.values())) > POINTS // 2, "most of them were killed while they were under way"

    with ThreadPoolExecutor(POINTS) as pool:
        for done in pool.map(lambda name: deployer("sync", name), killed):
            assert done.returncode == 0, done.stderr
    found = halfway + fleet.events(then)
    for name in killed:
        runs = ran(found, name)
        assert set(map(len, runs.values())) == {len(HOOKS)}, (name, runs)
        assert all(run == HOOKS for run in runs.values()), (name, runs)
        if under_way[name]:
            assert runs.keys() == {under_way[name]}, "the second sync has gone on with the first"
        assert operation(bench, name) == ""

    # What kept a Job of theirs until its end was seen has let it go.
    held = ("get", "jobs", "-A", "--field-selector=metadata.name=with", "-o", "jsonpath={.items[*].metadata.namespace}")
    wait_until(lambda: not set(bench.kubectl(*held).split()) & set(killed))

    # What has ended begins anew, at the same commit, too.
    assert deployer("sync", killed[0]).returncode == 0
    assert len(ran(found + fleet.events(then), killed[0])) == len(ran(found, killed[0])) + 1


def operation(bench: Bench, name: str) -> str:
    """The id of the operation that an application's inventory says is under way."""
    text = bench.kubectl("get", "configmap", f"deployer-{name}", "-n", name, "-o", "jsonpath={.data.operation}")
    return str(json.loads(text)["id"]) if text else ""


def aged(bench: Bench) -> None:
    """Play that the sync that is under way began long ago, so that it looks like one that was killed."""
    known = json.loads(inventory(bench)["data"]["operation"])
    since = f"{datetime.now(UTC) - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    rewrite(bench, operation=json.dumps({**known, "since": since}))


@pytest.mark.parametrize("way", ["killed", "alive"])
def test_reconcile_goes_on_with_what_a_command_has_begun(bench: Bench, way: str) -> None:
    """It cannot know whether that process is dead; where it is not, the two carry out one operation."""
    bench.configure()
    commit = push_unheard(bench, {**FILES, "a.json": turn(job("migrate", "x:never"), hook="PreSync")})
    since = now(bench)
    with bench.syncing(lambda line: "PreSync hook Job/migrate" in line) as process:
        if way == "killed":
            process.kill()
        aged(bench)
        with ThreadPoolExecutor(1) as beside:
            going_on = beside.submit(bench.reconcile)
            wait_until(lambda: "a sync was interrupted" in "".join(said(bench)))
            make_ready(bench)
            outcome = going_on.result()
        _, told = process.communicate(timeout=60)
    if way == "alive":
        assert (process.returncode, outcome) == (0, "succeeded"), told
    else:
        assert bench.reconciled(commit)[0] == "success"
    runs = ran(events(bench, since), bench.name)
    assert list(runs.values()) == [HOOKS]
    assert inventory(bench)["data"]["operation"] == ""
    assert [one["result"] for one in history(bench)] == ["succeeded"]


def test_what_follows_on_a_failure_is_gone_on_with_too(bench: Bench, deployer: Run) -> None:
    bench.configure(automated=False)
    files = {
        **FILES,
        "d.json": turn(job("with", "x:exit-1"), hook="Sync", policy="HookFailed"),
        "g.json": turn(job("failing", "x:never"), hook="SyncFail"),
        "h.json": turn(text("told"), hook="SyncFail", wave=1),
    }
    bench.world.github.wait_for_delivery(bench.push(files))
    since = now(bench)
    with bench.syncing(lambda line: "SyncFail hook Job/failing" in line) as process:
        process.kill()
    assert "Sync hook Job/with: " in json.loads(inventory(bench)["data"]["operation"])["error"]
    with bench.syncing(lambda line: "SyncFail hook Job/failing" in line) as process:
        make_ready(bench)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Sync hook Job/with: " in told
    found = events(bench, since)
    once = {"Job/migrate": 1, "ConfigMap/note": 1, "Job/with": 1, "Job/failing": 1, "ConfigMap/told": 1}
    assert list(ran(found, bench.name).values()) == [once]
    assert order(found, "DELETED") == ["Job/with"]
    assert "ConfigMap/late" not in bench.versions()
    assert [one["result"] for one in history(bench)] == ["failed"]
