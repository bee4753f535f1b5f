"""A sync that waits while its ref moves on: it leaves its place to the newer commit, and goes on if that comes back."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from deployer.cluster.discovery import Resource
from deployer.cluster.history import DELETION
from deployer.cluster.objects import list_all
from deployer.errors import SourceError
from deployer.sync.deletion import delete
from deployer.sync.options import Options
from deployer.sync.prune import Pruning
from deployer.sync.result import SyncResult
from deployer.sync.run import sync
from tests.sync.app import ONE, PRUNE, TWO, App
from tests.sync.helpers import ignore, manifest, manifests
from tests.sync.managers import patch
from tests.sync.test_others_meanwhile import hook
from tests.world import config_map, deployment

JOBS = Resource("batch", "v1", "Job", "jobs", namespaced=True)
WEB = deployment("web", "nginx:never")
MOVED = "superseded by 2222222: main of acme/web has moved"


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask in each wait whether the ref has moved."""
    monkeypatch.setattr("deployer.sync.engine._ASK_AGAIN", 0)  # a number, no behaviour


class Ref:
    """A watched ref, which has moved after it was asked about so many times."""

    def __init__(self, times: int = 1) -> None:
        self.asked, self._times = 0, times

    def moved(self) -> str:
        self.asked += 1
        return MOVED if self.asked > self._times else ""


def synced(app: App, *documents: Any, revision: str = ONE, timeout: float = 60, **owner: Any) -> SyncResult:
    """Sync with hooks."""
    owner = {"moved": lambda: "", **owner}
    options = Options(
        app.namespace,
        True,
        timeout,
        owner=replace(app.owner, revision=revision, **owner),
        pruning=PRUNE,
        hooks="always",
    )
    return sync(app.cluster, manifests(*documents), options, ignore)


def jobs(app: App) -> list[str]:
    """The Jobs that are there, by what tells one from another of its name."""
    return [one["metadata"]["uid"] for one in list_all(app.cluster, JOBS, app.namespace)]


def endless() -> dict[str, Any]:
    """A hook that does not end, and would go by itself."""
    check = hook("check", "Sync", "busybox:never")
    check["spec"]["ttlSecondsAfterFinished"] = 0
    return check


def test_a_rollout_is_left_to_the_newer_commit(app: App) -> None:
    app.sync(config_map("a"), revision=TWO)
    start = time.monotonic()
    result = app.sync(config_map("a"), WEB, timeout=60, moved=Ref().moved)
    assert time.monotonic() - start < 20
    assert (result.outcome, result.message, result.fault) == ("failed", MOVED, "overtaken")
    inventory = app.inventory()
    assert inventory.operation is None
    last, _ = inventory.history
    assert (last.revision, last.result, last.fault, last.error) == (ONE, "failed", "overtaken", MOVED)
    assert last.counts["created"] == 1

    newer = app.sync(config_map("a"), revision="3" * 40)
    assert (newer.outcome, newer.count("pruned")) == ("succeeded", 1)
    assert app.inventory().history[1] == last, "what it was told stays"


def test_where_the_ref_moves_back_the_rollout_goes_on(app: App) -> None:
    app.sync(config_map("a"), WEB, timeout=60, moved=Ref().moved)
    result = app.sync(config_map("a"), WEB, timeout=0.5, moved=lambda: "", why="main has moved back")
    assert (result.outcome, result.fault) == ("failed", "health")
    last, before = app.inventory().history
    assert (last.why, last.fault, before.fault) == ("main has moved back", "health", "overtaken")


def test_one_between_two_waves_or_with_hooks_is_left_half_way(app: App) -> None:
    app.sync(config_map("z"), revision=TWO)
    documents = (config_map("a"), hook("check", "Sync", "busybox:never"), hook("told", "SyncFail"))
    result = synced(app, *documents, moved=Ref().moved)
    assert (result.outcome, result.message, result.fault) == ("failed", MOVED, "overtaken")
    inventory = app.inventory()
    assert inventory.operation
    assert (inventory.operation.revision, inventory.operation.error) == (ONE, "")
    assert inventory.operation.paused
    assert [one.revision for one in inventory.history] == [TWO], "it has not ended"
    (check,) = jobs(app)

    # Where the ref has moved back, nothing is done twice.
    again = synced(app, *documents, timeout=1)
    assert again.fault == "hook"
    assert check in jobs(app)
    assert app.inventory().history[0].operation == inventory.operation.id


def test_one_that_waits_for_a_wave_writes_no_other(app: App) -> None:
    late = manifest("v1", "ConfigMap", "late")
    late["metadata"]["annotations"] = {"argocd.argoproj.io/sync-wave": "1"}
    result = app.sync(WEB, late, moved=Ref().moved)
    assert (result.fault, app.names()) == ("overtaken", set())
    inventory = app.inventory()
    assert inventory.operation
    assert inventory.operation.paused
    newer = app.sync(late, revision=TWO, timeout=20)
    assert (newer.outcome, newer.count("pruned"), app.names()) == ("succeeded", 1, {"late"})
    assert [one.revision for one in app.inventory().history] == [TWO]


def test_the_newer_commit_lets_go_of_the_hooks(app: App) -> None:
    synced(app, config_map("a"), endless(), moved=Ref().moved)
    (check,) = list_all(app.cluster, JOBS, app.namespace)
    assert check["metadata"]["finalizers"]
    newer = synced(app, config_map("a", "2"), revision=TWO)
    assert newer.outcome == "succeeded"
    inventory = app.inventory()
    assert (inventory.operation, [one.revision for one in inventory.history]) == (None, [TWO])
    (check,) = list_all(app.cluster, JOBS, app.namespace)
    assert not check["metadata"].get("finalizers"), "which kept it as long as somebody waited for it"


def test_one_that_finds_the_newer_sync_begun_says_so(app: App) -> None:
    """The ref has moved, and a sync of the newer commit was quicker than the question."""
    documents = (config_map("a"), hook("check", "Sync", "busybox:never"))
    ref = Ref(times=0)

    def begin_newer() -> str:
        if not ref.asked:
            synced(app, config_map("a", "2"), revision=TWO)
        return ref.moved()

    result = synced(app, *documents, moved=begin_newer)
    assert (result.outcome, result.fault) == ("failed", "overtaken")
    assert result.message.startswith("superseded by 2222222")
    inventory = app.inventory()
    assert (inventory.operation, [one.revision for one in inventory.history]) == (None, [TWO])


def test_a_question_that_cannot_be_asked_ends_nothing(app: App) -> None:
    def away() -> str:
        raise SourceError("GitHub cannot be reached")

    result = app.sync(WEB, timeout=1, moved=away)
    assert (result.outcome, result.fault) == ("failed", "health")


def asked_in(app: App, act: Callable[[Ref], object]) -> int:
    ref = Ref(times=10**6)
    act(ref)
    return ref.asked


def test_it_is_asked_only_where_somebody_waits(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked_in(app, lambda ref: app.sync(config_map("a"), moved=ref.moved)) == 0
    assert asked_in(app, lambda ref: app.sync(config_map("a"), WEB, wait=False, moved=ref.moved)) == 0
    assert asked_in(app, lambda ref: app.sync(config_map("a"), WEB, dry_run=True, moved=ref.moved)) == 0
    assert asked_in(app, lambda ref: app.sync(config_map("a"), WEB, timeout=1, moved=ref.moved)) > 1
    monkeypatch.setattr("deployer.sync.engine._ASK_AGAIN", 60)
    assert asked_in(app, lambda ref: app.sync(config_map("b"), WEB, timeout=1, moved=ref.moved)) == 0, "not so soon"


def test_a_deletion_waits_for_its_end_whatever_moves(app: App) -> None:
    body = manifest("v1", "ConfigMap", "held")
    body["metadata"]["finalizers"] = ["example.com/held"]
    app.sync(body)
    ref = Ref(times=0)
    owner = replace(app.owner, why=DELETION, moved=ref.moved)
    pruning = Pruning(enabled=True, word="Delete", max_percentage=100)
    result = delete(
        app.cluster, [], Options(app.namespace, timeout=1, owner=owner, pruning=pruning), ignore, lambda _: True
    )
    patch(
        app.cluster, manifest("v1", "ConfigMap", "held", app.namespace), {"metadata": {"finalizers": None}}, "kubectl"
    )
    assert result
    assert (result.outcome, ref.asked) == ("failed", 0)
    assert "ConfigMap/held is deleted and still there" in result.message
