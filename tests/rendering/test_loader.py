import json
from collections.abc import Callable
from typing import Any

import pytest

from deployer.limits import DEFAULT_LIMITS, Limits
from deployer.rendering.loader import Budget, InvalidDocumentError, LimitError, load_yaml

Judge = Callable[[list[str]], list[Any]]

READ: list[tuple[str, Any]] = [
    ("a: 1", {"a": 1}),
    ("a: \"1\"\nb: 'on'\nc: !!str on\n", {"a": "1", "b": "on", "c": "on"}),
    ("a:\nb: ~\nc: ''\nd: !!str\n", {"a": None, "b": None, "c": "", "d": ""}),
    ("a: [1, [two, {three: 3}], {}, []]\n", {"a": [1, ["two", {"three": 3}], {}, []]}),
    ("a:\n- 1\n-   b: 2\n    c: 3\n- - 4\n", {"a": [1, {"b": 2, "c": 3}, [4]]}),
    ("a: |\n  one\n   two\n\nb: |-\n  x\nc: |+\n  y\n\n", {"a": "one\n two\n", "b": "x", "c": "y\n\n"}),
    ("a: >\n  one\n  two\n\n  three\n", {"a": "one two\nthree\n"}),
    ("a: |2\n    indented\n", {"a": "  indented\n"}),
    ("a: one\n  two\n\n  three\n", {"a": "one two\nthree"}),
    ('a: "one\\\n  two\\tthree\\x41\\u00e9\\U0001F389"\n', {"a": "onetwo\tthreeA\u00e9\U0001f389"}),
    ("a: 'it''s'\n", {"a": "it's"}),
    ("a:\t1\t# comment\n# another\n", {"a": 1}),
    ("? a\n: 1\n", {"a": 1}),
    ('x: {"a": 1,"b":2}\n', {"x": {"a": 1, "b": 2}}),
    ("8080: a\n1.10: b\non: c\n'5': d\n", {"8080": "a", "1.1": "b", "true": "c", "5": "d"}),
    ("a: &x {b: 1}\nc: *x\nd: [*x]\n", {"a": {"b": 1}, "c": {"b": 1}, "d": [{"b": 1}]}),
    ("a: &x 1\nb: &x 2\nc: *x\n", {"a": 1, "b": 2, "c": 2}),
    ("a: &x [&x 1, *x]\nb: *x\n", {"a": [1, 1], "b": 1}),
    ("&k 1e6: *k\n", {"1e+06": 1000000}),
    ("a: &x b\n*x : 1\n", {"a": "b", "b": 1}),
    ("x: &x {a: 1, b: 1}\nz: {<<: *x, b: 2}\n", {"x": {"a": 1, "b": 1}, "z": {"a": 1, "b": 2}}),
    ("z: {b: 2, <<: {a: 1, b: 1}}\n", {"z": {"a": 1, "b": 1}}),
    ("z: {<<: [{a: 1}, {a: 2, b: 2}], c: 3}\n", {"z": {"a": 1, "b": 2, "c": 3}}),
    ("z: {<<: {<<: {a: 1}, b: 2}}\n", {"z": {"a": 1, "b": 2}}),
    ("z: {<<: {}, <<: []}\n", {"z": {}}),
    ("z: {!!merge '<<': {a: 1}, '<<': 2}\n", {"z": {"a": 1, "<<": 2}}),
    ("z: [<<, '<<']\n", {"z": ["<<", "<<"]}),
    ("a: !local {b: !other [1]}\n", {"a": {"b": [1]}}),
    ("a: !!set {b, c}\n", {"a": {"b": None, "c": None}}),
    ("a: !!binary |\n  aGVs\n  bG8=\n", {"a": "hello"}),
    ("a: b:c http://x#y\n", {"a": "b:c http://x#y"}),
    ("a: b\ufeff %TAG %YAML\n", {"a": "b\ufeff %TAG %YAML"}),
    ("a: 'é\u2028  b'\n", {"a": "é\u2028b"}),
    ("a: " + "x" * 100_000 + "\n", {"a": "x" * 100_000}),
    ("a: " + "word " * 1000 + "\n", {"a": ("word " * 1000).strip()}),
    ("a: 1\n...\n# nothing more\n", {"a": 1}),
]

# What it is, the text, the line, what is said of it.
REFUSED = [
    ("a: [1\nb: 2\n", 2, "did not find expected"),
    ("a: 1\n\nnot: [valid\n", 4, "did not find expected"),
    ("a: 1\n b: 2\n", 2, "mapping values are not allowed"),
    ("a:\n\t- 1\n", 2, "cannot start any token"),
    ("a: 'open\n\n", 3, "unexpected end of stream"),
    ("a: 1\nb: \x01\n", 2, "control characters"),
    ("a: 1\nb: *x\n", 2, "an alias (`*`) of no anchor above it; quote it"),
    ("a:\n  &x [*x]\n", 2, "an alias stands inside the value that it stands for"),
    ("a: &x\n  <<: *x\n", 2, "an alias stands inside the value that it stands for"),
    ("a: 1\n<<: 2\n", 2, "`<<` merges a mapping"),
    ("a: &x [{b: 1}]\n<<: *x\n", 2, "`<<` merges a mapping"),
    ("a: 1\n<<: [{}, []]\n", 2, "`<<` merges a mapping"),
    ("a: 1\n<<:\n", 2, "`<<` merges a mapping"),
    ("a:\n  b: .inf\n", 2, "no JSON numbers"),
    ("a:\n- .nan\n", 2, "no JSON numbers"),
    ("a: 1\n~: 2\n", 2, "null is no key"),
    ("a: 1\n[b]: 2\n", 2, "a list or mapping is no key"),
    ("a: 1\n? {b: 1}\n", 2, "a list or mapping is no key"),
    ("a: 1\n18446744073709551615: 2\n", 2, "more than 64 bits is no key"),
    ("a: 1\nb: !!int x\n", 2, "a value tagged !!int is none"),
    ("a: 1\nb: !x!y z\n", 2, "undefined tag handle"),
]
# The same, but kubectl lets these pass.
STRICTER = [
    ("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n", 5, "the key 'c' stands twice in one mapping"),
    ("1: a\n'1': b\n", 2, "the key '1' stands twice in one mapping"),
    ("<<: {a: 1}\na: 2\n<<: {a: 3}\na: 4\n", 4, "the key 'a' stands twice in one mapping"),
    ("a: 1\n...\nb: 2\n", 3, "did not find expected <document start>"),
    ("a: 1\n...\n---\nb: 2\n", 3, "the document ended above"),
    ("a: 1\nb: !!binary /w==\n", 2, "not the base64 of text"),
    ("a: 1\n%TAG ! x\n", 2, "%YAML and %TAG are not supported, as in kubectl; remove it"),
    ("a: 1\n# c\n%YAML 1.1\n", 3, "%YAML and %TAG are not supported, as in kubectl; remove it"),
    ("a: 1\n\ufeffb: 1\n", 2, "a byte-order mark begins this line; remove it"),
    ("a:\n- !%ed%a0%80 x\n", 1, "a tag's %-escapes are no UTF-8; remove the tag"),
]


def load(text: str, limits: Limits = DEFAULT_LIMITS) -> Any:
    return load_yaml(text.encode(), Budget(limits))


@pytest.mark.parametrize(("text", "value"), READ)
def test_a_document_is_what_kubectl_reads(text: str, value: Any) -> None:
    assert json.dumps(load(text), sort_keys=True) == json.dumps(value, sort_keys=True)


@pytest.mark.parametrize("text", ["", "\n", "# only a comment\n", "---\n", "--- # comment\n", "null\n", "~"])
def test_a_document_may_be_empty(text: str) -> None:
    assert load(text) is None


@pytest.mark.parametrize(("text", "line", "problem"), REFUSED + STRICTER)
def test_what_is_wrong_is_told_with_its_line(text: str, line: int, problem: str) -> None:
    with pytest.raises(InvalidDocumentError) as error:
        load(text)
    assert problem in error.value.problem
    assert error.value.line == line


def test_the_tables_are_what_kubectl_says(kubectl_reads: Judge) -> None:
    judged = kubectl_reads([text for text, _ in READ])
    assert [text for (text, value), read in zip(READ, judged, strict=True) if read != value] == []
    judged = kubectl_reads([text for text, *_ in REFUSED])
    assert [text for (text, *_), read in zip(REFUSED, judged, strict=True) if read is not None] == []
    assert None not in kubectl_reads([text for text, *_ in STRICTER])


@pytest.mark.parametrize(
    ("text", "limits", "problem"),
    [
        ("[[[[1]]]]", Limits(depth=3), "nested more than 3 deep"),
        ("{a: {b: {c: {}}}}", Limits(depth=3), "nested more than 3 deep"),
        ("- &a [[1]]\n- [[*a]]\n", Limits(depth=4), "nested more than 4 deep"),
        ("- &a [[1]]\n- &b [*a]\n- [*b]\n", Limits(depth=4), "nested more than 4 deep"),
        ("- &a [&b [[1]], 2]\n- [*a]\n", Limits(depth=4), "nested more than 4 deep"),
        ("[1, 2, 3, 4, 5]", Limits(nodes=5), "more than 5 keys and values"),
        ("- &a [1, 2, 3]\n- *a\n", Limits(nodes=9), "more than 9 keys and values"),
        ("- &a xxxx\n- *a\n", Limits(total_bytes=7), "more than 7 characters"),
        ("- &a {xx: xx}\n- *a\n- *a\n", Limits(total_bytes=11), "more than 11 characters"),
    ],
)
def test_limits_are_errors_and_fit_exactly(text: str, limits: Limits, problem: str) -> None:
    with pytest.raises(LimitError) as error:
        load(text, limits)
    assert problem in error.value.problem
    one_more = Limits(nodes=limits.nodes + 1, depth=limits.depth + 1, total_bytes=limits.total_bytes + 1)
    load(text, one_more)


def test_the_budget_is_one_for_all_documents() -> None:
    budget = Budget(Limits(nodes=5))
    load_yaml(b"[1, 2]", budget)
    with pytest.raises(LimitError, match="more than 5 keys and values"):
        load_yaml(b"[1, 2]", budget)


def test_no_depth_that_the_limits_allow_takes_the_process_down() -> None:
    with pytest.raises(LimitError, match="nested deeper than this process can read; nest less"):
        load("[" * 5_000, Limits(depth=10_000))
    assert load("[" * 150 + "]" * 150, Limits(depth=150))


def test_a_tag_that_is_no_text_is_refused_wherever_it_stands() -> None:
    with pytest.raises(InvalidDocumentError, match="a tag's %-escapes are no UTF-8"):
        load("!%ed%a0%80 x")
