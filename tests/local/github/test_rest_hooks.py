import json
import time
from dataclasses import replace
from typing import Any

import pytest
from github import Auth, Github

from local.github import GitHub
from local.github.hook import Hook
from tests.local.github.helpers import SECRET, TOKEN, Answer, Clone, Receiver, ask

HOOKS = "/repos/acme/web/hooks"


@pytest.fixture
def pushed(github: GitHub, clone: Clone, receiver: Receiver) -> str:
    """The SHA of a commit of which the receiver has been told."""
    github.webhook_url = receiver.url
    sha = clone.commit("first", {})
    clone.push("main")
    github.wait_for_delivery(sha)
    return sha


def the_hook(github: GitHub, hooks: str = HOOKS) -> dict[str, Any]:
    (hook,) = ask(github, hooks).json()
    return dict(hook)


def deliveries(github: GitHub, query: str = "", hooks: str = HOOKS) -> Answer:
    return ask(github, f"{hooks}/{the_hook(github, hooks)['id']}/deliveries{query}")


def wait_for(github: GitHub, count: int) -> None:
    end = time.monotonic() + 10
    while len(github.deliveries) < count and time.monotonic() < end:
        time.sleep(0.01)
    assert len(github.deliveries) == count


def test_a_repository_tells_of_its_webhook(github: GitHub, receiver: Receiver, pushed: str) -> None:
    hook = the_hook(github)

    assert (hook["type"], hook["name"], hook["active"], hook["events"]) == ("Repository", "web", True, ["push"])
    expected = {"content_type": "json", "insecure_ssl": "0", "secret": "********", "url": receiver.url}
    assert hook["config"] == ask(github, f"{HOOKS}/{hook['id']}/config").json() == expected
    assert hook["last_response"] == {"code": 200, "status": "active", "message": "OK"}
    assert hook == ask(github, f"{HOOKS}/{hook['id']}").json()
    assert ask(github, hook["deliveries_url"].removeprefix(github.api_url)).status == 200
    assert github.deliveries[0].hook == hook["id"]


def test_what_became_of_the_last_delivery(github: GitHub, clone: Clone, receiver: Receiver, first: str) -> None:
    github.webhook_url = receiver.url
    assert the_hook(github)["last_response"] == {"code": None, "status": "unused", "message": None}
    receiver.status = 401
    github.webhook_url = receiver.url
    sha = clone.commit("second", {})
    clone.push("main")
    github.wait_for_delivery(sha)
    assert the_hook(github)["last_response"] == {
        "code": 401,
        "status": "misconfigured",
        "message": "Invalid HTTP Response: 401",
    }


def test_a_webhook_that_is_set_up_badly_says_so(github: GitHub, pushed: str) -> None:
    github.webhook = Hook("http://127.0.0.1:1/", "", content_type="form", events=("issues",), active=False)
    hook = the_hook(github)
    assert (hook["active"], hook["events"]) == (False, ["issues"])
    assert hook["config"] == {"content_type": "form", "insecure_ssl": "0", "url": "http://127.0.0.1:1/"}


def test_without_a_webhook(github: GitHub, first: str) -> None:
    assert ask(github, HOOKS).json() == []
    assert ask(github, f"{HOOKS}/1").status == 404
    assert ask(github, f"{HOOKS}/1/deliveries").status == 404


def test_an_organisation_has_one_for_all_its_repositories(
    github: GitHub, clone: Clone, receiver: Receiver, pushed: str
) -> None:
    assert github.webhook
    assert ask(github, "/orgs/acme/hooks").json() == []
    github.webhook = replace(github.webhook, kind="organization")
    clone.git("push", "-q", f"{github.git_url}/acme/other", "main")
    clone.git("push", "-q", f"{github.git_url}/initech/web", "main")
    wait_for(github, 3)

    hook = the_hook(github, "/orgs/ACME/hooks")

    assert (hook["type"], hook["config"]["url"]) == ("Organization", receiver.url)
    assert "last_response" not in hook
    assert ask(github, HOOKS).json() == []
    (told,) = deliveries(github, hooks="/orgs/acme/hooks").json()
    assert told["repository_id"] == ask(github, "/repos/acme/other").json()["id"]
    assert the_hook(github, "/orgs/initech/hooks")["id"] != hook["id"]


def test_pygithub_pings(github: GitHub, receiver: Receiver, pushed: str) -> None:
    with Github(auth=Auth.Token(TOKEN), base_url=github.api_url, lazy=True, seconds_between_requests=None) as client:
        (hook,) = client.get_repo("acme/web").get_hooks()
        hook.ping()
    wait_for(github, 2)

    received = receiver.received[1]
    payload = json.loads(received.body)
    assert received.headers["x-github-event"] == "ping"
    assert received.headers["x-hub-signature-256"].startswith("sha256=")
    assert payload["zen"]
    assert (payload["hook_id"], payload["hook"]["config"]["url"]) == (hook.id, receiver.url)
    assert payload["repository"]["full_name"] == "acme/web"
    assert SECRET not in received.body.decode()


def test_a_delivery_is_told_whole(github: GitHub, receiver: Receiver, pushed: str) -> None:
    (item,) = deliveries(github).json()
    whole = ask(github, f"{HOOKS}/{the_hook(github)['id']}/deliveries/{item['id']}").json()

    assert (item["event"], item["status"], item["status_code"], item["redelivery"]) == ("push", "OK", 200, False)
    assert item["guid"] == receiver.received[0].headers["x-github-delivery"]
    assert item.items() <= whole.items()
    assert whole["request"]["payload"] == json.loads(receiver.received[0].body)
    sent = {name.lower(): value for name, value in whole["request"]["headers"].items()}
    assert sent.items() <= receiver.received[0].headers.items()
    assert whole["response"]["payload"] == receiver.text
    assert "Server" in whole["response"]["headers"]
    assert whole["url"] == receiver.url


def test_a_delivery_that_nobody_answered(github: GitHub, clone: Clone, pushed: str) -> None:
    github.webhook_url = "http://nowhere.invalid/"
    sha = clone.commit("second", {})
    clone.push("main")
    github.wait_for_delivery(sha)

    item = deliveries(github).json()[0]
    whole = ask(github, f"{HOOKS}/{the_hook(github)['id']}/deliveries/{item['id']}").json()

    assert (item["status"], item["status_code"]) == ("failed to connect to host", 502)
    assert whole["response"] == {"headers": None, "payload": None}


def test_a_delivery_that_was_not_taken_is_not_repeated_until_somebody_asks(
    github: GitHub, receiver: Receiver, clone: Clone, first: str
) -> None:
    github.webhook_url = receiver.url
    receiver.status = 503
    sha = clone.commit("second", {})
    clone.push("main")
    github.wait_for_delivery(sha)
    (failed,) = deliveries(github, "?status=failure").json()
    assert (failed["status"], failed["status_code"]) == ("Invalid HTTP Response: 503", 503)
    time.sleep(0.3)
    assert len(receiver.received) == 1
    receiver.status = 200

    ask(github, f"{HOOKS}/{the_hook(github)['id']}/deliveries/{failed['id']}/attempts", {})

    assert github.wait_for_delivery(sha, attempt=2).succeeded
    assert [(one["guid"], one["status_code"]) for one in deliveries(github).json()] == [
        (failed["guid"], 200),
        (failed["guid"], 503),
    ]


def test_a_redelivery_has_the_same_guid_and_goes_where_the_hook_leads_now(
    github: GitHub, receiver: Receiver, pushed: str
) -> None:
    (item,) = deliveries(github).json()
    attempts = f"{HOOKS}/{the_hook(github)['id']}/deliveries/{item['id']}/attempts"
    github.webhook = Hook(receiver.url.replace("/hook", "/moved"), "another secret")

    with_another = ask(github, attempts, {})
    again = github.wait_for_delivery(pushed, attempt=2)

    first, second = receiver.received
    assert (with_another.status, with_another.json()) == (202, {})
    assert again.redelivery
    assert second.path == "/moved?from=github"
    assert (second.body, second.headers["x-github-delivery"]) == (first.body, item["guid"])
    assert second.headers["x-hub-signature-256"] != first.headers["x-hub-signature-256"]
    assert [(one["guid"], one["redelivery"]) for one in deliveries(github).json()] == [
        (item["guid"], True),
        (item["guid"], False),
    ]
    assert github.wait_for_delivery(pushed).redelivery is False
    assert ask(github, attempts.replace(f"/{item['id']}/", "/99/"), {}).status == 404


def test_deliveries_come_newest_first_by_cursor(github: GitHub, clone: Clone, receiver: Receiver, pushed: str) -> None:
    for number in range(4):
        receiver.status = 500 if number == 2 else 200
        sha = clone.commit(str(number), {})
        clone.push("main")
        github.wait_for_delivery(sha)

    query, found = "?per_page=2", []
    while query:
        answer = deliveries(github, query)
        found.append([item["id"] for item in answer.json()])
        query = answer.headers.get("link", "").partition("/deliveries")[2].partition(">")[0]

    assert found == [[5, 4], [3, 2], [1]]
    assert [item["id"] for item in deliveries(github, "?status=failure").json()] == [4]
    assert len(deliveries(github, "?status=success").json()) == 4
    assert deliveries(github, "?cursor=x").status == 400
