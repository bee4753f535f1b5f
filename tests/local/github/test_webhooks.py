import hashlib
import hmac
import json
import re
import socket
import time
import uuid
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from local.github import GitHub
from local.github.hook import Hook
from local.github.webhooks import signatures
from tests.local.github.helpers import SECRET, TOKEN, Clone, Receiver


def test_a_delivery_is_signed_and_remembered(github: GitHub, clone: Clone, receiver: Receiver) -> None:
    github.webhook_url = receiver.url
    sha = clone.commit("ä", {})
    clone.push("main")

    delivery = github.wait_for_delivery(sha)

    (received,) = receiver.received
    digest = hmac.new(SECRET.encode(), received.body, hashlib.sha256).hexdigest()
    assert received.path == "/hook?from=github"
    assert received.headers["x-hub-signature-256"] == f"sha256={digest}"
    assert received.headers["x-hub-signature"].startswith("sha1=")
    assert received.headers["x-github-event"] == "push"
    assert received.headers["content-type"] == "application/json"
    assert received.headers["user-agent"].startswith("GitHub-Hookshot/")
    assert received.headers["x-github-hook-installation-target-type"] == "repository"
    for name in ("x-github-hook-id", "x-github-hook-installation-target-id"):
        assert re.fullmatch(r"\d+", received.headers[name])
    assert received.headers["x-github-enterprise-host"] == github.git_url.removeprefix("http://")
    assert str(uuid.UUID(received.headers["x-github-delivery"])) == delivery.guid
    assert received.headers["x-github-hook-id"] == str(delivery.hook)

    assert github.deliveries == (delivery,)
    assert (delivery.event, delivery.status, delivery.body, delivery.error) == ("push", 200, '{"ok": true}', None)
    assert delivery.payload == json.loads(received.body)
    assert {name.lower(): value for name, value in delivery.headers.items()}.items() <= received.headers.items()
    assert SECRET not in str(delivery)


def test_a_failed_answer_is_remembered_and_not_repeated(github: GitHub, clone: Clone, receiver: Receiver) -> None:
    receiver.status, receiver.text = 500, "no"
    github.webhook_url = receiver.url
    sha = clone.commit("first", {})
    clone.push("main")

    delivery = github.wait_for_delivery(sha)

    assert (delivery.status, delivery.body) == (500, "no")
    assert (delivery.code, delivery.outcome, delivery.succeeded) == (500, "Invalid HTTP Response: 500", False)
    assert len(receiver.received) == 1


def test_a_slow_receiver_is_given_up_and_the_push_does_not_wait(tmp_path: Path, receiver: Receiver) -> None:
    receiver.delay = 2.0
    with GitHub(
        tmp_path / "github", token=TOKEN, webhook_url=receiver.url, webhook_secret=SECRET, delivery_timeout=1.0
    ) as github:
        clone = Clone(tmp_path / "clone", f"{github.git_url}/acme/web.git")
        sha = clone.commit("first", {})
        clone.push("main")
        assert github.deliveries == ()

        delivery = github.wait_for_delivery(sha)

    assert (delivery.status, delivery.error) == (None, "TimeoutError: timed out")
    assert (delivery.code, delivery.outcome) == (504, "timed out")
    assert 0.9 < delivery.duration < 1.9


def test_nobody_listens(github: GitHub, clone: Clone) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        github.webhook_url = f"http://127.0.0.1:{closed.getsockname()[1]}/"
    sha = clone.commit("first", {})
    clone.push("main")

    delivery = github.wait_for_delivery(sha)

    assert delivery.status is None
    assert "ConnectionRefusedError" in str(delivery.error)
    assert (delivery.code, delivery.outcome) == (502, "failed to connect to network")


def test_without_an_address_nothing_is_sent(github: GitHub, clone: Clone) -> None:
    sha = clone.commit("first", {})
    clone.push("main")

    start = time.monotonic()
    with pytest.raises(TimeoutError, match=sha):
        github.wait_for_delivery(sha, timeout=0.2)
    assert time.monotonic() - start < 2
    assert github.deliveries == ()


def test_a_form_is_signed_as_it_is_sent(github: GitHub, clone: Clone, receiver: Receiver) -> None:
    github.webhook = Hook(receiver.url, SECRET, content_type="form")
    sha = clone.commit("ä & ö", {})
    clone.push("main")

    payload = github.wait_for_delivery(sha).payload

    (received,) = receiver.received
    assert received.headers["content-type"] == "application/x-www-form-urlencoded"
    assert json.loads(parse_qs(received.body.decode())["payload"][0]) == payload
    assert received.headers["x-hub-signature-256"] == signatures(SECRET.encode(), received.body)["X-Hub-Signature-256"]


@pytest.mark.parametrize(
    ("active", "events", "sent"),
    [(True, ("push",), 1), (True, ("*",), 1), (True, ("issues", "ping"), 0), (False, ("push",), 0)],
)
def test_only_what_the_hook_wants_is_sent(
    github: GitHub, clone: Clone, receiver: Receiver, active: bool, events: tuple[str, ...], sent: int
) -> None:
    github.webhook = Hook(receiver.url, SECRET, active=active, events=events)
    clone.commit("first", {})
    clone.push("main")
    github.stop()
    assert len(receiver.received) == sent


def test_the_hook_of_an_organisation(github: GitHub, clone: Clone, receiver: Receiver) -> None:
    github.webhook = Hook(receiver.url, SECRET, kind="organization")
    sha = clone.commit("first", {})
    clone.push("main")

    headers = github.wait_for_delivery(sha).headers

    payload = json.loads(receiver.received[0].body)
    assert headers["X-GitHub-Hook-Installation-Target-Type"] == "organization"
    assert headers["X-GitHub-Hook-Installation-Target-ID"] == str(payload["organization"]["id"])


def test_the_address_changes_and_the_rest_stays(github: GitHub) -> None:
    github.webhook_url = "http://127.0.0.1:1/a"
    assert github.webhook
    assert github.webhook == Hook("http://127.0.0.1:1/a", SECRET, created=github.webhook.created)
    github.webhook = replace(github.webhook, content_type="form")
    github.webhook_url = "http://127.0.0.1:1/b"
    assert (github.webhook.url, github.webhook.content_type) == ("http://127.0.0.1:1/b", "form")
    github.webhook_url = None
    assert github.webhook is None
    assert SECRET not in repr(Hook("http://127.0.0.1:1/", SECRET))


def test_githubs_own_test_vector() -> None:
    """https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries."""
    signed = signatures(b"It's a Secret to Everybody", b"Hello, World!")
    digest = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert signed["X-Hub-Signature-256"] == f"sha256={digest}"


def test_without_a_secret_nothing_is_signed() -> None:
    assert signatures(b"", b"Hello, World!") == {}
