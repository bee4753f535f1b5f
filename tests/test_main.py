"""The entry points under functions-framework; what must not get through the door is in tests/security."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from local.function import start_function
from local.leash import Leash
from tests.door import Door, push_payload, sign


@pytest.mark.parametrize(
    ("headers", "status", "said"),
    [
        ({"X-Hub-Signature-256": sign(b"another body")}, 403, "the signature is wrong"),
        ({"X-Hub-Signature-256": sign(b"{}", "another secret of sixteen")}, 403, "the signature is wrong"),
        ({"X-Hub-Signature-256": "sha256=\u00e4\u00f6"}, 403, "the signature is wrong"),
        ({"X-Hub-Signature-256": ""}, 403, "the signature is wrong"),
        ({"Content-Type": "text/plain"}, 415, "the content type must be application/json"),
        ({"X-GitHub-Event": "ping"}, 200, "pong"),
        ({"X-GitHub-Event": "issues"}, 200, "ignored because issues events start nothing"),
        ({}, 400, "ref is missing"),
    ],
)
def test_a_delivery_gets_the_answer_it_deserves(door: Door, headers: dict[str, str], status: int, said: str) -> None:
    got, answer = door.deliver(b"{}", headers)
    assert got == status
    assert said in json.dumps(answer)


def test_a_form_is_read_like_json(door: Door) -> None:
    body = f"payload={quote(json.dumps(push_payload()))}".encode()
    status, answer = door.deliver(body, {"Content-Type": "application/x-www-form-urlencoded"})
    assert (status, answer) == (
        200,
        {"ignored": "ignored because no application watches refs/heads/main of acme/shop"},
    )


def test_a_deleted_branch_deploys_nothing(door: Door) -> None:
    body = json.dumps(push_payload(deleted=True, after="0" * 40)).encode()
    status, answer = door.deliver(body, {})
    assert status == 200
    assert "was deleted: that deploys nothing and deletes nothing" in answer["ignored"]


@pytest.fixture
def reconcile(tmp_path: Path) -> Iterator[Door]:
    """The private entry point, without a webhook secret, and with a configuration that cannot be read."""
    config = tmp_path / "config"
    config.mkdir()
    (config / "broken.yaml").write_text("kind: Nonsense")
    settings = {"DEPLOYER_CONFIG": str(config), "DEPLOYER_GITHUB_TOKEN": "t"}
    with Leash(tmp_path / "leash") as leash:
        yield Door(start_function(leash, settings, "reconcile"), leash.folder)


def test_reconcile_needs_no_webhook_secret_and_runs_when_it_is_called(reconcile: Door) -> None:
    log = reconcile.folder / "reconcile.log"
    with reconcile.connection() as to:
        to.request("GET", "/robots.txt")
        to.getresponse().read()
        assert "reconciled" not in log.read_text(), "as a health check asks"
        to.request("POST", "/")
        answer = to.getresponse()
        assert (answer.status, list(json.loads(answer.read()))) == (500, ["error"])
    assert "nothing is reconciled: " in log.read_text()
    (reconcile.config / "broken.yaml").unlink()
    with reconcile.connection() as to:
        to.request("POST", "/")
        answer = to.getresponse()
        assert (answer.status, json.loads(answer.read())) == (200, {"applications": []})
