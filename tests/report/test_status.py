"""How applications are: judged from an inventory and a plan, and told in cells, sentences and JSON."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from deployer.cluster.health import Health, Status
from deployer.cluster.history import DELETION, Entry, Result
from deployer.cluster.hold import Hold
from deployer.cluster.inventory import GroupKind, Inventory
from deployer.cluster.operation import Operation
from deployer.manifest import ObjectKey
from deployer.report.status import (
    COLUMNS,
    ApplicationStatus,
    all_well,
    as_json,
    cells,
    deleted,
    judge,
    notes,
    orphaned,
    summary,
    unread,
)
from deployer.sync.drift import FieldChange
from deployer.sync.result import Action, ObjectResult, Outcome, SyncResult

NOW = datetime(2026, 10, 1, 12, tzinfo=UTC)
TEN = datetime(2026, 10, 1, 10, 3, tzinfo=UTC)
OLD, NEW = "1a2b3c4" + "0" * 33, "5d6e7f8" + "0" * 33
FINE, ILL = Health(Status.HEALTHY, ""), Health(Status.DEGRADED, "it crashes")
EDIT = FieldChange("spec.replicas", 5, 3, "kubectl-edit", "2026-10-01T10:03:00Z")
SOURCE = FieldChange("spec.image", "a", "b", "deployer", "2026-10-01T10:03:00Z")
NOBODY = FieldChange("spec.paused", None, True, "", "")


def entry(revision: str = OLD, result: Result = "succeeded", **changes: Any) -> Entry:
    return replace(Entry(revision, TEN, "push", "alice", result, {"created": 1}, {}, id=1), **changes)


def inventory(*history: Entry, **changes: Any) -> Inventory:
    return Inventory("shop", "shop", history=history or (entry(),), **changes)


def one(action: Action = "unchanged", health: Health | None = FINE, name: str = "web", **more: Any) -> ObjectResult:
    return ObjectResult(ObjectKey("apps", "Deployment", "shop", name), "v1", action, health, **more)


def plan(*objects: ObjectResult, outcome: Outcome = "unfinished", message: str = "") -> SyncResult:
    return SyncResult(outcome, message, "", objects)


def status(*objects: ObjectResult, revision: str = OLD) -> ApplicationStatus:
    return judge("staging", inventory(), revision, plan(*objects))


LEFT = one("skipped", None, message="left Git; not pruned: why")


@pytest.mark.parametrize(
    ("given", "sync", "health", "well"),
    [
        (plan(), "Synced", Status.HEALTHY, True),
        (plan(one()), "Synced", Status.HEALTHY, True),
        (plan(one(), one(health=Health(Status.SUSPENDED, ""))), "Synced", Status.SUSPENDED, True),
        (plan(one(), one(health=ILL)), "Synced", Status.DEGRADED, False),
        (plan(one(health=Health(Status.PROGRESSING, "")), one()), "Synced", Status.PROGRESSING, False),
        (plan(one(), LEFT), "Synced", Status.HEALTHY, True),
        (plan(one("updated")), "OutOfSync", Status.HEALTHY, False),
        (plan(one(), one("created", None)), "OutOfSync", Status.MISSING, False),
        (plan(one(), one("pruned", None)), "OutOfSync", Status.HEALTHY, False),
        (plan(one(), one("failed", None), outcome="failed"), "OutOfSync", Status.UNKNOWN, False),
        (plan(one("skipped", None), outcome="failed"), "OutOfSync", Status.UNKNOWN, False),
        (plan(one(), outcome="failed"), "OutOfSync", Status.HEALTHY, False),
    ],
)
def test_sync_and_health(given: SyncResult, sync: str, health: Status, well: bool) -> None:
    found = judge("staging", inventory(), OLD, given)
    assert found.health
    assert (found.sync, found.health.status, found.well) == (sync, health, well)


@pytest.mark.parametrize(
    ("newest", "revision", "drift"),
    [
        (entry(), OLD, [EDIT, NOBODY]),
        (entry(), NEW, [EDIT]),
        (entry(result="failed"), OLD, [EDIT]),
    ],
    ids=["the same source", "a new commit", "a sync that did not come so far"],
)
def test_drift_is_what_others_have_changed_and_no_commit(
    newest: Entry, revision: str, drift: list[FieldChange]
) -> None:
    objects = plan(one("updated", changes=(EDIT, SOURCE, NOBODY)), one())
    found = judge("staging", inventory(newest), revision, objects)
    assert [one.change for one in found.drift] == drift
    assert cells(found, NOW)[COLUMNS.index("drift")] == str(len(drift))


@pytest.mark.parametrize(("revision", "count"), [(OLD, 1), (NEW, 0)])
def test_an_object_that_somebody_removed_is_drift(revision: str, count: int) -> None:
    found = status(one("created", None), revision=revision)
    assert len(found.drift) == count
    assert ("Deployment/web is missing" in notes(found, NOW)) == bool(count)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (status(one()), ("shop", "staging", "1a2b3c4", "Synced", "Healthy", "-", "succeeded 10:03")),
        (
            status(one("updated", changes=(SOURCE,)), revision=NEW),
            ("shop", "staging", "1a2b3c4 → 5d6e7f8", "OutOfSync", "Healthy", "-", "succeeded 10:03"),
        ),
        (
            judge("staging", Inventory("shop", "shop"), NEW, plan(one("created", None))),
            ("shop", "staging", "- → 5d6e7f8", "OutOfSync", "Missing", "-", "-"),
        ),
        (unread("shop", "staging", "why"), ("shop", "staging", "-", "Unknown", "Unknown", "-", "-")),
        (
            unread("shop", "staging", "why", inventory(entry(when=datetime(2026, 9, 30, 10, 3, tzinfo=UTC)))),
            ("shop", "staging", "1a2b3c4", "Unknown", "Unknown", "-", "succeeded 2026-09-30"),
        ),
        (
            orphaned("staging", inventory(operation=Operation(NEW, TEN, "bob", "push"))),
            ("shop", "staging", "1a2b3c4", "orphaned", "-", "-", "under way 10:03"),
        ),
    ],
)
def test_cells(given: ApplicationStatus, told: tuple[str, ...]) -> None:
    assert cells(given, NOW) == told


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (status(one()), []),
        (
            status(one("updated", changes=(EDIT,)), one("created", None, name="new"), one("pruned", None), LEFT),
            [
                "1 to create, 1 to change, 1 to prune",
                "1 left Git but not pruned",
                "Deployment/web spec.replicas 3 → 5 by kubectl-edit at 10:03",
                "Deployment/new is missing",
            ],
        ),
        (
            status(one(health=Health(Status.PROGRESSING, "")), one(health=ILL, name="ill"), one()),
            ["Deployment/ill is Degraded: it crashes (and 1 more)"],
        ),
        (status(one(health=ILL)), ["Deployment/web is Degraded: it crashes"]),
        (
            judge("staging", inventory(), OLD, plan(one("failed", None), outcome="failed", message="no"), ["not seen"]),
            ["a sync would fail: no", "not seen"],
        ),
        (
            judge("staging", inventory(entry(result="failed", error="no")), OLD, plan(one("updated"))),
            ["1 to change", "the last sync failed: no"],
        ),
        (
            judge("staging", inventory(entry(error="no")), OLD, plan(outcome="failed", message="no")),
            ["a sync would fail: no"],
        ),
        (judge("staging", inventory(entry(error="no")), OLD, plan(one())), []),
        (unread("shop", "staging", "why"), ["why"]),
    ],
)
def test_notes(given: ApplicationStatus, told: list[str]) -> None:
    assert notes(given, NOW) == told


def test_an_orphan_says_that_nothing_of_it_is_touched_and_where_it_is() -> None:
    kinds = frozenset({GroupKind("apps", "Deployment"), GroupKind("", "ConfigMap")})
    (told,) = notes(orphaned("staging", inventory(entry(error="no"), group_kinds=kinds)), NOW)
    assert "no application of the configuration deploys it to namespace shop; nothing of it is touched" in told
    assert f"`kubectl get ConfigMap,Deployment.apps -A -l applyset.kubernetes.io/part-of={inventory().id}`" in told
    (told,) = notes(orphaned("staging", inventory()), NOW)
    assert told.endswith("it has left: nothing, as far as its inventory says")


@pytest.mark.parametrize(
    ("given", "told", "well"),
    [
        ([], "0 applications", True),
        ([status(one())], "1 application: 1 synced and healthy", True),
        ([status(one()), orphaned("staging", inventory())], "2 applications: 1 synced and healthy, 1 orphaned", True),
        (
            [status(one()), status(one("updated")), status(one(health=ILL)), unread("shop", "staging", "why")],
            "4 applications: 1 synced and healthy, 3 not",
            False,
        ),
    ],
)
def test_the_summary_and_whether_all_is_well(given: list[ApplicationStatus], told: str, well: bool) -> None:
    assert (summary(given), all_well(given)) == (told, well)


HOLD = Hold(OLD, NEW, TEN, "ada", "deployer rollback")


def test_one_that_is_held_is_out_of_sync_and_shows_both_commits() -> None:
    found = judge("staging", inventory(), OLD, plan(one()), ["held by ada"], HOLD)
    assert cells(found, NOW)[2:5] == ("1a2b3c4 → 5d6e7f8", "OutOfSync", "Healthy")
    assert (notes(found, NOW), found.well, found.drift) == (["held by ada"], False, ())
    assert summary([found]) == "1 application: 1 not"
    document = as_json([found])["applications"][0]
    assert (document["deployed"], document["revision"]) == (OLD, NEW)
    assert document["held"] == {
        "revision": OLD,
        "instead_of": NEW,
        "since": "2026-10-01T10:03:00Z",
        "who": "ada",
        "why": "deployer rollback",
    }


@pytest.mark.parametrize(
    ("newest", "told"),
    [
        (entry(why=DELETION, counts={"pruned": 2}), ["by ada"]),
        (
            entry(why=DELETION, result="failed", error="no", counts={"pruned": 1}),
            ["by ada", "the last deletion failed: no"],
        ),
    ],
)
def test_one_that_is_deleted_is_neither_unknown_nor_out_of_sync(newest: Entry, told: list[str]) -> None:
    found = deleted("staging", inventory(newest, entry(), hold=replace(HOLD, revision="")), "by ada")
    assert cells(found, NOW)[2:6] == ("- → 5d6e7f8", "deleted", "-", "-")
    assert notes(found, NOW) == told
    assert summary([found, status(one())]) == "2 applications: 1 synced and healthy, 1 deleted"
    assert not all_well([found]), "Git says that it is there"
    document = as_json([found])["applications"][0]
    assert (document["sync"], document["health"], document["held"]["revision"]) == ("deleted", None, "")


def test_after_a_deletion_nothing_is_missing_by_drift() -> None:
    newest = entry(why=DELETION, counts={"pruned": 1})
    found = judge("staging", inventory(newest, entry()), OLD, plan(one("created", None)))
    assert (found.drift, found.deployed) == ((), "")


def test_one_that_is_paused_says_so() -> None:
    paused = inventory(operation=Operation(NEW, TEN, "bob", "push", paused=TEN))
    assert cells(judge("staging", paused, OLD, plan(one())), NOW)[-1] == "paused 10:03"


def test_the_document_for_scripts() -> None:
    found = judge("staging", inventory(), NEW, plan(one("updated", ILL, changes=(EDIT, SOURCE)), LEFT), ["not seen"])
    document = as_json([found, unread("web", "production", "why"), orphaned("staging", inventory())])
    assert (document["ok"], document["message"]) == (False, "3 applications: 2 not, 1 orphaned")
    first, second, third = document["applications"]
    last = first.pop("last")
    assert (last["id"], last["when"]) == (1, "2026-10-01T10:03:00Z")
    assert first == {
        "application": "shop",
        "cluster": "staging",
        "namespace": "shop",
        "deployed": OLD,
        "revision": NEW,
        "sync": "OutOfSync",
        "health": "Degraded",
        "message": "1 to change; 1 left Git but not pruned; Deployment/web is Degraded: it crashes; not seen",
        "changes": {"created": 0, "updated": 1, "pruned": 0, "kept": 1},
        "drift": [
            {
                "group": "apps",
                "kind": "Deployment",
                "namespace": "shop",
                "name": "web",
                "path": "spec.replicas",
                "live": 5,
                "desired": 3,
                "manager": "kubectl-edit",
                "time": "2026-10-01T10:03:00Z",
            }
        ],
        "operation": None,
        "held": None,
    }
    assert (second["namespace"], second["sync"], second["message"], second["changes"]) == ("", "Unknown", "why", None)
    assert (second["last"], second["operation"]) == (None, None)
    assert (third["sync"], third["health"], third["deployed"]) == ("orphaned", None, OLD)
