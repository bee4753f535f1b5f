"""What the commands share: help, errors, exit statuses, Ctrl-C."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from deployer.cli import cli
from deployer.cli.command import PathOption, TargetCommand, is_bad_input, refuse_path_options
from deployer.errors import (
    AnswerError,
    ClusterError,
    ConfigurationError,
    DeployerError,
    RenderError,
    SecretError,
    SourceError,
)
from tests.cli.conftest import DEPLOYER, environment
from tests.world import Bench, config_map, deployment


@pytest.mark.parametrize(
    ("error", "bad"),
    [
        (ConfigurationError("x"), True),
        (RenderError("x"), True),
        (SourceError("no such repository", status=404), True),
        (SourceError("the token", status=401), False),
        (SourceError("no answer"), False),
        (ClusterError("no answer"), False),
        (ClusterError("refused", status=403), False),
        (AnswerError("broken", status=500), False),
        (SecretError("not given"), False),
        (DeployerError("any other"), False),
    ],
)
def test_bad_input_is_told_from_what_failed(error: DeployerError, bad: bool) -> None:
    assert is_bad_input(error) == bad
    for status in (1, 2):

        def raise_it() -> None:
            raise error

        command = TargetCommand("x", callback=raise_it, bad_input=status)
        done = CliRunner().invoke(command)
        assert done.exit_code == (status if bad else 1)
        assert done.stderr == f"error: {error}\n"
        assert done.stdout == ""


def test_a_command_that_goes_well_returns_what_it_has() -> None:
    assert TargetCommand("x", callback=lambda: 7).main([], standalone_mode=False) == 7


@pytest.mark.parametrize(
    ("command", "general", "path"),
    [
        ("render", ["-o, --output"], ["-r, --recurse"]),
        (
            "diff",
            ["-o, --output"],
            ["-n, --namespace NAME", "--name NAME", "-r, --recurse", "--kubeconfig FILE", "--context NAME"],
        ),
        (
            "sync",
            ["--dry-run", "--no-wait", "--timeout SECONDS", "-o, --output", "--local", "--prune", "--approve-prune"],
            ["-n, --namespace NAME", "--name NAME", "-r, --recurse", "--kubeconfig FILE", "--context NAME"],
        ),
    ],
)
def test_help_shows_the_options_for_a_path_apart(command: str, general: list[str], path: list[str]) -> None:
    done = CliRunner().invoke(cli, [command, "--help"], terminal_width=80)
    assert done.exit_code == 0
    head, tail = done.stdout.split("\nOptions for a PATH:\n")
    options = head.split("\nOptions:\n")[1]
    for given, section in ((general, options), (path, tail)):
        found = [line.strip() for line in section.splitlines() if line.startswith("  -")]
        found = [line for line in found if not line.startswith(("-h", "--help"))]  # as it was first asked for
        assert len(found) == len(given)
        for option, line in zip(given, found, strict=True):
            assert line.startswith(option)
    assert max(map(len, done.stdout.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["render", "APP", "-r"], "--recurse"),
        (["diff", "APP", "-o", "json", "--context", "x"], "--context"),
        (["sync", "APP", "-n", "x"], "--namespace"),
        (["sync", "APP", "--name", "x", "--recurse", "--kubeconfig", "x", "--context", "x", "-o", "json"], "--name"),
    ],
)
def test_options_for_a_path_are_refused_for_an_application(
    bench: Bench, deployer: Callable[..., subprocess.CompletedProcess[str]], arguments: list[str], named: str
) -> None:
    bench.configure()
    done = deployer(*(bench.name if text == "APP" else text for text in arguments))
    assert (done.returncode, done.stdout) == (2, "")
    assert named in done.stderr
    assert f"only for a PATH, and {bench.name} is an application" in done.stderr


def test_every_option_for_a_path_is_named_that_was_given() -> None:
    def check(**options: str) -> None:
        refuse_path_options("shop")

    options: list[click.Parameter] = [PathOption([f"-{name[0]}", f"--{name}"]) for name in ("alpha", "beta", "gamma")]
    done = CliRunner().invoke(TargetCommand("x", callback=check, params=options), ["-a", "1", "--gamma", "2"])
    assert done.exit_code == 2
    assert "Error: --alpha, --gamma: only for a PATH, and shop is an application" in done.stderr


def interrupt(command: list[str], env: dict[str, str], once: str) -> tuple[int, str]:
    """Start a command, press Ctrl-C once its standard error says so; returns its exit status and standard error."""
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert process.stderr
    stop = threading.Timer(60, process.kill)
    stop.start()
    said = ""
    while once not in said:
        line = process.stderr.readline()
        assert line, said
        said += line
    process.send_signal(signal.SIGINT)
    said += process.communicate(timeout=60)[1]
    stop.cancel()
    return process.returncode, said


def test_ctrl_c_ends_a_sync_in_one_line(kubeconfig: Path, k8s: Path, made: str) -> None:
    (k8s / "web.json").write_text(deployment("web", "nginx:never"))
    command = [*DEPLOYER, "sync", str(k8s), "--kubeconfig", str(kubeconfig), "-n", made]
    status, said = interrupt(command, environment({}), "waiting [0/1 healthy]")
    assert status == 130
    assert "Traceback" not in said
    assert said.splitlines()[-1] == "interrupted: nothing is undone; the same command again goes on from here"


def test_ctrl_c_ends_a_command_that_writes_nothing_in_a_word(k8s: Path) -> None:
    (k8s / "a.yaml").write_text(config_map("a"))
    os.mkfifo(k8s / "config")  # to read it would take for ever
    command = [*DEPLOYER, "diff", str(k8s), "--kubeconfig", str(k8s / "config")]
    process = subprocess.Popen(command, env=environment({}), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    stop = threading.Timer(60, process.kill)
    stop.start()
    with (k8s / "config").open("wb"):  # returns once the other side reads
        process.send_signal(signal.SIGINT)
        assert process.communicate() == ("", "interrupted\n")
    stop.cancel()
    assert process.returncode == 130


def test_ctrl_c_does_not_leave_the_commit_pending(bench: Bench) -> None:
    bench.configure(automated=False)
    commit = bench.push({"web.json": deployment("web", "nginx:never")})
    bench.world.github.wait_for_delivery(commit)
    command = [*DEPLOYER, "sync", bench.name]
    status, said = interrupt(command, environment(bench.world.exports), "waiting [0/1 healthy]")
    assert status == 130, said
    assert bench.statuses(commit)[-1][0] == "error"
