"""What an application returns to, and what holds it there."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from deployer.application import parse_application
from deployer.cluster.history import DELETION, Entry, Fault, Result
from deployer.cluster.hold import Hold
from deployer.cluster.inventory import Inventory
from deployer.errors import ConfigurationError
from deployer.sync.how import Deployed
from deployer.sync.result import Outcome, SyncResult
from deployer.sync.rollback import BY_HAND, BY_ITSELF, held_at, in_words, message, returns_to, rolls_back, target

TEN = datetime(2026, 10, 1, 10, 3, 7, tzinfo=UTC)
A, B, C = "a" * 40, "b" * 40, "c" * 40
HOLD = Hold(A, B, TEN, "ada", BY_HAND)


def entry(number: int, revision: str, result: Result = "succeeded", why: str = "push") -> Entry:
    return Entry(revision, TEN, why, "somebody", result, {}, {}, id=number)


def inventory(*history: Entry) -> Inventory:
    return Inventory("shop", "shop", history=history)


@pytest.mark.parametrize(
    ("hold", "commit", "held"),
    [(None, B, False), (HOLD, B, True), (HOLD, C, False), (HOLD, A, False), (replace(HOLD, revision=""), B, True)],
)
def test_a_hold_is_over_when_the_ref_has_moved(hold: Hold | None, commit: str, held: bool) -> None:
    assert held_at(hold, commit) == (hold if held else None)


SYNCS = (
    entry(6, C, "failed"),
    entry(5, B, "unfinished"),
    entry(4, C),
    entry(3, B),
    entry(2, A),
    entry(1, "main"),
)
PUSHED = (entry(3, C, "failed"), entry(2, B), entry(1, A))


@pytest.mark.parametrize(
    ("history", "number", "hold", "found"),
    [
        (SYNCS, 0, None, 3),
        (SYNCS, 2, None, 2),
        (SYNCS, 4, None, 4),
        (PUSHED, 0, None, 2),
        ((entry(4, B), *PUSHED), 0, Hold(B, C, TEN, "ada", BY_HAND), 1),
        ((entry(4, B), *PUSHED), 0, Hold(B, A, TEN, "ada", BY_HAND), 4),
        ((entry(4, B), *PUSHED), 2, Hold(B, C, TEN, "ada", BY_HAND), 2),
        ((entry(4, C, why=DELETION), *PUSHED), 0, None, 2),
        ((entry(2, B, why=DELETION), entry(1, A)), 0, None, 1),
    ],
    ids=[
        "not to the commit that is to be there",
        "a number",
        "the number of the commit that is to be there",
        "from one that failed",
        "one further back than it is held at",
        "an old hold does not count",
        "the number of what it is held at",
        "from what was deleted",
        "not to a deletion",
    ],
)
def test_what_it_returns_to(history: tuple[Entry, ...], number: int, hold: Hold | None, found: int) -> None:
    assert target(replace(inventory(*history), hold=hold), number, "shop", C).id == found


@pytest.mark.parametrize(
    ("history", "number", "said"),
    [
        (
            (),
            0,
            "shop cannot return to an earlier revision: its history has no such sync that was healthy; there is: none",
        ),
        ((entry(1, C),), 0, "there is: 1 (ccccccc)"),
        (
            SYNCS,
            6,
            "shop cannot return to sync 6: its history has no such sync that was healthy; there is: 4 (ccccccc), 3",
        ),
        (SYNCS, 5, "sync 5"),
        (SYNCS, 99, "sync 99"),
        (SYNCS, 1, "sync 1"),
        ((entry(2, A, why=DELETION), entry(1, A)), 2, "there is: 1 (aaaaaaa)"),
    ],
)
def test_what_it_cannot_return_to_names_what_there_is(history: tuple[Entry, ...], number: int, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        target(inventory(*history), number, "shop", C)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("history", "returns"),
    [
        (PUSHED, True),
        ((entry(2, C, "failed"), entry(1, C), entry(0, A)), False),
        ((entry(2, C, "failed"), entry(1, C, "unfinished"), entry(0, A)), True),
        ((entry(4, C, "failed"), entry(3, A), entry(2, C), entry(1, A)), True),
        ((entry(1, C, "failed"),), False),
        ((entry(2, C, "failed"), entry(1, A, "failed")), False),
        ((entry(2, C, "failed"), entry(1, A, why=DELETION)), False),
        ((entry(2, C, "failed"), entry(1, "main")), False),
        ((), False),
    ],
)
def test_from_which_commit_it_can_return_by_itself(history: tuple[Entry, ...], returns: bool) -> None:
    assert returns_to(inventory(*history), C) == returns


def test_without_an_inventory_nothing_is_to_return_to() -> None:
    assert not returns_to(None, C)


def deployed(outcome: Outcome, fault: Fault, changed: int, revision: str = C, hold: Hold | None = None) -> Deployed:
    newest = replace(entry(3, C, outcome), fault=fault, counts={"updated": changed, "unchanged": 1})
    result = SyncResult(outcome, "why", "", inventory=inventory(newest, *PUSHED[1:]), fault=fault)
    return Deployed("shop", "staging", revision, result, "why", 1, {}, hold)


@pytest.mark.parametrize(
    ("given", "returns"),
    [
        (deployed("failed", "health", 1), True),
        (deployed("failed", "health", 0), True),
        (deployed("failed", "hook", 1), True),
        (deployed("failed", "hook", 0), False),
        (deployed("failed", "", 1), True),
        (deployed("failed", "", 0), False),
        (deployed("failed", "overtaken", 1), False),
        (deployed("failed", "lost", 1), False),
        (deployed("succeeded", "", 1), False),
        (deployed("unfinished", "", 1), False),
        (deployed("failed", "health", 1, hold=HOLD), False),
        (deployed("failed", "health", 1, revision=B), False),
    ],
)
def test_only_a_rollout_that_failed_is_returned_from(given: Deployed, returns: bool) -> None:
    assert rolls_back(given) == returns


def test_a_sync_without_a_history_is_not_returned_from() -> None:
    given = deployed("failed", "health", 1)
    assert not rolls_back(replace(given, result=replace(given.result, inventory=None)))
    assert not rolls_back(replace(given, result=replace(given.result, inventory=inventory())))


@pytest.mark.parametrize(
    ("hold", "outcome", "words"),
    [
        (None, "succeeded", "all is well"),
        (HOLD, "succeeded", "rolled back to aaaaaaa by ada; all is well"),
        (
            replace(HOLD, why=f"{BY_ITSELF}: no"),
            "unfinished",
            "rolled back to aaaaaaa: its rollout failed: no; all is well",
        ),
        (HOLD, "failed", "the return to aaaaaaa failed: all is well; it was begun by ada"),
    ],
)
def test_what_the_commit_is_told(hold: Hold | None, outcome: Outcome, words: str) -> None:
    assert message(hold, SyncResult(outcome, ""), "all is well") == words


def document(**metadata: Any) -> dict[str, Any]:
    source = {"repoURL": "https://github.com/acme/shop.git", "targetRevision": "main", "path": "k8s"}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "shop", **metadata},
        "spec": {"source": source, "destination": {"name": "staging", "namespace": "shop"}},
    }


@pytest.mark.parametrize(
    ("hold", "words"),
    [
        (HOLD, "held at aaaaaaa by ada at 2026-10-01 10:03 UTC (deployer rollback)"),
        (Hold("", B, TEN, "", DELETION), "deleted by somebody at 2026-10-01 10:03 UTC (deployer delete)"),
    ],
)
def test_what_holds_it_and_until_when(hold: Hold, words: str) -> None:
    told = in_words(hold, parse_application(document(), "a.yaml"))
    assert told == f"{words}, until main moves, or `deployer sync shop`"
