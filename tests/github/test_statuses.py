"""Commit statuses."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deployer.errors import SourceError
from deployer.github.client import GitHub
from deployer.github.statuses import State, Status, read_all_statuses, read_statuses, set_status, shortened
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


def add(server: LocalGitHub, commit: str, state: str, context: str, description: str = "") -> None:
    """A status that the commit has, without a request: GitHub takes only so many a minute."""
    server.statuses.add("acme/web", commit, {"state": state, "context": context, "description": description})


def test_statuses_are_read_page_by_page_until_a_success(
    server: LocalGitHub, github: GitHub, repository: Repository, commit: str
) -> None:
    add(server, commit, "success", "deployer/shop", "live")
    add(server, commit, "failure", "deployer/shop", "ill")
    for number in range(100):
        add(server, commit, "success", "deployer/blog", str(number))
    before = github.requests
    found = read_statuses(github, repository, commit, "deployer/shop")
    assert ([status.state for status in found], github.requests - before) == (["failure", "success"], 2)
    assert len(read_statuses(github, repository, commit, "deployer/blog")) == 100
    assert github.requests - before == 3, "what was before a success does not matter"


def test_only_so_many_statuses_are_read(
    server: LocalGitHub, github: GitHub, repository: Repository, commit: str
) -> None:
    add(server, commit, "pending", "deployer/shop", "deploying")
    for number in range(1000):
        add(server, commit, "success", f"ci/{number % 2}", str(number))
    before = github.requests
    assert read_statuses(github, repository, commit, "deployer/shop") == ()
    assert github.requests - before == 10
    assert read_all_statuses(github, repository, commit) == {}
    assert github.requests - before == 20


def test_the_statuses_of_all_applications_are_read_at_once(
    server: LocalGitHub, github: GitHub, repository: Repository, commit: str
) -> None:
    for number in range(60):
        add(server, commit, "success", f"deployer/app-{number}", "live")
        add(server, commit, "failure", f"deployer/app-{number}", "ill")
    add(server, commit, "pending", "deployer", "60 applications")
    add(server, commit, "success", "deployers", "no application")
    add(server, commit, "success", "ci", "green")
    before = github.requests
    found = read_all_statuses(github, repository, commit)
    assert github.requests - before == 2
    assert set(found) == {"deployer", *(f"deployer/app-{number}" for number in range(60))}
    for number in (0, 59):
        context = f"deployer/app-{number}"
        assert [(one.state, one.description) for one in found[context]] == [("failure", "ill"), ("success", "live")]
        assert found[context] == read_statuses(github, repository, commit, context)


def test_what_is_set_while_statuses_are_read_counts_none_twice(
    faulty: GitHub, repository: Repository, proxy: Proxy, commit: str
) -> None:
    told = [{**GOOD, "id": number, "state": "failure", "description": str(number)} for number in range(150, 0, -1)]
    moved = [{**GOOD, "id": 151}, *told]
    proxy.play(r"[?&]page=1(&|$)", *[Answer(200, told[:100])] * 2)
    proxy.play(r"[?&]page=2(&|$)", *[Answer(200, moved[100:])] * 2)
    found = read_statuses(faulty, repository, commit, "deployer/shop")
    assert [one.description for one in found] == [str(number) for number in range(150, 0, -1)]
    assert read_all_statuses(faulty, repository, commit) == {"deployer/shop": found}


def test_what_a_commit_knows_already_is_not_said_again(
    server: LocalGitHub, github: GitHub, repository: Repository, commit: str
) -> None:
    long = "x" * 200
    assert set_status(github, repository, commit, "failure", "deployer/shop", long)
    (newest,) = read_statuses(github, repository, commit, "deployer/shop")
    assert not set_status(github, repository, commit, "failure", "deployer/shop", long, newest=newest)
    assert set_status(github, repository, commit, "error", "deployer/shop", long, newest=newest)
    assert set_status(github, repository, commit, "failure", "deployer/shop", "ill", newest=newest)
    states = [(one.state, one.description) for one in server.statuses.of("acme/web", commit)]
    assert states == [("failure", shortened(long)), ("error", shortened(long)), ("failure", "ill")]


@pytest.mark.parametrize(
    ("state", "description", "says"),
    [
        ("failure", "ill", True),
        ("error", "ill", False),
        ("failure", "well", False),
    ],
)
def test_what_a_status_says(state: State, description: str, says: bool) -> None:
    assert Status("failure", "ill", datetime.now(UTC)).says(state, description) == says


@pytest.mark.parametrize(("length", "cut"), [(0, False), (140, False), (141, True)])
def test_a_description_is_cut_where_it_must_be(length: int, cut: bool) -> None:
    text = "x" * length
    assert shortened(text) == (f"{'x' * 139}…" if cut else text)


def test_a_status_that_can_be_done_without_is_left_out_once_half_is_used(
    server: LocalGitHub, github: GitHub, repository: Repository, commit: str
) -> None:
    set_ = [
        set_status(github, repository, commit, "pending", "deployer/shop", str(number), dispensable=True)
        for number in range(45)
    ]
    assert set_ == [True] * 41 + [False] * 4
    assert set_status(github, repository, commit, "success", "deployer/shop", "live")
    told = server.statuses.of("acme/web", commit)
    assert (len(told), told[-1].description) == (42, "live")


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


GOOD = {
    "id": 1,
    "context": "deployer/shop",
    "state": "success",
    "description": "live",
    "created_at": "2026-01-02T12:00:00Z",
}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"state": "great"}, "state"),
        ({"description": 1}, "description"),
        ({"created_at": "yesterday"}, "created_at"),
        ({"id": "1"}, "id"),
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
