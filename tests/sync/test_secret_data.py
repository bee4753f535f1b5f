"""Secrets as they are applied."""

import base64
from typing import Any

import pytest

from deployer.sync.secret_data import as_applied


def secret(**fields: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, **fields}


@pytest.mark.parametrize(
    ("body", "applied"),
    [
        (secret(stringData={"a": "hello"}), secret(data={"a": "aGVsbG8="})),
        (secret(data={"b": "eA=="}, stringData={"a": "hello"}), secret(data={"b": "eA==", "a": "aGVsbG8="})),
        (secret(data={"a": "eA=="}, stringData={"a": "hello"}), secret(data={"a": "aGVsbG8="})),
        (secret(data=None, stringData={"a": "ä"}), secret(data={"a": "w6Q="})),
        (secret(stringData={}), secret()),
        (secret(stringData=None, data={"a": "eA=="}), secret(data={"a": "eA=="})),
        (secret(data={"a": "aGVs\r\nbG8=\n"}), secret(data={"a": "aGVsbG8="})),
        (secret(data={}), secret(data={})),
        (secret(), secret()),
    ],
)
def test_what_is_written_as_text_becomes_data(body: dict[str, Any], applied: dict[str, Any]) -> None:
    assert as_applied(body) == applied


@pytest.mark.parametrize(
    "body",
    [
        secret(stringData={"a": 1}),
        secret(stringData=["a"]),
        secret(data="x", stringData={"a": "b"}),
        secret(data={"a": None}, stringData={"a": "b"}),
        secret(stringData={"a": "\ud800"}),
        secret(data={"a": "no base64"}),
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "stringData": {"a": "b"}},
        {"apiVersion": "example.com/v1", "kind": "Secret", "metadata": {"name": "c"}, "stringData": {"a": "b"}},
    ],
)
def test_what_is_not_valid_and_other_kinds_stay_as_they_are(body: dict[str, Any]) -> None:
    assert as_applied(body) == body


def test_a_body_is_not_changed_in_place() -> None:
    body = secret(data={"b": "eA=="}, stringData={"a": "hello"})
    as_applied(body)
    assert body == secret(data={"b": "eA=="}, stringData={"a": "hello"})
    assert base64.b64decode(as_applied(body)["data"]["a"]) == b"hello"
