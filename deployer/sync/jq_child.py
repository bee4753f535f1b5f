"""A process that asks jq where things are, and dies of what takes too long or too much.

It is run as a file, apart from the deployer: jq is C, and what it does cannot be stopped within a thread. An expression
sees the object and nothing else. The environment is emptied; jq's own `input` has nothing to read; and modules, which
are files, can only be named where a program begins, which an expression here never does.
"""

import json
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

SECONDS = 2.0
"""How long one expression may take with one object; Argo CD gives it 1 s by default."""

MEGABYTES = 256
"""How much memory the process may have."""

_Paths = Callable[[Any], list[list[Any]]]


def answers(lines: Iterable[str]) -> Iterator[str]:
    """Answer in JSON, line by line.

    Args:
        lines: a list of expressions, then for each object `[object, [number, …]]`, with the expressions to ask.

    Returns:
        First a list of `[number, problem]`, the expressions that do not compile; where there are any, nothing follows.
        Then a line for each object and expression: the paths, as lists of keys and indexes from 0. There are none
        where the expression ends with an error, as when it looks into what is not there.
    """
    questions = iter(lines)
    expressions, failed = [], []
    for number, text in enumerate(json.loads(next(questions))):
        try:
            expressions.append(_compiled(text))
        except ValueError as error:
            failed.append([number, str(error)])
    yield json.dumps(failed)
    for question in () if failed else questions:
        value, numbers = json.loads(question)
        for number in numbers:
            signal.setitimer(signal.ITIMER_REAL, SECONDS)  # and the process is gone: nobody handles the signal
            try:
                paths = expressions[number](value)
            except ValueError:
                paths = []
            signal.setitimer(signal.ITIMER_REAL, 0)
            yield json.dumps(paths)


def _compiled(text: str) -> _Paths:
    """An expression as what finds its paths in a value. Raises ValueError where it does not compile."""
    import jq

    # What is whole within brackets of one sort and of another does not end either of them by itself.
    jq.compile(f"[{text}\n]")
    program = jq.compile(f"[path({text}\n)]")
    return lambda value: [
        plain for found in program.input_value(value).all() for path in found for plain in _plain(path, value)
    ]


def _plain(path: list[Any], value: Any) -> Iterator[list[Any]]:
    """A path of jq's as paths of keys and indexes: a slice is each of its items, and -1 is the last one."""
    found: list[Any] = []
    items: range | None = None  # of the slice that the path has just come through
    for step in path:
        if isinstance(value, list):
            items = range(len(value)) if items is None else items
            if isinstance(step, dict):
                items = items[slice(step["start"], step["end"])]
                continue
            if step is None or not -len(items) <= step < len(items):
                return
            step = items[int(step)]
            items = None
            value = value[step]
        elif isinstance(value, dict):
            value = value.get(step)
        else:
            return
        found.append(step)
    yield from [found] if items is None else ([*found, item] for item in items)


def main() -> None:
    """Answer what stands on stdin, within the limits; `sys.argv` says where Python finds jq."""
    sys.path[:] = sys.argv[1:]
    os.environ.clear()
    resource.setrlimit(resource.RLIMIT_AS, (MEGABYTES << 20, MEGABYTES << 20))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # which would hold what an object holds
    for answer in answers(sys.stdin):
        print(answer, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
