"""Whatever a text is, kubectl and we read the same, or there is a reason that is known."""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from deployer.limits import DEFAULT_LIMITS
from deployer.rendering.documents import read
from deployer.rendering.loader import Budget
from tests.rendering.conftest import FileJudge, with_names

# Each example is one run of kubectl, with as many files as the strategy's lists are long: the same in every run, and
# few, so that the whole takes seconds. By hand, with another number and `derandomize=False`, there may be more.
few = settings(
    max_examples=10,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],  # shrinking would run kubectl for minutes, and the message names the one text
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

# The reasons of `test_torture.py`. What we say of what kubectl reads:
STRICTER = re.compile(
    "stands twice|document ended above|<document start>|found unexpected ':'|base64 of text|a byte-order mark"
    "|%YAML and %TAG"
)
# What we refuse because there is something wrong behind the document's end, where kubectl does not look:
BEHIND_THE_END = re.compile("(^|[\n\r\x85\u2028\u2029])(\\.\\.\\.|---)")
# Either parser takes some text that the other does not.
ONLY_THEIRS = re.compile(r"\\'|![^\s]*[][{},]")
ONLY_OURS = re.compile(r"\\/|[\[{].*\?|![^\s]*,", re.DOTALL)


def assert_agreement(kubectl_files: FileJudge, texts: Sequence[str]) -> None:
    """Compare the first object of `$HEAD` and each text."""
    files = [f"$HEAD{text}\n".encode() for text in texts]
    for number, (text, judged) in enumerate(zip(texts, kubectl_files(files), strict=True)):
        found, problem = read("x.yaml", with_names(files[number], f"file-{number}"), Budget(DEFAULT_LIMITS))
        ours, theirs = found[0][1] if found else None, judged.objects[0] if judged.objects else None
        if ours and theirs:
            assert json.dumps(ours, sort_keys=True) == json.dumps(theirs, sort_keys=True), text
        elif theirs:
            reasons = (STRICTER.search(str(problem)), BEHIND_THE_END.search(text), ONLY_THEIRS.search(text))
            assert any(reasons), (text, theirs, problem)
        else:
            assert not ours or ONLY_OURS.search(text), (text, ours)


SPECIAL = [
    *"abnyxo01789._-+eE:#?!&*|>%@`'\"\\/,[]{}~=< \n\t\r\x85\xa0\u2028\u2029\ufeff\u200b\ud7ff\ue000\ufffd\x7f\x1b\x00é",
    *("🎉", "\U0010ffff", "  ", "\n ", "\n  ", "\n\n", "\r\n", ": ", " #", "- ", "? ", "<<", "''", '""', "...", "---"),
    *("null", "true", "off", ".inf", ".nan", "0x", "0o", "0b", "1e3", "12:30", "2001-01-01", "9223372036854775808"),
    *("\\n", "\\x41", "\\u00e9", "\\ud83c", "\\U0001F389", "\\ ", "\\\n", "&a ", "*a", "!local ", "! ", "!<x> "),
    *(f"!!{kind} " for kind in ("str", "int", "float", "bool", "null", "binary", "timestamp", "map", "merge", "x")),
]
NUMBER = [*"0123456789_.-+eExobf:", "0x", "0b", "0o", "00", "1e", "inf", "nan", "999999999"]


def texts(pieces: list[str], most: int) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(pieces), min_size=1, max_size=most).map("".join)


def batches(cases: st.SearchStrategy[str], size: int) -> st.SearchStrategy[list[str]]:
    return st.lists(cases, min_size=size, max_size=size)


PLACES = [
    *("x: {}", "x: {}", "x: [{}]", "x: {{a: {}}}", "x: {{{}}}", "x:\n- {}\n- a", "{}: 1", "? {}\n: 1", "{{{}: 1}}"),
    *('x: "{}"', "x: '{}'", "x: |\n  {}", "x: |+2\n  {}", "x: >\n  {}", "x: >-\n  a\n  {}", "x: !{} 1", "x: &{} 1"),
]
scalars = st.builds(str.format, st.sampled_from(PLACES), texts(SPECIAL, 8))
numbers = st.builds(
    str.format, st.sampled_from(["x: {}", "? {}\n: 1", "x: !!float {}", "x: !!int '{}'"]), texts(NUMBER, 12)
)


@few
@given(batches(scalars | numbers, 80))
def test_any_scalar_in_any_place(kubectl_files: FileJudge, texts: list[str]) -> None:
    assert_agreement(kubectl_files, texts)


FRAGMENTS = [
    *(
        "a",
        "b",
        "key",
        "x",
        "1",
        ".5",
        "0o7",
        "~",
        "yes",
        "=",
        "12:30",
        "null",
        "''",
        '"b"',
        "'a'",
        "{}",
        "[]",
        "é",
        "🎉",
    ),
    *(
        ":",
        ": ",
        " ",
        "  ",
        "\n",
        "\n",
        "\n  ",
        "\n  ",
        "\n    ",
        "\n   ",
        "- ",
        "- ",
        "? ",
        "-",
        "?",
        "\t",
        "\r\n",
        "\r",
    ),
    *(
        '"',
        "'",
        "{",
        "}",
        "[",
        "]",
        ",",
        ", ",
        "|",
        "|\n",
        ">-\n",
        "|2\n",
        "|+\n",
        ">1\n",
        "\\n",
        "\\\n",
        "\x85",
        "\u2028",
    ),
    *(
        "&a ",
        "*a",
        "*a ",
        "&b ",
        "*b",
        "!!str ",
        "!!int ",
        "!!map ",
        "!!seq ",
        "!!null ",
        "!local ",
        "! ",
        "# c",
        " #c\n",
    ),
    *("<<: ", "<<: *a", "{<<: *a}", "<<: [*a, *b]", "\n&a y: 1", "z: &a {a: 1}", "{a: 1}", "[a, b]", "a: b", "key: v"),
    *("...", "\n...\n", "---", "\n---\n", "\n--- # c\n", "%", "`", "@", "_", "+"),
]


@few
@given(batches(texts(FRAGMENTS, 12).map("x: {}".format), 80))
def test_any_document_of_fragments(kubectl_files: FileJudge, texts: list[str]) -> None:
    assert_agreement(kubectl_files, texts)


values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([2**31, 2**53 + 1, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**25])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=5)
    | texts(SPECIAL, 4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts(SPECIAL, 3), inner, max_size=3),
    max_leaves=6,
)


def yaml_dump(options: dict[str, Any]) -> Callable[[Any], str]:
    return lambda value: str(yaml.safe_dump({"x": value}, **options))


yaml_dumps: st.SearchStrategy[Callable[[Any], str]] = st.fixed_dictionaries(
    {
        "default_style": st.sampled_from([None, None, "'", '"', "|", ">"]),
        "default_flow_style": st.sampled_from([True, False, None]),
        "width": st.sampled_from([5, 20, 80, 10_000]),
        "indent": st.sampled_from([2, 3, 8]),
        "allow_unicode": st.booleans(),
        "explicit_end": st.booleans(),
        "line_break": st.sampled_from(["\n", "\r\n"]),
    }
).map(yaml_dump)
json_dumps: st.SearchStrategy[Callable[[Any], str]] = st.builds(
    lambda ascii_only, indent: lambda value: f"x: {json.dumps(value, ensure_ascii=ascii_only, indent=indent)}",
    st.booleans(),
    st.sampled_from([None, 1, "\t"]),
)


@few
@given(batches(st.builds(lambda dump, value: dump(value), yaml_dumps | json_dumps, values), 40))
def test_any_value_in_any_style(kubectl_files: FileJudge, texts: list[str]) -> None:
    assert_agreement(kubectl_files, texts)
