"""Two syncs of one application, in a real cluster: one writes at a time, and no older one over a newer."""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest

from deployer.cluster import inventory_store
from deployer.cluster.connection import connect
from deployer.cluster.lease import holding
from deployer.cluster.objects import get, list_all
from deployer.errors import ClusterError
from deployer.sync.result import Progress, Step, SyncResult
from local.world import World
from tests.sync.app import CONFIG_MAP, LEASE, TWO, App
from tests.world import config_map


class Running(threading.Thread):
    """A sync in a thread of its own, with a connection of its own."""

    def __init__(self, work: Callable[[Progress], SyncResult]) -> None:
        super().__init__()
        self.steps: list[str] = []
        self.result: SyncResult | None = None
        self.error: ClusterError | None = None
        self._work = work
        self.start()

    def run(self) -> None:
        try:
            self.result = self._work(lambda step: self.steps.append(step.message))
        except ClusterError as error:
            self.error = error

    def wait_for(self, message: str) -> None:
        deadline = time.monotonic() + 20
        while not any(message in step for step in self.steps):
            assert time.monotonic() < deadline, self.steps
            time.sleep(0.02)


@pytest.fixture
def second(world: World, app: App) -> App:
    cluster = connect("staging", world.clusters["staging"].deployer_kubeconfig.encode(), "the-secret")
    return App(cluster, app.namespace)


def overtaken(app: App, second: App, **owner: Any) -> Running:
    """A sync that had to wait while another one wrote; ended."""
    app.sync(config_map("a"))
    inventory = app.inventory()
    with ExitStack() as held:
        held.enter_context(holding(app.cluster, app.namespace, inventory.name, "another", 0))
        running = Running(lambda progress: second.sync(config_map("a", "2"), progress=progress, revision=TWO, **owner))
        running.wait_for("taking Lease")
        inventory_store.write(app.cluster, inventory, replace(inventory, history=()))
    running.join()
    second.cluster.close()
    return running


def test_a_sync_that_had_to_wait_plans_again(app: App, second: App) -> None:
    running = overtaken(app, second)
    assert running.result
    assert running.result.outcome == "succeeded"
    assert sum("asking cluster" in step for step in running.steps) == 2
    assert [one.revision for one in app.inventory().history] == [TWO]


def test_a_sync_whose_commit_is_an_older_one_by_then_writes_nothing(app: App, second: App) -> None:
    running = overtaken(app, second, moved=lambda: "main is 3333333 by now")
    assert str(running.error) == "main is 3333333 by now"
    live = get(app.cluster, CONFIG_MAP, app.namespace, "a")
    assert live is not None
    assert live["data"] == {"key": "1"}


def test_an_inventory_that_others_write_all_the_time_is_told(app: App) -> None:
    app.sync(config_map("a"))

    def interfere(step: Step) -> None:
        if step.message.startswith("dry-run"):  # the inventory is read, and not looked at again yet
            now = app.inventory()
            inventory_store.write(app.cluster, now, replace(now, history=now.history[1:] or app_history))

    app_history = app.inventory().history * 9
    with pytest.raises(ClusterError, match=r"somebody else writes ConfigMap .* all the time; sync again"):
        app.sync(config_map("a", "2"), progress=interfere)
    assert list_all(app.cluster, LEASE, app.namespace) == [], "the Lease is given back"
    assert get(app.cluster, CONFIG_MAP, app.namespace, "a")["data"] == {"key": "1"}  # type: ignore[index]


def test_two_syncs_at_once_do_not_mix(app: App, second: App) -> None:
    app.sync(config_map("a"))
    one = Running(lambda progress: app.sync(config_map("a"), config_map("b"), progress=progress, revision=TWO))
    two = Running(lambda progress: second.sync(config_map("a"), config_map("c"), progress=progress, revision=TWO))
    one.join()
    two.join()
    second.cluster.close()
    assert (one.error, two.error) == (None, None)
    assert app.names() in ({"a", "b"}, {"a", "c"}), "the later one has pruned what the earlier one had made"
    assert app.inventory().operation is None
