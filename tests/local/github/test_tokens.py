from pathlib import Path

import pytest

from local.github import GitHub
from local.github.tokens import needed
from tests.local.github.helpers import SECRET, TOKEN, Answer, ask

WEB = "/repos/acme/web"


def as_(github: GitHub, token: str, path: str, body: object = None) -> Answer:
    return ask(github, path, body, Authorization=f"Bearer {token}")


def test_a_token_that_may_read_contents_only(github: GitHub, first: str) -> None:
    github.tokens.add("github_pat_reader", permissions={"contents": "read"})

    read = as_(github, "github_pat_reader", f"{WEB}/git/ref/heads/main")
    said = as_(github, "github_pat_reader", f"{WEB}/statuses/{first}", {"state": "success"})

    assert read.status == as_(github, "github_pat_reader", WEB).status == 200
    assert read.headers["x-accepted-github-permissions"] == "contents=read"
    assert (said.status, said.json()["message"]) == (403, "Resource not accessible by personal access token")
    assert said.headers["x-accepted-github-permissions"] == "statuses=write"
    assert as_(github, "github_pat_reader", f"{WEB}/hooks").status == 403
    assert github.statuses.of("acme/web", first) == []
    assert "x-oauth-scopes" not in read.headers


def test_a_token_that_is_revoked_is_refused_and_others_are_not(github: GitHub, first: str) -> None:
    github.tokens.add("t", permissions={"contents": "read"})
    assert as_(github, "t", WEB).status == 200
    github.tokens.revoke("t")
    refused = as_(github, "t", WEB)
    assert (refused.status, refused.json()["message"]) == (401, "Bad credentials")
    assert ask(github, WEB).status == 200


@pytest.mark.parametrize(
    ("permissions", "expected"),
    [
        ({}, (200, 403, 403, 403)),
        ({"contents": "write"}, (200, 200, 403, 403)),
        ({"contents": "read", "statuses": "read"}, (200, 200, 200, 403)),
        ({"statuses": "write"}, (200, 403, 200, 201)),
    ],
)
def test_what_permissions_come_to(
    github: GitHub, first: str, permissions: dict[str, str], expected: tuple[int, ...]
) -> None:
    github.tokens.add("t", permissions=permissions)
    asked = [
        as_(github, "t", WEB),
        as_(github, "t", f"{WEB}/commits/main"),
        as_(github, "t", f"{WEB}/commits/main/status"),
        as_(github, "t", f"{WEB}/statuses/{first}", {"state": "success"}),
    ]
    assert tuple(answer.status for answer in asked) == expected


@pytest.mark.parametrize(
    ("scopes", "expected"),
    [
        ((), (404, 404, 404)),
        (("repo:status",), (404, 404, 201)),
        (("repo",), (200, 200, 201)),
        (("read:repo_hook",), (404, 200, 404)),
    ],
)
def test_a_classic_token_is_told_its_scopes(
    github: GitHub, first: str, scopes: tuple[str, ...], expected: tuple[int, ...]
) -> None:
    github.tokens.add("ghp_other", scopes=scopes)
    asked = [
        as_(github, "ghp_other", f"{WEB}/git/ref/heads/main"),
        as_(github, "ghp_other", f"{WEB}/hooks"),
        as_(github, "ghp_other", f"{WEB}/statuses/{first}", {"state": "success"}),
    ]
    assert tuple(answer.status for answer in asked) == expected
    assert {answer.headers["x-oauth-scopes"] for answer in asked} == {", ".join(scopes)}
    assert asked[2].headers["x-accepted-oauth-scopes"] == "repo, repo:status"


def test_only_a_classic_first_token_tells_scopes(github: GitHub, first: str, tmp_path: Path) -> None:
    assert TOKEN.startswith("ghp_")
    assert ask(github, WEB).headers["x-oauth-scopes"] == "admin:org_hook, repo"
    with GitHub(tmp_path / "github", token="0" * 40, webhook_url=None, webhook_secret=SECRET) as other:
        answer = as_(other, "0" * 40, f"{WEB}/hooks")
        checks = as_(other, "0" * 40, f"{WEB}/check-runs/1")
    assert answer.status == 200
    assert "x-oauth-scopes" not in answer.headers
    assert (checks.status, checks.headers["x-accepted-github-permissions"]) == (404, "checks=read")


def test_a_fine_grained_first_token_may_do_all_but_call_the_checks_api(tmp_path: Path) -> None:
    token = "github_pat_first"
    with GitHub(tmp_path / "github", token=token, webhook_url=None, webhook_secret=SECRET) as other:
        asked = [as_(other, token, f"{WEB}/{path}") for path in ("deployments", "hooks", "check-runs/1")]
    assert [answer.status for answer in asked] == [404, 404, 403]
    assert asked[2].json()["message"] == "Resource not accessible by personal access token"


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", WEB, ("metadata", "read")),
        ("GET", f"{WEB}/git/trees/main", ("contents", "read")),
        ("GET", f"{WEB}/commits/heads/main", ("contents", "read")),
        ("GET", f"{WEB}/compare/a...b", ("contents", "read")),
        ("GET", f"{WEB}/commits/heads/main/status", ("statuses", "read")),
        ("GET", f"{WEB}/commits/main/statuses", ("statuses", "read")),
        ("POST", f"{WEB}/statuses/abc", ("statuses", "write")),
        ("POST", f"{WEB}/check-runs", ("checks", "write")),
        ("PATCH", f"{WEB}/check-runs/1", ("checks", "write")),
        ("GET", f"{WEB}/commits/heads/main/check-runs", ("checks", "read")),
        ("GET", f"{WEB}/commits/main/check-suites", ("checks", "read")),
        ("GET", f"{WEB}/deployments", ("deployments", "read")),
        ("POST", f"{WEB}/deployments/1/statuses", ("deployments", "write")),
        ("GET", f"{WEB}/git/matching-refs/tags/v", ("contents", "read")),
        ("GET", f"{WEB}/hooks/1/deliveries", ("repository_hooks", "read")),
        ("POST", f"{WEB}/hooks/1/pings", ("repository_hooks", "read")),
        ("POST", f"{WEB}/hooks/1/deliveries/1/attempts", ("repository_hooks", "write")),
        ("GET", "/orgs/acme/hooks", ("organization_hooks", "read")),
        ("GET", "/rate_limit", None),
    ],
)
def test_what_a_route_needs(method: str, path: str, expected: tuple[str, str] | None) -> None:
    assert needed(method, path) == expected
