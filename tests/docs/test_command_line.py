"""docs/reference/command-line.md, held against the commands. Their help is in it as it is: see `docs/conf.py`."""

import re
from collections.abc import Iterator

import click
import pytest

from deployer.cli import cli
from tests.docs.reference import codes, page, plain, rows

COMMANDS = {codes(name)[0].split()[0]: row for name, *row in rows("command-line", "| command | does | exit status |")}


def commands(command: click.Command, *path: str) -> Iterator[tuple[str, click.Command]]:
    """Every command and its subcommands, by what a person types."""
    yield " ".join(path), command
    if isinstance(command, click.Group):
        for name, one in command.commands.items():
            yield from commands(one, *path, name)


KNOWN = dict(commands(cli))


def test_the_table_has_every_command() -> None:
    assert isinstance(cli, click.Group)
    assert sorted(COMMANDS) == sorted(cli.commands)


@pytest.mark.parametrize("name", COMMANDS)
def test_an_option_in_the_table_is_one_of_the_command(name: str) -> None:
    options = {option for one in KNOWN[name].params for option in one.opts}
    assert set(re.findall(r"--[a-z-]+", COMMANDS[name][0])) <= options


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "send"])
def test_the_table_has_the_exit_status_that_the_help_has(name: str) -> None:
    told = re.findall(r"(?:^|, )([0-9]+) ", COMMANDS[name][1])
    said = (KNOWN[name].help or "").partition("Exit status ")[2].partition(".")[0]
    assert told == re.findall(r"([0-9]+): ", " ".join(said.split()))


def test_the_exit_status_of_ctrl_c_and_bad_input_are_the_codes() -> None:
    shown = {plain(number): meaning for number, meaning in rows("command-line", "| exit status | means |")}
    assert set(shown) == {"0", "1", "2", "130"}
    lenient = sorted(name for name, one in KNOWN.items() if getattr(one, "bad_input", 2) == 1)
    assert f"of `{lenient[0]}` and `{lenient[1]}`" in shown["1"]
    assert len(lenient) == 2


def test_the_page_has_the_help_of_every_command() -> None:
    assert re.findall(r"```\{help\} ?(.*)\n```", page("command-line")) != []
    assert sorted(re.findall(r"```\{help\} ?(.*)\n```", page("command-line"))) == sorted(KNOWN)
    titles = re.findall(r"^##+ (?:deployer )?(.*)\n\n```\{help\} ?(.*)$", page("command-line"), re.MULTILINE)
    assert all(title == (name or "deployer") for title, name in titles)
    assert len(titles) == len(KNOWN)
