"""Commit statuses."""

import pytest

from deployer.errors import SourceError
from deployer.github.client import GitHub
from deployer.github.statuses import set_status
from deployer.repository import Repository
from local.github import GitHub as LocalGitHub
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
