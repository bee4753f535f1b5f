"""The entry points under functions-framework; what must not get through the door is in tests/security."""

import json
from urllib.parse import quote

import pytest

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
