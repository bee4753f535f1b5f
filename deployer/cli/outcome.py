"""What the commands share that sync an application, return to a sync of it, or delete it."""

import json
import os
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import click

from deployer.cli.terminal import print_line, print_objects, say_error
from deployer.configuration import Placement
from deployer.errors import DeployerError, HeldBackError
from deployer.report.words import as_json, next_step
from deployer.sync.how import Deployed
from deployer.sync.result import SyncResult


def output_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `-o json`, as `output`."""
    return click.option("-o", "--output", type=click.Choice(["json"]), help="Print one JSON document.")(command)


def local_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--local`, as `local`."""
    told = "With the pubsub queue: do it here, with your own access to the cluster, instead of queueing it."
    return click.option("--local", is_flag=True, help=told)(command)


def sync_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of a sync.

    They are `dry_run`, `no_wait`, `timeout`, `output`, `local`, `prune` and `approve_prune`.
    """
    timeout = click.IntRange(min=1)
    for option in (
        click.option(
            *("--approve-prune",),
            metavar="REVISION",
            callback=_revision,
            help="Let this commit prune any number of objects.",
        ),
        click.option("--prune", is_flag=True, help="Delete what left Git, of an APP."),
        local_option,
        output_option,
        click.option("--timeout", type=timeout, metavar="SECONDS", help="How long to wait for health."),
        click.option("--no-wait", is_flag=True, help="Do not wait for health."),
        click.option("--dry-run", is_flag=True, help="Ask the server what would happen, and change nothing."),
    ):
        command = option(command)
    return command


def _revision(context: click.Context, option: click.Parameter, value: str | None) -> str:
    if value and not re.fullmatch(r"[0-9a-fA-F]{7,40}", value):
        raise click.BadParameter("it must be a commit, or its first seven characters or more")
    return value or ""


def person() -> str:
    """Who runs the command, for the history."""
    return os.environ.get("USER", "somebody")


def refuse_held_back(placement: Placement) -> None:
    """Raise HeldBackError where a sync window lets no person sync an application now."""
    if held_back := placement.held_back(datetime.now(UTC), manual=True):
        project = placement.project
        raise HeldBackError(
            f"application {placement.application.name} is {held_back}; do it then, or set manualSync: true in that "
            f"window of project {project.name} ({project.place})"
        )


def told_as_json(name: str, output: str | None, act: Callable[[], Deployed]) -> Deployed:
    """Do something, and print its JSON document where that is asked for, also where it came to nothing.

    Args:
        name: the application's.
        output: `json`, or None.
        act: what is done.

    Raises:
        DeployerError: it came to nothing.
    """
    try:
        deployed = act()
    except DeployerError as error:
        if output:
            click.echo(json.dumps(as_document(failed(name, error)), indent=2))
        raise
    if output:
        click.echo(json.dumps(as_document(deployed), indent=2))
    return deployed


def show(deployed: Deployed, output: str | None, hint: str) -> None:
    """Print what became of it, where that is not told as JSON, and end with exit status 1 where it came to no good end.

    `hint` says how things stand after a failure, and what to do next.
    """
    if not output:
        print_objects(deployed.result)
    # An end that nobody has told has a message; where nobody wanted to wait, there is none.
    late = deployed.result.outcome == "unfinished" and bool(deployed.result.message)
    if deployed.result.outcome == "failed" or late:
        say_error(deployed.message, hint)
        sys.exit(1)
    if not output:
        print_line(deployed.message, "green")


def show_sync(deployed: Deployed, output: str | None, *, dry_run: bool) -> None:
    """Print what became of a sync, as `show` does."""
    show(deployed, output, queued_hint(deployed) or next_step(deployed.result, dry_run=dry_run))


def queued_hint(deployed: Deployed) -> str:
    """Say how things stand after a command that was queued and came to no good end; `""` where it was done here."""
    name = deployed.application
    if "cluster" in deployed.requests:
        return ""
    if deployed.result.outcome == "unfinished":
        return f"nothing is lost: `deployer status {name}` and `deployer history {name}` say what has become of it"
    return f"`deployer history {name}` and the log of `sync` say more: mend this, and ask again"


def failed(name: str, error: DeployerError) -> Deployed:
    """What is told of a command that came to nothing; `name` is the application's."""
    return Deployed(name, "", "", SyncResult("failed", ""), str(error), 0, {})


def as_document(deployed: Deployed) -> dict[str, Any]:
    """The document that `-o json` prints."""
    return as_json(
        replace(deployed.result, message=deployed.message),
        application=deployed.application,
        cluster=deployed.cluster,
        revision=deployed.revision,
        requests=deployed.requests,
    )
