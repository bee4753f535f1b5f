import http.client

import pytest

from local.github import GitHub
from tests.local.github.helpers import ask

WEB = "/repos/acme/web"
REF = f"{WEB}/git/ref/heads/main"


@pytest.mark.parametrize("status", [401, 403, 404, 409, 422, 429, 500, 502, 503])
def test_the_next_requests_fail_and_then_no_more(github: GitHub, first: str, status: int) -> None:
    fault = github.fail("/git/ref/", status, times=2)

    assert ask(github, WEB).status == 200
    assert [ask(github, REF).status for _ in range(3)] == [status, status, 200]
    assert fault.left == 0
    assert github.requests.count(("GET", REF)) == 3


def test_what_a_failure_says(github: GitHub, first: str) -> None:
    github.fail(REF, 403, headers={"Retry-After": "7", "X-RateLimit-Remaining": "0"}, body={"message": "slow down"})
    github.fail(REF, 502, body="<html>Unicorn!</html>")
    github.fail(REF, 500)

    limited, page, plain = (ask(github, REF) for _ in range(3))

    assert (limited.status, limited.json()) == (403, {"message": "slow down"})
    assert (limited.headers["retry-after"], limited.headers["x-ratelimit-remaining"]) == ("7", "0")
    assert (page.status, page.body, page.headers["content-type"]) == (
        502,
        b"<html>Unicorn!</html>",
        "text/html; charset=utf-8",
    )
    assert (plain.status, plain.json()["message"], plain.json()["status"]) == (500, "Internal Server Error", "500")


def test_a_connection_that_is_cut(github: GitHub, first: str) -> None:
    github.fail(REF, None)
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        ask(github, REF)
    assert ask(github, REF).status == 200


def test_a_post_that_is_cut_has_done_nothing(github: GitHub, first: str) -> None:
    github.fail("/statuses/", None, method="POST")
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        ask(github, f"{WEB}/statuses/{first}", {"state": "success"})
    assert github.statuses.of("acme/web", first) == []


def test_an_answer_that_ends_too_early(github: GitHub, first: str) -> None:
    github.fail(REF, 200, headers={"Content-Length": "1000"}, body={"ref": "refs/heads/main"})
    with pytest.raises(http.client.IncompleteRead):
        ask(github, REF)


def test_a_failure_of_one_method(github: GitHub, first: str) -> None:
    github.fail("/statuses", 500, method="POST")
    assert ask(github, f"{WEB}/commits/main/statuses").status == 200
    assert ask(github, f"{WEB}/statuses/{first}", {"state": "success"}).status == 500


def test_failures_can_be_forgotten(github: GitHub, first: str) -> None:
    github.fail(".", 500, times=1000)
    assert ask(github, REF).status == 500
    github.heal()
    assert ask(github, REF).status == 200
