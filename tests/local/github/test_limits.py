import time
from http import HTTPStatus

import pytest

from local.github import GitHub
from local.github.limits import Window
from tests.local.github.helpers import Receiver, ask

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


@pytest.mark.parametrize(
    ("name", "limit", "reads", "writes", "seconds"),
    [("points", 6, 1, 1, 60), ("creations", 1, 9, 1, 60), ("creations_per_hour", 1, 9, 1, 3600)],
)
def test_a_secondary_limit(
    github: GitHub, first: str, name: str, limit: int, reads: int, writes: int, seconds: int
) -> None:
    """A point for what reads, five for what writes; and only what writes creates something."""
    window: Window = getattr(github.limits, name)
    window.limit = limit
    statuses = f"/repos/acme/web/statuses/{first}"
    assert {ask(github, REF).status for _ in range(reads)} == {200}
    assert {ask(github, statuses, {"state": "success"}).status for _ in range(writes)} == {201}

    refused = ask(github, statuses, {"state": "success"})

    assert refused.status == 403
    assert refused.json()["message"].startswith("You have exceeded a secondary rate limit. Please wait a few minutes")
    assert seconds - 10 <= int(refused.headers["retry-after"]) <= seconds + 1
    assert refused.headers["x-ratelimit-remaining"] not in ("0", "")
    window.limit = None
    assert ask(github, statuses, {"state": "success"}).status == 201


def test_content_may_be_made_80_times_a_minute_and_500_times_an_hour(github: GitHub, first: str) -> None:
    """Statuses and deployments together: what is refused for itself counts, what only reads does not."""
    web = "/repos/acme/web"
    deployment = {"ref": "main", "required_contexts": []}
    number = ask(github, f"{web}/deployments", deployment).json()["id"]
    writes = [
        (f"{web}/statuses/{first}", {"state": "success"}, 201),
        (f"{web}/deployments", deployment, 201),
        (f"{web}/deployments/{number}/statuses", {"state": "queued"}, 201),
        (f"{web}/statuses/{first}", {}, 422),
    ]
    for attempt in range(79):
        path, body, status = writes[attempt % 4]
        assert ask(github, path, body).status == status
        assert ask(github, REF).status == 200

    refused = ask(github, writes[0][0], writes[0][1])

    assert (refused.status, refused.headers["x-ratelimit-remaining"] > "0") == (403, True)
    assert len(github.statuses.of("acme/web", first)) == 20
    assert (github.limits.creations_per_hour.limit, github.limits.creations_per_hour.used) == (500, 80)
    assert ask(github, REF).status == 200


def test_sending_a_webhook_again_makes_no_content(github: GitHub, first: str, receiver: Receiver) -> None:
    github.webhook_url = receiver.url
    github.limits.creations.limit = 0
    (hook,) = ask(github, "/repos/acme/web/hooks").json()
    assert ask(github, f"/repos/acme/web/hooks/{hook['id']}/pings", {}).status == 204
    (ping,) = receiver.wait(1)
    end = time.monotonic() + 10
    while not github.deliveries and time.monotonic() < end:  # the receiver knows of it before the sender has noted it
        time.sleep(0.01)
    delivery = ask(github, f"/repos/acme/web/hooks/{hook['id']}/deliveries").json()[0]["id"]
    assert ask(github, f"/repos/acme/web/hooks/{hook['id']}/deliveries/{delivery}/attempts", {}).status == 202
    assert receiver.wait(2) == [ping, ping]
