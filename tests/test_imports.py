"""Libraries whose modules import each other are imported by one thread at a time, wherever that is."""

import ast
from pathlib import Path

import pytest

DEPLOYER = Path(__file__).parents[1] / "deployer"
LIBRARIES = ("kubernetes", "github", "google", "grpc")


def unguarded(source: str) -> list[int]:
    """The lines on which a function imports such a library without holding IMPORTING."""
    tree = ast.parse(source)
    guarded = {
        inner
        for block in ast.walk(tree)
        if (isinstance(block, ast.With) and ast.unparse(block.items[0].context_expr) == "IMPORTING")
        or (isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING")
        for inner in ast.walk(block)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom) and node not in guarded:
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            if any(name.partition(".")[0] in LIBRARIES for name in names):
                found.append(node.lineno)
    return found


# The command line's own kubeconfig is read before there are threads.
@pytest.mark.parametrize("file", [file for file in DEPLOYER.rglob("*.py") if "cli" not in file.parts])
def test_no_thread_meets_a_library_that_another_is_importing(file: Path) -> None:
    assert unguarded(file.read_text()) == []


def test_an_import_without_the_lock_would_be_found() -> None:
    assert unguarded("def f():\n    from kubernetes.client import ApiClient\n    import grpc, os\n") == [2, 3]
    assert unguarded("def f():\n    with IMPORTING:\n        import grpc\n") == []
