"""What is to be done about an application, from how it stands."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from deployer.cluster.health import Status as HealthStatus
from deployer.cluster.history import Entry, Result
from deployer.cluster.inventory import empty
from deployer.cluster.operation import Operation
from deployer.errors import RenderError
from deployer.github.statuses import State, Status
from deployer.retry_policy import RetryPolicy
from deployer.sync.decision import HEAL, Decision, decide, out_of_sync
from deployer.sync.how import How
from deployer.sync.look import Seen
from deployer.sync.result import Action, Outcome
from tests.sync.standing import (
    COMMIT,
    EARLIER,
    NOW,
    UNREACHABLE,
    ago,
    application,
    decided,
    entry,
    failures,
    seen,
    told,
)

SOME: Sequence[Action] = ("created", "updated", "updated", "pruned", "unchanged")
WORDS = "out of sync: 1 to create, 2 to change, 1 to prune"
WELL = "in sync: 2 objects in staging"
TRIES = 6  # the first, and Argo CD's five retries


@pytest.mark.parametrize(
    ("actions", "words"),
    [
        ((), ""),
        (("unchanged", "skipped", "failed"), ""),
        (("created", "unchanged"), "1 to create"),
        (("pruned", "pruned"), "2 to prune"),
        (SOME, "1 to create, 2 to change, 1 to prune"),
    ],
)
def test_what_a_sync_would_change(actions: Sequence[Action], words: str) -> None:
    planned = seen(actions=actions).planned
    assert planned
    assert out_of_sync(planned.result) == words


@pytest.mark.parametrize(
    ("given", "standing", "tell"),
    [
        (seen(actions=SOME), "out of sync", ("pending", WORDS)),
        (seen(told("pending", 5, "deploying"), actions=SOME), "out of sync", ("pending", WORDS)),
        (seen(told("success", 5, "live"), actions=SOME), "out of sync", ("pending", WORDS)),
        (seen(told("pending", 5, WORDS), told("success")), "in sync", ("success", WELL)),
        (seen(told("pending", 5, WORDS), actions=SOME), "out of sync", None),
        (seen(), "in sync", ("success", WELL)),
        (seen(told("success", 5, "2 objects in staging: 2 created, healthy in 4.2 s")), "in sync", None),
        (seen(outcome="failed", message="a: no"), "failed", ("failure", "a: no")),
        (seen(told("failure", 5, "a: no, said otherwise"), outcome="failed", message="a: no"), "failed", None),
        (seen(told("success"), outcome="failed", message="a: no", actions=SOME), "failed", ("failure", "a: no")),
        (seen(problem=RenderError("a.yaml: no")), "failed", ("failure", "a.yaml: no")),
        (seen(problem=UNREACHABLE), "failed", ("error", str(UNREACHABLE))),
        (seen(told("error", 5, "cannot be reached"), problem=UNREACHABLE), "failed", None),
        (seen(told("failure"), problem=UNREACHABLE), "failed", ("error", str(UNREACHABLE))),
        # What the sync that waited for its rollout has said stays, until that is well.
        (seen(told("failure", 5, "not healthy"), health=HealthStatus.PROGRESSING), "failed", None),
        (seen(told("failure", 5, "not healthy")), "in sync", ("success", WELL)),
        (seen(told("pending", 5, "deploying"), health=HealthStatus.PROGRESSING), "in sync", None),
        (
            seen(told("pending", 5, WORDS), health="", actions=()),
            "in sync",
            ("success", "in sync: 0 objects in staging"),
        ),
        # It is a person who syncs, whatever else there is.
        (seen(told("failure"), last=entry("failed"), actions=SOME), "out of sync", ("pending", WORDS)),
        (seen(told("success"), last=entry(revision=EARLIER)), "in sync", None),
    ],
)
def test_the_commit_of_a_manual_application_is_told_how_it_stands(given: Seen, standing: str, tell: Any) -> None:
    for self_heal in (False, True):
        found = decide(replace(application(automated=False), self_heal=self_heal), "staging", given, NOW)
        assert (found.standing, found.tell, found.sync) == (standing, tell, None)


@pytest.mark.parametrize("statuses", [(), (told("pending", 5, "still rolling out"),)])
def test_a_rollout_that_somebody_has_asked_for_is_followed_to_its_end(statuses: Sequence[Status]) -> None:
    """The request that has begun it could not wait for so long."""
    last = entry("unfinished", seconds=20, why="deployment 4 of acme/shop")
    state = statuses[0].state if statuses else None
    found = decided(seen(*statuses, last=last, health=HealthStatus.PROGRESSING), automated=False)
    goes_on = How(why="deployment 4 of acme/shop", told=state, waited=20.0)
    assert found == Decision("under way", "its rollout goes on", goes_on)
    changed = decided(seen(*statuses, last=last, actions=SOME), automated=False)
    assert (changed.sync, changed.tell) == (
        None,
        ("failure", f"out of sync before its rollout had ended: {WORDS[13:]}"),
    )


@pytest.mark.parametrize(
    ("last", "status", "outcome"),
    [
        (entry("unfinished"), told("success", 5, "health not waited for"), "unfinished"),
        (entry("unfinished"), told("error", 5, "the deployer was stopped"), "unfinished"),
        (entry("unfinished"), told("pending", 5, "still rolling out"), "failed"),
        (entry("unfinished", EARLIER), told("pending", 5, WORDS), "unfinished"),
        (entry("failed"), told("pending", 5, WORDS), "unfinished"),
    ],
)
def test_what_nobody_waits_for_any_more_is_not_followed(last: Entry, status: Status, outcome: Outcome) -> None:
    assert decided(seen(status, last=last, outcome=outcome, message="a: no"), automated=False).sync is None


@pytest.mark.parametrize(
    "last", [None, entry(revision=EARLIER), entry("unfinished", EARLIER), entry("failed", EARLIER)]
)
@pytest.mark.parametrize("statuses", [(), (told("pending", 30),), (told("success", 31),)])
def test_a_lost_delivery_is_made_good(last: Entry | None, statuses: Sequence[Status]) -> None:
    given = seen(*statuses, last=last, actions=SOME)
    assert decided(given) == Decision("out of sync", "main has moved", How(why="main has moved"))


@pytest.mark.parametrize("state", ["pending", "success"])
def test_a_commit_that_was_told_something_just_now_is_under_way(state: State) -> None:
    given = seen(told(state, 29), last=entry(revision=EARLIER), actions=SOME)
    assert decided(given) == Decision("under way", "another sync is under way")


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        (0, Decision("under way", "another sync is under way")),
        (29, Decision("under way", "another sync is under way")),
        (30, Decision("under way", "a sync was interrupted", How(why="a sync was interrupted", told="failure"))),
        (9999, Decision("under way", "a sync was interrupted", How(why="a sync was interrupted", told="failure"))),
        (-5, Decision("under way", "another sync is under way")),  # clocks differ a little
        (-9999, Decision("under way", "a sync was interrupted", How(why="a sync was interrupted", told="failure"))),
    ],
)
@pytest.mark.parametrize("last", [None, entry(), entry("failed"), entry("unfinished"), entry(revision=EARLIER)])
def test_a_sync_that_has_not_ended_is_left_alone_until_it_must_have_been_killed(
    since: float, expected: Decision, last: Entry | None
) -> None:
    assert decided(seen(told("failure", 5), last=last, actions=SOME, operation=ago(since)), self_heal=True) == expected


TRY = How(why="another try")


@pytest.mark.parametrize(
    ("statuses", "again"),
    [
        (failures(1, 4.9), False),
        (failures(1, 5), True),
        (failures(2, 9.9), False),
        (failures(2, 10), True),
        (failures(3, 19.9), False),
        (failures(3, 20), True),
        (failures(4, 39.9), False),
        (failures(4, 40), True),
        (failures(5, 79.9), False),
        (failures(5, 80), True),
        (failures(6, 10**6), False),
        (failures(60, 10**6), False),
        ([told("error", 5)], True),
        # A try that is under way, or was: the last that failed counts.
        ([told("pending", 1), *failures(1, 5)], True),
        ([told("pending", 1), *failures(1, 4.9)], False),
    ],
)
@pytest.mark.parametrize("last", [entry("failed"), None, entry(revision=EARLIER)], ids=["recorded", "new", "another"])
def test_a_commit_that_failed_is_tried_again_with_pauses_and_not_for_ever(
    statuses: list[Status], again: bool, last: Entry | None
) -> None:
    expected = Decision("failed", "the commit has failed", TRY if again else None)
    assert decided(seen(*statuses, last=last, actions=SOME)) == expected


def test_a_failure_that_the_commit_never_learnt_of_is_told_by_another_try() -> None:
    assert decided(seen(last=entry("failed"), actions=SOME)).sync == TRY


@pytest.mark.parametrize("health", [HealthStatus.HEALTHY, HealthStatus.SUSPENDED])
def test_what_became_healthy_after_it_had_failed_is_told(health: str) -> None:
    expected = Decision("in sync", "it has become healthy", How(why="it has become healthy", told="failure"))
    assert decided(seen(told("failure", 1), last=entry("failed"), health=health)) == expected
    assert decided(seen(*failures(TRIES, 1), last=entry("failed"), health=health)) == expected


@pytest.mark.parametrize(
    ("health", "actions"),
    [(HealthStatus.DEGRADED, ("unchanged",)), (HealthStatus.HEALTHY, ("updated",)), ("", ("unchanged",))],
)
def test_what_is_not_well_or_not_as_it_should_be_is_still_failed(health: str, actions: Sequence[Action]) -> None:
    given = seen(*failures(TRIES, 1), last=entry("failed"), health=health, actions=actions)
    assert decided(given) == Decision("failed", "the commit has failed")


@pytest.mark.parametrize(
    ("statuses", "tell"),
    [
        (failures(1, 5), False),
        (failures(1, 10**6), False),
        ([told("error", 10**6)], False),
        # A commit that has not learnt of it does, and all has had its time.
        ((), True),
        ((told("pending", 10**6),), True),
        ((told("pending", 3), *failures(1, 4)), False),
    ],
)
@pytest.mark.parametrize("health", [HealthStatus.PROGRESSING, HealthStatus.DEGRADED])
def test_a_rollout_that_was_not_healthy_in_time_is_told_and_not_tried_again(
    statuses: Sequence[Status], tell: bool, health: str
) -> None:
    given = seen(*statuses, last=entry("failed", seconds=400), health=health)
    expected = replace(TRY, waited=400) if tell else None
    assert decided(given) == Decision("failed", "the commit has failed", expected)


@pytest.mark.parametrize(
    ("retry", "statuses", "again"),
    [
        (RetryPolicy(limit=0), (), True),
        (RetryPolicy(limit=0), failures(1, 10**6), False),
        (RetryPolicy(limit=1), failures(1, 10**6), True),
        (RetryPolicy(limit=1), failures(2, 10**6), False),
        (RetryPolicy(limit=-1), failures(90, 179.9), False),
        (RetryPolicy(limit=-1), failures(90, 180), True),
        (RetryPolicy(duration=60.0), failures(1, 59.9), False),
        (RetryPolicy(duration=60.0), failures(1, 60), True),
    ],
)
@pytest.mark.parametrize("last", [entry("failed"), entry(revision=EARLIER)], ids=["recorded", "another"])
def test_how_often_is_the_applications_to_say(
    retry: RetryPolicy, statuses: Sequence[Status], again: bool, last: Entry
) -> None:
    given = seen(*statuses, last=last, actions=SOME)
    found = decide(replace(application(), retry=retry), "staging", given, NOW).sync
    moved = not statuses and last.revision == EARLIER
    if not statuses and last.revision == COMMIT:
        again = retry.limit != 0  # the inventory counts what the commit has not been told
    assert found == ((How(why="main has moved") if moved else TRY) if again else None)


def test_a_render_error_is_told_and_not_tried_again() -> None:
    wrong = RenderError("a.yaml: no")
    assert decided(seen(*failures(1, 10**6), problem=wrong)) == Decision("failed", "a.yaml: no")
    assert decided(seen(problem=wrong)) == Decision("failed", "a.yaml: no", TRY)


def test_what_failed_before_it_succeeded_counts_no_more() -> None:
    statuses = [told("failure", 5), told("success", 6), *failures(TRIES, 10)]
    assert decided(seen(*statuses, last=entry("failed"), actions=SOME)).sync == TRY
    assert decided(seen(*statuses[1:], last=entry(revision=EARLIER), actions=SOME)).sync is None  # just now
    assert decided(seen(told("success", 60), *failures(TRIES, 70), actions=SOME)).sync == How(why="main has moved")


@pytest.mark.parametrize(
    ("statuses", "sync"),
    [
        ((), TRY),
        ((told("error"),), None),
        ((told("success"),), None),
        ((told("pending", 29),), None),  # somebody else is about to
        ((told("pending", 30),), TRY),  # somebody else was, and was killed
        ((told("pending", 30), told("failure", 35)), TRY),
        ((told("pending", 30), *failures(TRIES, 60)), None),
    ],
)
@pytest.mark.parametrize("last", [None, entry(), entry("failed"), entry("unfinished"), entry(revision=EARLIER)])
def test_what_cannot_be_planned_or_would_be_refused_is_told_once(
    statuses: Sequence[Status], sync: How | None, last: Entry | None
) -> None:
    assert decided(seen(*statuses, problem=UNREACHABLE)) == Decision("failed", str(UNREACHABLE), sync)
    refused = seen(*statuses, last=last, outcome="failed", message="a: no", actions=SOME)
    assert decided(refused, self_heal=True) == Decision("failed", "a: no", sync)


@pytest.mark.parametrize("state", ["pending", "success", None])
@pytest.mark.parametrize("health", [HealthStatus.HEALTHY, HealthStatus.PROGRESSING])
def test_a_rollout_that_outlived_its_request_is_settled(state: State | None, health: str) -> None:
    given = seen(
        *([told(state, 12)] if state else []), last=entry("unfinished", seconds=12.5, why="a push"), health=health
    )
    how = How(why="a push", told=state, waited=12.5)
    assert decided(given) == Decision("under way", "its rollout goes on", how)


def test_drift_is_named_and_not_healed_where_nobody_wants_it() -> None:
    assert decided(seen(told("success"), last=entry(), actions=SOME)) == Decision("out of sync", WORDS)


def healing(heals: int, state: State | None = "success") -> How:
    return How(why=HEAL, told=state, heals=heals, hooks="never")


@pytest.mark.parametrize("last", [entry(seconds=0), entry(why="drift, says somebody", seconds=0, heals=3)])
@pytest.mark.parametrize("state", ["success", "failure"])
def test_drift_is_healed_at_once(last: Entry, state: State) -> None:
    given = seen(told(state), last=last, actions=SOME)
    assert decided(given, self_heal=True) == Decision("out of sync", WORDS, healing(0, state))


@pytest.mark.parametrize(
    ("before", "seconds", "heals"),
    [
        # Heals in a row before the last one, seconds since that, what the next one is; None is none yet.
        (0, 1.9, None),
        (0, 2, 1),
        (1, 5.9, None),
        (1, 6, 2),
        (2, 17.9, None),
        (2, 18, 3),
        (3, 53.9, None),
        (3, 54, 4),
        (4, 161.9, None),
        (4, 162, 5),
        (5, 299.9, None),
        (5, 300, 6),
        (50, 299.9, None),
        (50, 300, 51),
        (10**9, 299.9, None),  # which whoever may write ConfigMaps can make it
        (10**9, 300, 10**9 + 1),
        (5, 600, 6),
        (5, 600.1, 0),  # calm: the next one is the first again
    ],
)
def test_whoever_fights_back_is_not_fought_all_the_time(before: int, seconds: float, heals: int | None) -> None:
    given = seen(told("success"), last=entry(why=HEAL, seconds=seconds, heals=before), actions=SOME)
    found = decided(given, self_heal=True)
    assert (found.standing, found.sync) == ("out of sync", None if heals is None else healing(heals))
    times = "1 time" if before == 0 else f"{before + 1} times"
    assert found.why == (WORDS if heals is not None else f"{WORDS}; healed {times} in a row, and not again yet")


@pytest.mark.parametrize("self_heal", [False, True])
@pytest.mark.parametrize(
    ("statuses", "tell"),
    [
        ((), ("success", WELL)),
        ((told("pending", 5, "deploying"),), ("success", WELL)),
        ((told("error", 5, "cannot be reached"), told("success")), ("success", WELL)),
        ((told("success"),), None),
        ((told("success"), told("pending")), None),
    ],
)
def test_in_sync_is_said_where_it_was_not_said(statuses: Sequence[Status], tell: Any, self_heal: bool) -> None:
    assert decided(seen(*statuses, last=entry()), self_heal=self_heal) == Decision("in sync", tell=tell)


@pytest.mark.parametrize("state", ["pending", "success", "failure"])
def test_what_a_person_does_about_a_rollout_that_hangs_is_not_undone(state: State) -> None:
    given = seen(told(state), last=entry("unfinished", seconds=60), actions=SOME, health=HealthStatus.PROGRESSING)
    end: tuple[State, str] = ("failure", f"out of sync before its rollout had ended: {WORDS.partition(': ')[2]}")
    assert decided(given) == Decision("out of sync", WORDS, tell=None if state == "failure" else end)
    healed = decided(given, self_heal=True).sync
    assert healed == How(why="a push", told=state, waited=60), "but for one that heals itself"


def test_a_heal_that_failed_goes_on_with_its_own_back_off() -> None:
    last = entry("failed", seconds=100, why=HEAL, heals=3)
    given = seen(*failures(TRIES, 100), last=last, actions=SOME)
    assert decided(given, self_heal=True).sync == healing(4, "failure")
    assert decided(given).sync is None


@pytest.mark.parametrize("result", ["succeeded", "unfinished"])
def test_a_sync_of_the_future_was_just_now(result: Result) -> None:
    given = seen(told("pending"), last=entry(result, seconds=-1e9, why=HEAL), actions=SOME)
    sync = decided(given, self_heal=True).sync
    assert sync is None if result == "succeeded" else sync == How(why=HEAL, told="pending", waited=0)


def test_a_commit_that_only_the_history_does_not_know_is_not_deployed_again_and_again() -> None:
    for last in (None, entry(revision=EARLIER)):
        assert decided(seen(told("success"), last=last)).sync is None
        assert decided(seen(told("success"), last=last, actions=SOME)).sync == How(why="main has moved")


@pytest.mark.parametrize(
    ("tries", "seconds", "again"),
    [(1, 4.9, False), (1, 5, True), (3, 19.9, False), (3, 20, True), (6, 10**6, False)],
)
@pytest.mark.parametrize("statuses", [(), (told("pending", 40),), failures(1, 10**6)], ids=["untold", "killed", "told"])
def test_what_the_inventory_has_counted_counts_too(
    tries: int, seconds: float, again: bool, statuses: Sequence[Status]
) -> None:
    """The commit may not have learnt of it: many have one status, and GitHub may have been down."""
    last = replace(entry("failed", seconds=seconds), tries=tries)
    assert decided(seen(*statuses, last=last, actions=SOME)).sync == (TRY if again else None)
    wrong = replace(
        seen(*statuses, problem=RenderError("a.yaml: no")), before=replace(empty("shop", "web"), history=(last,))
    )
    untold = not statuses or statuses[0].state == "pending"
    assert decided(wrong).sync == (TRY if again and untold else None)


def test_what_has_failed_of_another_commit_or_was_superseded_does_not_count() -> None:
    for last in (replace(entry("failed", EARLIER, seconds=1), tries=9), None):
        assert decided(seen(last=last, actions=SOME)).sync == How(why="main has moved")
    history = (replace(entry("failed", seconds=1, fault="overtaken"), tries=9),)
    given = replace(seen(problem=UNREACHABLE), before=replace(empty("shop", "web"), history=history))
    assert decided(given).sync == TRY


@pytest.mark.parametrize("statuses", [(), (told("pending", 1),), failures(TRIES, 1)])
@pytest.mark.parametrize("actions", [SOME, ("unchanged",)])
@pytest.mark.parametrize("seconds", [0, 10**6])
def test_a_commit_that_was_superseded_is_deployed_where_the_ref_has_moved_back(
    statuses: Sequence[Status], actions: Sequence[Action], seconds: float
) -> None:
    given = seen(*statuses, last=entry("failed", seconds=seconds, fault="overtaken"), actions=actions)
    assert decided(given) == Decision("out of sync", "main has moved back", How(why="main has moved back"))


def test_of_a_commit_that_was_superseded_an_interrupted_sync_goes_on() -> None:
    operation = Operation(COMMIT, ago(60), "another process", "a push", id="1", paused=ago(1))
    given = seen(last=entry(revision=EARLIER), actions=SOME, operation=operation)
    assert decided(given).sync == How(why="a push")
