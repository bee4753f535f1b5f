import time
from http import HTTPStatus

import pytest

from local.github import GitHub
from local.github.limits import Window
from tests.local.github.helpers import Clone, ask

REF = "/repos/acme/web/git/ref/heads/main"


def test_the_primary_limit(github: GitHub, first: str) -> None:
    github.limits.primary.limit = 2

    answers = [ask(github, REF) for _ in range(4)]

    assert [answer.status for answer in answers] == [200, 200, 403, 403]
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["1", "0", "0", "0"]
    refused = answers[2]
    assert refused.json()["message"].startswith("API rate limit exceeded for user ID ")
    assert refused.headers["x-ratelimit-used"] == refused.headers["x-ratelimit-limit"] == "2"
    assert time.time() + 3500 < int(refused.headers["x-ratelimit-reset"]) < time.time() + 3700
    assert "retry-after" not in refused.headers


def test_github_may_say_429(github: GitHub, first: str) -> None:
    github.limits.status = HTTPStatus.TOO_MANY_REQUESTS
    github.limits.primary.limit = 0
    assert ask(github, REF).status == 429


def test_an_unchanged_answer_and_the_limit_itself_are_free(github: GitHub, first: str) -> None:
    tag = ask(github, REF).headers["etag"]
    github.limits.primary.limit = 2

    unchanged = [ask(github, REF, if_none_match=tag) for _ in range(3)]
    rates = [ask(github, "/rate_limit").json()["rate"] for _ in range(3)]

    assert [answer.status for answer in unchanged] == [304, 304, 304]
    assert [answer.headers["x-ratelimit-remaining"] for answer in unchanged] == ["1", "1", "1"]
    assert [(rate["limit"], rate["used"], rate["remaining"]) for rate in rates] == [(2, 1, 1)] * 3


def test_who_is_not_known_costs_nothing_and_the_limit_can_be_asked_for_when_it_is_reached(
    github: GitHub, first: str
) -> None:
    github.limits.primary.limit = 1
    ask(github, REF, Authorization="Bearer wrong")
    assert [ask(github, REF).status for _ in range(2)] == [200, 403]
    assert ask(github, "/rate_limit").json()["resources"]["core"]["remaining"] == 0


def test_a_window_ends_when_it_said(github: GitHub, first: str) -> None:
    github.limits.primary.limit, github.limits.primary.seconds = 1, 0.1
    reset = int(ask(github, REF).headers["x-ratelimit-reset"])
    assert ask(github, REF).status == 403

    time.sleep(max(reset - time.time(), 0))

    assert ask(github, REF).status == 200


@pytest.mark.parametrize(("name", "limit", "reads", "writes"), [("points", 6, 1, 1), ("creations", 1, 9, 1)])
def test_a_secondary_limit(github: GitHub, first: str, name: str, limit: int, reads: int, writes: int) -> None:
    """A point for what reads, five for what writes; and only what writes creates something."""
    window: Window = getattr(github.limits, name)
    window.limit = limit
    statuses = f"/repos/acme/web/statuses/{first}"
    assert {ask(github, REF).status for _ in range(reads)} == {200}
    assert {ask(github, statuses, {"state": "success"}).status for _ in range(writes)} == {201}

    refused = ask(github, statuses, {"state": "success"})

    assert refused.status == 403
    assert refused.json()["message"].startswith("You have exceeded a secondary rate limit. Please wait a few minutes")
    assert 1 <= int(refused.headers["retry-after"]) <= 61
    assert refused.headers["x-ratelimit-remaining"] not in ("0", "")
    window.limit = None
    assert ask(github, statuses, {"state": "success"}).status == 201


def test_without_limits_nothing_is_refused(github: GitHub, clone: Clone, first: str) -> None:
    for number in range(100):  # more than GitHub's 80 creations a minute
        answer = ask(github, f"/repos/acme/web/statuses/{first}", {"state": "success", "context": str(number)})
        assert answer.status == 201
