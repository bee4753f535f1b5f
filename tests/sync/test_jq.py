"""jq in its own process: what ends it, and what is said of that."""

import os
import time

import pytest

from deployer.sync.jq import ExpressionError, Question, find_paths

SECRET = {"data": {"password": "aHVudGVyMg=="}}


def test_many_questions_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSWORD", "hunter2")
    monkeypatch.setenv("PATH", "/nowhere")
    assert find_paths([]) == []
    assert find_paths(
        [
            Question((".a", ".b[]?"), {"a": 1, "b": [1, 2]}),
            Question((), {"a": 1}),
            Question((".b[]", ".a", ".c"), {"c": "ä\u2028\n"}),
        ]
    ) == [{("a",), ("b", 0), ("b", 1)}, set(), {("a",), ("c",)}]
    # The environment is empty, also of what Python adds to it.
    assert find_paths([Question(("if env == {} and $ENV == {} then .a else .b end",), {})]) == [{("a",)}]
    assert os.environ["PASSWORD"] == "hunter2"


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("def f: f; f", "has not ended after 2 s"),
        ("last(range(1e12))", "has not ended after 2 s"),
        ("def f: 1 + f; f", "takes more than 256 MB of memory"),
        ("reduce range(1e9) as $i (.data.password; . + .)", "takes more than 256 MB of memory"),
        (".data.[", "does not compile: jq: error: syntax error"),
    ],
)
def test_the_expression_that_is_to_blame_is_named(expression: str, problem: str) -> None:
    begun = time.monotonic()
    with pytest.raises(ExpressionError) as caught:
        find_paths([Question((".data",), SECRET), Question((".data", expression), SECRET)])
    assert caught.value.expression == expression
    assert caught.value.problem.startswith(problem)
    assert "aHVudGVyMg==" not in str(caught.value)
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(("expressions", "blamed"), [((".a", "def f: f; f"), 1), ((".a",), 0)])
def test_all_together_have_their_time_too(expressions: tuple[str, ...], blamed: int) -> None:
    seconds = 1.0 if blamed else 0.001
    with pytest.raises(ExpressionError) as caught:
        find_paths([Question(expressions, {})], seconds)
    assert caught.value.expression == expressions[blamed]
    assert caught.value.problem == f"has not ended after {seconds:g} s, with all objects together"
