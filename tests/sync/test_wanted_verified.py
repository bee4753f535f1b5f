"""Which commit an application is to have that deploys only what GitHub verifies."""

from pathlib import Path

import pytest

from deployer.annotations import REQUIRE_VERIFIED
from deployer.cluster.hold import Hold
from deployer.errors import StaysError
from deployer.sync.gate import Gate
from deployer.sync.how import How
from deployer.sync.wanted import Wanted
from tests.local.github.helpers import signing_key
from tests.sync.deploying import asked
from tests.sync.standing import ago, entry
from tests.sync.wanting import ASKED, BY_HAND, CHECKS, EVERY, PATHS, PUSHED, SCHEDULE, A, B, Known
from tests.world import config_map

VERIFIED = {REQUIRE_VERIFIED: "true"}
UNSIGNED = Gate("failed", "not deployed: not signed")
UNSEEN = Gate("waiting", "waiting for GitHub's check of its signature")


@pytest.fixture
def key(known: Known) -> Path:
    return known.bench.known_key()


@EVERY
@pytest.mark.parametrize("there", [False, True], ids=["new", "there"])
def test_only_what_is_signed_is_deployed_and_the_present_one_stays(
    known: Known, key: Path, how: How, there: bool
) -> None:
    present = known.push(A, key)
    if there:
        known.record(entry(revision=present))
    commit = known.push(B)
    stays = present if there and how is SCHEDULE else ""
    assert known.wanted(how, VERIFIED) == Wanted(stays, UNSIGNED, UNSIGNED.message)
    assert known.wanted(how, {REQUIRE_VERIFIED: "false"}) == Wanted(commit)
    commit = known.push({"k8s/a.yaml": config_map("a", "3")}, key)
    assert known.wanted(how, VERIFIED) == Wanted(commit)
    assert known.wanted(how, VERIFIED) == Wanted(commit)
    assert "GET commits" not in asked(known.bench), "it was verified before"


@EVERY
def test_what_is_there_and_not_signed_is_not_looked_after(known: Known, how: How) -> None:
    """Anybody may have written into the inventory that it is there."""
    commit = known.push(A)
    known.record(entry(revision=commit))
    assert known.wanted(how, VERIFIED) == Wanted("", UNSIGNED, UNSIGNED.message)
    known.push(B)
    assert known.wanted(how, VERIFIED) == Wanted("", UNSIGNED, UNSIGNED.message)


@EVERY
def test_a_signed_commit_follows_one_that_is_not_whatever_it_touches(known: Known, key: Path, how: How) -> None:
    present = known.push(A)
    known.record(entry(revision=present))
    commit = known.push({"README.md": "read me"}, key)
    assert known.wanted(how, VERIFIED | PATHS) == Wanted(commit)


@EVERY
def test_checks_and_a_signature_are_both_required(known: Known, key: Path, how: How) -> None:
    commit = known.push(A)
    assert known.wanted(how, VERIFIED | CHECKS) == Wanted("", UNSIGNED, UNSIGNED.message)
    known.check(commit, "failure")
    both = "not deployed: not signed, build failed"
    assert known.wanted(how, VERIFIED | CHECKS) == Wanted("", Gate("failed", both), both)
    known.check(commit, "success")
    assert known.wanted(how, VERIFIED | CHECKS) == Wanted("", UNSIGNED, UNSIGNED.message)
    commit = known.push(B, key)
    waits = "waiting for build"
    assert known.wanted(how, VERIFIED | CHECKS) == Wanted("", Gate("waiting", waits), waits)
    known.check(commit, "success")
    assert known.wanted(how, VERIFIED | CHECKS) == Wanted(commit)


@pytest.mark.parametrize("reason", ["gpgverify_unavailable", "gpgverify_error"])
def test_where_github_cannot_check_a_signature_the_commit_waits(known: Known, key: Path, reason: str) -> None:
    commit = known.push(A, key)
    body = {"verification": {"verified": False, "reason": reason, "signature": "x", "payload": "x"}}
    known.bench.world.github.fail(f"{known.bench.repository}/git/commits/", 200, body=body)
    assert known.wanted(PUSHED, VERIFIED) == Wanted("", UNSEEN, UNSEEN.message)
    assert known.wanted(PUSHED, VERIFIED) == Wanted(commit)


def test_a_hold_goes_first(known: Known, key: Path) -> None:
    present = known.push(A, key)
    commit = known.push(B)
    hold = Hold(present, commit, ago(5), "ada", "deployer rollback")
    known.record(entry(revision=present), hold=hold)
    for how in (PUSHED, SCHEDULE, ASKED):
        assert known.wanted(how, VERIFIED) == Wanted(commit), "whoever carries it out finds the hold"
    assert known.wanted(BY_HAND, VERIFIED) == Wanted("", UNSIGNED, UNSIGNED.message), "which lets go of it"


def test_a_commit_learns_once_that_its_key_is_not_known_and_is_deployed_once_it_is(
    known: Known, tmp_path: Path
) -> None:
    key, public = signing_key(tmp_path / "key")
    commit = known.push(A, key)
    told = "not deployed: signed with a key that no GitHub account has"
    for _ in range(2):
        with pytest.raises(StaysError, match=f"^{told}$"):
            known.settled(SCHEDULE, VERIFIED)
        assert known.bench.statuses(commit) == [("failure", told)]
    known.bench.world.github.signers.add("ada@example.com", public)
    assert known.settled(SCHEDULE, VERIFIED) == commit
