import hashlib
import hmac
import json
import re
import socket
import time
import uuid
from pathlib import Path

import pytest

from local.github import GitHub
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
    assert received.headers["x-github-hook-installation-target-type"] == "organization"
    for name in ("x-github-hook-id", "x-github-hook-installation-target-id"):
        assert re.fullmatch(r"\d+", received.headers[name])
    assert received.headers["x-github-enterprise-host"] == github.git_url.removeprefix("http://")
    assert str(uuid.UUID(received.headers["x-github-delivery"])) == delivery.guid

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
    assert 0.9 < delivery.duration < 1.9


def test_nobody_listens(github: GitHub, clone: Clone) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        github.webhook_url = f"http://127.0.0.1:{closed.getsockname()[1]}/"
    sha = clone.commit("first", {})
    clone.push("main")

    delivery = github.wait_for_delivery(sha)

    assert delivery.status is None
    assert "ConnectionRefusedError" in str(delivery.error)


def test_without_an_address_nothing_is_sent(github: GitHub, clone: Clone) -> None:
    sha = clone.commit("first", {})
    clone.push("main")

    start = time.monotonic()
    with pytest.raises(TimeoutError, match=sha):
        github.wait_for_delivery(sha, timeout=0.2)
    assert time.monotonic() - start < 2
    assert github.deliveries == ()


def test_githubs_own_test_vector() -> None:
    """https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries."""
    signed = signatures(b"It's a Secret to Everybody", b"Hello, World!")
    digest = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert signed["X-Hub-Signature-256"] == f"sha256={digest}"


def test_without_a_secret_nothing_is_signed() -> None:
    assert signatures(b"", b"Hello, World!") == {}
