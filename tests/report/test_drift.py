"""What somebody has changed since the last sync, found and put in words."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from deployer.cluster.history import Entry, Result
from deployer.cluster.inventory import Inventory
from deployer.manifest import ObjectKey
from deployer.report.drift import deployed, drift_in_words, find_drift
from deployer.sync.drift import FieldChange
from deployer.sync.result import Action, ObjectResult, SyncResult

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
OLD, NEW = "1" * 40, "2" * 40
REPLICAS = FieldChange("spec.replicas", 5, 3, "kubectl-edit", "2026-01-02T10:03:07Z")
PAUSED = FieldChange("spec.paused", "a", None, "", "")
IMAGE = FieldChange("spec.image", "a", "b", "deployer", "2026-01-02T10:03:07Z")


def entry(revision: str = OLD, result: Result = "succeeded", **changes: Any) -> Entry:
    return replace(Entry(revision, NOW, "push", "alice", result, {"created": 1}, {}, id=1), **changes)


def inventory(*history: Entry) -> Inventory:
    return Inventory("shop", "shop", history=history)


def one(name: str, action: Action, *changes: FieldChange, message: str = "") -> ObjectResult:
    return ObjectResult(ObjectKey("apps", "Deployment", "web", name), "v1", action, None, message, changes)


def lines(newest: Entry, revision: str, *objects: ObjectResult, now: datetime = NOW) -> list[str]:
    found = find_drift(inventory(newest), revision, SyncResult("unfinished", "", objects=objects))
    return [drift_in_words(one, now) for one in found]


OBJECTS = (
    one("same", "unchanged"),
    one("web", "updated", REPLICAS, IMAGE, PAUSED),
    one("gone", "created"),
    one("left", "pruned"),
    one("kept", "skipped", message="left Git; not pruned"),
    one("bad", "failed", message="no"),
)
BY_SOMEBODY = "Deployment/web spec.replicas 3 → 5 by kubectl-edit at 10:03"
BY_NOBODY_KNOWS = ['Deployment/web spec.paused absent → "a" by unknown', "Deployment/gone is missing"]


@pytest.mark.parametrize(
    ("newest", "revision", "told"),
    [
        (entry(), OLD, [BY_SOMEBODY, *BY_NOBODY_KNOWS]),
        (entry(result="unfinished"), OLD, [BY_SOMEBODY, *BY_NOBODY_KNOWS]),
        # Where nobody knows who it was, it may be a new commit's, or left by a sync that did not come so far.
        (entry(), NEW, [BY_SOMEBODY]),
        (entry(result="failed"), OLD, [BY_SOMEBODY]),
    ],
)
def test_each_field_and_each_missing_object_has_its_line(newest: Entry, revision: str, told: list[str]) -> None:
    assert lines(newest, revision, *OBJECTS) == told


def test_another_day_is_named() -> None:
    (line,) = lines(entry(), OLD, one("web", "updated", REPLICAS), now=NOW.replace(day=3))
    assert line == "Deployment/web spec.replicas 3 → 5 by kubectl-edit at 2026-01-02 10:03"


def test_where_nothing_was_changed_nothing_is_said() -> None:
    assert lines(entry(), OLD) == []
    assert lines(entry(), OLD, one("web", "unchanged")) == []


@pytest.mark.parametrize(
    ("history", "revision"),
    [
        ((entry(NEW), entry()), NEW),
        ((entry(NEW, "unfinished"), entry()), NEW),
        ((entry(NEW, "failed"), entry()), NEW),
        ((entry(NEW, "failed", counts={"unchanged": 1}), entry()), NEW),
        ((entry(NEW, "failed", counts={}), entry()), OLD),
        ((entry(NEW, "failed", counts={"created": 0, "failed": 2}), entry()), OLD),
        ((entry(NEW, "failed", counts={}),), None),
    ],
)
def test_what_failed_before_it_wrote_anything_is_not_deployed(history: tuple[Entry, ...], revision: str | None) -> None:
    found = deployed(inventory(*history))
    assert (found and found.revision) == revision
