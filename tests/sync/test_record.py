"""What a sync writes into the history of one before it, in a real cluster."""

import time
from dataclasses import replace
from datetime import timedelta

import pytest

from deployer.cluster import inventory_store
from deployer.cluster.connection import Cluster
from deployer.cluster.history import Entry
from deployer.sync.decision import HEAL
from deployer.sync.options import Options
from deployer.sync.result import SyncResult
from deployer.sync.run import sync
from tests.sync.app import ONE, TWO, App
from tests.sync.helpers import ignore, manifest, manifests
from tests.sync.managers import patch
from tests.world import config_map, deployment

WEB = deployment("web", "nginx:never")


@pytest.fixture
def app(staging: Cluster, namespace: str) -> App:
    return App(staging, namespace)


def a_minute_later(app: App) -> None:
    """Make the history a minute older."""
    now = app.inventory()
    history = tuple(replace(one, when=one.when - timedelta(minutes=1)) for one in now.history)
    inventory_store.write(app.cluster, now, replace(now, history=history))


def left(app: App) -> Entry:
    """What the history says of a sync whose rollout was left, a minute later."""
    app.sync(config_map("a"), revision=TWO)
    assert app.sync(config_map("a"), WEB, wait=False).outcome == "unfinished"
    a_minute_later(app)
    entry, _ = app.inventory().history
    assert (entry.result, entry.why, entry.counts) == ("unfinished", "a push", {"created": 1, "unchanged": 1})
    return entry


def ended(entry: Entry, settled: Entry, result: SyncResult) -> Entry:
    """A sync with the end that a later one has found for it, whose operation is the later one's."""
    assert settled.operation not in ("", entry.operation)
    later = settled.operation
    return replace(entry, result=result.outcome, error=result.message, fault=result.fault, operation=later)


def test_a_later_sync_settles_what_an_earlier_one_left(app: App) -> None:
    entry = left(app)
    result = app.sync(config_map("a"), WEB, timeout=0.2, why="reconcile", who="the schedule")
    assert result.outcome == "failed"
    settled, before = app.inventory().history
    assert settled == ended(entry, settled, result), "it is the same sync, and has its end now"
    assert settled.fault == "health"
    assert settled.error.startswith("1 of 2 objects not healthy after 0.2 s: Deployment/web: ")
    assert (before.revision, before.result) == (TWO, "succeeded")


def test_one_that_ends_well_is_settled_too(app: App) -> None:
    app.sync(config_map("a"), wait=False)
    a_minute_later(app)
    (entry,) = app.inventory().history
    assert entry.result == "unfinished"
    result = app.sync(config_map("a"), why="reconcile", who="the schedule")
    assert result.outcome == "succeeded"
    (settled,) = app.inventory().history
    assert settled == ended(entry, settled, result)


def test_what_is_still_unfinished_is_not_written_again(app: App) -> None:
    left(app)
    before = app.inventory()
    leaving = Options(app.namespace, owner=app.owner, until=time.monotonic())
    for options in (leaving, replace(leaving, wait=False)):
        assert sync(app.cluster, manifests(config_map("a"), WEB), options, ignore).outcome == "unfinished"
    assert app.inventory().resource_version == before.resource_version


def test_the_time_of_a_rollout_counts_on_where_somebody_has_interfered(app: App) -> None:
    entry = left(app)
    result = app.sync(config_map("a", "2"), WEB, timeout=0.2, why="drift")
    assert result.count("updated") == 1
    settled, _ = app.inventory().history
    assert settled == ended(entry, settled, result)


def test_a_later_sync_of_another_commit_is_one_of_its_own(app: App) -> None:
    entry = left(app)
    app.sync(config_map("a"), WEB, timeout=0.2, revision="3" * 40)
    newer, older, _ = app.inventory().history
    assert (older, newer.revision[0], newer.result) == (entry, "3", "failed")


def test_of_heals_in_a_row_the_last_is_kept(app: App) -> None:
    app.sync(config_map("a"))
    (first,) = app.inventory().history
    body = manifest("v1", "ConfigMap", "a", app.namespace)
    for heals in range(3):
        patch(app.cluster, body, {"data": {"key": str(heals + 2)}}, "kubectl-edit")
        app.sync(config_map("a"), why=HEAL, heals=heals)
        last, *others = app.inventory().history
        assert (last.why, last.heals, last.result, last.counts) == (HEAL, heals, "succeeded", {"updated": 1})
        assert others == [first], "a heal that was fought back does not push the others out"
    app.sync(config_map("a"), why="another look", revision=ONE)
    assert app.inventory().history == (last, first), "and what changes nothing tells nothing"


def test_two_syncs_of_the_same_second_are_two_all_the_same(app: App) -> None:
    app.sync(config_map("a"), revision=TWO)
    app.sync(config_map("a"), WEB, wait=False)
    app.sync(config_map("a"), WEB, timeout=0.2, who="reconcile")
    settled, _ = app.inventory().history
    assert (settled.result, settled.why, settled.counts) == ("failed", "a push", {"created": 1, "unchanged": 1})
