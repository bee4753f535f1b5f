"""What the code writes into its log, found in the code itself."""

import ast
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from tests.docs.commands import ROOT

SEVERITIES = {"info": "INFO", "warning": "WARNING", "seldom": "WARNING", "error": "ERROR"}


class Line(NamedTuple):
    """A line that the log may have; its message is `""` where that is made elsewhere."""

    severity: str
    message: str


@cache
def modules() -> list[ast.Module]:
    """Every module that may write into the log."""
    return [ast.parse(file.read_text()) for file in [ROOT / "main.py", *(ROOT / "deployer").rglob("*.py")]]


def is_log(function: ast.AST) -> bool:
    """Whether this is `log.info` or one of its neighbours."""
    return (
        isinstance(function, ast.Attribute)
        and isinstance(function.value, ast.Name)
        and function.value.id == "log"
        and function.attr in SEVERITIES
    )


def template(message: ast.expr) -> str:
    """What a message always says, with `…` for what differs; `""` where nothing of it is known."""
    if isinstance(message, ast.Constant):
        return str(message.value)
    if isinstance(message, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in message.values)
    return ""


def lines() -> Iterator[Line]:
    """Every line that is written."""
    for module in modules():
        for node in ast.walk(module):
            if isinstance(node, ast.Call) and is_log(node.func) and isinstance(node.func, ast.Attribute):
                yield Line(SEVERITIES[node.func.attr], template(node.args[0]))


def fields() -> set[str]:
    """The names of all fields that lines have besides what every one has.

    They are keywords of a call that writes, and of one that passes `**about` on; or stand in a mapping `about`.
    """
    found: set[str] = set()
    for module in modules():
        nodes = list(ast.walk(module))
        # `say = log.error if … else log.info`
        writers = {
            ast.unparse(node.targets[0])
            for node in nodes
            if isinstance(node, ast.Assign) and any(is_log(one) for one in ast.walk(node.value))
        }
        for node in nodes:
            match node:
                case ast.Call(func, _, keywords):
                    passed_on = any(one.arg is None and ast.unparse(one.value) == "about" for one in keywords)
                    says = isinstance(func, ast.Name) and func.id in writers
                    if is_log(func) or passed_on or says:
                        found |= {one.arg for one in keywords if one.arg}
                case ast.AnnAssign(ast.Name("about"), _, ast.Dict(keys)):
                    found |= {str(ast.literal_eval(key)) for key in keys if key}
                case ast.Subscript(ast.Name("about"), key, ast.Store()):
                    found.add(str(ast.literal_eval(key)))
    return found - {"trace"}


def steps() -> set[str]:
    """The steps of a sync whose duration is measured."""
    return {
        str(ast.literal_eval(node.args[1]))
        for module in modules()
        for node in ast.walk(module)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "timed"
    }
