"""docs/reference/in-the-cluster.md, held against what the code writes into a cluster."""

import ast
import re

from deployer import __version__
from deployer.cluster.inventory import DEFAULT_NAMESPACE, document, empty
from deployer.cluster.objects import FIELD_MANAGER
from tests.docs.commands import ROOT
from tests.docs.reference import codes, page, rows

TEXT = page("in-the-cluster")
OURS = re.compile(r"(applyset\.kubernetes\.io|deployer)/[a-z-]+")
INVENTORY = document(empty("APP", ""))


def constants(code: str) -> set[str]:
    """The names of labels, annotations and finalizers that a module gives a name of its own."""
    values = [node.value for node in ast.parse(code).body if isinstance(node, ast.Assign)]
    texts = [value.value for value in values if isinstance(value, ast.Constant) and isinstance(value.value, str)]
    return {text for text in texts if OURS.fullmatch(text)}


def test_every_label_annotation_and_finalizer_is_told() -> None:
    files = [file for room in ("cluster", "sync") for file in (ROOT / "deployer" / room).rglob("*.py")]
    written = set().union(*(constants(file.read_text()) for file in files))
    assert len(written) > 6
    assert written - set(codes(TEXT)) == set()


def test_the_inventory_is_as_told() -> None:
    metadata = INVENTORY["metadata"]
    assert f"ConfigMap `{metadata['name']}`" in TEXT
    assert f"`{DEFAULT_NAMESPACE}` where it has none" in TEXT
    assert [codes(name)[0] for name, _ in rows("in-the-cluster", "| annotation | says |")] == list(
        metadata["annotations"]
    )
    assert [codes(name)[0] for name, _ in rows("in-the-cluster", "| in `data` | says |")] == list(INVENTORY["data"])
    assert metadata["annotations"]["applyset.kubernetes.io/tooling"] == f"deployer/{__version__}"
    assert f"field manager `{FIELD_MANAGER}`" in TEXT


def test_a_new_label_would_be_found() -> None:
    assert constants('LABEL = "deployer/owner"\n_NAME = "deployer-"\n') == {"deployer/owner"}
    assert "deployer/owner" not in codes(TEXT)
