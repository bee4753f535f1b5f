import time
from typing import Any

import pytest

from local.github import GitHub
from local.github.apps import App
from tests.local.github.helpers import TOKEN, app_jwt, ask

UNREADABLE = "A JSON web token could not be decoded"


@pytest.fixture
def app(github: GitHub) -> App:
    return github.apps.register("Deployer", permissions={"contents": "read"})


def refused(github: GitHub, authorization: str) -> tuple[int, str]:
    answer = ask(github, "/app", Authorization=authorization)
    return answer.status, answer.json()["message"]


def test_an_app_says_who_it_is_by_its_number_or_its_client_id(github: GitHub, app: App) -> None:
    for issuer in (str(app.number), app.client_id):
        answer = ask(github, "/app", Authorization=app_jwt(app, iss=issuer))
        assert (answer.status, answer.json()["id"], answer.json()["slug"]) == (200, app.number, "deployer")


@pytest.mark.parametrize(
    ("claims", "status", "message"),
    [
        ({"exp": 660}, 401, "'Expiration time' claim ('exp') is too far in the future"),
        ({"exp": 0}, 401, "'Expiration time' claim ('exp') must be a numeric value representing the future time"),
        ({"exp": None}, 401, "Missing 'expiration time' claim ('exp') in assertion"),
        ({"iat": 60}, 401, "'Issued at' claim ('iat') must be an Integer representing the time"),
        ({"iat": None}, 401, "Missing 'issued at' claim ('iat') in assertion"),
        ({"iss": None}, 401, "Missing 'issuer' claim ('iss') in assertion"),
        ({"iss": "12"}, 404, "Integration not found"),
        ({"iss": "Iv23nobody"}, 401, "'Issuer' claim ('iss') must be an Integer"),
    ],
)
def test_a_claim_that_will_not_do(
    github: GitHub, app: App, claims: dict[str, int | str | None], status: int, message: str
) -> None:
    now = int(time.time())
    times: dict[str, Any] = {name: now + value if isinstance(value, int) else value for name, value in claims.items()}
    found = refused(github, app_jwt(app, **times))
    assert (found[0], found[1][: len(message)]) == (status, message)


def test_ten_minutes_from_now_are_allowed(github: GitHub, app: App) -> None:
    assert ask(github, "/app", Authorization=app_jwt(app, exp=int(time.time()) + 600)).status == 200


def test_a_key_that_does_not_fit_the_app(github: GitHub, app: App) -> None:
    other = github.apps.register("Other", permissions={})
    assert refused(github, app_jwt(app, key=other.private_key)) == (401, UNREADABLE)


def test_an_app_that_has_no_key(github: GitHub, app: App) -> None:
    bare = github.apps.register("Bare", permissions={}, public_key="")
    assert refused(github, app_jwt(bare, key=app.private_key)) == (401, "Integration must generate a public key")


def test_a_public_key_may_be_given(github: GitHub, app: App) -> None:
    same = github.apps.register("Same", permissions={}, public_key=app.public_key)
    assert same.private_key == ""
    answer = ask(github, "/app", Authorization=app_jwt(same, key=app.private_key))
    assert answer.json()["name"] == "Same"


def test_only_rs256_is_believed(github: GitHub, app: App) -> None:
    shared = app_jwt(app, key="x" * 32, algorithm="HS256")
    stronger = app_jwt(app, algorithm="RS512")
    assert [refused(github, one) for one in (shared, stronger)] == [(401, UNREADABLE)] * 2


@pytest.mark.parametrize("authorization", ["", f"Bearer {TOKEN}", "Bearer a.b.c", "Basic abc"])
def test_what_is_no_jwt(github: GitHub, app: App, authorization: str) -> None:
    assert refused(github, authorization) == (401, UNREADABLE)


def test_a_jwt_is_no_token(github: GitHub, app: App, first: str) -> None:
    assert ask(github, "/repos/acme/web", Authorization=app_jwt(app)).status == 401


def test_requests_of_an_app_are_counted_and_noted(github: GitHub, app: App) -> None:
    github.limits.primary.limit = 1
    asked = [ask(github, "/app", Authorization=app_jwt(app)) for _ in range(2)]
    assert [answer.status for answer in asked] == [200, 403]
    assert f"user ID {app.number}" in asked[1].json()["message"]
    assert github.requests == [("GET", "/app")] * 2
