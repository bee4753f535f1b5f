"""Which commit a ref points at."""

import threading
import time

import pytest

from deployer.errors import SourceError
from deployer.github.client import GitHub
from deployer.github.revision import LAG, Ref, find_ref, resolve, resolve_after_push
from deployer.repository import Repository
from tests.faults.proxy import Answer, Proxy
from tests.local.github.helpers import Clone


@pytest.fixture
def commits(clone: Clone) -> dict[str, str]:
    """A repository in which most names point somewhere else."""
    commits = {"v1": clone.commit("first", {"a": "1"})}
    clone.git("tag", "v1")
    commits["signed"] = clone.commit("second", {"a": "2"})
    clone.git("tag", "-a", "-m", "a tag", "signed")
    clone.git("tag", "-a", "-m", "a tag of a tag", "twice", "signed")
    clone.git("branch", "feature/x")
    commits["feature/x"] = commits["signed"]
    clone.git("tag", "both", "v1")
    clone.git("branch", "both")
    commits["both"] = commits["signed"]
    commits["main"] = clone.commit("third", {"a": "3"})
    clone.push("--all")
    clone.push("signed", "twice", "v1", "refs/tags/both")
    return commits


@pytest.mark.parametrize(
    ("target_revision", "name"),
    [
        ("HEAD", "main"),
        ("main", "main"),
        ("feature/x", "feature/x"),
        ("v1", "v1"),
        ("signed", "signed"),
        ("twice", "signed"),
        ("both", "both"),
        ("refs/heads/both", "both"),
        ("refs/tags/both", "v1"),
    ],
)
def test_a_revision_is_a_commit(
    github: GitHub, repository: Repository, commits: dict[str, str], target_revision: str, name: str
) -> None:
    assert resolve(github, repository, target_revision) == commits[name]


@pytest.mark.parametrize(
    ("target_revision", "name", "kind"),
    [
        ("HEAD", "refs/heads/main", "commit"),
        ("feature/x", "refs/heads/feature/x", "commit"),
        ("both", "refs/heads/both", "commit"),
        ("v1", "refs/tags/v1", "commit"),
        ("signed", "refs/tags/signed", "tag"),
        ("refs/tags/both", "refs/tags/both", "commit"),
    ],
)
def test_a_ref_is_found_with_its_full_name_and_what_it_points_at(
    github: GitHub,
    repository: Repository,
    clone: Clone,
    commits: dict[str, str],
    target_revision: str,
    name: str,
    kind: str,
) -> None:
    assert find_ref(github, repository, target_revision) == Ref(name, kind, clone.git("rev-parse", name))


def test_a_branch_costs_one_request(github: GitHub, repository: Repository, commits: dict[str, str]) -> None:
    resolve(github, repository, "main")
    assert github.requests == 1


def test_a_ref_that_is_not_there_is_named(github: GitHub, repository: Repository, commits: dict[str, str]) -> None:
    with pytest.raises(SourceError, match="acme/web has no branch or tag nope: check targetRevision"):
        resolve(github, repository, "nope")


def test_a_repository_that_is_not_there_is_told_from_a_ref(github: GitHub) -> None:
    with pytest.raises(SourceError, match="check repoURL"):
        resolve(github, Repository(github.host, "acme/nothing"), "main")


def test_a_tag_of_something_else_is_refused(github: GitHub, repository: Repository, clone: Clone) -> None:
    clone.commit("first", {"a": "1"})
    clone.git("tag", "tree", "HEAD^{tree}")
    clone.push("main", "tree")
    with pytest.raises(SourceError, match="points at a tree, not at a commit"):
        resolve(github, repository, "tree")


def test_a_tag_of_many_tags_is_refused(github: GitHub, repository: Repository, clone: Clone) -> None:
    clone.commit("first", {"a": "1"})
    clone.git("tag", "-a", "-m", "x", "tag0")
    for number in range(5):
        clone.git("tag", "-a", "-m", "x", f"tag{number + 1}", f"tag{number}")
    clone.push("main", "tag5")
    with pytest.raises(SourceError, match="points at a tag, not at a commit"):
        resolve(github, repository, "tag5")


def later(seconds: float, clone: Clone, *arguments: str) -> threading.Thread:
    """Push after a while, as GitHub's API sees a push after its webhook."""

    def push() -> None:
        time.sleep(seconds)
        clone.push(*arguments)

    thread = threading.Thread(target=push)
    thread.start()
    return thread


def test_an_api_that_lags_is_asked_again(github: GitHub, repository: Repository, clone: Clone) -> None:
    before = clone.commit("first", {"a": "1"})
    clone.push("main")
    after = clone.commit("second", {"a": "2"})
    pushing = later(0.7, clone, "main")
    assert resolve_after_push(github, repository, "main", before) == after
    pushing.join()


def test_an_api_that_lags_behind_a_moved_tag_is_asked_again(
    github: GitHub, repository: Repository, clone: Clone, commits: dict[str, str]
) -> None:
    # What a push says of an annotated tag is the tag object's id, not the commit's.
    before = clone.git("rev-parse", "signed")
    assert before != commits["signed"]
    clone.git("tag", "-f", "-a", "-m", "moved", "signed", "main")
    pushing = later(0.7, clone, "-f", "signed")
    assert resolve_after_push(github, repository, "signed", before) == commits["main"]
    pushing.join()


def test_an_api_that_lags_through_a_fault_is_asked_again(
    faulty: GitHub, repository: Repository, proxy: Proxy, clone: Clone
) -> None:
    before = clone.commit("first", {"a": "1"})
    after = clone.commit("second", {"a": "2"})
    clone.push("main")
    old = Answer(200, {"ref": "refs/heads/main", "object": {"type": "commit", "sha": before}})
    proxy.play("git/ref/heads/main", old, Answer(502, headers={"Retry-After": "0"}), old)
    assert resolve_after_push(faulty, repository, "main", before) == after
    assert len(proxy.seen) == 4


@pytest.mark.parametrize("found", [{}, {"object": None}, {"object": {"type": "commit", "sha": "main"}}])
def test_an_answer_that_is_no_ref_is_told(faulty: GitHub, repository: Repository, proxy: Proxy, found: object) -> None:
    proxy.play("git/ref", Answer(200, found))
    with pytest.raises(SourceError, match="GitHub's answer to GET /repos/acme/web/git/ref/heads/main has no"):
        resolve(faulty, repository, "main")


def test_a_new_branch_that_is_not_there_yet_is_waited_for(github: GitHub, repository: Repository, clone: Clone) -> None:
    commit = clone.commit("first", {"a": "1"})
    clone.push("main")
    clone.git("branch", "new")
    pushing = later(0.7, clone, "new")
    assert resolve_after_push(github, repository, "new", "0" * 40) == commit
    pushing.join()


def test_a_push_back_to_where_it_was_ends_the_asking(github: GitHub, repository: Repository, clone: Clone) -> None:
    before = clone.commit("first", {"a": "1"})
    clone.push("main")
    start = time.monotonic()
    assert resolve_after_push(github, repository, "main", before) == before
    assert LAG <= time.monotonic() - start < LAG + 5


def test_a_ref_that_was_there_and_is_gone_is_not_waited_for(
    github: GitHub, repository: Repository, commits: dict[str, str]
) -> None:
    start = time.monotonic()
    with pytest.raises(SourceError, match="no branch or tag gone"):
        resolve_after_push(github, repository, "gone", "1" * 40)
    assert time.monotonic() - start < LAG
