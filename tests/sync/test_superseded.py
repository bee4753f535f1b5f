"""A commit whose rollout nobody waits for any more."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deployer.application import Application, parse_application
from deployer.cluster.history import Entry
from deployer.cluster.inventory import Inventory, empty
from deployer.cluster.operation import Operation
from deployer.cluster_document import parse_cluster
from deployer.configuration import Placement
from deployer.github.client import GitHub
from deployer.github.statuses import State, read_statuses, set_status
from deployer.sync.how import How
from deployer.sync.superseded import tell_passed_over, tell_superseded, unended
from local.github import GitHub as LocalGitHub
from tests.local.github.helpers import SECRET, TOKEN, Clone

NEW = "2" * 40
STAGING = parse_cluster(
    {
        "apiVersion": "deployer/v1alpha1",
        "kind": "Cluster",
        "metadata": {"name": "staging"},
        "spec": {"kubeconfig": {"secret": "projects/local/secrets/staging-kubeconfig"}},
    },
    "clusters.yaml",
)


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


def done(*history: Entry, operation: str = "") -> Inventory:
    """The inventory as it was before the new commit."""
    running = Operation(operation, datetime(2026, 1, 1, tzinfo=UTC), "another process", "a push") if operation else None
    return replace(empty("shop", "shop"), history=history, operation=running)


@pytest.fixture
def tell(github: GitHub, application: Application) -> Callable[..., None]:
    placement = Placement(application, STAGING)

    def tell(known: Inventory | None, before: str = "", after: str = "", *, together: bool = False) -> None:
        how = How(before=before, after=after)
        tell_superseded(github, replace(placement, together=together), NEW, how, known)

    return tell


def test_it_learns_which_commit_took_its_place(
    github: GitHub, application: Application, old: str, tell: Callable[..., None]
) -> None:
    set_status(github, application.source.repository, old, "pending", "deployer/shop", "rolling out")
    tell(done(entry("3" * 40, result="failed"), entry(old), entry("4" * 40)))
    end = ("failure", "superseded by 2222222")
    assert told(github, application, old) == end
    before = github.requests
    tell(done(entry(old)))
    assert (told(github, application, old), github.requests - before) == (end, 2), "once"


@pytest.mark.parametrize("known", ["operation", "before", "after"])
def test_whoever_knows_of_it_tells_it(
    github: GitHub, application: Application, old: str, tell: Callable[..., None], known: str
) -> None:
    set_status(github, application.source.repository, old, "pending", "deployer/shop", "waiting for build")
    match known:
        case "operation":
            tell(done(operation=old))
        case "before":
            tell(None, before=old, after=NEW)
        case _:
            tell(None, before="0" * 40, after=old)
    assert told(github, application, old) == ("failure", "superseded by 2222222")


def test_what_many_applications_have_in_common_is_not_told_for_one(
    github: GitHub, application: Application, old: str, tell: Callable[..., None]
) -> None:
    set_status(github, application.source.repository, old, "pending", "deployer/shop", "rolling out")
    tell(done(entry(old)), together=True)
    assert told(github, application, old) == ("pending", "rolling out")


def test_one_that_nobody_had_time_for_is_told_where_the_ref_contains_it(
    github: GitHub, application: Application, old: str, server: LocalGitHub, tmp_path: Path
) -> None:
    clone = Clone(tmp_path / "another", f"{server.git_url}/acme/web.git")
    clone.git("fetch", "-q", "origin", "main")
    clone.git("reset", "-q", "--hard", "FETCH_HEAD")
    newer = clone.commit("second", {"a": "2"})
    clone.push("main")
    placement = Placement(application, STAGING)
    tell_superseded(github, placement, newer, How(before="0" * 40, after=old), None)
    assert told(github, application, old) == ("failure", f"superseded by {newer[:7]}")
    assert read_statuses(github, application.source.repository, newer, "deployer/shop") == ()
    tell_superseded(github, placement, old, How(before=old, after=newer), None)
    assert read_statuses(github, application.source.repository, newer, "deployer/shop") == (), "GitHub may lag behind"


def test_where_github_takes_only_so_many_those_that_wait_go_first(
    server: LocalGitHub, application: Application, old: str, tmp_path: Path
) -> None:
    clone = Clone(tmp_path / "another", f"{server.git_url}/acme/web.git")
    clone.git("fetch", "-q", "origin", "main")
    clone.git("reset", "-q", "--hard", "FETCH_HEAD")
    passed_over, newer = clone.commit("second", {"a": "2"}), clone.commit("third", {"a": "3"})
    clone.push("main")
    repository, placement = application.source.repository, Placement(application, STAGING)
    # Two a minute: after these, there is no room but for what cannot be done without.
    with GitHub(server.api_url, TOKEN, share=3) as github:
        set_status(github, repository, old, "pending", "deployer/shop", "rolling out")
        tell_superseded(github, placement, newer, How(before=old, after=passed_over), done(entry(old)))
        assert told(github, application, old) == ("failure", f"superseded by {newer[:7]}")
        assert read_statuses(github, repository, passed_over, "deployer/shop") == ()


@pytest.mark.parametrize("state", ["success", "failure", "error"])
def test_one_that_was_told_an_end_keeps_it(
    github: GitHub, application: Application, old: str, tell: Callable[..., None], state: State
) -> None:
    set_status(github, application.source.repository, old, state, "deployer/shop", "an end")
    tell(done(entry(old)), before=old, after=NEW)
    assert told(github, application, old) == (state, "an end")


@pytest.mark.parametrize(
    "history", [[], [entry(NEW)], [entry("1" * 40, result="succeeded")], [entry("../../acme/other")]]
)
def test_where_none_was_superseded_nobody_is_asked(
    github: GitHub, tell: Callable[..., None], history: list[Entry]
) -> None:
    tell(done(*history))
    assert github.requests == 0


def test_a_commit_before_that_is_known_to_have_ended_is_not_asked_about(
    github: GitHub, tell: Callable[..., None]
) -> None:
    tell(done(entry("1" * 40, result="succeeded")), before="1" * 40, after=NEW)
    assert github.requests == 0


def test_a_commit_that_github_does_not_know_any_more_is_logged(
    tell: Callable[..., None], old: str, log: pytest.LogCaptureFixture
) -> None:
    tell(done(entry("1" * 40)))
    (record,) = log.records
    assert record.getMessage().startswith("whether a commit before was told an end is not known: ")
    assert record.__dict__["fields"] == {"application": "shop", "revision": "1" * 40}


def test_what_has_not_ended_is_what_was_left_since_the_last_success() -> None:
    one, two, three, four = (entry(str(number) * 40) for number in range(1, 5))
    failed, good = replace(two, result="failed"), replace(three, result="succeeded")
    assert unended(done(one, failed, good, four)) == ("1" * 40,)
    assert unended(done(failed, one, four)) == ("1" * 40, "4" * 40), "a failure changes nothing about it"
    assert unended(done(good, one)) == ()
    assert unended(done(one, operation="1" * 40)) == ("1" * 40,)
    assert unended(done(good, operation="5" * 40)) == ("5" * 40,)
    assert unended(None) == unended(done()) == ()


def test_a_commit_that_goes_on_is_not_passed_over(github: GitHub, application: Application, old: str) -> None:
    placement, how = Placement(application, STAGING), How(before=old, after=NEW)
    set_status(github, application.source.repository, old, "pending", "deployer/shop", "waiting for build")
    for before in (done(entry(old)), done(operation=old)):
        tell_passed_over(github, placement, NEW, how, before)
        assert told(github, application, old) == ("pending", "waiting for build"), "it is deployed, and rolls out"
    tell_passed_over(github, placement, NEW, How(), done())
    assert told(github, application, old)[0] == "pending", "of this one no push has spoken"
    tell_passed_over(github, placement, NEW, how, done(entry("1" * 40, result="succeeded")))
    assert told(github, application, old) == ("failure", "superseded by 2222222")
