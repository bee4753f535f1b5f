"""The commit learns."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from deployer.github.client import GitHub
from deployer.github.statuses import State
from deployer.report.commit import CommitStatus
from deployer.repository import Repository
from local.github import GitHub as LocalGitHub
from tests.local.github.helpers import SECRET, TOKEN, Clone, ask

WEB = Repository("127.0.0.1", "acme/web")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LocalGitHub]:
    with LocalGitHub(tmp_path / "github", token=TOKEN, webhook_url=None, webhook_secret=SECRET) as server:
        yield server


@pytest.fixture
def commit(tmp_path: Path, server: LocalGitHub) -> str:
    clone = Clone(tmp_path / "clone", f"{server.git_url}/acme/web.git")
    commit = clone.commit("first", {"a": "1"})
    clone.push("main")
    return commit


def told(server: LocalGitHub, commit: str) -> list[tuple[str, str]]:
    """All statuses that the commit ever had, the oldest first."""
    statuses = json.loads(ask(server, f"/repos/acme/web/commits/{commit}/statuses").body)
    return [(one["state"], one["description"]) for one in reversed(statuses)]


def test_statuses_keep_their_order(server: LocalGitHub, commit: str) -> None:
    with GitHub(server.api_url, TOKEN) as github, CommitStatus(github, WEB, commit, "shop") as status:
        status.begin("deploying")
        status.held_up("Pod/a: ImagePullBackOff")
        status.held_up("Pod/a: ImagePullBackOff")
        status.end("success", "live")
    assert told(server, commit) == [
        ("pending", "deploying"),
        ("pending", "Pod/a: ImagePullBackOff"),
        ("success", "live"),
    ]


def test_only_a_few_reasons_are_shown(server: LocalGitHub, commit: str) -> None:
    with GitHub(server.api_url, TOKEN) as github, CommitStatus(github, WEB, commit, "shop") as status:
        for number in range(10):
            status.held_up(f"reason {number}")
    assert [description for _, description in told(server, commit)] == ["reason 0", "reason 1", "reason 2"]


@pytest.mark.parametrize("known", get_args(State))
@pytest.mark.parametrize("end", get_args(State))
def test_a_commit_that_was_told_learns_only_of_another_end(
    server: LocalGitHub, commit: str, known: State, end: State
) -> None:
    with GitHub(server.api_url, TOKEN) as github, CommitStatus(github, WEB, commit, "shop", known) as status:
        status.begin("deploying")
        status.held_up("Pod/a: ImagePullBackOff")
        status.end(end, "the end")
    assert told(server, commit) == ([] if end == known else [(end, "the end")])


def test_a_github_that_fails_is_logged_and_no_more(
    server: LocalGitHub, commit: str, log: pytest.LogCaptureFixture
) -> None:
    with GitHub(server.api_url, "wrong") as github, CommitStatus(github, WEB, commit, "shop") as status:
        status.end("success", "live")
    assert told(server, commit) == []
    assert "the commit could not be told 'success' (live): GitHub refused the token" in log.text
