"""Values of Secrets never show, in whatever form the server quotes them."""

import copy
import json
from typing import Any

import pytest

from deployer.masking import mask, mask_objects

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


def test_a_value_that_is_no_ascii_is_masked() -> None:
    assert mask("got pässword", {"kind": "Secret", "stringData": {"a": "pässword"}}) == "got ***"


def test_a_short_value_does_not_break_up_a_longer_one() -> None:
    secret = {"kind": "Secret", "stringData": {"short": "hunter", "long": "hunter2"}}
    assert mask("hunter2", secret) == "***"


def test_a_number_where_a_text_belongs_is_masked_too() -> None:
    assert mask("expected string, got 12345", {"kind": "Secret", "data": {"pin": 12345}}) == "expected string, got ***"


@pytest.mark.parametrize(
    ("value", "quoted"),
    [
        (12345678901234567000, "1.2345678901234567e+19"),
        (1234567.5, "1.2345675e+06"),
        (-0.00001, "-1e-05"),
        (1e300, "1e+300"),
        (0.5, "0.5"),
    ],
)
def test_a_number_is_masked_as_go_prints_it(value: float, quoted: str) -> None:
    assert mask(f"got {quoted} for it", {"kind": "Secret", "data": {"pin": value}}) == "got *** for it"


@pytest.mark.parametrize(
    ("value", "quoted"),
    [
        ("czNjcmV0\nLXdvcmQ=\n", "s3cret-word"),
        ("czNjcmV0\r\n  LXdvcmQ=", "s3cret-word"),
        ("czNjcmV0LXdvcmQK", "s3cret-word"),
        ("hunter2-long\n", "hunter2-long"),
        ("  hunter2-long", "hunter2-long"),
    ],
)
def test_a_value_is_masked_wrapped_and_trimmed(value: str, quoted: str) -> None:
    for field in ("data", "stringData"):
        assert mask(f"denied: {quoted} is weak", {"kind": "Secret", field: {"w": value}}) == "denied: *** is weak"


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


LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def secret(**fields: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, **fields}


def noted(**annotations: Any) -> dict[str, Any]:
    return {
        "metadata": {
            "name": "s",
            "annotations": {LAST_APPLIED if k == "applied" else k: v for k, v in annotations.items()},
        }
    }


@pytest.mark.parametrize(
    ("live", "desired", "masked"),
    [
        ({"data": {"a": "aHVudGVyMg=="}}, {"data": {"a": "aHVudGVyMg=="}}, ({"a": 1}, {"a": 1})),
        ({"data": {"a": "aHVudGVyMQ=="}}, {"data": {"a": "aHVudGVyMg=="}}, ({"a": 1}, {"a": 2})),
        ({"data": {"a": "eA==", "b": "eQ==", "c": "eA=="}}, {"data": {}}, ({"a": 1, "b": 2, "c": 1}, {})),
        ({"data": {"a": "eA=="}}, {"data": {"b": "eA==", "a": ""}}, ({"a": 1}, {"b": 1, "a": 2})),
        ({"data": {"a": "eHh4\neHh4\n"}}, {"data": {"a": "eHh4eHh4"}}, ({"a": 1}, {"a": 1})),
        ({"data": {"a": "no base64"}}, {"data": {"a": "none either"}}, ({"a": 1}, {"a": 2})),
        ({"data": {"a": "é"}}, {"data": {"a": "\ud800"}}, ({"a": 1}, {"a": 2})),
        ({"data": {"a": 5}}, {"data": {"a": "5"}}, ({"a": 1}, {"a": 2})),
        ({"data": {"a": None}}, {"data": {"a": {"b": ["hunter2"]}}}, ({"a": 1}, {"a": 2})),
        ({"data": {"a": {"x": 1, "y": 2}}}, {"data": {"a": {"y": 2, "x": 1}}}, ({"a": 1}, {"a": 1})),
        ({"data": "hunter1"}, {"data": ["hunter2"]}, (1, 2)),
        ({"data": None}, {"data": {}}, (None, {})),
    ],
)
def test_a_change_of_a_secret_shows_and_no_value_does(live: Any, desired: Any, masked: Any) -> None:
    def numbered(entries: Any) -> Any:
        if isinstance(entries, dict):
            return {key: numbered(value) for key, value in entries.items()}
        return entries and f"*** ({entries})"

    found = mask_objects(secret(**live), secret(**desired))
    assert found == tuple(secret(data=numbered(entries)) for entries in masked)


def test_a_text_and_its_base64_are_one_value() -> None:
    live, desired = mask_objects(secret(data={"a": "aHVudGVyMg=="}), secret(stringData={"a": "hunter2", "b": "x"}))
    assert live == secret(data={"a": "*** (1)"})
    assert desired == secret(stringData={"a": "*** (1)", "b": "*** (2)"})
    texts = secret(stringData={"a": "\ud800", "b": "aHVudGVyMg=="})
    assert mask_objects(texts)[0]["stringData"] == {"a": "*** (1)", "b": "*** (2)"}, "base64 that is meant as a text"


def test_a_placeholder_tells_neither_the_length_nor_the_content() -> None:
    (short,), (long,) = (mask_objects(secret(stringData={"a": value})) for value in ("x", "x" * 10_000))
    assert short == long == secret(stringData={"a": "*** (1)"})


@pytest.mark.parametrize("kind", ["Secret", "SomethingElse"])
@pytest.mark.parametrize("name", ["applied", "kapp.k14s.io/original"])
def test_a_copy_in_an_annotation_is_masked_too(kind: str, name: str) -> None:
    # CVE-2023-40029: kubectl's copy holds what the object itself was masked for.
    applied = json.dumps(secret(data={"a": "aHVudGVyMg=="}, stringData={"b": "t0ken"}))
    live = {**secret(), **noted(**{name: applied, "other": "hunter2"}), "kind": kind, "data": {"a": "aHVudGVyMg=="}}
    masked, _ = mask_objects(live, None)
    notes = masked["metadata"]["annotations"]
    found = json.loads(notes.pop(LAST_APPLIED if name == "applied" else name))
    assert [found["data"], found["stringData"]] == [{"a": "*** (1)"}, {"b": "*** (2)"}]
    assert notes == {"other": "hunter2"}
    assert masked["data"] == ({"a": "*** (1)"} if kind == "Secret" else {"a": "aHVudGVyMg=="})


@pytest.mark.parametrize(
    ("applied", "masked"),
    [
        ('{"data": {"a": "eA=="}}', '{"data":{"a":"*** (1)"}}'),  # it does not say that it is a Secret
        ('{"data": {"a": "hunter2"}, "data": null}', '{"data":null}'),
        ('{"kind": "List", "items": [{"kind": "Secret", "data": {"a": "eA=="}}]}', '{"kind":"List","items":"*** (1)"}'),
        ('{"data": {"a": "hunter2"}', "*** (1)"),
        ("[" * 100_000, "*** (1)"),
        ('"hunter2"', "*** (1)"),
        (None, "*** (1)"),
    ],
)
def test_a_copy_on_a_secret_is_masked_whatever_it_is(applied: Any, masked: str) -> None:
    found = mask_objects({**secret(), **noted(applied=applied)})
    assert found[0]["metadata"]["annotations"][LAST_APPLIED] == masked


def test_what_a_secret_holds_in_a_field_of_the_wrong_name_is_masked() -> None:
    # CVE-2025-23216: a Secret that is not valid. Where its Namespace is new, no server has looked at it yet.
    (masked,) = mask_objects(secret(stringdata={"a": "hunter2"}, Data="hunter2", type="Opaque"))
    assert masked == secret(stringdata={"a": "*** (1)"}, Data="*** (1)", type="Opaque")


def test_a_secret_inside_of_another_object_is_masked() -> None:
    whole = {"kind": "Object", "spec": {"manifests": [secret(data={"a": "eA=="})], "data": {"a": "eA=="}}}
    (masked,) = mask_objects(whole)
    assert masked == {"kind": "Object", "spec": {"manifests": [secret(data={"a": "*** (1)"})], "data": {"a": "eA=="}}}


@pytest.mark.parametrize(
    "body",
    [
        None,
        {"kind": "ConfigMap", "metadata": {"annotations": None}, "data": {"a": "hunter2"}},
        {"kind": "ConfigMap", "metadata": {"annotations": {LAST_APPLIED: '{ "data": {"a": "hunter2"}}', "b": "[1"}}},
        {"kind": "Deployment", "metadata": None, "spec": {"data": [{"secret": {"kind": "Secret", "name": "s"}}]}},
        secret(type="Opaque", immutable=True),
    ],
)
def test_what_is_no_value_of_a_secret_is_shown_as_it_is(body: Any) -> None:
    before = copy.deepcopy(body)
    assert mask_objects(body) == (before,)
    assert body == before, "what is masked is a copy"
