"""What a push is told as, seen by a receiver of webhooks."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from local.github import GitHub
from local.github.git import ZEROS
from local.github.pushes import MOST_BRANCHES, MOST_COMMITS, announced
from local.github.repository import Ref
from tests.local.github.helpers import Clone, Receiver


class Told:
    """Pushes, and returns what the receiver is told of it, by ref."""

    def __init__(self, github: GitHub, receiver: Receiver, clone: Clone) -> None:
        self.github, self.receiver, self.clone = github, receiver, clone
        github.webhook_url = receiver.url

    def push(self, *arguments: str, events: int = 1) -> dict[str, Any]:
        before = len(self.github.deliveries)
        self.clone.push(*arguments)
        end = time.monotonic() + 10
        while len(self.github.deliveries) < before + events and time.monotonic() < end:
            time.sleep(0.01)
        payloads = [json.loads(one.body) for one in self.receiver.received[before:]]
        return {payload["ref"]: payload for payload in payloads}

    def deliveries_of(self, ref: str, count: int) -> list[dict[str, Any]]:
        """Wait for so many deliveries of a ref."""
        end = time.monotonic() + 10
        found: list[dict[str, Any]] = []
        while len(found) < count and time.monotonic() < end:
            time.sleep(0.01)
            payloads = [json.loads(one.body) for one in self.receiver.received]
            found = [payload for payload in payloads if payload["ref"] == ref]
        return found


@pytest.fixture
def told(github: GitHub, receiver: Receiver, clone: Clone) -> Told:
    return Told(github, receiver, clone)


def test_a_new_branch(told: Told) -> None:
    first = told.clone.commit("first", {"a.yaml": "1", "b/c.yaml": "2"})
    second = told.clone.commit("second\n\nwith a body", {"a.yaml": "3"})

    payload = told.push("main")["refs/heads/main"]

    assert (payload["before"], payload["after"]) == (ZEROS, second)
    assert (payload["created"], payload["deleted"], payload["forced"]) == (True, False, False)
    assert payload["base_ref"] is None
    assert [commit["id"] for commit in payload["commits"]] == [first, second]
    assert payload["commits"][0]["added"] == ["a.yaml", "b/c.yaml"]
    assert payload["head_commit"] == payload["commits"][1]
    assert payload["head_commit"]["message"] == "second\n\nwith a body"
    assert payload["head_commit"]["tree_id"] == told.clone.git("rev-parse", "HEAD^{tree}")
    assert payload["head_commit"]["timestamp"] == told.clone.git("log", "-1", "--format=%cI").replace("+00:00", "Z")
    assert payload["head_commit"]["author"] == {"name": "Ada Example", "email": "ada@example.com"}
    assert payload["head_commit"]["distinct"] is True


def test_an_update_names_what_each_commit_changed(told: Told) -> None:
    before = told.clone.commit("first", {"kept": "1", "gone": "2", "changed": "3"})
    told.push("main")
    told.clone.git("rm", "-q", "gone")
    after = told.clone.commit("second", {"changed": "4", "näw ": "5"})

    payload = told.push("main")["refs/heads/main"]

    assert (payload["before"], payload["after"], payload["created"]) == (before, after, False)
    assert payload["compare"].endswith(f"/acme/web/compare/{before[:12]}...{after[:12]}")
    changes = {name: payload["head_commit"][name] for name in ("added", "removed", "modified")}
    assert changes == {"added": ["näw "], "removed": ["gone"], "modified": ["changed"]}


def test_the_repository_and_the_people(told: Told, github: GitHub) -> None:
    told.clone.commit("first", {})

    payload = told.push("main")["refs/heads/main"]

    repository = payload["repository"]
    assert (repository["name"], repository["full_name"]) == ("web", "acme/web")
    assert repository["clone_url"] == f"{github.git_url}/acme/web.git"
    assert repository["html_url"] == f"{github.git_url}/acme/web"
    assert repository["default_branch"] == "main"
    assert repository["owner"]["login"] == payload["organization"]["login"] == "acme"
    assert isinstance(repository["pushed_at"], int)
    assert payload["pusher"]["name"] == payload["sender"]["login"] == "octocat"
    assert "installation" not in payload


def test_a_deleted_branch(told: Told) -> None:
    sha = told.clone.commit("first", {})
    told.push("main", "main:refs/heads/old", events=2)

    payload = told.push(":old")["refs/heads/old"]

    assert (payload["before"], payload["after"]) == (sha, ZEROS)
    assert (payload["created"], payload["deleted"], payload["forced"]) == (False, True, False)
    assert (payload["commits"], payload["head_commit"]) == ([], None)


def test_a_forced_push_tells_only_of_what_is_new(told: Told) -> None:
    told.clone.commit("first", {})
    before = told.clone.commit("second", {"a": "1"})
    told.push("main")
    told.clone.git("reset", "-q", "--hard", "HEAD~1")
    after = told.clone.commit("another second", {"a": "2"})

    payload = told.push("--force", "main")["refs/heads/main"]

    assert (payload["before"], payload["after"], payload["forced"]) == (before, after, True)
    assert [commit["id"] for commit in payload["commits"]] == [after]


def test_a_branch_from_another_has_nothing_new(told: Told) -> None:
    sha = told.clone.commit("first", {})
    told.push("main")

    payload = told.push("main:refs/heads/feature/x")["refs/heads/feature/x"]

    assert (payload["base_ref"], payload["commits"]) == ("refs/heads/main", [])
    assert payload["head_commit"]["id"] == sha
    assert payload["head_commit"]["distinct"] is True
    assert payload["compare"].endswith("/acme/web/compare/feature/x")


def test_a_tag_pushed_with_its_branch_is_based_on_it(told: Told) -> None:
    told.clone.commit("first", {})
    told.clone.git("tag", "v1")

    payloads = told.push("main", "v1", "main:refs/heads/twin", events=3)

    bases = {name: payload["base_ref"] for name, payload in payloads.items()}
    assert bases == {"refs/heads/main": None, "refs/heads/twin": None, "refs/tags/v1": "refs/heads/main"}


def test_commits_that_another_branch_has_are_not_distinct(told: Told) -> None:
    told.clone.commit("first", {})
    told.push("main")
    told.clone.git("switch", "-q", "-c", "feature")
    feature = told.clone.commit("feature", {"f": "1"})
    told.push("feature")
    told.clone.git("switch", "-q", "main")
    told.clone.git("merge", "-q", "--no-ff", "-m", "merge", "feature")

    payload = told.push("main")["refs/heads/main"]

    merge = told.clone.head()
    assert {commit["id"]: commit["distinct"] for commit in payload["commits"]} == {feature: False, merge: True}


def test_tags_light_and_annotated(told: Told) -> None:
    sha = told.clone.commit("first", {})
    told.push("main")
    told.clone.git("tag", "light")
    told.clone.git("tag", "-a", "-m", "release", "v1.0")
    annotated = told.clone.git("rev-parse", "v1.0")

    payloads = told.push("light", "v1.0", events=2)

    light, annotation = payloads["refs/tags/light"], payloads["refs/tags/v1.0"]
    assert (light["after"], light["base_ref"], light["commits"]) == (sha, "refs/heads/main", [])
    assert annotation["base_ref"] is None
    assert annotation["after"] == annotated != sha
    assert annotation["head_commit"]["id"] == light["head_commit"]["id"] == sha
    assert annotation["created"] is True


def test_more_than_three_tags_at_once_are_not_told(told: Told) -> None:
    told.clone.commit("first", {})
    for name in ("v1", "v2", "v3", "v4"):
        told.clone.git("tag", name)

    told.clone.push("main", "v1", "v2", "v3", "v4")
    told.clone.push(":v1", ":v2", ":v3")
    told.github.stop()

    events = sorted((delivery.payload["ref"], delivery.payload["created"]) for delivery in told.github.deliveries)
    deleted = [(f"refs/tags/{name}", False) for name in ("v1", "v2", "v3")]
    assert events == [("refs/heads/main", True), *deleted]


def test_a_push_of_very_many_commits_tells_the_last_2048(told: Told) -> None:
    stream = "".join(
        f"commit refs/heads/main\ncommitter A <a@example.com> {1700000000 + number} +0000\ndata 1\nx\n"
        for number in range(MOST_COMMITS + 1)
    )
    told.clone.git("fast-import", "--quiet", stdin=stream)

    payload = told.push("main")["refs/heads/main"]

    assert len(payload["commits"]) == MOST_COMMITS
    assert payload["commits"][-1]["id"] == payload["after"]


def test_a_refused_or_empty_push_tells_nothing(told: Told, tmp_path: Path) -> None:
    told.clone.commit("first", {})
    told.push("main")
    stranger = Clone(tmp_path / "stranger", told.clone.url)
    stranger.commit("unrelated", {})

    assert "rejected" in stranger.git("push", "origin", "main", check=False)
    told.clone.push("main")
    told.clone.commit("second", {})
    told.push("main")
    told.github.stop()

    assert len(told.receiver.received) == 2


def branches(count: int) -> dict[str, Ref]:
    return {f"refs/heads/{number}": Ref("a" * 40, "commit") for number in range(count)}


TAGS = {f"refs/tags/v{number}": Ref("b" * 40, "commit") for number in range(3)}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param({}, {**branches(2), **TAGS}, 5, id="two branches and three tags"),
        pytest.param({}, branches(MOST_BRANCHES), MOST_BRANCHES, id="5,000 branches"),
        pytest.param({}, {**branches(MOST_BRANCHES + 1), **TAGS}, 3, id="too many branches, the tags are told"),
        pytest.param({}, {**TAGS, "refs/tags/v3": Ref("b" * 40, "commit"), **branches(1)}, 1, id="four tags"),
        pytest.param(branches(3), branches(1), 2, id="deleted ones"),
        pytest.param(TAGS, TAGS, 0, id="nothing moved"),
        pytest.param({}, {"refs/notes/commits": Ref("c" * 40, "commit")}, 0, id="neither branch nor tag"),
    ],
)
def test_announced(before: dict[str, Ref], after: dict[str, Ref], expected: int) -> None:
    assert len(announced(before, after)) == expected


def test_a_branch_that_is_moved_without_a_push(told: Told) -> None:
    first, second = told.clone.commit("first", {"a.yaml": "1"}), told.clone.commit("second", {"a.yaml": "2"})
    told.push(f"{first}:refs/heads/main", "main:refs/heads/next", events=2)

    told.github.move("acme/web", "main", second)
    payloads = told.deliveries_of("refs/heads/main", 2)

    assert [(one["before"], one["after"]) for one in payloads] == [(ZEROS, first), (first, second)]
    assert told.clone.git("ls-remote", "origin", "refs/heads/main").split() == [second, "refs/heads/main"]


def test_a_branch_is_moved_to_no_commit_that_is_not_there(told: Told) -> None:
    told.clone.commit("first", {"a.yaml": "1"})
    told.push("main")
    for repository, sha in (("acme/web", "1" * 40), ("acme/other", told.clone.head())):
        with pytest.raises(ValueError, match=f"there is no commit {sha} in {repository}"):
            told.github.move(repository, "main", sha)
