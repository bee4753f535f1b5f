"""YAML for people to compare: a line for every line of a text, and nothing that steers a terminal."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from deployer.cli.render import as_yaml
from deployer.sync.text import as_text
from tests.cli.test_render import TRICKY


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("one line", ["a: one line"]),
        ("word " * 60, [f"a: '{'word ' * 60}'"]),
        ("1.10", ['a: "1.10"']),
        ("on", ['a: "on"']),
        ("*** (1)", ["a: '*** (1)'"]),
        ("one\ntwo\n", ["a: |", "  one", "  two"]),
        ("one\ntwo", ["a: |-", "  one", "  two"]),
        ("if:\n\ttrue \n", ["a: |", "  if:", "  \ttrue "]),
        ("  one\ntwo\n\n", ["a: |2+", "    one", "  two", ""]),
        ("one\r\n two\r\n", [r'a: "one\r\n\\'[:-1], r"  \ two\r\n\\"[:-1], '  "']),
        ("\x1b[31mred\x07", [r'a: "\x1B[31mred\x07"']),
        ('say "\\"\n\u202e', [r'a: "say \"\\\"\n\\'[:-1], r'  \U0000202E"']),
        ("a\tb", [r'a: "a\tb"']),
        ("\ud800", [r'a: "\U0000D800"']),
        ("é 日本 😀", ["a: é 日本 😀"]),
    ],
)
def test_a_line_of_a_text_is_a_line(text: str, lines: list[str]) -> None:
    assert as_text({"a": text}) == lines


def test_what_needs_no_care_is_as_it_is_rendered() -> None:
    shared = {"app": "web"}
    value: dict[str, Any] = {
        "b": "#!/bin/sh\necho\n",
        "one": shared,
        "two": shared,
        "l": [{"n": 1, "f": 0.5}, [], {}, None, True],
    }
    assert as_text(value) == as_yaml([value]).decode().splitlines()[1:]


def check(value: Any) -> None:
    lines = as_text(value)
    assert all(one.isprintable() or one == "\t" for line in lines for one in line)
    assert yaml.safe_load("\n".join(lines) + "\n") == value


@pytest.mark.parametrize("text", TRICKY)
def test_tricky_texts_stay_what_they_are(text: str) -> None:
    check({"list": [text, {"nested": text}], text or "empty": text})


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_different_texts_have_different_lines(texts: list[str]) -> None:
    check([*texts, {"in a mapping": texts}])
