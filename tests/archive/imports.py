"""What Python files import: each other, and what is installed."""

import ast
import sys
from collections.abc import Iterator, Mapping

PROGRAMS = ("main.py", "deployer/rendering/kustomize/child.py", "deployer/sync/jq_child.py")
"""Files that are started by their path: by functions-framework, and by `deployer` itself."""


def reached(files: Mapping[str, str]) -> set[str]:
    """Return the programs and all files that they import, wherever in them, and that these import.

    Args:
        files: texts by path, from the folder that `deployer` is in.
    """
    found: set[str] = set()
    left = list(PROGRAMS)
    while left:
        if (file := left.pop()) not in found:
            found.add(file)
            for module, names in _imports(files[file]):
                parts = module.split(".")
                # Importing a.b.c runs a and a.b, too; and `from a import b` may mean the module a.b.
                wanted = [parts[: end + 1] for end in range(len(parts))] + [[*parts, name] for name in names]
                paths = ["/".join(one) for one in wanted]
                left += [path for one in paths for path in (f"{one}.py", f"{one}/__init__.py") if path in files]
    return found


def installed(files: Mapping[str, str]) -> set[str]:
    """Return the modules that Python files import, but for their own and for Python's."""
    modules = {module for name, text in files.items() if name.endswith(".py") for module, _ in _imports(text)}
    return {one for one in modules if one.partition(".")[0] not in {"deployer", *sys.stdlib_module_names}}


def _imports(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each module that a file imports, and what it wants to have from it."""
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Import(names):
                yield from ((one.name, []) for one in names)
            case ast.ImportFrom(str(module), names):
                yield module, [one.name for one in names]
