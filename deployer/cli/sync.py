"""`deployer sync`."""

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
from deployer.cli.outcome import person, refuse_held_back, show_sync, sync_options, told_as_json
from deployer.cli.queued import ask, travels
from deployer.cli.target import find_target, render_path
from deployer.cli.terminal import progress_printer
from deployer.job import JobOptions
from deployer.report.words import headline
from deployer.sync.by_hand import by_hand
from deployer.sync.deploy import deploy
from deployer.sync.how import Deployed
from deployer.sync.options import Options
from deployer.sync.run import sync
from deployer.sync.timing import timed

NOTHING_ASKED = JobOptions()


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


@click.command("sync", cls=TargetCommand, interrupted="nothing is undone; the same command again goes on from here")
@click.argument("target", metavar="APP|PATH")
@sync_options
@path_options
def sync_command(
    target: str,
    dry_run: bool,
    no_wait: bool,
    timeout: int | None,
    output: str | None,
    local: bool,
    prune: bool,
    approve_prune: str,
    **path: Any,
) -> None:
    """Bring a cluster to the manifests of APP|PATH.

    Everything is tried on the server first: when one object is refused, nothing is written. An object that is as it
    should be is not touched. Then the sync waits until all is healthy, and says what holds it up. Of an APP, the commit
    that its watched ref points at is deployed, and gets a status; what left Git is deleted where the application has
    automated.prune, or with --prune. An APP that a rollback, or its deletion, holds at something else is let go of.

    With the pubsub queue (DEPLOYER_QUEUE), the sync of an APP is queued, and done by the deployer's function: you need
    the right to publish to the topic, and no access to the cluster. The history has your name ($USER). It is followed
    by the statuses of the commit, until health is told or its time-out and five minutes more are over; Ctrl-C ends only
    that. With --no-wait, it is followed until all is applied. --dry-run and --local do it here.

    Exit status 0: synced and healthy (or, with --no-wait, applied), 1: not, 2: bad input.

    \b
    Examples:
      deployer sync ./k8s -n shop --dry-run
      deployer sync ./k8s -n shop --kubeconfig ~/.kube/config
      deployer sync shop --timeout 600
      deployer sync shop -o json > outcome.json
      deployer sync shop --local             # here, with your own access
    """
    options = PathOptions(**path)
    asked = JobOptions(prune, approve_prune, timeout=0 if no_wait else timeout)
    deployed = told_as_json(
        options.name or target, output, lambda: sync_target(target, options, asked, dry_run=dry_run, local=local)
    )
    show_sync(deployed, output, dry_run=dry_run)


def sync_target(
    target: str, options: PathOptions, asked: JobOptions = NOTHING_ASKED, *, dry_run: bool = False, local: bool = False
) -> Deployed:
    """Sync APP|PATH, showing its progress.

    Args:
        target: an application's name, or a path.
        options: for a path.
        asked: what is asked for, besides.
        dry_run: only ask the server what would happen.
        local: do it here, also where applications are synced through a queue.

    Raises:
        DeployerError: it came to nothing.
        HeldBackError: a sync window lets nobody sync it now.
        click.UsageError: an application was given with an option for a PATH, or the other way round.
    """
    found = find_target(target)
    if isinstance(found, Path):
        if asked.prune or asked.approve_prune:
            raise click.UsageError(f"{target} is a path: nothing records what was applied of it before, to prune it")
        return _sync_path(found, options, asked.timeout, dry_run)
    refuse_path_options(target)
    placement = found.configuration.placement(found.application.name)
    if not dry_run:
        refuse_held_back(placement)
    if travels(found.settings, local=local, dry_run=dry_run):
        return ask("sync", asked, placement, found.settings)
    how = replace(by_hand("sync", asked, person()), dry_run=dry_run)
    return deploy(placement, found.settings, how, progress_printer())


def _sync_path(path: Path, options: PathOptions, wait: float | None, dry_run: bool) -> Deployed:
    start = time.monotonic()
    durations: dict[str, float] = {}
    with timed(durations, "render"):
        manifests = render_path(path, recurse=options.recurse)
    with timed(durations, "connect"):
        cluster, namespace = open_cluster(options.kubeconfig, options.context)
    name = options.name or path.resolve().name
    with closing(cluster):
        how = Options(
            options.namespace or namespace,
            timeout=wait or DEFAULT_TIMEOUT,
            dry_run=dry_run,
            wait=wait != 0,
            files=name,
        )
        result = sync(cluster, manifests, how, progress_printer())
    seconds = time.monotonic() - start
    return Deployed(
        name,
        cluster.name,
        "",
        replace(result, durations={**durations, **result.durations}),
        headline(result, cluster.name, seconds, dry_run=dry_run),
        seconds,
        {"cluster": cluster.requests},
    )
