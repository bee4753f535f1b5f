import pytest

from local.github import GitHub
from tests.local.github.helpers import TOKEN, Clone, ask

WEB = "/repos/acme/web"


@pytest.mark.parametrize(
    ("authorization", "status", "message"),
    [
        (f"Bearer {TOKEN}", 200, None),
        (f"token {TOKEN}", 200, None),
        (f"bearer  {TOKEN}", 200, None),
        ("", 401, "Requires authentication"),
        (f"Basic {TOKEN}", 401, "Requires authentication"),
        ("Bearer", 401, "Bad credentials"),
        ("Bearer wrong", 401, "Bad credentials"),
        (f"Bearer {TOKEN}x", 401, "Bad credentials"),
        ("Bearer \xe4", 401, "Bad credentials"),
    ],
)
def test_who_is_let_in(github: GitHub, first: str, authorization: str, status: int, message: str | None) -> None:
    for path in (WEB, "/nowhere") if message else (WEB,):
        answer = ask(github, path, Authorization=authorization)
        assert (answer.status, answer.json().get("message")) == (status, message)


def test_every_answer_has_githubs_headers(github: GitHub, first: str) -> None:
    for path in (WEB, f"{WEB}/nowhere"):
        headers = ask(github, path, x_github_api_version="2022-11-28").headers
        assert headers["content-type"] == "application/json; charset=utf-8"
        assert headers["x-github-media-type"] == "github.v3; format=json"
        assert headers["x-github-api-version-selected"] == "2022-11-28"
        assert headers["x-ratelimit-limit"] == "5000"
        assert int(headers["x-ratelimit-remaining"]) + int(headers["x-ratelimit-used"]) == 5000
        assert headers["x-ratelimit-resource"] == "core"
        assert headers["x-github-request-id"]


def test_a_conditional_request_gets_304_until_something_changes(github: GitHub, clone: Clone, first: str) -> None:
    path = f"{WEB}/git/ref/heads/main"
    tag = ask(github, path).headers["etag"]
    unchanged = ask(github, path, if_none_match=tag)
    clone.commit("second", {})
    clone.push("main")

    assert tag.startswith('W/"')
    assert (unchanged.status, unchanged.body) == (304, b"")
    assert ask(github, path, if_none_match=tag).status == 200
