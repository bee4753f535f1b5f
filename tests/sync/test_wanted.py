"""Which commit an application is to have, and whether it is there: GitHub and the cluster are the world's."""

import socket
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml

from deployer.annotations import GENERATE_PATHS
from deployer.cluster.history import DELETION
from deployer.cluster.hold import Hold
from deployer.cluster.operation import Operation
from deployer.errors import StaysError
from deployer.sync.gate import OPEN
from deployer.sync.how import How
from deployer.sync.wanted import PAUSE, Wanted, already_there, pause, rest, settled
from tests.sync.deploying import STAGING, asked
from tests.sync.standing import ago, entry
from tests.sync.wanting import ASKED, BY_HAND, CHECKS, EVERY, FAILED, PATHS, PUSHED, SCHEDULE, WAITING, A, B, Known
from tests.world import config_map


@EVERY
def test_without_conditions_it_is_the_commit_and_nobody_is_asked(known: Known, how: How) -> None:
    commit = known.push(A)
    assert known.wanted(how, {}) == Wanted(commit)
    assert asked(known.bench) == []


@EVERY
@pytest.mark.parametrize("state", ["success", "pending", "failure"])
@pytest.mark.parametrize("there", [False, True], ids=["new", "there"])
def test_only_what_is_green_is_deployed_and_the_present_one_stays(
    known: Known, how: How, state: str, there: bool
) -> None:
    present = known.push(A)
    if there:
        known.record(entry(revision=present))
    commit = known.push(B)
    known.check(commit, state)
    gate = {"success": OPEN, "pending": WAITING, "failure": FAILED}[state]
    stays = present if there and how is SCHEDULE else ""
    expected = Wanted(commit) if state == "success" else Wanted(stays, gate, gate.message)
    assert known.wanted(how, CHECKS) == expected


@EVERY
def test_what_is_deployed_needs_no_check_any_more(known: Known, how: How) -> None:
    commit = known.push(A)
    known.check(commit, "failure")
    for history in ([entry(revision=commit)], [entry("unfinished", commit)]):
        known.record(*history)
        assert known.wanted(how, CHECKS) == Wanted(commit)
        assert asked(known.bench) == []


def test_what_failed_before_anything_was_written_is_not_there(known: Known) -> None:
    present, commit = known.push(A), known.push(B)
    known.record(entry("failed", commit), entry(revision=present))
    assert known.wanted(SCHEDULE, CHECKS) == Wanted(present, WAITING, WAITING.message)
    known.record(replace(entry("failed", commit), counts={"updated": 1}), entry(revision=present))
    assert known.wanted(SCHEDULE, CHECKS) == Wanted(commit)


def test_a_commit_that_the_ref_does_not_contain_is_not_stayed_at(known: Known) -> None:
    first = known.push(A)
    gone = known.push(B)
    known.bench.clone.git("reset", "-q", "--hard", first)
    known.bench.clone.push("--force", "main")
    commit = known.push({"k8s/b.yaml": config_map("b")})
    for revision in (gone, "../../acme/other", "9" * 40):
        known.record(entry(revision=revision))
        assert known.wanted(SCHEDULE, CHECKS) == Wanted("", WAITING, WAITING.message)
        assert known.wanted(PUSHED, PATHS) == Wanted(commit), "nothing is known to compare it with"


def test_what_was_just_decided_is_not_there_for_that(known: Known) -> None:
    decided = known.push(A)
    known.push(B)
    assert known.wanted(replace(SCHEDULE, revision=decided), CHECKS) == Wanted("", WAITING, WAITING.message)


def test_a_hold_goes_first(known: Known) -> None:
    present, commit = known.push(A), known.push(B)
    hold = Hold(present, commit, ago(5), "ada", "deployer rollback")
    known.check(commit, "failure")
    for revision in (present, ""):
        known.record(entry(revision=present), hold=replace(hold, revision=revision))
        for how in (PUSHED, SCHEDULE, ASKED):
            assert known.wanted(how, CHECKS | PATHS) == Wanted(commit), "whoever carries it out finds the hold"
        assert known.wanted(BY_HAND, CHECKS) == Wanted("", FAILED, FAILED.message), "which lets go of it"


@pytest.mark.parametrize("case", ["over", "of itself", "not contained"])
def test_a_hold_that_holds_nothing_opens_no_gate(known: Known, case: str) -> None:
    present, commit = known.push(A), known.push(B)
    hold = Hold(present, commit, ago(5), "ada", "deployer rollback")
    holds = {
        "over": replace(hold, instead_of=present),
        "of itself": replace(hold, revision=commit),
        "not contained": replace(hold, revision="9" * 40),
    }
    known.record(entry(revision=present), hold=holds[case])
    known.check(commit, "failure")
    assert known.wanted(SCHEDULE, CHECKS) == Wanted(present, FAILED, FAILED.message)


@EVERY
def test_what_touches_nothing_changes_nothing_but_for_who_asks(known: Known, how: How) -> None:
    present = known.push(A)
    known.record(entry(revision=present))
    commit = known.push({"README.md": "read me", "k8s-old/a.yaml": config_map("a")})
    why = f"{commit[:7]} touches none of its {GENERATE_PATHS}"
    stays = {PUSHED: Wanted("", why=why), SCHEDULE: Wanted(present, why=why)}
    assert known.wanted(how, PATHS) == stays.get(how, Wanted(commit))
    commit = known.push(B)
    assert known.wanted(how, PATHS) == Wanted(commit)


@EVERY
def test_both_conditions_hold(known: Known, how: How) -> None:
    present = known.push(A)
    known.record(entry(revision=present))
    commit = known.push({"README.md": "read me"})
    stays = present if how is SCHEDULE else ""
    assert known.wanted(how, CHECKS | PATHS) == Wanted(stays, WAITING, WAITING.message)
    known.check(commit, "success")
    if how in (PUSHED, SCHEDULE):
        assert known.wanted(how, CHECKS | PATHS).revision == stays
    else:
        assert known.wanted(how, CHECKS | PATHS) == Wanted(commit)


def away(known: Known, port: int = 1) -> None:
    """Have nobody answer for the cluster."""
    secret = f"projects/local/secrets/{known.bench.name}-kubeconfig"
    config = yaml.safe_load(known.bench.world.clusters["staging"].deployer_kubeconfig)
    config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{port}"
    known.bench.world.secret_manager.put(secret, yaml.safe_dump(config).encode())
    known.document = replace(STAGING, kubeconfig_secret=secret)


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeat requests as often as ever, and without pauses."""
    monkeypatch.setattr("deployer.retry._FIRST", 0.01)  # a number, no behaviour


@pytest.mark.usefixtures("hurry")
def test_where_the_cluster_cannot_be_asked_nothing_is_known_to_be_there(known: Known) -> None:
    commit = known.push(A)
    away(known)
    assert known.wanted(SCHEDULE, CHECKS) == Wanted("", WAITING, WAITING.message)
    assert known.wanted(SCHEDULE, PATHS) == Wanted(commit)
    with known.job(PUSHED, {}) as job:
        assert already_there(job, commit) is None


def test_a_commit_learns_why_it_is_not_deployed_once(known: Known) -> None:
    present = known.push(A)
    known.record(entry(revision=present))
    commit = known.push(B)
    for _ in range(2):
        assert known.settled(SCHEDULE, CHECKS) == present
        with pytest.raises(StaysError, match=r"^waiting for build$"):
            known.settled(PUSHED, CHECKS)
        assert known.bench.statuses(commit) == [("pending", "waiting for build")]
    known.check(commit, "failure")
    with pytest.raises(StaysError, match=r"^not deployed: build failed$"):
        known.settled(BY_HAND, CHECKS)
    assert known.bench.statuses(commit)[1:] == [("failure", "not deployed: build failed")]
    known.check(commit, "success")
    assert known.settled(PUSHED, CHECKS) == commit
    assert len(known.bench.statuses(commit)) == 2


def test_who_only_asks_tells_nobody(known: Known) -> None:
    before, commit = known.push(A), known.push(B)
    known.bench.world.github.statuses.add(
        known.bench.repository, before, {"state": "pending", "context": f"deployer/{known.bench.name}"}
    )
    with pytest.raises(StaysError, match="waiting for build"):
        known.settled(How(dry_run=True, before=before, after=commit), CHECKS, tell=False)
    assert known.bench.statuses(commit) == []
    assert len(known.bench.statuses(before)) == 1


def test_a_commit_that_the_ref_has_left_since_is_told_nothing(known: Known) -> None:
    seen = known.push(A)
    known.push(B)
    with known.job(SCHEDULE, CHECKS) as job, pytest.raises(StaysError):
        settled(job, seen, at=seen)
    assert known.bench.statuses(seen) == []
    now = known.bench.clone.head()
    with known.job(SCHEDULE, CHECKS) as job, pytest.raises(StaysError):
        settled(job, now, at=now)
    assert known.bench.statuses(now) == [("pending", "waiting for build")]


def test_a_push_tells_the_commit_that_it_has_left_behind(known: Known) -> None:
    first, second = known.push(A), known.push(B)
    with pytest.raises(StaysError):
        known.settled(replace(PUSHED, before="0" * 40, after=second), CHECKS)
    third = known.push({"k8s/a.yaml": config_map("a", "3")})
    known.record(entry("unfinished", first))
    known.bench.world.github.statuses.add(
        known.bench.repository, first, {"state": "pending", "context": f"deployer/{known.bench.name}"}
    )
    with pytest.raises(StaysError):
        known.settled(replace(PUSHED, before=second, after=third), CHECKS)
    assert known.bench.statuses(second)[-1] == ("failure", f"superseded by {third[:7]}")
    with pytest.raises(StaysError):
        known.settled(replace(PUSHED, before=first, after=third), CHECKS)
    assert known.bench.statuses(first)[-1][0] == "pending", "what is deployed has its own end"


@pytest.mark.parametrize(
    ("history", "others"),
    [
        ([], {}),
        (["another"], {}),
        ([entry("failed")], {}),
        ([entry(why=DELETION)], {}),
        ([entry()], {"operation": Operation("1" * 40, ago(5), "another", "a push")}),
        ([entry()], {"hold": Hold("2" * 40, "COMMIT", ago(5), "ada", "deployer rollback")}),
    ],
    ids=["never", "another", "failed", "deleted", "under way", "held"],
)
def test_a_push_of_what_is_not_there_is_deployed(known: Known, history: list[Any], others: dict[str, Any]) -> None:
    before, commit = known.push(A), known.push(B)
    entries = [entry(revision=before) if one == "another" else replace(one, revision=commit) for one in history]
    if hold := others.get("hold"):
        others = {"hold": replace(hold, instead_of=commit)}
    known.record(*entries, **others)
    with known.job(PUSHED, {}) as job:
        assert already_there(job, commit) is None


@pytest.mark.parametrize(
    ("result", "told", "state"),
    [
        ("succeeded", "is there already (a push)", "success"),
        ("unfinished", "is rolling out already (a push)", "pending"),
    ],
)
def test_a_push_of_what_is_there_is_done(known: Known, result: Any, told: str, state: str) -> None:
    commit = known.push(A)
    known.record(entry(result, commit), entry("failed", commit))
    with known.job(PUSHED, {}) as job:
        there = already_there(job, commit)
        assert there
        assert there.requests["cluster"] > 0
    assert (there.revision, there.message, there.state) == (commit, f"{commit[:7]} {told}", state)
    assert there.before
    assert there.before.history[0].result == there.result.outcome == result
    assert (there.application, there.cluster, there.hold) == (known.bench.name, "staging", None)


def test_a_push_right_after_a_sync_waits_a_moment(known: Known) -> None:
    present, commit = known.push(A), known.push(B)

    def waits(seconds_ago: float, how: How = PUSHED, commit: str = commit) -> float:
        known.record(replace(entry(revision=present), when=datetime.now(UTC) - timedelta(seconds=seconds_ago)))
        with known.job(how, {}) as job:
            return pause(job, commit)

    assert 0 < waits(1) < PAUSE
    assert waits(-1_000) == PAUSE, "whose clock is not ours"
    assert waits(PAUSE) == 0
    assert waits(0, commit=present) == 0, "it is there"
    assert [waits(0, how) for how in (SCHEDULE, BY_HAND, ASKED)] == [0, 0, 0]
    now = time.monotonic()
    assert waits(0, replace(PUSHED, until=now + 8)) == 0, "there is no time for it"
    assert waits(0, replace(PUSHED, until=now + 600)) > 0
    known.record()
    with known.job(PUSHED, {}) as job:
        assert pause(job, commit) == 0, "it is the first"


@pytest.mark.usefixtures("hurry")
def test_who_does_not_rest_does_not_wait_for_the_cluster(known: Known) -> None:
    commit = known.push(A)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        away(known, silent.getsockname()[1])
        with known.job(BY_HAND, {}) as job:
            begin = time.monotonic()
            assert pause(job, commit) == 0
            assert time.monotonic() - begin < 1, "nobody answers for minutes"
            silent.close()  # or the job would wait for them


def test_who_rests_between_two_syncs() -> None:
    now = time.monotonic()
    assert [rest(how) for how in (PUSHED, replace(PUSHED, until=now + 600))] == [PAUSE, PAUSE]
    assert [rest(how) for how in (SCHEDULE, BY_HAND, ASKED, replace(PUSHED, until=now + 8))] == [0, 0, 0, 0]
