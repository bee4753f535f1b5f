"""Commit statuses."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deployer.errors import SourceError
from deployer.github.client import GitHub
from deployer.github.statuses import read_statuses, set_status
from deployer.repository import Repository
from local.github import GitHub as LocalGitHub
from tests.faults.proxy import Answer, Cut, Proxy
from tests.local.github.helpers import Clone, ask


@pytest.fixture
def commit(clone: Clone) -> str:
    commit = clone.commit("first", {"a": "1"})
    clone.push("main")
    return commit


def test_a_commit_has_the_status(server: LocalGitHub, github: GitHub, repository: Repository, commit: str) -> None:
    set_status(github, repository, commit, "pending", "deployer/shop", "deploying")
    set_status(github, repository, commit, "success", "deployer/shop", "live")
    combined = ask(server, f"/repos/acme/web/commits/{commit}/status").json()
    assert combined["state"] == "success"
    assert [(one["context"], one["description"]) for one in combined["statuses"]] == [("deployer/shop", "live")]


def test_a_long_description_is_cut_to_what_github_takes(
    server: LocalGitHub, github: GitHub, repository: Repository, commit: str
) -> None:
    set_status(github, repository, commit, "failure", "deployer/shop", "x" * 200)
    (status,) = ask(server, f"/repos/acme/web/commits/{commit}/status").json()["statuses"]
    assert status["description"] == "x" * 139 + "…"


def test_a_commit_that_is_not_there_is_an_error(github: GitHub, repository: Repository, commit: str) -> None:
    with pytest.raises(SourceError, match="422"):
        set_status(github, repository, "1" * 40, "success", "deployer/shop", "live")


def test_a_commit_that_had_all_its_statuses_is_told_apart(
    faulty: GitHub, repository: Repository, proxy: Proxy, commit: str
) -> None:
    # https://docs.github.com/rest/commits/statuses#create-a-commit-status
    full = {"message": "This SHA and context has reached the maximum number of statuses."}
    proxy.play("POST", Answer(422, {"message": "Validation Failed", "errors": [full]}))
    with pytest.raises(SourceError, match=r"maximum number of statuses.* a commit takes 1,000 for each context"):
        set_status(faulty, repository, commit, "success", "deployer/shop", "live")


def test_a_status_is_sent_again_where_its_answer_was_lost(
    server: LocalGitHub, faulty: GitHub, repository: Repository, proxy: Proxy, commit: str
) -> None:
    proxy.play("POST", Cut(after=3))
    set_status(faulty, repository, commit, "success", "deployer/shop", "live")
    combined = ask(server, f"/repos/acme/web/commits/{commit}/status").json()
    assert [(one["context"], one["state"]) for one in combined["statuses"]] == [("deployer/shop", "success")]


def test_what_a_commit_was_told_is_read_with_the_newest_first(
    github: GitHub, repository: Repository, commit: str
) -> None:
    assert read_statuses(github, repository, commit, "deployer/shop") == ()
    before = datetime.now(UTC).replace(microsecond=0)
    set_status(github, repository, commit, "pending", "deployer/shop", "deploying")
    set_status(github, repository, commit, "success", "deployer/shop2", "another's")
    set_status(github, repository, commit, "failure", "ci", "red")
    set_status(github, repository, commit, "error", "deployer/shop", "größer")
    sent = github.requests
    found = read_statuses(github, repository, commit, "deployer/shop")
    assert github.requests == sent + 1
    assert [(one.state, one.description) for one in found] == [("error", "größer"), ("pending", "deploying")]
    assert all(before <= one.when <= before + timedelta(seconds=60) for one in found)


def test_statuses_are_read_page_by_page_until_a_success(github: GitHub, repository: Repository, commit: str) -> None:
    set_status(github, repository, commit, "success", "deployer/shop", "live")
    set_status(github, repository, commit, "failure", "deployer/shop", "ill")
    for number in range(100):
        set_status(github, repository, commit, "success", "deployer/blog", str(number))
    before = github.requests
    found = read_statuses(github, repository, commit, "deployer/shop")
    assert ([status.state for status in found], github.requests - before) == (["failure", "success"], 2)
    assert len(read_statuses(github, repository, commit, "deployer/blog")) == 100
    assert github.requests - before == 3, "what was before a success does not matter"


def test_only_so_many_statuses_are_read(github: GitHub, repository: Repository, commit: str) -> None:
    set_status(github, repository, commit, "pending", "deployer/shop", "deploying")
    for number in range(1000):
        set_status(github, repository, commit, "success", f"ci/{number % 2}", str(number))
    before = github.requests
    assert read_statuses(github, repository, commit, "deployer/shop") == ()
    assert github.requests - before == 10


def test_a_status_may_have_no_description(
    server: LocalGitHub, github: GitHub, repository: Repository, commit: str
) -> None:
    # https://docs.github.com/rest/commits/statuses#list-commit-statuses-for-a-reference: it may be null
    github.request("POST", f"/repos/acme/web/statuses/{commit}", {"state": "success", "context": "deployer/shop"})
    (status,) = read_statuses(github, repository, commit, "deployer/shop")
    assert (status.state, status.description) == ("success", "")


def test_a_commit_that_is_not_there_has_no_statuses_to_read(github: GitHub, repository: Repository) -> None:
    with pytest.raises(SourceError, match="404"):
        read_statuses(github, repository, "1" * 40, "deployer/shop")


GOOD = {"context": "deployer/shop", "state": "success", "description": "live", "created_at": "2026-01-02T12:00:00Z"}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"state": "great"}, "state"),
        ({"description": 1}, "description"),
        ({"created_at": "yesterday"}, "created_at"),
        ({"context": None}, "context"),
    ],
)
def test_a_status_that_is_not_as_documented_is_an_error(
    faulty: GitHub, repository: Repository, proxy: Proxy, commit: str, change: dict[str, Any], named: str
) -> None:
    proxy.play("GET", Answer(200, [GOOD, {**GOOD, **change}]))
    with pytest.raises(SourceError, match=f"has no '{named}' as it is documented"):
        read_statuses(faulty, repository, commit, "deployer/shop")
    # What others say about the commit is nobody's business here.
    proxy.play("GET", Answer(200, [GOOD, {**GOOD, "state": "great", "context": "ci"}]))
    (status,) = read_statuses(faulty, repository, commit, "deployer/shop")
    assert status.when == datetime(2026, 1, 2, 12, tzinfo=UTC)
