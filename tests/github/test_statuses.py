"""Commit statuses."""

import pytest

from deployer.errors import SourceError
from deployer.github.client import GitHub
from deployer.github.statuses import set_status
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
