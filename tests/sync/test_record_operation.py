"""The operation that a sync writes into its inventory: gone on with, noted, paused, and ended, in a real cluster."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deployer.cluster import inventory_store
from deployer.cluster.inventory import GroupKind, begun
from deployer.cluster.operation import Operation
from deployer.errors import ClusterError
from deployer.sync.record import EndedError, Record, cover
from tests.sync.app import ONE, TWO, App
from tests.sync.helpers import ignore

MIGRATE, CHECK = "PreSync Job.batch shop/migrate", "PostSync Job.batch shop/check"


@pytest.fixture
def app(app: App) -> App:
    app.make_namespace(app.namespace)
    return app


def record(app: App, revision: str = ONE, **owner: Any) -> Record:
    """A sync that has read its inventory."""
    found = Record(app.cluster, replace(app.owner, revision=revision, **owner), ignore)
    found.read()
    return found


@contextmanager
def under_way(app: App, revision: str = ONE, **owner: Any) -> Iterator[Record]:
    """A sync that has begun, under its Lease."""
    found = record(app, revision, **owner)
    with found.alone():
        assert found.begin(cover([]))
        yield found


def operation(app: App) -> Operation:
    found = app.inventory().operation
    assert found
    return found


def test_a_sync_that_begins_is_the_one_under_way(app: App) -> None:
    with under_way(app) as sync:
        assert (sync.begun, sync.resumed, sync.interrupted) == (True, False, True)
        assert operation(app) == sync.operation
        assert (sync.operation.id != "", sync.operation.revision) == (True, ONE)
        sync.go_on()
        assert sync.begun
    other = record(app, TWO)
    assert (other.begun, other.resumed, other.interrupted) == (False, False, True)


def test_two_syncs_are_two(app: App) -> None:
    assert record(app).operation.id != record(app).operation.id


def test_a_sync_of_the_same_revision_goes_on_with_the_operation(app: App) -> None:
    with under_way(app, why="a push", who="ada") as first:
        first.note({MIGRATE: "succeeded"})
    second = record(app, why="a sync was interrupted", who="the schedule")
    assert (second.resumed, second.begun) == (True, False)
    assert second.operation == first.operation
    with second.alone():
        assert second.begin(cover([]))
    assert (second.begun, second.resumed) == (True, True)
    assert operation(app) == first.operation, "it is the same one, and knows which hooks have ended"


@pytest.mark.parametrize(("revision", "operation_id"), [(TWO, "0a1b2c3d"), (ONE, "")])
def test_a_sync_of_another_revision_or_an_older_version_is_not_gone_on_with(
    app: App, revision: str, operation_id: str
) -> None:
    before = inventory_store.read(app.cluster, app.namespace, app.namespace)
    since = datetime.now(UTC) - timedelta(hours=1)
    inventory_store.write(
        app.cluster, before, begun(before, Operation(revision, since, "host-1", "a push", id=operation_id))
    )
    with under_way(app) as sync:
        assert not sync.resumed
        assert operation(app).id == sync.operation.id not in ("", operation_id)


def test_what_a_sync_notes_adds_up_and_its_first_error_stays(app: App) -> None:
    with under_way(app) as sync:
        sync.note({MIGRATE: "succeeded"})
        sync.note({CHECK: "failed"}, error="Job/check: it failed", fault="hook")
        sync.note({}, error="another", fault="health")
        found = operation(app)
        assert found.hooks == {MIGRATE: "succeeded", CHECK: "failed"}
        assert (found.error, found.fault) == ("Job/check: it failed", "hook")
        assert (found.id, found.since) == (sync.operation.id, sync.operation.since)


def test_what_tells_nothing_new_is_not_written(app: App) -> None:
    with under_way(app) as sync:
        sync.note({MIGRATE: "succeeded"})
        before, sent = app.inventory().resource_version, app.cluster.requests
        sync.note({MIGRATE: "succeeded"})
        sync.note({})
        assert app.cluster.requests == sent
        assert app.inventory().resource_version == before


def test_a_sync_that_is_left_to_the_next_reconcile_is_taken_up_where_it_was(app: App) -> None:
    with under_way(app) as first:
        pass
    first.pause({MIGRATE: "succeeded"}, 12.5, {"created": 2, "unchanged": 5})
    left = operation(app)
    assert (left.hooks, left.waited, left.counts) == ({MIGRATE: "succeeded"}, 12.5, {"created": 2})
    assert left.paused
    assert abs(datetime.now(UTC) - left.paused) < timedelta(seconds=30)
    with under_way(app) as second:
        taken_up = operation(app)
        assert second.resumed
        assert taken_up == replace(left, paused=None)
        second.pause({CHECK: "succeeded"}, 20, {"created": 1, "pruned": 1})
        assert operation(app).counts == {"created": 3, "pruned": 1}
    third = record(app)
    third.end("succeeded", {"updated": 1, "unchanged": 7}, {})
    (entry,) = app.inventory().history
    assert entry.counts == {"created": 3, "pruned": 1, "updated": 1, "unchanged": 7}
    assert (entry.operation, entry.when) == (first.operation.id, first.operation.since)


def test_the_history_says_of_what_sort_an_error_was(app: App) -> None:
    with under_way(app) as sync:
        sync.end("failed", {}, {}, "Job/migrate: it failed", fault="hook")
    (entry,) = app.inventory().history
    assert (entry.result, entry.error, entry.fault) == ("failed", "Job/migrate: it failed", "hook")
    assert (entry.operation, app.inventory().operation) == (sync.operation.id, None)


@pytest.mark.parametrize("result", ["succeeded", "failed"])
def test_a_sync_that_another_process_has_ended_is_over(app: App, result: Any) -> None:
    with under_way(app) as first:
        pass
    with under_way(app) as second:
        assert second.resumed
        second.end(result, {"created": 1}, {}, "" if result == "succeeded" else "no", fault="")
    before = app.inventory()
    with first.alone(), pytest.raises(EndedError) as raised:
        first.go_on()
    assert raised.value.entry == before.history[0]
    assert (first.over, first.begun) == (True, False)
    first.end("failed", {"created": 9}, {}, "what it thinks")
    assert app.inventory().resource_version == before.resource_version, "its end is written already"


@pytest.mark.parametrize("ended", [False, True])
def test_a_newer_sync_takes_the_place_of_one_that_waits(app: App, ended: bool) -> None:
    with under_way(app) as older:
        pass
    with under_way(app, TWO) as newer:
        assert not newer.resumed
        if ended:
            newer.end("succeeded", {"created": 1}, {})
    before = app.inventory()
    with older.alone(), pytest.raises(ClusterError, match="superseded by 2222222: a newer sync has begun"):
        older.go_on()
    assert (older.over, older.begun) == (True, False)
    older.end("failed", {"created": 9}, {}, "what it thinks")
    assert app.inventory().resource_version == before.resource_version


def test_one_whose_rollout_was_left_unfinished_by_another_process_is_not_ended(app: App) -> None:
    with under_way(app) as first:
        pass
    with under_way(app) as second:
        second.end("unfinished", {"created": 1}, {})
    with first.alone(), pytest.raises(ClusterError, match="superseded by 1111111"):
        first.go_on()


def test_who_waited_too_long_cannot_note_anything(app: App) -> None:
    with under_way(app) as older:
        pass
    with under_way(app, TWO):
        pass
    with pytest.raises(ClusterError) as raised:
        older.note({MIGRATE: "succeeded"})
    assert raised.value.status == 409
    with pytest.raises(ClusterError):
        older.pause({}, 1.0, {})
    assert operation(app).revision == TWO


def test_a_ref_that_has_moved_meanwhile_keeps_an_older_sync_from_beginning(app: App) -> None:
    with under_way(app, TWO) as newer:
        newer.end("succeeded", {"created": 1}, {})
    older = record(app, moved=lambda: "main is at 2222222 by now")
    with older.alone(), pytest.raises(ClusterError, match="main is at 2222222 by now"):
        older.begin(cover([]))
    assert app.inventory().operation is None


def test_what_was_planned_with_an_inventory_that_somebody_has_written_is_planned_again(app: App) -> None:
    late = record(app)
    with under_way(app, TWO) as other:
        other.end("succeeded", {"created": 1}, {})
    with late.alone():
        assert not late.begin(cover([]))
        assert not late.begun
        assert late.begin(cover([], [GroupKind("", "Secret")]))
    assert app.inventory().group_kinds == {GroupKind("", "Secret")}
