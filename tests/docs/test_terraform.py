"""docs/reference/terraform.md, held against terraform/variables.tf and terraform/outputs.tf.

They are read as `terraform fmt` leaves them, which the tests of the module see to: a block begins and ends at the start
of a line, and its attributes are indented by two blanks.
"""

import re
from pathlib import Path

import pytest

from tests.docs.commands import ROOT
from tests.docs.reference import codes, page, plain, rows

MODULE = ROOT / "terraform"


def blocks(file: Path, kind: str) -> dict[str, str]:
    """The bodies of the blocks of a kind, such as `variable`, by their name."""
    return dict(re.findall(rf'^{kind} "(\w+)" \{{\n(.*?)^\}}', file.read_text(), re.DOTALL | re.MULTILINE))


def attribute(body: str, name: str) -> str:
    """An attribute of a block, up to the next one; `""` where it is absent."""
    found = re.search(rf"^  {name} += (.*?)(?=^  [a-z]|^$|\Z)", body, re.DOTALL | re.MULTILINE)
    return found[1].strip() if found else ""


def inner(type_: str) -> list[tuple[str, str]]:
    """The attributes of an object type, each with its default; in their order, those within others behind them."""
    found = re.findall(r"^ +(\w+) += (optional\()?(.*)", type_, re.MULTILINE)
    return [(name, default_of(rest) if optional else "") for name, optional, rest in found]


def default_of(rest: str) -> str:
    """The default in `string, "dns")`; of an attribute that is an object of its own, it stands elsewhere."""
    return rest.removesuffix(")").partition(", ")[2] if rest.endswith(")") else ""


VARIABLES = blocks(MODULE / "variables.tf", "variable")
ATTRIBUTES = [
    (codes(name)[0], plain(default)) for name, default, _ in rows("terraform", "| attribute | default | meaning |")
]
SIMPLE = {"list of strings": "list(string)", "map of strings": "map(string)", "map of objects": "map(object({"}


def test_the_table_has_every_variable_its_type_and_default() -> None:
    told = {
        codes(name)[0]: (type_, plain(default))
        for name, type_, default, _ in rows("terraform", "| variable | type | default | meaning |")
    }
    assert list(told) == list(VARIABLES)
    for name, body in VARIABLES.items():
        type_, default = told[name]
        assert attribute(body, "type").startswith(SIMPLE.get(type_, type_)), name
        assert attribute(body, "default") == default, name


@pytest.mark.parametrize("name", VARIABLES)
def test_the_tables_have_every_attribute_of_an_object_and_its_default(name: str) -> None:
    told = [(path.rpartition(".")[2], default) for path, default in ATTRIBUTES if path.partition(".")[0] == name]
    assert told == inner(attribute(VARIABLES[name], "type"))


def test_an_attribute_is_of_a_variable() -> None:
    assert {path.partition(".")[0] for path, _ in ATTRIBUTES} <= set(VARIABLES)
    assert ("clusters.*.gke.endpoint", '"dns"') in ATTRIBUTES


def test_the_table_has_every_output() -> None:
    told = [codes(name)[0] for name, _ in rows("terraform", "| output | is |")]
    assert sorted(told) == sorted(blocks(MODULE / "outputs.tf", "output"))


def test_the_versions_are_those_of_the_module() -> None:
    text = (MODULE / "versions.tf").read_text()
    least, google = re.findall(r'version += ">= ([0-9.]+)', text)[:2]
    assert f"Terraform {least} or newer" in page("terraform")
    assert f"`google` ({google} or newer, before 9)" in page("terraform")
    providers = re.findall(r'source += "hashicorp/(\w+)"', text)
    assert all(f"`{provider}`" in page("terraform") for provider in providers)


def test_the_settings_that_may_be_set_are_those_of_the_page() -> None:
    allowed = re.findall(r'"(DEPLOYER_\w+)"', VARIABLES["settings"])
    meaning = next(
        row[3] for row in rows("terraform", "| variable | type | default | meaning |") if "`settings`" in row[0]
    )
    starts = [one.removesuffix("…") for one in codes(meaning)]
    assert allowed
    assert all(name.startswith(tuple(starts)) for name in allowed)
    assert all(any(name.startswith(start) for name in allowed) for start in starts)


TYPE = """map(object({
    a = optional(list(string), [])
    b = optional(object({
      c = string
      d = optional(bool, true)
    }))
  }))"""


def test_blocks_are_read() -> None:
    assert inner(TYPE) == [("a", "[]"), ("b", ""), ("c", ""), ("d", "true")]
    body = f"  description = 1\n  type = {TYPE}\n  default     = {{}}\n  nullable    = false\n\n  validation {{\n  }}\n"
    assert attribute(body, "default") == "{}"
    assert inner(attribute(body, "type")) == inner(TYPE)
    assert attribute(body, "sensitive") == ""
