"""What a person asks for is done alike, wherever that is."""

from deployer.job import JobOptions
from deployer.sync.by_hand import by_hand
from deployer.sync.how import How

ASKED = JobOptions(prune=True, approve_prune="1" * 40, timeout=30, rollback=2)
SAME = How(who="ada", timeout=30, prune=True, approve_prune="1" * 40, hooks="always")


def test_a_sync_lets_go_of_a_return_and_is_none() -> None:
    how = by_hand("sync", ASKED, "ada")
    assert (how.why, how.release, how.rollback) == ("deployer sync", True, None)
    assert how == How(**{**vars(SAME), "why": how.why, "release": True})


def test_a_return_is_to_the_sync_of_that_number() -> None:
    how = by_hand("rollback", ASKED, "ada")
    assert (how.why, how.release, how.rollback) == ("deployer rollback", False, 2)
    assert how == How(**{**vars(SAME), "why": how.why, "rollback": 2})
