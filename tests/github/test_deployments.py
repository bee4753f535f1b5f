"""GitHub Deployments."""

from typing import Any

import pytest

from deployer.errors import SourceError
from deployer.github.client import GitHub
from deployer.github.deployments import (
    Deployment,
    find_deployments,
    outcome_of,
    read_deployment,
    set_deployment_status,
)
from deployer.repository import Repository
from local.github import GitHub as LocalGitHub
from tests.faults.proxy import Answer, Proxy
from tests.local.github.helpers import Clone, ask


@pytest.fixture
def commit(clone: Clone) -> str:
    commit = clone.commit("first", {"a": "1"})
    clone.push("main")
    return commit


@pytest.fixture
def number(github: GitHub, commit: str) -> int:
    """A Deployment, as a CI job makes it."""
    body = {"ref": commit, "environment": "shop", "auto_merge": False, "required_contexts": []}
    return github.request("POST", "/repos/acme/web/deployments", body).number("id")


def told(server: LocalGitHub, number: int) -> list[tuple[str, str, str]]:
    """What a Deployment was told, the newest first."""
    statuses = ask(server, f"/repos/acme/web/deployments/{number}/statuses").json()
    return [(one["state"], one["description"], one["log_url"]) for one in statuses]


def test_a_deployment_is_read_as_it_is_now(github: GitHub, repository: Repository, number: int, commit: str) -> None:
    assert read_deployment(github, repository, number) == Deployment(number, commit, "shop", "deploy")
    set_deployment_status(github, repository, number, "in_progress", "deploying")
    assert read_deployment(github, repository, number) == Deployment(number, commit, "shop", "deploy", "in_progress")


def test_who_has_asked_for_a_commit_is_found(
    github: GitHub, repository: Repository, number: int, commit: str, clone: Clone
) -> None:
    body = {"ref": commit, "auto_merge": False, "required_contexts": []}
    for environment in ("shop", "shop & co", "cart"):
        github.request("POST", "/repos/acme/web/deployments", {**body, "environment": environment})
    newer = clone.commit("second", {"a": "2"})
    clone.push("main")
    github.request("POST", "/repos/acme/web/deployments", {**body, "ref": newer, "environment": "shop"})
    found = find_deployments(github, repository, commit, "shop")
    assert (len(found), found[-1]) == (2, number), "the newest first"
    assert len(find_deployments(github, repository, commit, "shop & co")) == 1
    assert find_deployments(github, repository, "9" * 40, "shop") == ()
    for _ in range(12):
        github.request("POST", "/repos/acme/web/deployments", {**body, "environment": "shop"})
    assert len(find_deployments(github, repository, commit, "shop")) == 10


def test_it_is_told_what_becomes_of_it(
    server: LocalGitHub, github: GitHub, repository: Repository, number: int
) -> None:
    set_deployment_status(github, repository, number, "in_progress", "deploying")
    set_deployment_status(github, repository, number, "success", "live", "https://example.com/log")
    assert told(server, number) == [("success", "live", "https://example.com/log"), ("in_progress", "deploying", "")]


def test_a_long_description_is_cut_to_what_github_takes(
    server: LocalGitHub, github: GitHub, repository: Repository, number: int
) -> None:
    set_deployment_status(github, repository, number, "failure", "x" * 200)
    assert told(server, number) == [("failure", "x" * 139 + "…", "")]


@pytest.mark.parametrize(
    ("state", "asks"),
    [
        ("", True),
        ("queued", True),
        ("pending", True),
        ("in_progress", True),
        ("success", False),
        ("failure", False),
        ("error", False),
        ("inactive", False),
        ("waiting", False),
    ],
)
def test_one_that_was_told_an_end_asks_for_nothing_any_more(state: str, asks: bool) -> None:
    assert Deployment(12, "a" * 40, "shop", "deploy", state).asks is asks


def test_one_that_github_has_made_inactive_asks_for_nothing(
    github: GitHub, repository: Repository, number: int, commit: str
) -> None:
    set_deployment_status(github, repository, number, "success", "live")
    body = {"ref": commit, "environment": "shop", "auto_merge": False, "required_contexts": []}
    later = github.request("POST", "/repos/acme/web/deployments", body).number("id")
    set_deployment_status(github, repository, later, "success", "live")
    assert read_deployment(github, repository, number).state == "inactive"
    assert not read_deployment(github, repository, number).asks


def test_one_that_is_not_there_is_an_error(github: GitHub, repository: Repository, commit: str) -> None:
    with pytest.raises(SourceError, match="404"):
        read_deployment(github, repository, 4711)
    with pytest.raises(SourceError, match="404"):
        set_deployment_status(github, repository, 4711, "success", "live")


GOOD: dict[str, Any] = {"sha": "a" * 40, "environment": "shop", "task": "deploy"}


@pytest.mark.parametrize("change", [{"sha": "main"}, {"environment": None}, {"task": 1}])
def test_one_that_is_not_as_documented_is_an_error(
    faulty: GitHub, repository: Repository, proxy: Proxy, change: dict[str, Any]
) -> None:
    proxy.play("GET .*/deployments/12$", Answer(200, {**GOOD, **change}))
    proxy.play("GET .*/statuses", Answer(200, []))
    with pytest.raises(SourceError, match=f"has no '{next(iter(change))}' as it is documented"):
        read_deployment(faulty, repository, 12)


TIP, OTHER = "a" * 40, "b" * 40


@pytest.mark.parametrize(
    ("sha", "contained", "said", "outcome"),
    [
        (TIP, True, ("pending", "deploying"), ("in_progress", "deploying")),
        (TIP, True, ("success", "live"), ("success", "live")),
        (TIP, True, ("failure", "ill"), ("failure", "ill")),
        (TIP, True, ("error", "no cluster"), ("error", "no cluster")),
        (OTHER, True, ("pending", "deploying"), ("inactive", "superseded by aaaaaaa")),
        (OTHER, True, ("success", "live"), ("inactive", "superseded by aaaaaaa")),
        (OTHER, False, ("success", "live"), ("error", "bbbbbbb is no commit of main")),
    ],
)
def test_outcome(sha: str, contained: bool, said: Any, outcome: tuple[str, str]) -> None:
    deployment = Deployment(12, sha, "shop", "deploy")
    assert outcome_of(deployment, "main", TIP, said, contained=contained) == outcome
