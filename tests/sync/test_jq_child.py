"""What an expression means, and what it cannot reach; in this process, but for what would end it."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from deployer.sync.jq_child import answers

ONE = {"a": [1, {"name": "x", "y": {"z": 1}}, 3], "b": {}, "n": None, "we/ird": {"": 1}}


def paths(expression: str, value: Any = ONE) -> Any:
    failed, found = answers([json.dumps([expression]), json.dumps([value, [0]])])
    assert failed == "[]"
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0), "nothing is under way"
    return json.loads(found)


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        (".b", [["b"]]),
        (".b.c", [["b", "c"]]),  # it need not be there
        (".missing", [["missing"]]),
        (".n.c", []),
        (".n[1:]", []),
        (".a[]", [["a", 0], ["a", 1], ["a", 2]]),
        (".a[-1]", [["a", 2]]),
        (".a[-4], .a[3]", []),
        (".a[1.7]", [["a", 1]]),
        (".a[nan]", []),
        (".a[1:]", [["a", 1], ["a", 2]]),
        (".a[:-1]", [["a", 0], ["a", 1]]),
        (".a[1:][0]", [["a", 1]]),
        (".a[1:][:1].name", []),  # a slice has no name
        (".a[1:][1:]", [["a", 2]]),
        (".a[1:][0].y.z", [["a", 1, "y", "z"]]),
        ('.a[] | objects | select(.name == "x") | .y', [["a", 1, "y"]]),
        ('.["we/ird"][""]', [["we/ird", ""]]),
        (".b, .n", [["b"], ["n"]]),
        (".b # said", [["b"]]),
        ("..", [[], ["a"], ["a", 0], ["a", 1], ["a", 1, "name"], ["a", 1, "y"], ["a", 1, "y", "z"], ["a", 2], ["b"]]),
        (".b[]?", []),
        ("empty", []),
        (".a | halt", []),
        # An error means that the expression names nothing in this object, be it the last one of many.
        (".b, .a.x", []),
        (".n[]", []),
        ('.b | error("x")', []),
        ("1", []),  # no path
        ("input", []),
    ],
)
def test_what_an_expression_names(expression: str, found: Any) -> None:
    assert paths(expression)[:9] == found


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        (".spec.[", "syntax error"),
        ("nothing", "nothing/0 is not defined"),
        ("$name", "$name is not defined"),
        ("", "syntax error"),
        # Only at its begin may a program name files.
        ('import "secret" as $s; .', "unexpected import"),
        ('include "secret"; .', "unexpected include"),
        # What is to be an expression is one.
        (".a), (.b", "syntax error"),
        (".a], [.b", "syntax error"),
    ],
)
def test_what_does_not_compile(expression: str, problem: str) -> None:
    (failed,) = answers([json.dumps([".b", expression]), json.dumps([ONE, [0, 1]])])
    ((number, said),) = json.loads(failed)
    assert number == 1
    assert problem in said


def test_no_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text('"hunter2"')
    (tmp_path / "secret.jq").write_text("def b: .b;")
    for program in (
        f'import "secret" as $s {{search: "{tmp_path}"}}; .b',
        f'include "secret" {{search: "{tmp_path}"}}; b',
    ):
        for expression in (program, f"({program})", f".b); {program}", f"def x: .b); {program}"):
            (failed,) = answers([json.dumps([expression]), json.dumps([ONE, [0]])])
            assert "hunter2" not in failed
            assert json.loads(failed)
    assert paths(f'if ("{tmp_path}/secret" | try modulemeta catch null) then .b else .a end') == [["a"]]
    assert paths("if input_filename then .b else .a end") == [["a"]]
    assert paths("if get_search_list == [] then .a else .b end") == [["a"]]
