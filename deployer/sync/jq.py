"""Asks jq where in an object the fields are that an expression means. It runs in a process of its own: `jq_child`."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from deployer.sync.jq_child import MEGABYTES, SECONDS

JsonPath = tuple[str | int, ...]
"""Keys and indexes from the root of a JSON value."""

_ALL_TOGETHER = 60.0
"""Seconds that all expressions may take, with all objects."""


class Question(NamedTuple):
    """Asks which paths of a JSON value some expressions name."""

    expressions: tuple[str, ...]
    value: Any


class ExpressionError(Exception):
    """An expression that does not compile, or does not end; `problem` never holds a value of the object."""

    def __init__(self, expression: str, problem: str) -> None:
        super().__init__(problem)
        self.expression = expression
        self.problem = problem


def find_paths(questions: Sequence[Question], seconds: float = _ALL_TOGETHER) -> list[frozenset[JsonPath]]:
    """Ask jq, once for all, which paths expressions name.

    Args:
        questions: the objects with their expressions.
        seconds: how long that may take.

    Returns:
        The paths, question by question. An expression that ends with an error names none, as in Argo CD.

    Raises:
        ExpressionError: one does not compile, does not end, or takes too much memory.
    """
    expressions = list(dict.fromkeys(one for question in questions for one in question.expressions))
    asked = [(number, one) for number, question in enumerate(questions) for one in question.expressions]
    lines = [expressions, *([one.value, [expressions.index(text) for text in one.expressions]] for one in questions)]
    answered, problem = _ask("".join(f"{json.dumps(line)}\n" for line in lines), seconds)
    if not answered:
        raise ExpressionError(expressions[0], problem)
    for number, said in json.loads(answered[0]):
        raise ExpressionError(expressions[number], f"does not compile: {said}")
    if len(answered) <= len(asked):
        raise ExpressionError(asked[len(answered) - 1][1], problem)
    found: list[set[JsonPath]] = [set() for _ in questions]
    for (number, _), answer in zip(asked, answered[1:], strict=True):
        found[number].update(map(tuple, json.loads(answer)))
    return list(map(frozenset, found))


def _ask(text: str, seconds: float) -> tuple[list[str], str]:
    """The whole lines that the process answered, and what became of it if these are not all."""
    # The child finds jq where we find it, whatever its environment says.
    command = [sys.executable, "-I", "-S", str(Path(__file__).with_name("jq_child.py")), *filter(None, sys.path)]
    libraries = {name: os.environ[name] for name in os.environ if name == "LD_LIBRARY_PATH"}  # Python may need it
    nowhere = subprocess.DEVNULL  # what jq prints beside its answers may be values of a Secret
    try:
        done = subprocess.run(
            command, input=text.encode(), stdout=subprocess.PIPE, stderr=nowhere, env=libraries, timeout=seconds
        )
    except subprocess.TimeoutExpired as error:
        return _whole_lines(error.stdout or b""), f"has not ended after {seconds:g} s, with all objects together"
    if done.returncode == -signal.SIGALRM:
        problem = f"has not ended after {SECONDS:g} s"
    else:
        problem = f"takes more than {MEGABYTES} MB of memory, or jq failed: it ended with status {done.returncode}"
    return _whole_lines(done.stdout), problem


def _whole_lines(out: bytes) -> list[str]:
    return out.decode().split("\n")[:-1]
