"""What is to be done about an application while a sync window holds it back."""

from dataclasses import replace
from typing import Any

import pytest

from deployer.cluster.health import Status as HealthStatus
from deployer.cluster.operation import Operation
from deployer.errors import RenderError
from deployer.github.statuses import State, Status
from deployer.sync.decision import HEAL, Decision, decide
from deployer.sync.how import How
from deployer.sync.look import Seen
from tests.sync.standing import COMMIT, EARLIER, NOW, UNREACHABLE, ago, application, entry, failures, seen, told

HELD_BACK = "held back until 2026-01-03 06:00 UTC by the deny window 0 22 * * * (8h)"
WORDS = "out of sync: 1 to create"
HELD = f"{WORDS}; {HELD_BACK}"
WELL = "in sync: 2 objects in staging"
NEW: Any = {"actions": ("created", "unchanged")}


def held(given: Seen, **policy: Any) -> Decision:
    return decide(application(**policy), "staging", given, NOW, HELD_BACK)


@pytest.mark.parametrize(
    "given",
    [
        seen(**NEW),
        seen(last=entry(revision=EARLIER), **NEW),
        seen(told("pending", 40, "deploying"), last=entry(revision=EARLIER), **NEW),
        # Another try, and one that heals.
        seen(*failures(1, 10), last=entry("failed"), **NEW),
        seen(*failures(1, 10), **NEW),
        seen(told("success"), last=entry(), **NEW),
        seen(told("success"), last=entry(why=HEAL), **NEW),
        # Somebody has changed what a rollout had not ended with.
        seen(told("pending", 60), last=entry("unfinished"), **NEW),
    ],
)
def test_what_would_be_synced_is_told_and_waits(given: Seen) -> None:
    decision = held(given, self_heal=True)
    assert (decision.standing, decision.sync) == ("out of sync", None)
    assert decision.tell == ("pending", HELD)
    assert decide(application(self_heal=True), "staging", given, NOW).sync, "once no window holds it back"


def test_it_is_told_once_and_again_where_it_is_for_longer() -> None:
    assert held(seen(told("pending", 5, HELD), last=entry(revision=EARLIER), **NEW)).tell is None
    other = told("pending", 40, f"{WORDS}; held back until yesterday")
    assert held(seen(other, last=entry(revision=EARLIER), **NEW)).tell == ("pending", HELD)


@pytest.mark.parametrize("seconds", [0, 5, 29, 1000])
def test_it_is_synced_at_once_when_the_window_has_ended(seconds: float) -> None:
    given = seen(told("pending", seconds, HELD), last=entry(revision=EARLIER), **NEW)
    assert decide(application(), "staging", given, NOW).sync == How(why="main has moved")


def test_a_commit_that_changes_nothing_is_in_sync() -> None:
    assert held(seen(last=entry(revision=EARLIER))) == Decision("in sync", WELL, tell=("success", WELL))


@pytest.mark.parametrize(
    ("given", "tell"),
    [
        (seen(problem=UNREACHABLE), ("error", str(UNREACHABLE))),
        (seen(problem=RenderError("a.yaml: no")), ("failure", "a.yaml: no")),
        (seen(outcome="failed", message="a: no", **NEW), ("failure", "a: no")),
        (seen(told("failure"), outcome="failed", message="a: no", **NEW), None),
    ],
)
def test_what_would_fail_is_told(given: Seen, tell: tuple[State, str] | None) -> None:
    decision = held(given)
    assert (decision.standing, decision.sync, decision.tell) == ("failed", None, tell)


@pytest.mark.parametrize("state", ["pending", "success", None])
@pytest.mark.parametrize("health", [HealthStatus.HEALTHY, HealthStatus.PROGRESSING])
def test_a_rollout_that_is_under_way_is_settled(state: State | None, health: str) -> None:
    statuses = [told(state, 12)] if state else []
    given = seen(*statuses, last=entry("unfinished", seconds=12.5, why="a push"), health=health)
    how = How(why="a push", told=state, waited=12.5)
    assert held(given) == Decision("under way", "its rollout goes on", how)


def test_what_has_become_healthy_is_told() -> None:
    assert held(seen(told("failure", 1), last=entry("failed"))).sync == How(why="it has become healthy", told="failure")


def interrupted(revision: str) -> Seen:
    given = seen(told("pending", 60), last=entry(revision=EARLIER), operation=ago(60), **NEW)
    assert given.planned
    assert given.planned.result.inventory
    operation = Operation(revision, ago(60), "another process", "a push")
    inventory = replace(given.planned.result.inventory, operation=operation)
    return replace(given, planned=replace(given.planned, result=replace(given.planned.result, inventory=inventory)))


def test_a_sync_that_was_interrupted_goes_on_but_for_another_commit() -> None:
    assert held(interrupted(COMMIT)).sync == How(why="a sync was interrupted", told="pending")
    assert held(interrupted(EARLIER)) == Decision("out of sync", HELD, tell=("pending", HELD))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        # Nothing is held back where nothing would be done.
        (seen(told("success"), last=entry()), Decision("in sync")),
        (seen(told("success"), last=entry(), **NEW), Decision("out of sync", WORDS)),
        (seen(*failures(6, 10), last=entry("failed"), **NEW), Decision("failed", "the commit has failed")),
        (seen(last=entry("succeeded")), Decision("in sync", tell=("success", WELL))),
    ],
)
def test_what_would_not_be_synced_is_as_ever(given: Seen, expected: Decision) -> None:
    assert held(given) == expected


@pytest.mark.parametrize("status", [told("pending", 5, WORDS), told("success", 60)])
def test_a_manual_application_is_not_held_back_by_itself(status: Status) -> None:
    expected = None if status.state == "pending" else ("pending", WORDS)
    assert held(seen(status, last=entry(), **NEW), automated=False).tell == expected
