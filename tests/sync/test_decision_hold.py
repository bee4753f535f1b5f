"""What is to be done about an application that is held at another commit than its watched ref's, or was deleted."""

from dataclasses import replace

import pytest

from deployer.cluster.hold import Hold
from deployer.errors import DeletedError
from deployer.github.statuses import Status
from deployer.sync.decision import HEAL, Decision
from deployer.sync.how import How
from deployer.sync.look import Seen
from tests.sync.standing import COMMIT, EARLIER, decided, entry, seen, told

HOLD = Hold(EARLIER, COMMIT, entry().when, "ada", "deployer rollback")


def held(*statuses: Status, actions: tuple[str, ...] = ("unchanged",)) -> Seen:
    given = seen(*statuses, last=entry(revision=EARLIER), actions=actions)  # type: ignore[arg-type]
    assert given.planned
    return replace(given, planned=replace(given.planned, revision=EARLIER, hold=HOLD))


def test_a_commit_that_has_learnt_of_it_is_told_nothing() -> None:
    assert decided(held(told("failure"))) == Decision("in sync")


@pytest.mark.parametrize("statuses", [(), (told("pending", 1000),), (told("success"),)])
def test_a_commit_that_has_not_learnt_of_it_is_told(statuses: tuple[Status, ...]) -> None:
    tell = decided(held(*statuses)).tell
    assert tell
    assert (tell[0], tell[1][:20]) == ("failure", f"held at {EARLIER[:7]} by a")


def test_drift_is_healed_towards_what_it_is_held_at() -> None:
    found = decided(held(told("failure"), actions=("updated",)), self_heal=True)
    assert found.sync == How(why=HEAL, told="failure", hooks="never")
    assert found.tell is None


@pytest.mark.parametrize(("state", "tell"), [("pending", ("failure", "deleted by ada")), ("failure", None)])
def test_what_was_deleted_stays_so(state: str, tell: tuple[str, str] | None) -> None:
    given = seen(told(state), problem=DeletedError("deleted by ada"))  # type: ignore[arg-type]
    assert decided(given) == Decision("held", "deleted by ada", tell=tell)  # type: ignore[arg-type]
    assert decided(given, automated=False) == Decision("held", "deleted by ada", tell=tell)  # type: ignore[arg-type]
