"""Forks: what is pushed to one can be read by its SHA from the repository that it was made from."""

from pathlib import Path

import pytest

from local.github import GitHub
from tests.local.github.helpers import Clone, Receiver, ask

WEB = "/repos/acme/web"


@pytest.fixture
def fork(github: GitHub, first: str, tmp_path: Path) -> Clone:
    github.fork("acme/web", "mallory")
    clone = Clone(tmp_path / "fork", f"{github.git_url}/mallory/web.git")
    clone.git("pull", "-q", "origin", "main")
    return clone


def test_a_commit_of_a_fork_is_there_by_its_sha_but_no_ref_leads_to_it(
    github: GitHub, fork: Clone, clone: Clone, first: str
) -> None:
    foreign = fork.commit("foreign", {"a.yaml": "evil"})
    fork.push("main")

    assert ask(github, f"{WEB}/commits/{foreign}").json()["sha"] == foreign
    assert ask(github, f"{WEB}/git/trees/{foreign}?recursive=1").status == 200
    assert ask(github, f"{WEB}/git/ref/heads/main").json()["object"]["sha"] == first
    assert ask(github, f"{WEB}/commits/main").json()["sha"] == first
    assert clone.git("ls-remote", "origin").split()[0] == first


def test_the_original_goes_on_by_itself(github: GitHub, fork: Clone, clone: Clone) -> None:
    foreign = fork.commit("foreign", {"a.yaml": "evil"})
    fork.push("main")
    clone.git("pull", "-q", fork.url, "main")  # what a merged pull request does
    own = clone.commit("own", {})
    clone.push("main")

    assert ask(github, f"{WEB}/compare/{foreign}...main").json()["ahead_by"] == 1
    assert ask(github, "/repos/mallory/web/commits/main").json()["sha"] == foreign != own
    assert ask(github, f"/repos/mallory/web/commits/{own}").status == 422


def test_a_fork_says_so_and_its_pushes_are_told_to_nobody(github: GitHub, fork: Clone, receiver: Receiver) -> None:
    github.webhook_url = receiver.url
    fork.commit("foreign", {})
    fork.push("main")

    assert [ask(github, path).json()["fork"] for path in (WEB, "/repos/mallory/web")] == [False, True]
    assert ask(github, "/repos/mallory/web/hooks").json() == []
    github.stop()
    assert receiver.received == []


@pytest.mark.parametrize(
    ("repository", "owner", "message"),
    [
        ("acme/none", "mallory", "no repository acme/none"),
        ("acme/web", "acme", "is there already"),
        ("acme/web", "not a name", "allows no such name"),
    ],
)
def test_what_cannot_be_forked(github: GitHub, first: str, repository: str, owner: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        github.fork(repository, owner)
