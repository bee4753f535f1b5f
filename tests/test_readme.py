"""README.md, held against the code."""

import re
import shlex
from pathlib import Path

import click
import pytest

from deployer.cli import cli
from deployer.configuration import load_configuration
from deployer.settings import SETTINGS
from local.__main__ import cli as local

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    """What stands in the README in fences of a language."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def rows(header: str) -> list[list[str]]:
    """The cells of the table under a header line, without their code marks."""
    table = README.partition(f"{header}\n")[2].partition("\n\n")[0].splitlines()[1:]
    return [[cell.strip().strip("`") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table]


def test_the_table_of_settings_is_the_codes() -> None:
    assert rows("| setting | default | meaning |") == [list(setting) for setting in SETTINGS]


def test_the_table_of_commands_is_the_codes() -> None:
    told = {row[0].split()[0]: row for row in rows("| command | does | exit status |")}
    assert isinstance(cli, click.Group)
    assert sorted(told) == sorted(cli.commands)
    for name, row in told.items():
        options = {option for one in cli.commands[name].params for option in one.opts}
        assert set(re.findall(r"--[a-z-]+", row[1])) <= options


def test_the_configuration_of_the_first_deployment_is_valid(tmp_path: Path) -> None:
    document = next(block for block in blocks("yaml") if "config/shop.yaml" in block)
    (tmp_path / "shop.yaml").write_text(document)
    configuration = load_configuration(tmp_path)
    assert [one.name for one in configuration.applications] == ["shop"]
    assert configuration.cluster_for(configuration.applications[0]).name == "production"


def printed(text: str) -> list[tuple[str, str]]:
    """Each command line of ours in a shell script: the module, and what stands behind it."""
    return re.findall(r"-m (deployer|local) ([^\n#)|;&>]*)", text.replace("\\\n", " "))


def parse(module: str, arguments: str) -> None:
    """Read a command line as the program would, and start nothing; raises click.UsageError where it is wrong."""
    command: click.Command = {"deployer": cli, "local": local}[module]
    words = shlex.split(arguments)
    while isinstance(command, click.Group):
        _, found, words = command.resolve_command(click.Context(command), words)
        assert found
        command = found
    command.make_context(command.name, words)


@pytest.mark.parametrize(("module", "arguments"), [one for block in blocks("sh") for one in printed(block)])
def test_every_command_of_ours_is_one_that_is_understood(module: str, arguments: str) -> None:
    parse(module, arguments)


def test_every_command_of_ours_is_found() -> None:
    script = 'eval "$(python -m local env)" # x\npython -m deployer sync \\\n ./a --name "$B" > c; python -m local up\n'
    assert [(module, shlex.split(arguments)) for module, arguments in printed(script)] == [
        ("local", ["env"]),
        ("deployer", ["sync", "./a", "--name", "$B"]),
        ("local", ["up"]),
    ]
    assert {"deployer", "local"} <= {module for block in blocks("sh") for module, _ in printed(block)}


@pytest.mark.parametrize(
    ("module", "wrong"),
    [
        ("deployer", "synk shop"),
        ("deployer", "sync"),
        ("deployer", "sync shop --nowait"),
        ("deployer", "sync shop --timeout soon"),
        ("deployer", "send pong"),
        ("local", "up --clusters"),
        ("local", "push now"),
    ],
)
def test_a_command_that_is_wrong_would_be_found(module: str, wrong: str) -> None:
    with pytest.raises(click.UsageError):
        parse(module, wrong)


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(((?!http)[^)#]+)\)", README))))
def test_every_link_leads_somewhere(link: str) -> None:
    assert (ROOT / link).exists()
