"""What somebody has changed since the last sync, in words."""

from datetime import UTC, datetime

from deployer.manifest import ObjectKey
from deployer.report.drift import drift
from deployer.sync.drift import FieldChange
from deployer.sync.result import Action, ObjectResult, SyncResult

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
REPLICAS = FieldChange("spec.replicas", 5, 3, "kubectl-edit", "2026-01-02T10:03:07Z")
IMAGE = FieldChange("spec.image", "a", None, "", "")


def one(name: str, action: Action, *changes: FieldChange, message: str = "") -> ObjectResult:
    return ObjectResult(ObjectKey("apps", "Deployment", "web", name), "v1", action, None, message, changes)


def test_each_field_and_each_missing_object_has_its_line() -> None:
    objects = (
        one("same", "unchanged"),
        one("web", "updated", REPLICAS, IMAGE),
        one("gone", "created"),
        one("left", "pruned"),
        one("kept", "skipped", message="left Git; not pruned"),
        one("bad", "failed", message="no"),
    )
    assert list(drift(SyncResult("unfinished", "", objects=objects), NOW)) == [
        "Deployment/web spec.replicas 3 → 5 by kubectl-edit at 10:03",
        'Deployment/web spec.image absent → "a" by unknown',
        "Deployment/gone is missing",
    ]


def test_another_day_is_named() -> None:
    (line,) = drift(SyncResult("unfinished", "", objects=(one("web", "updated", REPLICAS),)), NOW.replace(day=3))
    assert line == "Deployment/web spec.replicas 3 → 5 by kubectl-edit at 2026-01-02 10:03"


def test_where_nothing_was_changed_nothing_is_said() -> None:
    assert list(drift(SyncResult("unfinished", ""), NOW)) == []
    assert list(drift(SyncResult("unfinished", "", objects=(one("web", "unchanged"),)), NOW)) == []
