"""`deployer sync`."""

import json
import os
import re
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from deployer.annotations import DEFAULT_TIMEOUT
from deployer.cli.command import PathOption, TargetCommand, refuse_path_options
from deployer.cli.kubeconfig import open_cluster
from deployer.cli.target import find_target, render_path
from deployer.cli.terminal import print_line, print_objects, progress_printer, say_error
from deployer.errors import DeployerError
from deployer.report.words import as_json, headline, next_step
from deployer.sync.deploy import Deployed, How, deploy
from deployer.sync.options import Options
from deployer.sync.result import SyncResult
from deployer.sync.run import sync
from deployer.sync.timing import timed


@dataclass(frozen=True)
class PathOptions:
    """The options that go with a PATH."""

    namespace: str | None
    name: str | None
    recurse: bool
    kubeconfig: Path | None
    context: str | None


def path_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that go with a PATH; it takes them as keywords, for `PathOptions`."""
    file = click.Path(path_type=Path)
    for option in (
        click.option("--context", cls=PathOption, metavar="NAME", help="Of the kubeconfig; else its current one."),
        click.option("--kubeconfig", cls=PathOption, metavar="FILE", type=file, help="Else kubectl's own."),
        click.option("-r", "--recurse", cls=PathOption, is_flag=True, help="Read the folders below, too."),
        click.option("--name", cls=PathOption, metavar="NAME", help="What to call it; else as the folder or file."),
        click.option(
            "-n", "--namespace", cls=PathOption, metavar="NAME", help="For objects that name none; else the context's."
        ),
    ):
        command = option(command)
    return command


def _revision(context: click.Context, option: click.Parameter, value: str | None) -> str:
    if value and not re.fullmatch(r"[0-9a-fA-F]{7,40}", value):
        raise click.BadParameter("it must be a commit, or its first seven characters or more")
    return value or ""


@click.command("sync", cls=TargetCommand, interrupted="nothing is undone; the same command again goes on from here")
@click.argument("target", metavar="APP|PATH")
@click.option("--dry-run", is_flag=True, help="Ask the server what would happen, and change nothing.")
@click.option("--no-wait", is_flag=True, help="Do not wait for health.")
@click.option("--timeout", type=click.IntRange(min=1), metavar="SECONDS", help="How long to wait for health.")
@click.option("-o", "--output", type=click.Choice(["json"]), help="Print one JSON document.")
@click.option("--local", is_flag=True, expose_value=False, help="Run an APP's sync here, as is always done so far.")
@click.option("--prune", is_flag=True, help="Delete what left Git, of an APP.")
@click.option(
    "--approve-prune", metavar="REVISION", callback=_revision, help="Let this commit prune any number of objects."
)
@path_options
def sync_command(
    target: str,
    dry_run: bool,
    no_wait: bool,
    timeout: int | None,
    output: str | None,
    prune: bool,
    approve_prune: str,
    **path: Any,
) -> None:
    """Bring a cluster to the manifests of APP|PATH.

    Everything is tried on the server first: when one object is refused, nothing is written. An object that is as it
    should be is not touched. Then the sync waits until all is healthy, and says what holds it up. Of an APP, the commit
    that its watched ref points at is deployed, and gets a status; what left Git is deleted where the application has
    automated.prune, or with --prune.

    Exit status 0: synced and healthy (or, with --no-wait, applied), 1: not, 2: bad input.

    \b
    Examples:
      deployer sync ./k8s -n shop --dry-run
      deployer sync ./k8s -n shop --kubeconfig ~/.kube/config
      deployer sync shop --timeout 600
      deployer sync shop -o json > outcome.json
    """
    options = PathOptions(**path)
    wait = 0 if no_wait else timeout
    try:
        deployed = sync_target(target, options, wait=wait, dry_run=dry_run, prune=prune, approve_prune=approve_prune)
    except DeployerError as error:
        if output:
            click.echo(json.dumps(as_document(failed(target, options, error)), indent=2))
        raise
    if output:
        click.echo(json.dumps(as_document(deployed), indent=2))
    else:
        print_objects(deployed.result)
    if deployed.result.outcome == "failed":
        say_error(deployed.message, next_step(deployed.result, dry_run=dry_run))
        sys.exit(1)
    if not output:
        print_line(deployed.message, "green")


def sync_target(
    target: str,
    options: PathOptions,
    *,
    wait: float | None = None,
    dry_run: bool = False,
    prune: bool = False,
    approve_prune: str = "",
) -> Deployed:
    """Sync APP|PATH, showing its progress.

    Args:
        target: an application's name, or a path.
        options: for a path.
        wait: seconds to wait for health; 0 does not wait, None waits as long as the application says.
        dry_run: only ask the server what would happen.
        prune: delete what left Git, also where the application does not ask for it.
        approve_prune: the commit that may prune any number of objects.

    Raises:
        DeployerError: it came to nothing.
        click.UsageError: an application was given with an option for a PATH, or the other way round.
    """
    found = find_target(target)
    if isinstance(found, Path):
        if prune or approve_prune:
            raise click.UsageError(f"{target} is a path: nothing records what was applied of it before, to prune it")
        return _sync_path(found, options, wait, dry_run)
    refuse_path_options(target)
    how = How(
        why="deployer sync",
        who=os.environ.get("USER", "somebody"),
        timeout=wait,
        dry_run=dry_run,
        prune=prune,
        approve_prune=approve_prune,
    )
    placement = found.configuration.placement(found.application.name)
    return deploy(placement, found.settings, how, progress_printer())


def _sync_path(path: Path, options: PathOptions, wait: float | None, dry_run: bool) -> Deployed:
    start = time.monotonic()
    durations: dict[str, float] = {}
    with timed(durations, "render"):
        manifests = render_path(path, recurse=options.recurse)
    with timed(durations, "connect"):
        cluster, namespace = open_cluster(options.kubeconfig, options.context)
    with closing(cluster):
        timeout = DEFAULT_TIMEOUT if wait is None else wait
        how = Options(options.namespace or namespace, timeout=timeout, dry_run=dry_run)
        result = sync(cluster, manifests, how, progress_printer())
    seconds = time.monotonic() - start
    return Deployed(
        options.name or path.resolve().name,
        cluster.name,
        "",
        replace(result, durations={**durations, **result.durations}),
        headline(result, cluster.name, seconds, dry_run=dry_run),
        seconds,
        {"cluster": cluster.requests},
    )


def failed(target: str, options: PathOptions, error: DeployerError) -> Deployed:
    """What is told of a sync that came to nothing."""
    return Deployed(options.name or target, "", "", SyncResult("failed", ""), str(error), 0, {})


def as_document(deployed: Deployed) -> dict[str, Any]:
    """The document that `-o json` prints."""
    return as_json(
        replace(deployed.result, message=deployed.message),
        application=deployed.application,
        cluster=deployed.cluster,
        revision=deployed.revision,
        requests=deployed.requests,
    )
