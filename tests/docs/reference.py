"""The tables of the pages, as a reader sees them."""

import re

from tests.docs.commands import ROOT

FOLDER = ROOT / "docs/reference"

Row = list[str]


def page(name: str) -> str:
    """The text of a page of the reference."""
    return (FOLDER / f"{name}.md").read_text()


def rows(name: str, header: str, section: str = "") -> list[Row]:
    """The rows of all tables of a page, or of a section of it, that have this header line, cell by cell.

    Args:
        name: the page's.
        header: such as `| setting | default |`.
        section: the title of a section, with all below it.

    Raises AssertionError where there is no such table.
    """
    text = page(name)
    if section:
        text = text.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    found = [row for table in tables(text, header) for row in table]
    assert found, f"{name}.md has no table {header}"
    return found


def tables(text: str, header: str) -> list[list[Row]]:
    """Each table of a page under this header line: its rows."""
    bodies = [table.partition("\n\n")[0] for table in text.split(f"\n{header}\n")[1:]]
    return [[cells(line) for line in body.splitlines()[1:]] for body in bodies]


def cells(line: str) -> Row:
    """The cells of a line of a table; `\\|` within one is a bar."""
    return [cell.replace("\\|", "|").strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def codes(cell: str) -> list[str]:
    """What stands in a cell between code marks."""
    return re.findall("`([^`]+)`", cell)


def plain(cell: str) -> str:
    """A cell without its code marks."""
    return cell.replace("`", "")
