"""The fences of the documentation: which there are, how they are marked, and what they say is printed.

A mark is a comment on the line above a fence: `% name: value` in MyST, `<!-- name: value -->` in the README.

    % not run: needs Google Cloud      no test runs this block, and why
    % run by: tests/docs/test_x.py     a test of its own runs it
    % starts the world                 what the test of the pages does itself
    % exit status: 1                   how the first command of the block that fails ends, where one does
    % file: config/menu.yaml           the fence is a file, which a reader writes there
    % not printed                      this text is not what the block before it prints
"""

import re
import shlex
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from deployer.cli import cli as deployer
from local.__main__ import cli as local

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").rglob("*.md"))]

SHELLS = ("bash", "console", "shell", "shell-session", "sh-session", "zsh")
"""Languages that would hide commands from the tests: they are `sh` here."""

_OPENS = re.compile(r"^( *)(`{3,})(.*)$")
_MARK = re.compile(r"^(?:% *(?P<myst>.*)|<!-- *(?P<html>.*?) *-->)$")


@dataclass(frozen=True)
class Fence:
    """A fence of a page: the number of its first line, its language, its text, and the marks above it."""

    line: int
    language: str
    text: str
    marks: Mapping[str, str]


@dataclass(frozen=True)
class Step:
    """One step of a page: a block to run, or a file to write; and what it says is printed, if it says so."""

    fence: Fence
    printed: str | None = None


def fences(text: str) -> list[Fence]:
    """The fences of a page, in their order; those in lists, too."""
    found = []
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        opens = _OPENS.match(lines[number])
        first = number
        number += 1
        if opens is None:
            continue
        while number < len(lines) and lines[number].strip() != opens[2]:
            number += 1
        inside = "\n".join(lines[first + 1 : number])
        text = textwrap.dedent(inside) + "\n" if inside else ""
        found.append(Fence(first + 1, opens[3].strip(), text, dict(_marks(lines, first))))
        number += 1
    return found


def _marks(lines: list[str], fence: int) -> Iterator[tuple[str, str]]:
    """The marks right above the line where a fence begins."""
    while fence and (mark := _MARK.match(lines[fence - 1].strip())):
        name, _, value = (mark["myst"] or mark["html"] or "").partition(":")
        yield name.strip(), value.strip()
        fence -= 1


def steps(text: str) -> list[Step]:
    """What a reader of a page does, in its order: the blocks that no mark takes out, and the files."""
    found: list[Step] = []
    last: Fence | None = None  # the block that what is printed next belongs to
    for fence in fences(text):
        if "file" in fence.marks:
            found.append(Step(fence))
        elif fence.language == "sh":
            last = fence if not {"not run", "run by"} & fence.marks.keys() else None
            if last:
                found.append(Step(fence))
        elif fence.language == "text" and "not printed" not in fence.marks and last:
            found = [Step(last, fence.text) if step.fence is last else step for step in found]
            last = None
    return found


def commands(script: str) -> list[tuple[str, str]]:
    """Each command line of ours in a shell script: the module, and what stands behind it."""
    return re.findall(r"-m (deployer|local) ([^\n#)|;&>]*)", script.replace("\\\n", " "))


def parse(module: str, arguments: str) -> None:
    """Read a command line as the program would, and start nothing.

    Args:
        module: `deployer` or `local`.
        arguments: what stands behind it, as a shell reads it.

    Raises:
        click.UsageError: it is wrong.
    """
    command: click.Command = {"deployer": deployer, "local": local}[module]
    words = shlex.split(arguments)
    while isinstance(command, click.Group):
        _, found, words = command.resolve_command(click.Context(command), words)
        assert found
        command = found
    command.make_context(command.name, words)
