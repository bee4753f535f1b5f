"""Values of Secrets never show, in whatever form the server quotes them."""

import pytest

from deployer.masking import mask

SECRET = {"kind": "Secret", "data": {"password": "aHVudGVyMg=="}, "stringData": {"token": "t0ken"}}


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("illegal value: aHVudGVyMg==", "illegal value: ***"),
        ("illegal value: hunter2", "illegal value: ***"),
        ("got t0ken, twice: t0ken", "got ***, twice: ***"),
        ("got dDBrZW4=", "got ***"),
        ("the key password is wrong", "the key password is wrong"),
    ],
)
def test_values_of_a_secret_are_masked(text: str, masked: str) -> None:
    assert mask(text, SECRET) == masked


def test_a_short_value_does_not_break_up_a_longer_one() -> None:
    secret = {"kind": "Secret", "stringData": {"short": "hunter", "long": "hunter2"}}
    assert mask("hunter2", secret) == "***"


def test_a_number_where_a_text_belongs_is_masked_too() -> None:
    assert mask("expected string, got 12345", {"kind": "Secret", "data": {"pin": 12345}}) == "expected string, got ***"


def test_values_within_values_are_masked_as_go_prints_them() -> None:
    secret = {"kind": "Secret", "data": {"a": {"password": "hunter2", "more": ["x1", True, 7, None]}, "b": "one\ntwo"}}
    said = 'got map[string]interface {}{"password":"hunter2", "more":["x1", true, 7]} and "one\\ntwo"'
    masked = 'got map[string]interface {}{"password":"***", "more":["***", ***, ***]} and "***"'
    assert mask(said, secret) == masked


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "ConfigMap", "data": {"a": "hunter2"}},
        {"kind": "Secret", "data": ["hunter2"]},
        {"kind": "Secret", "data": {"a": ""}},
        {"kind": "Secret", "data": {"a": "/w=="}},  # no text once decoded
    ],
)
def test_what_holds_no_secret_value_is_left_alone(body: dict[str, object]) -> None:
    assert mask("hunter2", body) == "hunter2"
