"""How a person's command is read from what its commit is told, in the words that the deployer tells it with."""

from datetime import UTC, datetime

import pytest

from deployer.cluster.hold import Hold
from deployer.github.statuses import State, Status, shortened
from deployer.report.command import Action, Asked, Followed, follow, nothing_of
from deployer.report.words import headline
from deployer.sync.result import SyncResult
from deployer.sync.rollback import BY_HAND, BY_ITSELF, message

NOW = datetime.now(UTC)
BACK = "1a2b3c4" + "0" * 33
HEALTHY = SyncResult("succeeded", "", "Healthy")


def by(action: Action) -> Asked:
    return Asked(action, "ada", "staging")


def told(*said: tuple[State, str]) -> list[Status]:
    """The statuses that were told one after the other, as GitHub lists them."""
    return [Status(state, shortened(words), NOW, number) for number, (state, words) in enumerate(said, 1)][::-1]


def returned(result: SyncResult, who: str = "ada", why: str = BY_HAND) -> str:
    """What a return to `BACK` tells."""
    return message(Hold(BACK, "5" * 40, NOW, who, why), result, headline(result, "staging", 4.2))


def test_a_sync_ends_with_the_first_end_after_its_beginning() -> None:
    said: list[tuple[State, str]] = [
        ("failure", "1 of 1 objects not healthy"),
        ("pending", by("sync").begun()),
        ("pending", "Deployment/web: waiting"),
        ("success", "1 object in staging: 1 created, healthy in 4.2 s"),
        ("failure", "out of sync"),
    ]
    assert follow(by("sync"), []) == Followed()
    other = follow(by("sync"), told(*said[:1]))
    assert (other.result, other.begun, other.other and other.other.description) == (None, False, said[0][1])
    assert follow(by("sync"), told(*said[:3])) == Followed(begun=True, other=Status(*said[0], NOW))
    assert follow(by("sync"), told(*said)) == Followed("succeeded", said[3][1])
    assert follow(by("sync"), told(*said[1:3], said[0])) == Followed("failed", said[0][1])


def test_another_persons_sync_is_not_taken_for_it() -> None:
    said: list[tuple[State, str]] = [("pending", Asked("sync", "bob", "staging").begun()), ("success", "healthy")]
    found = follow(by("sync"), told(*said))
    assert (found.result, found.begun) == (None, False)
    assert follow(by("rollback"), told(*said)) == Followed(), "only a sync may have told that"


@pytest.mark.parametrize("action", ["sync", "rollback", "delete"])
def test_what_came_to_nothing_has_failed_whatever_the_commits_state(action: Action) -> None:
    why = "application shop is held back"
    for state in ("success", "pending", "error"):
        assert follow(by(action), told((state, by(action).in_vain(why)))) == Followed("failed", why)
        assert follow(by(action), told((state, Asked(action, "bob", "staging").in_vain(why)))).result is None


@pytest.mark.parametrize(
    ("result", "wanted"),
    [
        (HEALTHY, "succeeded"),
        (SyncResult("unfinished", ""), "succeeded"),
        (SyncResult("unfinished", "still rolling out [0/1 healthy]: Deployment/web: waiting"), "unfinished"),
    ],
)
def test_a_return_has_succeeded_though_its_commit_is_told_failure(result: SyncResult, wanted: str) -> None:
    words = returned(result)
    for before in ([], [("pending", by("rollback").begun())]):
        found = follow(by("rollback"), told(*before, ("failure", words)))  # type: ignore[arg-type]
        assert (found.result, found.message, found.revision) == (wanted, shortened(words), BACK[:7])


def test_a_return_that_is_another_ones_or_failed() -> None:
    begun: tuple[State, str] = ("pending", by("rollback").begun())
    assert follow(by("rollback"), told(("failure", returned(HEALTHY, who="bob")))) == Followed()
    assert follow(by("rollback"), told(("failure", returned(HEALTHY, why=f"{BY_ITSELF}: ill")))) == Followed()
    failed = returned(SyncResult("failed", "Deployment/web: no such image"))
    assert follow(by("rollback"), told(begun, ("failure", failed))) == Followed("failed", failed)
    same = "1 object in staging: nothing to change, healthy in 0.2 s"
    assert follow(by("rollback"), told(begun, ("success", same))) == Followed("succeeded", same)


def test_a_deletion_is_known_by_its_own_words() -> None:
    command = by("delete")
    assert follow(command, told(("success", "healthy"), ("failure", "deleted from staging by bob"))) == Followed()
    assert follow(command, told(("failure", command.deleted()))) == Followed("succeeded", "deleted from staging by ada")
    nothing = nothing_of("shop", "staging")
    assert follow(command, told(("failure", command.in_vain(nothing)))) == Followed("succeeded", nothing)
    ill = "PreDelete hook Job/backup: it failed"
    assert follow(command, told(("failure", command.in_vain(ill)))) == Followed("failed", ill)
