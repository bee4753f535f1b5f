from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from github import Auth, Github

from local.github import GitHub
from local.github.checks import CheckRun, Checks, Suite
from local.github.hook import Hook
from tests.local.github.helpers import APP_TOKEN, SECRET, Answer, Clone, Receiver, ask

WEB = "/repos/acme/web"
NEW = CheckRun(1, "a" * 40, "build", "queued", None, datetime.now(UTC), None, None, "", None, None, None)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def sha(github: GitHub, first: str, receiver: Receiver) -> str:
    """The SHA of a commit on main, for which checks may be made; the receiver hears of them."""
    github.tokens.add(APP_TOKEN, permissions={"contents": "read", "checks": "write"})
    github.webhook = Hook(receiver.url, SECRET, events=("check_run", "check_suite"))
    return first


def as_app(github: GitHub, path: str, body: object = None, method: str | None = None) -> Answer:
    return ask(github, path, body, method, Authorization=f"Bearer {APP_TOKEN}")


def run(github: GitHub, sha: str, name: str = "build", **fields: object) -> dict[str, Any]:
    answer = as_app(github, f"{WEB}/check-runs", {"name": name, "head_sha": sha, **fields})
    assert answer.status == 201, answer.body
    return dict(answer.json())


def change(github: GitHub, number: int, **fields: object) -> dict[str, Any]:
    answer = as_app(github, f"{WEB}/check-runs/{number}", fields, "PATCH")
    assert answer.status == 200, answer.body
    return dict(answer.json())


def runs(github: GitHub, query: str = "") -> list[tuple[int, str, str, str | None]]:
    found = ask(github, f"{WEB}/commits/main/check-runs{query}").json()["check_runs"]
    return [(one["id"], one["name"], one["status"], one["conclusion"]) for one in found]


def suite(github: GitHub) -> dict[str, Any]:
    (found,) = ask(github, f"{WEB}/commits/main/check-suites").json()["check_suites"]
    return dict(found)


def test_a_check_from_its_beginning_to_its_end(github: GitHub, sha: str, receiver: Receiver) -> None:
    begun = run(github, sha, external_id="42", details_url="https://ci.example/42")
    (created,) = receiver.wait(1)
    assert (begun["status"], begun["conclusion"], begun["completed_at"]) == ("queued", None, None)
    assert (suite(github)["status"], suite(github)["conclusion"]) == ("queued", None)
    assert (created["action"], created["check_run"]["id"]) == ("created", begun["id"])
    assert created["check_run"]["check_suite"]["head_branch"] == "main"

    assert change(github, begun["id"], status="in_progress")["status"] == "in_progress"
    done = change(github, begun["id"], conclusion="success", output={"title": "Built", "summary": "All **well**"})
    receiver.wait(3)

    assert (done["status"], done["conclusion"], done["output"]["summary"]) == ("completed", "success", "All **well**")
    assert (done["external_id"], done["details_url"]) == ("42", "https://ci.example/42")
    assert done == as_app(github, f"{WEB}/check-runs/{begun['id']}").json()
    assert datetime.fromisoformat(done["completed_at"]) >= datetime.fromisoformat(done["started_at"])
    assert receiver.events() == [("check_run", "completed"), ("check_run", "created"), ("check_suite", "completed")]
    assert (suite(github)["status"], suite(github)["conclusion"]) == ("completed", "success")
    assert suite(github)["id"] == done["check_suite"]["id"]


def test_pygithub_reads_checks(github: GitHub, sha: str) -> None:
    run(github, sha, "lint", conclusion="success")
    run(github, sha, "test", status="in_progress")
    with Github(
        auth=Auth.Token(APP_TOKEN), base_url=github.api_url, lazy=True, seconds_between_requests=None
    ) as client:
        commit = client.get_repo("acme/web").get_commit(sha)
        found = {one.name: (one.status, one.conclusion, one.app.slug) for one in commit.get_check_runs()}
        (whole,) = commit.get_check_suites()
    assert found == {"lint": ("completed", "success", "local-ci"), "test": ("in_progress", None, "local-ci")}
    assert (whole.status, whole.head_sha, whole.latest_check_runs_count) == ("in_progress", sha, 2)


def test_the_last_run_of_each_check_is_what_counts(github: GitHub, sha: str, receiver: Receiver) -> None:
    old = run(github, sha, conclusion="failure")["id"]
    lint = run(github, sha, "lint", conclusion="success")["id"]
    receiver.wait(6)
    assert suite(github)["conclusion"] == "failure"
    new = run(github, sha)["id"]
    assert (suite(github)["status"], suite(github)["conclusion"]) == ("in_progress", None)
    change(github, new, conclusion="success")
    receiver.wait(9)
    change(github, new, output={"summary": "once more"})

    build, style = (new, "build", "completed", "success"), (lint, "lint", "completed", "success")
    assert runs(github) == runs(github, "?filter=latest") == [build, style]
    assert runs(github, "?filter=all") == [build, style, (old, "build", "completed", "failure")]
    assert runs(github, "?check_name=lint") == [style]
    assert runs(github, "?status=queued") == runs(github, "?app_id=1") == []
    assert suite(github)["conclusion"] == "success"
    assert ask(github, f"{WEB}/commits/main/check-suites?check_name=none").json()["check_suites"] == []
    receiver.wait(9)  # a change of a completed run is no event


def test_runs_come_in_pages_that_keep_what_was_asked_for(github: GitHub, sha: str) -> None:
    for number in range(5):
        run(github, sha, f"check {number}")
    path, found = f"{WEB}/commits/{sha}/check-runs?filter=all&per_page=2&status=queued", []
    while path:
        answer = ask(github, path)
        assert answer.json()["total_count"] == 5
        assert "filter=all" in answer.headers["link"]
        found.append([one["name"] for one in answer.json()["check_runs"]])
        following = [part for part in answer.headers["link"].split(", ") if 'rel="next"' in part]
        path = following[0].partition(">")[0].removeprefix(f"<{github.api_url}") if following else ""
    assert found == [["check 4", "check 3"], ["check 2", "check 1"], ["check 0"]]


def test_a_run_may_be_begun_again(github: GitHub, sha: str) -> None:
    number = run(github, sha, conclusion="failure", completed_at="2026-01-02T03:04:05Z")["id"]
    assert as_app(github, f"{WEB}/check-runs/{number}").json()["completed_at"] == "2026-01-02T03:04:05Z"
    again = change(github, number, status="in_progress", started_at="2026-01-02T03:05:00+00:00")
    assert (again["conclusion"], again["completed_at"], again["started_at"]) == (None, None, "2026-01-02T03:05:00Z")
    assert change(github, number, status="completed", conclusion="neutral")["status"] == "completed"
    assert change(github, number, status="completed")["conclusion"] == "neutral"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": 1}, "For 'properties/name', 1 is not a string."),
        (
            {"status": "done"},
            """'properties/status', "done" is not a member of ["queued", "in_progress", "completed"].""",
        ),
        ({"conclusion": "stale"}, """'properties/conclusion', "stale" is not a member of"""),
        ({"status": "completed"}, '"conclusion" wasn\'t supplied.'),
        ({"started_at": "now"}, """'properties/started_at', "now" is not a valid date-time."""),
        ({"started_at": "2026-01-02T03:04:05"}, "is not a valid date-time."),
        ({"output": "x"}, """For 'properties/output', "x" is not an object."""),
        ({"output": {"title": "x"}}, '"summary" wasn\'t supplied.'),
        ({"output": {"summary": "x" * 65_536}}, "Only 65535 characters are allowed; 65536 were supplied."),
        ({"head_sha": "0" * 40}, f"No commit found for SHA: {'0' * 40}"),
        ({"head_sha": "main"}, "No commit found for SHA: main"),
    ],
)
def test_what_github_refuses(github: GitHub, sha: str, fields: dict[str, Any], message: str) -> None:
    answer = as_app(github, f"{WEB}/check-runs", {"name": "build", "head_sha": sha, **fields})
    assert answer.status == 422
    assert message in answer.json()["message"]
    assert github.checks.suite("acme/web", sha) is None


def test_what_is_missing(github: GitHub, sha: str) -> None:
    answer = as_app(github, f"{WEB}/check-runs", {"head_sha": sha})
    assert (answer.status, answer.json()["message"]) == (422, 'Invalid request.\n\n"name" wasn\'t supplied.')
    assert as_app(github, f"{WEB}/check-runs/99").status == 404
    assert as_app(github, f"{WEB}/check-runs/99", {}, "PATCH").status == 404
    assert as_app(github, f"{WEB}/commits/none/check-runs").status == 422
    assert as_app(github, f"{WEB}/commits/main/check-suites").json() == {"total_count": 0, "check_suites": []}


def test_only_an_app_may_write_checks_and_a_fine_grained_token_may_not_even_read_them(github: GitHub, sha: str) -> None:
    number = run(github, sha)["id"]
    github.tokens.add("github_pat_x", permissions={"contents": "write", "statuses": "write"})
    wanted = {"name": "build", "head_sha": sha}

    classic = ask(github, f"{WEB}/check-runs", wanted)
    patched = ask(github, f"{WEB}/check-runs/{number}", {}, "PATCH")
    fine = ask(github, f"{WEB}/commits/main/check-runs", Authorization="Bearer github_pat_x")

    assert (classic.status, classic.json()["message"]) == (403, "You must authenticate via a GitHub App.")
    assert patched.status == 403
    assert ask(github, f"{WEB}/commits/main/check-runs").status == 200
    assert (fine.status, fine.json()["message"]) == (403, "Resource not accessible by personal access token")
    assert fine.headers["x-accepted-github-permissions"] == "checks=read"
    with pytest.raises(ValueError, match="cannot call the Checks API"):
        github.tokens.add("github_pat_y", permissions={"checks": "read"})


@pytest.mark.parametrize(
    ("conclusions", "status", "conclusion"),
    [
        (["success"], "completed", "success"),
        (["success", "skipped", "neutral"], "completed", "success"),
        (["skipped", "neutral"], "completed", "neutral"),
        (["skipped"], "completed", "skipped"),
        (["success", "cancelled"], "completed", "cancelled"),
        (["timed_out", "failure", "action_required"], "completed", "failure"),
        (["success", None], "in_progress", None),
        ([None, None], "queued", None),
    ],
)
def test_what_several_checks_come_to(conclusions: list[str | None], status: str, conclusion: str | None) -> None:
    states = [(one, "completed" if one else "queued") for one in conclusions]
    made = [replace(NEW, name=str(number), status=state, conclusion=one) for number, (one, state) in enumerate(states)]
    whole = Suite("acme/web", NEW.sha, tuple(made))
    assert (whole.status, whole.conclusion) == (status, conclusion)


def test_a_run_that_is_not_kept_is_in_no_suite() -> None:
    with pytest.raises(LookupError, match="keep the run first"):
        Checks().suite_of("acme/web", NEW)


def test_a_commit_that_no_branch_contains_has_checks_without_a_branch(
    github: GitHub, clone: Clone, sha: str, receiver: Receiver
) -> None:
    clone.git("checkout", "-q", "--orphan", "other")
    lone = clone.commit("alone", {})
    clone.push("other")
    clone.push(":other")
    run(github, lone)
    (created,) = receiver.wait(1)
    assert created["check_run"]["check_suite"]["head_branch"] is None
