"""docs/reference/documents.md, held against the parsers of the documents."""

import ast
import importlib
import re
from pathlib import Path

import pytest
import yaml

from deployer.configuration import load_configuration
from tests.docs.commands import ROOT
from tests.docs.fields import NOT_READ, PARSERS, VALID, fault, fields, names_in, said, valid, with_field
from tests.docs.reference import codes, page, plain, rows

KINDS = "| kind | `apiVersion` | says |"
REFUSED = [
    (kind, field, plain(error))
    for kind, written, error in rows("documents", "| kind | field | error |")
    for field in codes(written)
]


def told(kind: str) -> list[tuple[str, str, str]]:
    """The rows of a kind's tables of fields: path, type, default."""
    table = rows("documents", "| field | type | default | meaning |", kind)
    return [(plain(field), type_, plain(default)) for field, type_, default, _ in table]


@pytest.mark.parametrize("kind", PARSERS)
def test_the_tables_have_every_field_and_what_it_is(kind: str) -> None:
    # Those of `sources` are those of `source`: see the next test.
    known = [(field, found) for field, found in fields(kind) if not field.startswith("spec.sources[]")]
    assert sorted((field, type_) for field, type_, _ in told(kind)) == sorted(known)


def test_several_sources_have_the_fields_of_one() -> None:
    assert names_in("Application", "spec.sources[]") == names_in("Application", "spec.source")


@pytest.mark.parametrize("kind", PARSERS)
def test_the_table_of_metadata_is_that_of_every_kind(kind: str) -> None:
    written = [name for cell, _ in rows("documents", "| field | meaning |") for name in codes(cell)]
    assert sorted(written) == sorted(f"metadata.{name}" for name in names_in(kind, "metadata"))


DEFAULTS = [(kind, field, default) for kind in PARSERS for field, _, default in told(kind) if default]


@pytest.mark.parametrize(("kind", "field", "default"), DEFAULTS)
def test_a_default_is_what_is_meant_without_it(kind: str, field: str, default: str) -> None:
    same = [
        PARSERS[kind](with_field(document, field, yaml.safe_load(default)), "file") == PARSERS[kind](document, "file")
        for document in valid(kind)
        if not fault(kind, with_field(document, field, yaml.safe_load(default)))
    ]
    assert True in same


def test_another_value_than_a_default_is_not_the_same() -> None:
    document = valid("Application")[0]
    changed = PARSERS["Application"](with_field(document, "spec.syncPolicy.retry.limit", 4), "file")
    assert changed != PARSERS["Application"](document, "file")


@pytest.mark.parametrize(("kind", "written", "error"), REFUSED)
def test_what_is_refused_by_name_is(kind: str, written: str, error: str) -> None:
    field, _, value = written.partition(": ")
    assert plain(said(kind, field, yaml.safe_load(value) if value else ["x"], "(.*)")) == error


def test_the_table_has_all_that_is_refused_by_name() -> None:
    known = set()
    for file in (ROOT / "deployer").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.keyword) and node.arg == "unsupported":
                known |= evaluated(file, node.value)
    assert len(known) > 20
    table = {(re.split(r"[.]", field)[-1], error) for _, field, error in REFUSED if ": " not in field}
    assert {(name, plain(error)) for name, error in known} == table


def evaluated(file: Path, value: ast.expr) -> set[tuple[str, str]]:
    """The pairs of a mapping that an expression of a module makes."""
    module = importlib.import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))
    found: dict[str, str] = eval(compile(ast.Expression(value), str(file), "eval"), vars(module))
    return set(found.items())


def test_the_examples_are_a_valid_configuration(tmp_path: Path) -> None:
    for number, block in enumerate(re.findall(r"```yaml\n(.*?)```", page("documents"), re.DOTALL)):
        (tmp_path / f"{number}.yaml").write_text(block)
    configuration = load_configuration(tmp_path)
    assert [one.name for one in configuration.applications] == ["shop", "agent-production", "agent-edge"]
    assert [one.name for one in configuration.projects] == ["shops"]


def test_the_table_of_kinds_is_what_is_read(tmp_path: Path) -> None:
    kinds = [(codes(version)[0], name[1:].partition("]")[0]) for name, version, _ in rows("documents", KINDS)]
    assert sorted(kind for _, kind in kinds) == sorted(PARSERS)
    documents = [valid(kind)[0] | {"apiVersion": version, "kind": kind} for version, kind in kinds]
    (tmp_path / "all.yaml").write_text(yaml.safe_dump_all(documents))
    assert [one.name for one in load_configuration(tmp_path).clusters] == ["production"]


def test_the_documents_that_are_asked_about_are_valid() -> None:
    assert set(VALID) == set(PARSERS)
    for kind in PARSERS:
        assert [fault(kind, document) for document in valid(kind)] == [""] * len(valid(kind))
    assert NOT_READ == "anything"
