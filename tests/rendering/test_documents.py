import codecs
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from deployer.errors import RenderError
from deployer.limits import DEFAULT_LIMITS, Limits
from deployer.rendering.documents import dashes, decode, load, load_json, read, split
from deployer.rendering.loader import Budget, InvalidDocumentError, LimitError

NUMBERS = {"a": 1, "b": 1000, "c": 12345678901234567000, "d": 1.5, "e": 0}
Judge = Callable[[list[str]], list[Any]]


def budget(limits: Limits = DEFAULT_LIMITS) -> Budget:
    return Budget(limits)


@pytest.mark.parametrize(
    "content",
    [
        "a: é".encode(),
        codecs.BOM_UTF8 + "a: é".encode(),
        codecs.BOM_UTF16_LE + "a: é".encode("utf-16-le"),
        codecs.BOM_UTF16_BE + "a: é".encode("utf-16-be"),
    ],
)
def test_a_file_is_utf8_or_utf16_with_a_mark(content: bytes) -> None:
    assert decode("web.yaml", content) == "a: é".encode()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"a: 1\nb: \xe9\n", "web.yaml, line 2: not valid UTF-8"),
        (b"a: \xed\xa0\x80", "web.yaml, line 1: not valid UTF-8"),
        (codecs.BOM_UTF16_LE + b"a", "web.yaml, line 1: not valid UTF-16"),
        ("a: é".encode("utf-16-le"), "web.yaml: not text, or UTF-16 without a byte-order mark; save the file as UTF-8"),
    ],
)
def test_any_other_text_is_refused_with_its_file(content: bytes, problem: str) -> None:
    with pytest.raises(RenderError, match=re.escape(problem)):
        decode("web.yaml", content)


@pytest.mark.parametrize(
    ("text", "chunks"),
    [
        ("", []),
        ("a: 1", [(1, 1, "a: 1\n")]),
        ("a: 1\n---\nb: 1\n", [(1, 1, "a: 1\n"), (2, 3, "b: 1\n")]),
        ("---\na: 1\n--- # two\nb: 1\n", [(1, 1, "---\na: 1\n"), (2, 4, "b: 1\n")]),
        ("a: 1\r\n---\r\nb: 1\r\n", [(1, 1, "a: 1\n"), (2, 3, "b: 1\n")]),
        ("# a\n---\n---\n\n---  \nb: 1", [(1, 1, "# a\n"), (2, 3, "---\n\n"), (3, 6, "b: 1\n")]),
        ("a: 1\n---\n---\n---\nb: 1\n", [(1, 1, "a: 1\n"), (2, 3, "---\n"), (3, 5, "b: 1\n")]),
        ("a: |\n  ---\n ---\n", [(1, 1, "a: |\n  ---\n ---\n")]),
        ("a: 1\n---", [(1, 1, "a: 1\n")]),
        ("---", [(1, 1, "---\n")]),
    ],
)
def test_documents_are_split_at_lines_of_dashes(text: str, chunks: list[tuple[int, int, str]]) -> None:
    assert [(number, line, chunk.decode()) for number, line, chunk in split(text.encode())] == chunks


# Whole files; the value is the object's, without the fields that make it one, or None where kubectl refuses it.
FILES: list[tuple[str, Any]] = [
    ("\ufeff$HEADa: 1", {"a": 1}),
    ("---\n$HEADa: |\n  text", {"a": "text\n"}),
    ("# only a comment\n---\n\n---\n$HEADa: 1\n", {"a": 1}),
    ("$HEADa: |\n  one\r\n  two\r\n---\r\n", {"a": "one\ntwo\n"}),
    ("--- # comment\n$HEADa: 1\n", {"a": 1}),
    ("--- a comment\n$HEAD", None),
    ("$HEAD---# comment\n", {}),
    ("$HEAD--- |\n", None),
    ("%YAML 1.1\n---\n$HEAD", None),
]


def test_files_are_split_as_kubectl_splits_them(kubectl_reads: Judge) -> None:
    assert kubectl_reads([text for text, _ in FILES]) == [value for _, value in FILES]


@pytest.mark.parametrize(
    ("text", "starts"),
    [("", []), ("---", [0]), ("a---\n----b\n\n---", [5, 12]), ("---\n---\n--\n---", [0, 4, 11]), ("\n---\n", [1])],
)
def test_the_lines_with_dashes_are_found(text: str, starts: list[int]) -> None:
    found = list(dashes(text.encode()))
    assert [one.start() for one in found] == starts
    assert [one.end() for one in found] == [(text + "\n").index("\n", start) for start in starts]


def first_object(text: str) -> Any:
    head = "apiVersion: example.com/v1\nkind: Example\nmetadata: {}\n"
    documents, problem = read("web.yaml", decode("web.yaml", text.replace("$HEAD", head).encode()), budget())
    if not documents or documents[-1][1] is None:
        return problem
    return {key: value for key, value in documents[-1][1].items() if key == "a"}


@pytest.mark.parametrize(("text", "value"), [case for case in FILES if case[1] is not None])
def test_files_are_split_the_same_way(text: str, value: Any) -> None:
    assert first_object(text) == value


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (
            "# web\n%YAML 1.1\n---\na: 1\n",
            "web.yaml, document 1, line 2: %YAML and %TAG are not supported, as in kubectl",
        ),
        ("--- a comment\na: 1\n", "web.yaml, document 1, line 1: only a comment may follow `---`"),
        ("a: 1\n---\nb: 1\n----\n", "web.yaml, document 2, line 4: only a comment may follow `---`"),
        ("a: 1\n---\n\nb: [\n---\nc: 1\n", "web.yaml, document 2, line 5: did not find expected node content"),
        ("a: 1\r\n---\r\n\r\nb: ]\r\n", "web.yaml, document 2, line 4: did not find expected node content"),
        ("a: 1\n---\nb: 1\nc: \x02\n", "web.yaml, document 2, line 4: control characters are not allowed"),
        ('a: 1\n---\n{"b": 1,\n"b": 2}\n', "web.yaml, document 2, line 4: the key 'b' stands twice"),
    ],
)
def test_an_error_names_file_document_and_the_files_line(text: str, place: str) -> None:
    _, problem = read("web.yaml", text.encode(), budget())
    assert str(problem).startswith(place)


def test_documents_are_read_up_to_the_broken_one() -> None:
    documents, problem = read("web.yaml", b"a: 1\n---\n# empty\n---\nb: ]\n---\nc: 1\n", budget())
    assert documents == [("web.yaml, document 1", {"a": 1}), ("web.yaml, document 2", None)]
    assert problem is not None


def test_too_many_documents_are_refused_over_all_files() -> None:
    shared = budget(Limits(documents=3))
    read("one.yaml", b"a: 1\n---\nb: 1\n", shared)
    read("two.json", b"{}", shared)
    with pytest.raises(RenderError, match=r"three\.yaml, document 1, line 1: up to here are more than 3 documents"):
        read("three.yaml", b"a: 1\n", shared)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": "\\ud83c\\udf89\\/"}', {"a": "🎉/"}),
        ('\n{"a":\t1.0, "b": 1e3, "c": 12345678901234567890, "d": 1.5, "e": -0}\n', NUMBERS),
        ("{a: 1}", {"a": 1}),
        ("{a: 1, # comment\n}", {"a": 1}),
    ],
)
def test_a_document_of_a_yaml_file_may_be_json(text: str, value: Any) -> None:
    assert same(load(text.encode(), budget()), value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[1, null, true, {}]", [1, None, True, {}]),
        ('{"a": 1.0, "b": 1e3, "c": 12345678901234567890, "d": 1.5, "e": -0}', NUMBERS),
        ('"\\u0000"', "\0"),
        ("9" * 5000 + "e-4990", 10_000_000_000),
    ],
)
def test_json_numbers_are_those_of_kubectl(text: str, value: Any) -> None:
    assert same(load_json(text.encode(), budget()), value)


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("", 1, "not valid JSON: Expecting value"),
        ('{\n"a": 1,\n}', 3, "not valid JSON: "),
        ('{"a": 1}\n{"b": 2}', 2, "not valid JSON: Extra data"),
        ("{a: 1}", 1, "not valid JSON"),
        ("[NaN]", 1, "not valid JSON: NaN is no number"),
        ("[-Infinity]", 1, "not valid JSON: -Infinity is no number"),
        ("[1e999]", 1, "no JSON numbers"),
        ("[" + "9" * 5000 + "]", 1, "no JSON numbers"),
        ('["\\ud800"]', 1, "half a character"),
        ('{"a": 1, "a": 2}', 1, "the key 'a' stands twice in one object"),
        ('{"' + "a" * 999 + '": 1, "' + "a" * 999 + '": 2}', 1, f"the key '{'a' * 80}' stands twice in one object"),
        ("[" * 100_000, 1, "nested more than 100 deep"),
    ],
)
def test_what_is_no_json_is_refused(text: str, line: int, problem: str) -> None:
    with pytest.raises(InvalidDocumentError) as error:
        load_json(text.encode(), budget())
    assert (problem in error.value.problem, error.value.line) == (True, line)


@pytest.mark.parametrize(
    ("limits", "problem"),
    [(Limits(depth=2), "nested more than 2 deep"), (Limits(nodes=5), "more than 5 keys and values")],
)
def test_json_has_the_same_limits(limits: Limits, problem: str) -> None:
    text = '{"a": [{"b": 1}]}'
    with pytest.raises(LimitError, match=re.escape(problem)):
        load_json(text.encode(), budget(limits))
    with pytest.raises(LimitError, match=re.escape(problem)):
        load(text.encode(), budget(limits))
    load_json(text.encode(), budget(Limits(depth=3, nodes=6)))
    load_json(b"[[], [], {}, {}]", budget(Limits(depth=2, nodes=5)))


@pytest.mark.parametrize(
    "text", ['["]", "[\\\\", "\\"[[["]', '{"a": "{,:}[", "b\\\\\\"": ":{"}', " [ 1 , true , null ] "]
)
def test_signs_in_strings_are_no_structure(text: str) -> None:
    # Each has five nodes: a list and four items, or keys and values; or fewer.
    shared = budget(Limits(depth=1, nodes=5))
    assert load_json(text.encode(), shared) == json.loads(text)
    assert shared.nodes == 1 + len(json.loads(text)) * (2 if text.startswith("{") else 1)


def test_yaml_that_begins_like_json_is_counted_once() -> None:
    shared = budget()
    load(b"{a: [1, 2]}", shared)
    assert shared.nodes == 5


def test_no_depth_that_the_limits_allow_takes_the_process_down() -> None:
    with pytest.raises(LimitError, match="nested deeper than this process can read"):
        load_json(b"[" * 5_000 + b"]" * 5_000, budget(Limits(depth=10_000)))


def same(one: Any, other: Any) -> bool:
    """Equal, and of one JSON type: 1.0 is not 1."""
    return json.dumps(one) == json.dumps(other)
