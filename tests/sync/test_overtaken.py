"""A commit whose rollout nobody waits for any more."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deployer.application import Application, parse_application
from deployer.cluster.history import Entry
from deployer.github.client import GitHub
from deployer.github.statuses import State, read_statuses, set_status
from deployer.sync.overtaken import tell_overtaken
from local.github import GitHub as LocalGitHub
from tests.local.github.helpers import SECRET, TOKEN, Clone

NEW = "2" * 40


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LocalGitHub]:
    with LocalGitHub(tmp_path / "github", token=TOKEN, webhook_url=None, webhook_secret=SECRET) as server:
        yield server


@pytest.fixture
def github(server: LocalGitHub) -> Iterator[GitHub]:
    with GitHub(server.api_url, TOKEN) as github:
        yield github


@pytest.fixture
def application(server: LocalGitHub) -> Application:
    return parse_application(
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


@pytest.fixture
def old(server: LocalGitHub, tmp_path: Path) -> str:
    clone = Clone(tmp_path / "clone", f"{server.git_url}/acme/web.git")
    commit = clone.commit("first", {"a": "1"})
    clone.push("main")
    return commit


def entry(revision: str, **changes: Any) -> Entry:
    done = Entry(revision, datetime(2026, 1, 1, tzinfo=UTC), "a push", "alice", "unfinished", {}, {})
    return replace(done, **changes)


def told(github: GitHub, application: Application, commit: str) -> tuple[State, str]:
    status, *_ = read_statuses(github, application.source.repository, commit, "deployer/shop")
    return status.state, status.description


def test_it_learns_which_commit_took_its_place(github: GitHub, application: Application, old: str) -> None:
    set_status(github, application.source.repository, old, "pending", "deployer/shop", "rolling out")
    tell_overtaken(github, application, NEW, [entry(NEW), entry(old), entry(old, result="failed")])
    end = ("failure", "overtaken by 2222222 before its rollout had ended")
    assert told(github, application, old) == end
    before = github.requests
    tell_overtaken(github, application, NEW, [entry(NEW), entry(old)])
    assert (told(github, application, old), github.requests - before) == (end, 2), "once"


@pytest.mark.parametrize("state", ["success", "failure", "error"])
def test_one_that_was_told_an_end_keeps_it(github: GitHub, application: Application, old: str, state: State) -> None:
    set_status(github, application.source.repository, old, state, "deployer/shop", "an end")
    tell_overtaken(github, application, NEW, [entry(old)])
    assert told(github, application, old) == (state, "an end")


@pytest.mark.parametrize(
    "history", [[], [entry(NEW)], [entry("1" * 40, result="succeeded")], [entry("../../acme/other")]]
)
def test_where_none_was_overtaken_nobody_is_asked(
    github: GitHub, application: Application, history: list[Entry]
) -> None:
    tell_overtaken(github, application, NEW, history)
    assert github.requests == 0


def test_a_commit_that_github_does_not_know_any_more_is_logged(
    github: GitHub, application: Application, old: str, log: pytest.LogCaptureFixture
) -> None:
    tell_overtaken(github, application, NEW, [entry("1" * 40)])
    (record,) = log.records
    assert record.getMessage().startswith("whether the commit before was told an end is not known: ")
    assert record.__dict__["fields"] == {"application": "shop", "revision": "1" * 40}
