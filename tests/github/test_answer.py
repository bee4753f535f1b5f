"""The fields of an answer are looked at before they are used."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from deployer.errors import SourceError
from deployer.github.answer import Answer, parse_answer, parse_answers

TEXT = '{"text": "a", "number": 1, "flag": false, "sha": "%s", "object": {"text": "b"}, "objects": [{"text": "c"}]}'


def test_what_is_as_documented_is_given() -> None:
    answer = parse_answer(TEXT % ("0a" * 20), "GET /x")
    assert (answer.text("text"), answer.number("number"), answer.flag("flag")) == ("a", 1, False)
    assert answer.sha("sha") == "0a" * 20
    assert answer.object("object").text("text") == "b"
    assert [one.text("text") for one in answer.objects("objects")] == ["c"]


def test_a_field_may_be_one_of_a_few_values() -> None:
    answer = Answer("GET /x", {"state": "b", "count": 2})
    assert answer.one_of("state", ("a", "b")) == "b"
    assert answer.one_of("count", (1, 2)) == 2


@pytest.mark.parametrize("text", ["2026-01-02T12:00:00Z", "2026-01-02T14:00:00+02:00"])
def test_a_field_may_be_a_time(text: str) -> None:
    assert Answer("GET /x", {"at": text}).time("at") == datetime(2026, 1, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "<html>", "[]", "null", '"text"', "[" * 100_000, '{"a": 1'])
def test_what_is_no_object_is_told(text: str) -> None:
    with pytest.raises(SourceError, match="GitHub answered GET /x with something that is no JSON object: check that"):
        parse_answer(text, "GET /x")


def test_a_list_is_read() -> None:
    assert [one.text("a") for one in parse_answers('[{"a": "b"}]', "GET /x")] == ["b"]


@pytest.mark.parametrize("text", ["", "{}", "[1]", '[{}, "text"]'])
def test_what_is_no_list_of_objects_is_told(text: str) -> None:
    with pytest.raises(SourceError, match="GitHub answered GET /x with something that is no list of JSON objects"):
        parse_answers(text, "GET /x")


@pytest.mark.parametrize(
    ("read", "name"),
    [
        (lambda answer: answer.text("gone"), "gone"),
        (lambda answer: answer.text("number"), "number"),
        (lambda answer: answer.number("text"), "text"),
        (lambda answer: answer.flag("number"), "number"),
        (lambda answer: answer.sha("text"), "text"),
        (lambda answer: answer.sha("sha"), "sha"),
        (lambda answer: answer.object("objects"), "objects"),
        (lambda answer: answer.objects("object"), "object"),
        (lambda answer: answer.objects("mixed"), "mixed"),
        (lambda answer: answer.object("object").text("gone"), "gone"),
        (lambda answer: answer.one_of("text", ("b", "c")), "text"),
        (lambda answer: answer.one_of("gone", ("a",)), "gone"),
        (lambda answer: answer.one_of("objects", ("a",)), "objects"),
        (lambda answer: answer.time("text"), "text"),
        (lambda answer: answer.time("number"), "number"),
        (lambda answer: answer.time("gone"), "gone"),
        (lambda answer: answer.time("local"), "local"),
    ],
)
def test_what_is_not_as_documented_is_named(read: Callable[[Answer], object], name: str) -> None:
    fields: dict[str, Any] = {
        "text": "a",
        "number": 1,
        "sha": "../" + "0" * 37,
        "object": {},
        "objects": [],
        "mixed": [{}, 1],
    }
    fields |= {"local": "2026-01-02T12:00:00"}
    with pytest.raises(SourceError, match=f"GitHub's answer to GET /x has no '{name}' as it is documented: check"):
        read(Answer("GET /x", fields))
