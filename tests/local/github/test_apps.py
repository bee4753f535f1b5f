import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from local.github import GitHub
from local.github.apps import App, Installation
from tests.local.github.helpers import Answer, Clone, app_jwt, ask, query

WEB, API = "/repos/acme/web", "/repos/acme/api"
GRANTED = {"contents": "read", "statuses": "write", "checks": "write"}


@pytest.fixture
def app(github: GitHub) -> App:
    return github.apps.register("Deployer", permissions=GRANTED)


@pytest.fixture
def installation(github: GitHub, app: App, clone: Clone, first: str) -> Installation:
    """On all repositories of acme, of which there are two; a third is somebody else's."""
    for other in ("acme/api", "else/web"):
        clone.git("push", "-q", f"{github.git_url}/{other}.git", "main")
    return github.apps.install(app, "acme")


def wanted(github: GitHub, installation: Installation, body: object = None) -> Answer:
    path = f"/app/installations/{installation.number}/access_tokens"
    return ask(github, path, body, "POST", Authorization=app_jwt(installation.app))


def token(github: GitHub, installation: Installation, body: object = None) -> str:
    answer = wanted(github, installation, body)
    assert answer.status == 201, answer.body
    return str(answer.json()["token"])


def as_(github: GitHub, value: str, path: str, body: object = None) -> Answer:
    return ask(github, path, body, Authorization=f"Bearer {value}")


def seen(github: GitHub, value: str) -> list[int]:
    return [as_(github, value, path).status for path in (WEB, API, "/repos/else/web")]


def test_where_an_app_is_installed(github: GitHub, app: App, installation: Installation) -> None:
    elsewhere = github.apps.register("Other", permissions={})
    asked = [
        ask(github, path, Authorization=app_jwt(app))
        for path in (f"{WEB}/installation", "/orgs/ACME/installation", f"/app/installations/{installation.number}")
    ]
    assert [answer.json()["id"] for answer in asked] == [installation.number] * 3
    assert asked[0].json()["repository_selection"] == "all"
    assert asked[0].json()["permissions"] == {"metadata": "read", **GRANTED}
    listed = ask(github, "/app/installations", Authorization=app_jwt(app)).json()
    assert [one["account"]["login"] for one in listed] == ["acme"]
    assert ask(github, "/app", Authorization=app_jwt(app)).json()["installations_count"] == 1
    for path in (f"{WEB}/installation", "/orgs/acme/installation", f"/app/installations/{installation.number}"):
        assert ask(github, path, Authorization=app_jwt(elsewhere)).status == 404
    for path in ("/repos/else/web/installation", "/repos/acme/none/installation", "/users/else/installation"):
        assert ask(github, path, Authorization=app_jwt(app)).status == 404


def test_a_token_of_all_repositories(github: GitHub, installation: Installation, first: str) -> None:
    made = wanted(github, installation).json()
    left = datetime.fromisoformat(made["expires_at"]).timestamp() - time.time()

    assert made["token"].startswith("ghs_")
    assert 3_590 < left <= 3_600
    assert (made["repository_selection"], made["permissions"]) == ("all", {"metadata": "read", **GRANTED})
    assert "repositories" not in made
    assert seen(github, made["token"]) == [200, 200, 404]
    assert as_(github, made["token"], f"{WEB}/statuses/{first}", {"state": "success"}).status == 201
    assert as_(github, made["token"], f"{WEB}/check-runs", {"name": "x", "head_sha": first}).status == 201
    forbidden = as_(github, made["token"], f"{WEB}/deployments")
    assert (forbidden.status, forbidden.json()["message"]) == (403, "Resource not accessible by integration")


@pytest.mark.parametrize("by", ["repositories", "repository_ids"])
def test_a_token_that_is_narrowed(github: GitHub, installation: Installation, first: str, by: str) -> None:
    api = ask(github, API).json()
    body = {by: ["API" if by == "repositories" else api["id"]], "permissions": {"contents": "read"}}

    made = wanted(github, installation, body).json()

    assert (made["repository_selection"], made["permissions"]) == ("selected", {"metadata": "read", "contents": "read"})
    assert [one["full_name"] for one in made["repositories"]] == ["acme/api"]
    assert seen(github, made["token"]) == [404, 200, 404]
    said = as_(github, made["token"], f"{API}/statuses/{first}", {"state": "success"})
    assert (said.status, said.json()["message"]) == (403, "Resource not accessible by integration")


def test_graphql_sees_what_the_token_sees(github: GitHub, installation: Installation, first: str) -> None:
    value = token(github, installation, {"repositories": ["web"]})
    text = '{ %s: repository(owner: "acme", name: "%s") { object(expression: "main") { oid } } }'
    answers = [query(github, text % (name, name), Authorization=f"Bearer {value}").json() for name in ("web", "api")]
    assert answers[0] == {"data": {"web": {"object": {"oid": first}}}}
    assert (answers[1]["data"], answers[1]["errors"][0]["type"]) == ({"api": None}, "NOT_FOUND")


NO_REPOSITORY = "There is at least one repository that does not exist or is not accessible to the parent installation."


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"repositories": ["web", "none"]}, NO_REPOSITORY),
        ({"repositories": ["acme/web"]}, NO_REPOSITORY),
        ({"repository_ids": [1]}, NO_REPOSITORY),
        ({"permissions": {"issues": "read"}}, "The permissions requested are not granted to this installation."),
        (
            {"permissions": {"contents": "write"}},
            "The level of access for permissions requested are not granted to this installation.",
        ),
        ({"repositories": "web"}, "Invalid request.\n\nFor 'properties/repositories', \"web\" is not an array."),
    ],
)
def test_a_token_for_more_than_the_installation_has(
    github: GitHub, installation: Installation, body: dict[str, Any], message: str
) -> None:
    answer = wanted(github, installation, body)
    assert (answer.status, answer.json()["message"]) == (422, message)


def test_an_installation_may_have_fewer_permissions_than_its_app_asks_for(
    github: GitHub, app: App, installation: Installation
) -> None:
    less = github.apps.install(app, "else", permissions={"contents": "read"})
    assert wanted(github, less).json()["permissions"] == {"metadata": "read", "contents": "read"}
    assert wanted(github, less, {"permissions": {"statuses": "write"}}).status == 422


def test_an_installation_on_selected_repositories(github: GitHub, app: App, clone: Clone, first: str) -> None:
    installation = github.apps.install(app, "acme", repositories=["acme/web", "acme/later"])
    clone.git("push", "-q", f"{github.git_url}/acme/api.git", "main")
    value = token(github, installation)

    assert wanted(github, installation).json()["repository_selection"] == "selected"
    assert seen(github, value)[:2] == [200, 404]
    assert ask(github, f"{API}/installation", Authorization=app_jwt(app)).status == 404
    clone.git("push", "-q", f"{github.git_url}/acme/later.git", "main")
    assert as_(github, value, "/repos/acme/later").status == 200
    github.apps.select(installation, ["acme/api"])
    assert seen(github, value)[:2] == [404, 200]
    github.apps.select(installation, None)
    assert seen(github, value)[:2] == [200, 200]


def test_a_token_ends(github: GitHub, installation: Installation) -> None:
    github.apps.token_seconds = 0.3
    value = token(github, installation)
    assert as_(github, value, WEB).status == 200
    time.sleep(0.3)
    ended = as_(github, value, WEB)
    assert (ended.status, ended.json()["message"]) == (401, "Bad credentials")
    github.apps.token_seconds = 60.0
    again = token(github, installation)
    assert (again == value, as_(github, again, WEB).status) == (False, 200)
    github.tokens.revoke(again)
    assert as_(github, again, WEB).status == 401


def test_an_installation_that_is_taken_away_takes_its_tokens_with_it(
    github: GitHub, app: App, installation: Installation
) -> None:
    value = token(github, installation)
    github.apps.uninstall(installation)
    assert (as_(github, value, WEB).status, wanted(github, installation).status) == (401, 404)
    assert ask(github, f"{WEB}/installation", Authorization=app_jwt(app)).status == 404


def test_an_installation_that_is_suspended(github: GitHub, app: App, installation: Installation) -> None:
    value = token(github, installation)
    github.apps.suspend(installation)
    for refused in (wanted(github, installation), as_(github, value, WEB)):
        assert (refused.status, refused.json()["message"]) == (403, "This installation has been suspended")
    shown = ask(github, f"{WEB}/installation", Authorization=app_jwt(app)).json()
    assert shown["suspended_at"]
    github.apps.unsuspend(installation)
    assert (wanted(github, installation).status, as_(github, value, WEB).status) == (201, 200)


def test_secrets_are_not_shown(github: GitHub, app: App, installation: Installation, tmp_path: Path) -> None:
    value = token(github, installation)
    assert value not in repr(github.tokens.find(f"Bearer {value}"))
    assert "PRIVATE KEY" in app.private_key
    assert "PRIVATE" not in repr(installation)
