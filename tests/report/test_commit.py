"""The commit learns."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from deployer.application import parse_application
from deployer.cluster_document import ClusterDocument
from deployer.configuration import Placement
from deployer.errors import SourceError
from deployer.github.client import GitHub
from deployer.github.statuses import State
from deployer.report.commit import CommitStatus, commit_status, tell_once, tell_together_once
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


def placement(server: LocalGitHub, *, together: bool = False) -> Placement:
    application = parse_application(
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": "shop"},
            "spec": {
                "source": {"repoURL": f"{server.git_url}/acme/web.git", "path": "."},
                "destination": {"name": "staging", "namespace": "shop"},
            },
        },
        "test.yaml",
    )
    return Placement(application, ClusterDocument("staging", (), "secret", {}, "test.yaml"), together=together)


@pytest.fixture
def github(server: LocalGitHub) -> Iterator[GitHub]:
    with GitHub(server.api_url, TOKEN) as github:
        yield github


def test_it_is_kept_where_the_last_of_it_was_written(
    server: LocalGitHub, github: GitHub, commit: str, log: pytest.LogCaptureFixture
) -> None:
    where = placement(server)
    with commit_status(github, where, commit) as status:
        assert not status.kept
        status.begin("deploying")
        status.end("success", "live")
    assert status.kept
    with commit_status(github, where, commit) as status:
        status.begin("deploying")
        server.fail("/statuses/", 200, method="POST", body={"id": 1})  # which begin takes, or end
        server.fail("/statuses/", 403, times=9, method="POST")
        status.end("success", "live")
    assert not status.kept
    server.heal()
    with commit_status(github, where, commit, "success") as status:
        status.end("success", "live")
    assert not status.kept, "nothing was written"


def test_where_many_have_one_status_it_is_quiet(server: LocalGitHub, github: GitHub, commit: str) -> None:
    where = placement(server, together=True)
    server.requests.clear()
    with commit_status(github, where, commit) as status:
        status.begin("deploying")
        status.held_up("Pod/a: ImagePullBackOff")
        status.end("failure", "no")
    assert not status.kept
    tell_once(github, where, commit, "pending", "waiting for build")
    assert server.requests == []


def test_what_was_told_last_is_told_once(server: LocalGitHub, github: GitHub, commit: str) -> None:
    where = placement(server)
    long = "waiting for " + "x" * 200
    for _ in range(2):
        tell_once(github, where, commit, "pending", long)
    assert [state for state, _ in told(server, commit)] == ["pending"]
    tell_once(github, where, commit, "failure", long)
    tell_once(github, where, commit, "pending", long)
    assert [state for state, _ in told(server, commit)] == ["pending", "failure", "pending"]


def test_what_cannot_be_known_is_not_told(server: LocalGitHub, github: GitHub, commit: str) -> None:
    with server.outage("/statuses", 403, method="GET"):
        with pytest.raises(SourceError):
            tell_once(github, placement(server), commit, "pending", "waiting for build")
        with pytest.raises(SourceError):
            tell_together_once(github, WEB, commit, "pending", "21 applications")
    assert told(server, commit) == []


def test_how_all_stand_is_told_once(server: LocalGitHub, github: GitHub, commit: str) -> None:
    assert tell_together_once(github, WEB, commit, "pending", "21 applications: all under way")
    assert not tell_together_once(github, WEB, commit, "pending", "21 applications: all under way")
    assert not tell_together_once(github, WEB, commit, "success", "21 applications: all healthy")
    assert told(server, commit) == [
        ("pending", "21 applications: all under way"),
        ("success", "21 applications: all healthy"),
    ]
    (one, _) = json.loads(ask(server, f"/repos/acme/web/commits/{commit}/statuses").body)
    assert one["context"] == "deployer"


def test_near_githubs_limits_only_the_end_is_told(server: LocalGitHub, commit: str) -> None:
    with GitHub(server.api_url, TOKEN, share=4) as github:  # three a minute
        for number in range(3):
            with commit_status(github, placement(server), commit) as status:
                status.begin(f"deploying {number}")
        assert not status.kept, "it was left out"
        with commit_status(github, placement(server), commit) as status:
            status.end("success", "live")
    assert status.kept
    assert told(server, commit) == [("pending", "deploying 0"), ("pending", "deploying 1"), ("success", "live")]
