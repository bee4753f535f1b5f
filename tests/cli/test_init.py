"""The command line as a whole: help whose examples work, and faults that nobody expected."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from deployer import __version__
from local import example
from local.world import World
from tests.cli.conftest import Run, environment, on_terminal
from tests.world import config_map


def examples(text: str) -> list[str]:
    """The commands below `Examples:` in a help text."""
    below = text.split("Examples:\n")[1].split("\n\n")[0]
    return [line.strip() for line in below.splitlines()]


@pytest.fixture(scope="module")
def place(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home as the examples suppose it: `deployer`, a folder `k8s`, a kubeconfig, and the application `shop`."""
    home = tmp_path_factory.mktemp("home")
    (home / "deployer").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m deployer "$@"\n')
    (home / "deployer").chmod(0o700)
    (home / ".kube").mkdir()
    (home / ".kube/config").write_text(world.clusters["staging"].deployer_kubeconfig)
    (home / "k8s").mkdir()
    (home / "k8s/a.yaml").write_text(config_map("a"))
    for _ in range(2):  # one to return to
        commit = example.push(home / "example", world.exports)
        assert example.follow(world.exports, commit, print)  # makes the namespace `shop`, too
    return home


@pytest.mark.parametrize(
    ("command", "count"),
    [
        ((), 7),
        (("render",), 3),
        (("diff",), 4),
        (("sync",), 5),
        (("history",), 2),
        (("status",), 3),
        (("rollback",), 5),
    ],
)
def test_the_examples_of_the_help_work_as_printed(
    world: World, place: Path, run: Run, command: tuple[str, ...], count: int
) -> None:
    done = run(*command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    found = examples(done.stdout)
    assert len(found) == count
    env = environment(world.exports)
    env = {**env, "HOME": str(place), "PATH": f"{place}:{env['PATH']}"}
    for line in found:
        shell = subprocess.run(["sh", "-c", line], cwd=place, env=env, capture_output=True, text=True, timeout=120)
        # What these find depends on what ran before.
        fine = (0, 1) if re.search("deployer (diff|status)", line) else (0,)
        assert shell.returncode in fine, f"{line}\n{shell.stderr}"


@pytest.mark.parametrize(
    "command",
    [(), ("render",), ("diff",), ("sync",), ("history",), ("status",), ("rollback",), ("delete",)],
)
def test_help_fits_a_terminal_of_80_columns(tmp_path: Path, command: tuple[str, ...]) -> None:
    screen = on_terminal([sys.executable, "-m", "deployer", *command, "-h"], tmp_path)
    assert screen.status == 0
    assert max(map(len, screen.lines)) < 80
    assert "..." not in screen.raw.replace("[ARGS]...", ""), "no sentence is cut off"


def test_the_version_is_told(run: Run) -> None:
    assert run("--version").stdout == f"deployer, version {__version__}\n"


@pytest.mark.parametrize("arguments", [[], ["nothing"], ["--nothing"]])
def test_bad_usage_is_told_on_standard_error(run: Run, arguments: list[str]) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage: deployer [OPTIONS] COMMAND [ARGS]..." in done.stderr


def test_a_fault_says_that_it_is_one_and_where() -> None:
    program = """
import click
from deployer.cli import cli, main
cli.add_command(click.Command("broken", callback=lambda: {}["missing"]))
main()
"""
    command = [sys.executable, "-c", program, "broken"]
    done = subprocess.run(command, env=environment({}), capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    lines = done.stderr.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-2] == "KeyError: 'missing'"
    assert re.match("error: this is a fault in the deployer itself; please report it", lines[-1])
