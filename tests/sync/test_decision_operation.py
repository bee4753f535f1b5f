"""What is to be done about a sync that has not ended, and about one whose hooks or waves have failed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import pytest

from deployer.cluster.health import Status as HealthStatus
from deployer.cluster.operation import Operation
from deployer.github.statuses import Status
from deployer.sync.decision import HEAL, Decision
from deployer.sync.how import How
from deployer.sync.result import Action
from tests.sync.standing import COMMIT, EARLIER, ago, decided, entry, failures, seen, told

SOME: Sequence[Action] = ("created", "updated", "updated", "pruned", "unchanged")
TRIES = 6  # the first, and Argo CD's five retries
TRY = How(why="another try")


@pytest.mark.parametrize("left", [0, 5, 9999])
@pytest.mark.parametrize("since", [0, 29, 9999])
@pytest.mark.parametrize("actions", [SOME, ("unchanged",)])
def test_a_sync_that_was_left_to_the_next_reconcile_goes_on_at_once(
    left: float, since: float, actions: Sequence[Action]
) -> None:
    operation = Operation(COMMIT, ago(since), "another process", "a push", id="1", paused=ago(left))
    given = seen(told("pending", 1), last=entry(revision=EARLIER), actions=actions, operation=operation)
    assert decided(given) == Decision("under way", "a push", How(why="a push", told="pending"))


@pytest.mark.parametrize(
    ("paused", "why"),
    [
        (None, "a sync was interrupted"),
        (ago(1), HEAL),
    ],
)
def test_a_heal_that_has_not_ended_goes_on_and_runs_no_hooks(paused: datetime | None, why: str) -> None:
    operation = Operation(COMMIT, ago(60), "another process", HEAL, id="1", paused=paused)
    given = seen(told("success"), last=entry(), actions=SOME, operation=operation)
    expected = Decision("under way", why, How(why=HEAL, told="success", hooks="never"))
    assert decided(given, self_heal=True) == expected


@pytest.mark.parametrize("health", HealthStatus)
@pytest.mark.parametrize("actions", [SOME, ("unchanged",)])
@pytest.mark.parametrize(
    ("statuses", "again"), [(failures(1, 4.9), False), (failures(1, 5), True), (failures(TRIES, 10**6), False)]
)
def test_a_hook_that_failed_is_tried_again_whatever_the_rest_is_like(
    health: str, actions: Sequence[Action], statuses: list[Status], again: bool
) -> None:
    # Nothing else may have to be written: its hooks run all the same.
    given = seen(*statuses, last=entry("failed", fault="hook"), actions=actions, health=health)
    expected = replace(TRY, hooks="always") if again else None
    assert decided(given) == Decision("failed", "the commit has failed", expected)


@pytest.mark.parametrize("health", [HealthStatus.PROGRESSING, HealthStatus.DEGRADED])
def test_a_wave_that_was_not_healthy_is_not_tried_again_but_told_where_it_was_not(health: str) -> None:
    last = entry("failed", seconds=400, fault="health")
    for statuses in (failures(1, 10**6), [told("pending", 3), *failures(1, 4)]):
        given = seen(*statuses, last=last, actions=SOME, health=health)
        assert decided(given) == Decision("failed", "the commit has failed")
    untold = seen(told("pending", 10**6), last=last, actions=SOME, health=health)
    assert decided(untold) == Decision("failed", "the commit has failed", replace(TRY, waited=400))


@pytest.mark.parametrize("health", [HealthStatus.HEALTHY, HealthStatus.SUSPENDED])
def test_the_waves_after_one_that_has_become_healthy_follow(health: str) -> None:
    expected = Decision("in sync", "it has become healthy", How(why="it has become healthy", told="failure"))
    given = seen(*failures(TRIES, 1), last=entry("failed", fault="health"), actions=SOME, health=health)
    assert decided(given) == expected
    other = seen(*failures(TRIES, 1), last=entry("failed"), actions=SOME, health=health)
    assert decided(other) == Decision("failed", "the commit has failed"), "which is not so with any other fault"
