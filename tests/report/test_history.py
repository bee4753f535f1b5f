"""The past syncs of an application, as cells and as JSON."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from deployer.cluster.history import Entry
from deployer.cluster.hold import Hold
from deployer.cluster.inventory import Inventory
from deployer.cluster.operation import Operation
from deployer.report.history import (
    COLUMNS,
    as_json,
    entry_cells,
    entry_notes,
    hold_in_words,
    operation_cells,
    operation_json,
    operation_notes,
    short,
    signs,
)

TEN = datetime(2026, 10, 1, 10, 3, 7, tzinfo=UTC)
ENTRY = Entry(
    "1a2b3c4" + "0" * 33,
    TEN,
    "push to main",
    "alice",
    "succeeded",
    {"created": 3, "updated": 1, "pruned": 2, "unchanged": 9},
    {"apply": 1.26, "wait": 1.0},
    id=7,
)
OPERATION = Operation("5d6e7f8" + "0" * 33, TEN, "bob (12ab)", "deployer sync", id="0a1b2c3d")


def test_the_cells_of_a_sync() -> None:
    assert dict(zip(COLUMNS, entry_cells(ENTRY), strict=True)) == {
        "id": "7",
        "revision": "1a2b3c4",
        "when (UTC)": "2026-10-01 10:03",
        "result": "succeeded",
        "changes": "+3 ~1 -2",
        "took": "2.3 s",
        "why": "push to main",
        "by": "alice",
    }
    bare = entry_cells(replace(ENTRY, counts={}, durations={}, why="", who=""))
    assert bare[4:] == ("-", "0.0 s", "-", "-")


def test_the_cells_of_the_sync_that_is_under_way() -> None:
    assert dict(zip(COLUMNS, operation_cells(OPERATION), strict=True)) == {
        "id": "-",
        "revision": "5d6e7f8",
        "when (UTC)": "2026-10-01 10:03",
        "result": "under way",
        "changes": "-",
        "took": "-",
        "why": "deployer sync",
        "by": "bob (12ab)",
    }


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ({}, "-"),
        ({"unchanged": 3}, "-"),
        ({"created": 0, "pruned": 0}, "-"),
        ({"created": 1}, "+1"),
        ({"pruned": 2, "created": 1}, "+1 -2"),
        ({"updated": 10, "strange": 3}, "~10"),
    ],
)
def test_changes_as_signs(counts: dict[str, int], told: str) -> None:
    assert signs(counts) == told


def test_no_revision_is_a_dash() -> None:
    assert (short(""), short("1a2b3c4d")) == ("-", "1a2b3c4")


def test_the_document_for_scripts() -> None:
    inventory = Inventory("shop", "shop", history=(ENTRY,), operation=OPERATION)
    assert as_json("staging", inventory, orphaned=True) == {
        "application": "shop",
        "cluster": "staging",
        "namespace": "shop",
        "orphaned": True,
        "operation": {
            "revision": OPERATION.revision,
            "since": "2026-10-01T10:03:07Z",
            "holder": "bob (12ab)",
            "why": "deployer sync",
            "id": "0a1b2c3d",
            "hooks": {},
            "paused": None,
            "waited": 0.0,
            "counts": {},
            "error": "",
            "fault": "",
            "who": "",
        },
        "held": None,
        "history": [
            {
                "revision": ENTRY.revision,
                "when": "2026-10-01T10:03:07Z",
                "why": "push to main",
                "who": "alice",
                "result": "succeeded",
                "counts": {"created": 3, "updated": 1, "pruned": 2, "unchanged": 9},
                "durations": {"apply": 1.26, "wait": 1.0},
                "error": "",
                "heals": 0,
                "id": 7,
                "fault": "",
                "operation": "",
                "tries": 1,
            }
        ],
        "message": "",
    }
    none = as_json("", Inventory("shop", ""), orphaned=False, message="no")
    assert (none["operation"], none["history"], none["message"]) == (None, [], "no")


@pytest.mark.parametrize(
    ("operation", "result", "took"),
    [
        (OPERATION, "under way", "-"),
        (replace(OPERATION, paused=TEN), "paused", "-"),
        (replace(OPERATION, paused=TEN, waited=12.34), "paused", "12.3 s"),
        (replace(OPERATION, waited=0.5), "under way", "0.5 s"),
    ],
)
def test_a_sync_that_waits_for_the_next_reconcile_says_for_how_long_it_has(
    operation: Operation, result: str, took: str
) -> None:
    cells = dict(zip(COLUMNS, operation_cells(operation), strict=True))
    assert (cells["result"], cells["took"]) == (result, took)


def test_what_a_sync_under_way_has_come_to() -> None:
    assert operation_notes(OPERATION) == ()
    hooks = {"PreSync Job.batch shop/migrate": "succeeded", "Sync Job.batch shop/check": "failed"}
    told = ("PreSync Job.batch shop/migrate succeeded", "Sync Job.batch shop/check failed")
    assert operation_notes(replace(OPERATION, hooks=hooks)) == told
    assert operation_notes(replace(OPERATION, hooks=hooks, error="it failed")) == (*told, "it failed")


def test_what_holds_an_application() -> None:
    hold = Hold("1a2b3c4" + "0" * 33, "5d6e7f8" + "0" * 33, TEN, "alice", "deployer rollback")
    for_ever = ", for as long as its ref points at 5d6e7f8"
    said = "it is held at 1a2b3c4 by alice since 2026-10-01 10:03 UTC (deployer rollback)"
    assert hold_in_words(hold) == said + for_ever
    deleted = replace(hold, revision="", who="", why="deployer delete")
    assert hold_in_words(deleted) == "it is deleted by somebody since 2026-10-01 10:03 UTC (deployer delete)" + for_ever
    assert as_json("staging", Inventory("shop", "shop", hold=hold), orphaned=False)["held"] == {
        "revision": hold.revision,
        "instead_of": hold.instead_of,
        "since": "2026-10-01T10:03:07Z",
        "who": "alice",
        "why": "deployer rollback",
    }


def test_the_times_of_a_sync_that_waits_for_the_next_reconcile_are_json_too() -> None:
    paused = operation_json(replace(OPERATION, paused=TEN))
    assert json.loads(json.dumps(paused))["paused"] == "2026-10-01T10:03:07Z"


def test_a_rollback_by_itself_says_so_in_a_few_words_and_why_in_a_note() -> None:
    back = replace(ENTRY, why="its rollout failed: Deployment/web: ImagePullBackOff", error="and so did this")
    assert entry_cells(back)[COLUMNS.index("why")] == "rollback by itself"
    assert entry_notes(back) == (
        "instead of another commit: its rollout failed: Deployment/web: ImagePullBackOff",
        "and so did this",
    )
    assert entry_notes(ENTRY) == ()
