"""Deployments of one application that meet: in one process, in another, and pushes in a row."""

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from deployer.application import Application
from deployer.cluster import inventory_store
from deployer.cluster.connection import Cluster
from deployer.cluster.lease import holding
from deployer.configuration import Placement
from deployer.errors import ClusterError, SupersededError
from deployer.settings import Settings
from deployer.sync.deploy import deploy
from deployer.sync.how import Deployed, How
from deployer.sync.result import Step
from deployer.sync.wanted import PAUSE
from tests.sync.deploying import STAGING, application, asked
from tests.sync.helpers import ignore
from tests.world import Bench, config_map, deployment


class Job(threading.Thread):
    """A deployment in a thread of its own."""

    def __init__(self, application: Application, settings: Settings, turn: threading.Lock) -> None:
        super().__init__()
        self.steps: list[Step] = []
        self.deployed: Deployed | None = None
        self._given = application, settings, turn
        self.start()

    def run(self) -> None:
        application, settings, turn = self._given
        with contextlib.suppress(ClusterError):
            self.deployed = deploy(Placement(application, STAGING), settings, How(), self.steps.append, turn)

    def wait_for(self, message: str) -> None:
        deadline = time.monotonic() + 20
        while not any(message in step.message for step in self.steps):
            assert time.monotonic() < deadline, self.steps
            time.sleep(0.02)


@pytest.fixture
def turn() -> threading.Lock:
    return threading.Lock()


def test_a_job_that_waits_for_health_lets_the_next_one_write(
    bench: Bench, settings: Settings, turn: threading.Lock
) -> None:
    files = {"web.yaml": deployment("web", "nginx:never"), "a.yaml": config_map("a", "1")}
    bench.push(files)
    first = Job(application(bench, timeout=4), settings, turn)
    first.wait_for("waiting [")
    bench.push({"a.yaml": config_map("a", "2")})
    second = deploy(Placement(application(bench), STAGING), settings, How(timeout=0), ignore, turn)
    assert first.is_alive(), "it still waits for health"
    assert second.message.startswith("2 objects in staging: 1 changed")
    assert bench.live("configmap", "a")["data"] == {"key": "2"}
    first.join()
    assert first.deployed
    assert first.deployed.result.outcome == "failed"
    assert not turn.locked()


def test_a_job_that_has_waited_for_its_turn_deploys_what_is_there_then(
    bench: Bench, settings: Settings, turn: threading.Lock
) -> None:
    bench.push({"a.yaml": config_map("a", "1")})
    since = len(bench.world.github.requests)
    with turn:
        job = Job(application(bench), settings, turn)
        time.sleep(0.3)
        assert asked(bench, since) == [], "not even the ref is looked up"
        newer = bench.push({"a.yaml": config_map("a", "2")})
    job.join()
    assert job.deployed
    assert job.deployed.revision == newer
    assert bench.live("configmap", "a")["data"] == {"key": "2"}


def test_a_job_of_another_process_that_deploys_an_older_commit_gives_way(
    bench: Bench, settings: Settings, turn: threading.Lock, staging: Cluster
) -> None:
    bench.push({"a.yaml": config_map("a", "1")})
    deploy(Placement(application(bench), STAGING), settings, How(), ignore)
    older = bench.push({"a.yaml": config_map("a", "2")})
    inventory = inventory_store.read(staging, bench.name, bench.name)
    with holding(staging, bench.name, inventory.name, "another process", 0):
        job = Job(application(bench), settings, turn)
        job.wait_for("taking Lease")
        newer = bench.push({"a.yaml": config_map("a", "3")})
        inventory_store.write(staging, inventory, replace(inventory, history=()))
    job.join()
    state, description = bench.statuses(older)[-1]
    assert state == "failure"
    assert description == f"superseded by {newer[:7]}: main of {bench.repository} has moved"
    assert bench.live("configmap", "a")["data"] == {"key": "1"}


def test_of_pushes_in_a_row_the_newest_is_deployed_after_a_moment(
    bench: Bench, settings: Settings, staging: Cluster
) -> None:
    placement, how = Placement(application(bench), STAGING), How(why="a push", pushed=True)
    bench.push({"a.yaml": config_map("a", "1")})
    assert "pause" not in deploy(placement, settings, how, ignore).result.durations
    before = inventory_store.read(staging, bench.name, bench.name)
    just_now = replace(before.history[0], when=datetime.now(UTC) + timedelta(hours=1))
    inventory_store.write(staging, before, replace(before, history=(just_now,)))

    overtaken = bench.push({"a.yaml": config_map("a", "2")})
    bench.world.github.requests.clear()
    with ThreadPoolExecutor(1) as pool:
        deploying = pool.submit(deploy, placement, settings, how, ignore)
        while "GET ref" not in asked(bench):
            time.sleep(0.02)
        newest = bench.push({"a.yaml": config_map("a", "3")})
    deployed = deploying.result()

    assert deployed.revision == newest
    assert deployed.result.durations["pause"] == pytest.approx(PAUSE, abs=1)
    history = inventory_store.read(staging, bench.name, bench.name).history
    assert [one.revision for one in history] == [newest, just_now.revision]
    assert bench.statuses(overtaken) == []


def test_a_push_that_is_overtaken_before_it_writes_leaves_a_moment_to_others(
    bench: Bench, settings: Settings, staging: Cluster
) -> None:
    placement = Placement(application(bench), STAGING)
    bench.push({"a.yaml": config_map("a", "1")})
    deploy(placement, settings, How(), ignore)
    bench.push({"a.yaml": config_map("a", "2")})
    before = inventory_store.read(staging, bench.name, bench.name)
    old = replace(before, history=(replace(before.history[0], when=datetime(2026, 1, 1, tzinfo=UTC)),))
    inventory_store.write(staging, before, old)
    moved: list[float] = []

    def overtake(step: Step) -> None:
        if step.message.startswith("reading ") and not moved:
            bench.push({"a.yaml": config_map("a", "3")})
            moved.append(time.monotonic())

    with pytest.raises(SupersededError):
        deploy(placement, settings, How(pushed=True), overtake)
    assert time.monotonic() - moved[0] >= PAUSE
    assert bench.live("configmap", "a")["data"] == {"key": "1"}
