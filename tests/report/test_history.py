"""The past syncs of an application, as cells and as JSON."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from deployer.cluster.history import Entry, Operation
from deployer.cluster.inventory import Inventory
from deployer.report.history import COLUMNS, as_json, entry_cells, operation_cells, short, signs

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
OPERATION = Operation("5d6e7f8" + "0" * 33, TEN, "bob (12ab)", "deployer sync")


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
        },
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
            }
        ],
        "message": "",
    }
    none = as_json("", Inventory("shop", ""), orphaned=False, message="no")
    assert (none["operation"], none["history"], none["message"]) == (None, [], "no")
