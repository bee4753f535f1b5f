"""How the checks of a commit stand."""

from collections.abc import Mapping
from typing import Any

import pytest

from deployer.errors import SourceError
from deployer.github.checks import Check, read_checks
from deployer.github.client import GitHub
from deployer.repository import Repository
from local.github import GitHub as LocalGitHub
from tests.faults.proxy import Answer, Proxy
from tests.local.github.helpers import APP_TOKEN, Clone, ask

GREEN, WAITING = Check("green"), Check("waiting")


@pytest.fixture
def commit(clone: Clone) -> str:
    commit = clone.commit("first", {"a": "1"})
    clone.push("main")
    return commit


@pytest.fixture(autouse=True)
def ci(server: LocalGitHub) -> None:
    """An App that may write checks, and that GitHub lets write many."""
    server.limits.creations.limit = server.limits.creations_per_hour.limit = None
    server.tokens.add(APP_TOKEN, permissions={"checks": "write", "statuses": "write", "contents": "read"})


def run(server: LocalGitHub, commit: str, name: str, status: str = "completed", conclusion: str = "success") -> None:
    """Have a check run on a commit."""
    ended = {"conclusion": conclusion} if status == "completed" else {}
    body = {"name": name, "head_sha": commit, "status": status, **ended}
    assert ask(server, "/repos/acme/web/check-runs", body, Authorization=f"Bearer {APP_TOKEN}").status == 201


def say(server: LocalGitHub, commit: str, context: str, state: str = "success") -> None:
    """Give a commit a status."""
    assert ask(server, f"/repos/acme/web/statuses/{commit}", {"context": context, "state": state}).status == 201


def read(github: GitHub, repository: Repository, commit: str, *names: str) -> Mapping[str, Check]:
    return read_checks(github, repository, commit, names)


@pytest.mark.parametrize(
    ("conclusion", "check"),
    [
        ("success", GREEN),
        ("neutral", GREEN),
        ("skipped", GREEN),
        ("failure", Check("failed", "failure")),
        ("cancelled", Check("failed", "cancelled")),
        ("timed_out", Check("failed", "timed_out")),
        ("action_required", Check("failed", "action_required")),
    ],
)
def test_a_check_that_has_ended(
    server: LocalGitHub, github: GitHub, repository: Repository, commit: str, conclusion: str, check: Check
) -> None:
    run(server, commit, "build", conclusion=conclusion)
    assert read(github, repository, commit, "build") == {"build": check}


@pytest.mark.parametrize(
    ("state", "check"),
    [
        ("success", GREEN),
        ("pending", WAITING),
        ("failure", Check("failed", "failure")),
        ("error", Check("failed", "error")),
    ],
)
def test_a_status(
    server: LocalGitHub, github: GitHub, repository: Repository, commit: str, state: Any, check: Check
) -> None:
    say(server, commit, "ci/test", state)
    assert read(github, repository, commit, "ci/test") == {"ci/test": check}


@pytest.mark.parametrize("status", ["queued", "in_progress"])
def test_a_check_that_runs_and_one_that_nobody_knows_are_waited_for(
    server: LocalGitHub, github: GitHub, repository: Repository, commit: str, status: str
) -> None:
    run(server, commit, "build", status)
    run(server, commit, "lint")
    before = github.requests
    found = read(github, repository, commit, "build", "lint", "ghost")
    assert found == {"build": WAITING, "lint": GREEN, "ghost": WAITING}
    assert github.requests - before == 2


def test_nothing_is_asked_where_nothing_is_required(github: GitHub, repository: Repository) -> None:
    assert read(github, repository, "1" * 40) == {}
    assert github.requests == 0


def test_the_last_run_and_the_last_status_count(
    server: LocalGitHub, github: GitHub, repository: Repository, commit: str
) -> None:
    run(server, commit, "build", conclusion="failure")
    say(server, commit, "ci/test", "failure")
    assert read(github, repository, commit, "build", "ci/test") == {
        "build": Check("failed", "failure"),
        "ci/test": Check("failed", "failure"),
    }
    run(server, commit, "build")
    say(server, commit, "ci/test", "success")
    assert read(github, repository, commit, "build", "ci/test") == {"build": GREEN, "ci/test": GREEN}


@pytest.mark.parametrize(
    ("conclusion", "state", "check"),
    [
        ("success", "success", GREEN),
        ("success", "pending", WAITING),
        ("success", "failure", Check("failed", "failure")),
        ("timed_out", "success", Check("failed", "timed_out")),
        ("timed_out", "pending", Check("failed", "timed_out")),
    ],
)
def test_a_check_and_a_status_of_the_same_name_both_count(
    server: LocalGitHub, github: GitHub, repository: Repository, commit: str, conclusion: str, state: Any, check: Check
) -> None:
    run(server, commit, "build", conclusion=conclusion)
    say(server, commit, "build", state)
    assert read(github, repository, commit, "build") == {"build": check}


def test_checks_of_the_same_name_in_two_workflows_both_count(
    faulty: GitHub, repository: Repository, proxy: Proxy, commit: str
) -> None:
    runs = [{"name": "build", "status": "completed", "conclusion": word} for word in ("success", "failure", "success")]
    proxy.play("GET .*/check-runs", Answer(200, {"total_count": 3, "check_runs": runs}))
    assert read(faulty, repository, commit, "build") == {"build": Check("failed", "failure")}


def test_our_own_are_never_believed(server: LocalGitHub, github: GitHub, repository: Repository, commit: str) -> None:
    say(server, commit, "deployer/shop")
    run(server, commit, "deployer")
    before = github.requests
    assert read(github, repository, commit, "deployer/shop", "deployer") == {
        "deployer/shop": WAITING,
        "deployer": WAITING,
    }
    assert github.requests == before


def test_the_checks_of_another_commit_do_not_count(
    server: LocalGitHub, github: GitHub, repository: Repository, clone: Clone, commit: str
) -> None:
    run(server, commit, "build")
    say(server, commit, "ci/test", "success")
    later = clone.commit("second", {"a": "2"})
    clone.push("main")
    assert read(github, repository, later, "build", "ci/test") == {"build": WAITING, "ci/test": WAITING}


def test_of_more_than_a_hundred_checks_only_those_that_matter_are_read(
    server: LocalGitHub, github: GitHub, repository: Repository, commit: str
) -> None:
    run(server, commit, "build & test", conclusion="failure")
    run(server, commit, "lint")
    for number in range(100):
        run(server, commit, f"other {number}")
    before = github.requests
    found = read(github, repository, commit, "build & test", "lint", "other 7")
    assert found == {"build & test": Check("failed", "failure"), "lint": GREEN, "other 7": GREEN}
    assert github.requests - before == 5, "all, each by itself, and the statuses"
    assert read(github, repository, commit, "lint") == {"lint": GREEN}
    assert github.requests - before == 7, "one is asked for by its name at once"


def test_half_of_the_checks_of_a_name_is_not_taken_for_the_whole(
    faulty: GitHub, repository: Repository, proxy: Proxy, commit: str
) -> None:
    runs = [{"name": "build", "status": "completed", "conclusion": "success"}] * 100
    proxy.play("GET .*/check-runs", *[Answer(200, {"total_count": 101, "check_runs": runs})] * 2)
    with pytest.raises(SourceError, match="more than 100 checks are called build: require another one"):
        read(faulty, repository, commit, "build")


def test_statuses_are_read_page_by_page_until_all_are_found(
    server: LocalGitHub, github: GitHub, repository: Repository, commit: str
) -> None:
    say(server, commit, "ci/first", "success")
    for number in range(150):
        say(server, commit, f"other/{number}", "success")
    say(server, commit, "ci/last", "failure")
    found = read(github, repository, commit, "ci/first", "ci/last", "ci/ghost")
    assert found == {"ci/first": GREEN, "ci/last": Check("failed", "failure"), "ci/ghost": WAITING}
    before = github.requests
    assert read(github, repository, commit, "ci/last") == {"ci/last": Check("failed", "failure")}
    assert read(github, repository, commit, "ci/first") == {"ci/first": GREEN}
    assert github.requests - before == 5, "one of the two is on the first page, and then no other is asked for"


def test_only_so_many_statuses_are_read(faulty: GitHub, repository: Repository, proxy: Proxy, commit: str) -> None:
    page = Answer(200, {"statuses": [{"context": f"other/{number}", "state": "success"} for number in range(100)]})
    proxy.play("GET .*/status", *[page] * 10)
    with pytest.raises(SourceError, match="too many statuses to find ci/a, ci/b among them"):
        read(faulty, repository, commit, "ci/b", "ci/a")


HIDDEN = Answer(403, {"message": "Resource not accessible by personal access token"})


def test_a_token_that_may_not_read_checks_sees_the_jobs_of_github_actions(
    server: LocalGitHub, faulty: GitHub, repository: Repository, proxy: Proxy, commit: str
) -> None:
    say(server, commit, "ci/jenkins")
    jobs: list[list[dict[str, str | None]]] = [
        [{"name": "build", "status": "completed", "conclusion": "success"}],
        [
            {"name": "test", "status": "completed", "conclusion": "cancelled"},
            {"name": "lint", "status": "in_progress", "conclusion": None},
        ],
    ]
    proxy.play("GET .*/check-runs", HIDDEN)
    workflow_runs = [{"id": 1}, {"id": 2}]
    proxy.play(
        f"GET .*/actions/runs.head_sha={commit}&", Answer(200, {"total_count": 2, "workflow_runs": workflow_runs})
    )
    for number, of_run in enumerate(jobs, 1):
        told = Answer(200, {"total_count": len(of_run), "jobs": of_run})
        proxy.play(f"GET .*/actions/runs/{number}/jobs.filter=latest&", told)
    assert read(faulty, repository, commit, "build", "test", "lint", "ci/jenkins", "ghost") == {
        "build": GREEN,
        "test": Check("failed", "cancelled"),
        "lint": WAITING,
        "ci/jenkins": GREEN,
        "ghost": WAITING,
    }


def test_a_token_that_sees_neither_is_told_what_it_needs(
    server: LocalGitHub, faulty: GitHub, repository: Repository, proxy: Proxy, commit: str
) -> None:
    server.tokens.add("github_pat_x", permissions={"contents": "read", "statuses": "write"})
    with GitHub(f"{proxy.url}/api/v3", "github_pat_x") as fine_grained:
        proxy.play("GET .*/actions/runs", HIDDEN)
        with pytest.raises(SourceError, match=r"may not see the checks of acme/web, .*give a fine-grained one Actions"):
            read(fine_grained, repository, commit, "build")
    assert [seen.status for seen in proxy.seen] == [403, 403]


@pytest.mark.parametrize("path", ["check-runs", "actions/runs"])
def test_another_refusal_is_told_as_it_is(
    faulty: GitHub, repository: Repository, proxy: Proxy, commit: str, path: str
) -> None:
    proxy.play("GET .*/actions/runs" if path == "check-runs" else "GET .*/check-runs", HIDDEN)
    proxy.play(f"GET .*/{path}", Answer(403, {"message": "Resource protected by organization SAML enforcement."}))
    with pytest.raises(SourceError, match=r"403.*authorise the token for the organisation"):
        read(faulty, repository, commit, "build")


GOOD = {"name": "build", "status": "completed", "conclusion": "success"}


@pytest.mark.parametrize(
    ("runs", "named"),
    [
        ({"total_count": "1", "check_runs": [GOOD]}, "total_count"),
        ({"total_count": 1, "check_runs": None}, "check_runs"),
        ({"total_count": 1, "check_runs": [{**GOOD, "name": 1}]}, "name"),
        ({"total_count": 1, "check_runs": [{**GOOD, "status": None}]}, "status"),
        ({"total_count": 1, "check_runs": [{**GOOD, "conclusion": None}]}, "conclusion"),
    ],
)
def test_an_answer_that_is_not_as_documented_is_an_error(
    faulty: GitHub, repository: Repository, proxy: Proxy, commit: str, runs: dict[str, Any], named: str
) -> None:
    proxy.play("GET .*/check-runs", Answer(200, runs))
    with pytest.raises(SourceError, match=f"has no '{named}' as it is documented"):
        read(faulty, repository, commit, "build")
