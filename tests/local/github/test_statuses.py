from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from github import Auth, Github

from local.github import GitHub
from local.github.hook import Hook
from local.github.statuses import MOST, Status, combined
from tests.local.github.helpers import SECRET, TOKEN, Clone, Receiver, ask

WEB = "/repos/acme/web"


@pytest.fixture
def sha(clone: Clone) -> str:
    sha = clone.commit("first", {})
    clone.push("main")
    return sha


def test_pygithub_says_what_became_of_a_commit(github: GitHub, sha: str) -> None:
    with Github(
        auth=Auth.Token(TOKEN),
        base_url=github.api_url,
        lazy=True,
        seconds_between_requests=None,
        seconds_between_writes=None,
    ) as client:
        commit = client.get_repo("acme/web").get_commit(sha)
        for state in ("pending", "success"):
            commit.create_status(state, "https://example.com/1", f"{state} ✓", "deployer/web")
        whole = commit.get_combined_status()
        history = list(commit.get_statuses())

    assert (whole.state, whole.sha, whole.total_count, whole.repository.full_name) == ("success", sha, 1, "acme/web")
    assert [(one.context, one.state, one.description) for one in whole.statuses] == [
        ("deployer/web", "success", "success ✓")
    ]
    assert [one.state for one in history] == ["success", "pending"]
    assert history[0].creator.login == "octocat"
    assert history[0].target_url == "https://example.com/1"


def test_a_status_is_answered_with_its_address(github: GitHub, sha: str) -> None:
    answer = ask(github, f"{WEB}/statuses/{sha}", {"state": "pending"})
    assert answer.status == 201
    assert answer.headers["location"] == answer.json()["url"] == f"{github.api_url}{WEB}/statuses/{sha}"
    expected = {"context": "default", "description": None, "target_url": None}
    assert {name: answer.json()[name] for name in expected} == expected


def test_the_combined_status_by_branch(github: GitHub, sha: str) -> None:
    assert ask(github, f"{WEB}/commits/main/status").json()["state"] == "pending"
    ask(github, f"{WEB}/statuses/{sha}", {"state": "success", "context": "a"})
    ask(github, f"{WEB}/statuses/{sha}", {"state": "error", "context": "b"})

    whole = ask(github, f"{WEB}/commits/heads/main/status").json()

    assert (whole["state"], whole["total_count"]) == ("failure", 2)
    assert ask(github, f"{WEB}/commits/none/status").status == 404


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({}, "state", "state is not included in the list"),
        ({"state": "done"}, "state", "state is not included in the list"),
        ({"state": 1}, "state", "state is not a string"),
        (
            {"state": "success", "description": "ä" * 141},
            "description",
            "description is too long (maximum is 140 characters)",
        ),
        ({"state": "success", "description": ["x"]}, "description", "description is not a string"),
        ({"state": "success", "context": "x" * 256}, "context", "context is too long (maximum is 255 characters)"),
        ({"state": "success", "target_url": "ftp://x"}, "target_url", "target_url must use http(s) scheme"),
    ],
)
def test_what_github_refuses(github: GitHub, sha: str, body: dict[str, Any], field: str, message: str) -> None:
    answer = ask(github, f"{WEB}/statuses/{sha}", body)
    assert (answer.status, answer.json()["message"]) == (422, "Validation Failed")
    assert answer.json()["errors"] == [{"resource": "Status", "code": "custom", "field": field, "message": message}]
    assert ask(github, f"{WEB}/commits/{sha}/statuses").json() == []


def test_the_longest_that_github_takes(github: GitHub, sha: str) -> None:
    body = {"state": "success", "description": "ä" * 140, "context": "x" * 255}
    assert ask(github, f"{WEB}/statuses/{sha}", body).status == 201


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"{", 400, "Problems parsing JSON"),
        (b"", 400, "Problems parsing JSON"),
        ([], 400, "Body should be a JSON object"),
    ],
)
def test_a_body_that_is_no_object(github: GitHub, sha: str, body: object, status: int, message: str) -> None:
    answer = ask(github, f"{WEB}/statuses/{sha}", body)
    assert (answer.status, answer.json()["message"]) == (status, message)


def test_a_commit_that_is_not_there(github: GitHub, clone: Clone, sha: str) -> None:
    tree = clone.git("rev-parse", "HEAD^{tree}")
    for other in ("0" * 40, tree):
        answer = ask(github, f"{WEB}/statuses/{other}", {"state": "success"})
        assert (answer.status, answer.json()["message"]) == (422, f"No commit found for SHA: {other}")
    answer = ask(github, f"{WEB}/statuses/main", {"state": "success"})
    assert answer.json()["errors"][0]["message"] == "sha must be a 40 character SHA1"


def test_the_history_comes_in_pages(github: GitHub, sha: str) -> None:
    for number in range(5):
        ask(github, f"{WEB}/statuses/{sha}", {"state": "pending", "description": str(number)})

    path, found, links = f"{WEB}/commits/{sha}/statuses?per_page=2", [], []
    while path:
        answer = ask(github, path)
        found += [status["description"] for status in answer.json()]
        links.append(answer.headers.get("link", ""))
        following = [part for part in links[-1].split(", ") if 'rel="next"' in part]
        path = following[0].partition(">")[0].removeprefix(f"<{github.api_url}") if following else ""

    assert found == ["4", "3", "2", "1", "0"]
    assert ['rel="last"' in link for link in links] == [True, True, False]


def test_a_thousand_statuses_are_the_most_of_one_context(github: GitHub, sha: str) -> None:
    for _ in range(MOST):
        assert github.statuses.add("acme/web", sha, {"state": "pending", "context": "full"})

    answer = ask(github, f"{WEB}/statuses/{sha}", {"state": "success", "context": "full"})

    message = "This SHA and context has reached the maximum number of statuses."
    assert (answer.status, answer.json()["errors"][0]["message"]) == (422, message)
    assert ask(github, f"{WEB}/statuses/{sha}", {"state": "success", "context": "other"}).status == 201


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([], "pending"),
        ([("a", "success")], "success"),
        ([("a", "success"), ("b", "pending")], "pending"),
        ([("a", "pending"), ("b", "failure")], "failure"),
        ([("a", "success"), ("b", "error")], "failure"),
        ([("a", "failure"), ("a", "success")], "success"),
        ([("a", "success"), ("a", "pending")], "pending"),
    ],
)
def test_what_several_statuses_come_to(states: list[tuple[str, str]], expected: str) -> None:
    now = datetime.now(UTC)
    statuses = [Status(number, state, context, None, None, now) for number, (context, state) in enumerate(states)]
    assert combined(statuses) == expected


def test_time_may_be_played_to_have_passed(github: GitHub, sha: str) -> None:
    for state in ("pending", "success"):
        github.statuses.add("acme/web", sha, {"state": state})
    before = github.statuses.of("acme/web", sha)
    github.statuses.age("acme/web", sha, 60)
    after = github.statuses.of("acme/web", sha)
    assert [(one.state, one.created + timedelta(minutes=1)) for one in after] == [
        (one.state, one.created) for one in before
    ]
    github.statuses.age("acme/web", "0" * 40, 60)  # of which nothing was said


def test_a_status_is_told_to_the_webhook_that_wants_it(
    github: GitHub, clone: Clone, sha: str, receiver: Receiver
) -> None:
    """Also to whoever made it: GitHub does not ask."""
    github.webhook = Hook(receiver.url, SECRET, events=("status",))
    clone.commit("second", {})
    clone.push("main", f"{sha}:refs/heads/old", f"{sha}:refs/heads/topic/web")
    made = ask(github, f"{WEB}/statuses/{sha}", {"state": "pending", "context": "deployer/web"}).json()

    (told,) = receiver.wait(1)

    shown = {field: told[field] for field in ("id", "state", "context", "description", "target_url", "created_at")}
    assert shown.items() <= made.items()
    assert (told["sha"], told["name"], told["commit"]["sha"]) == (sha, "acme/web", sha)
    assert [branch["name"] for branch in told["branches"]] == ["old", "topic/web", "main"]
    assert (told["repository"]["full_name"], told["sender"]["login"]) == ("acme/web", made["creator"]["login"])
    github.webhook = Hook(receiver.url, SECRET)
    ask(github, f"{WEB}/statuses/{sha}", {"state": "success"})
    github.stop()
    assert len(receiver.received) == 1
