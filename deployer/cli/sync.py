"""`deployer sync`."""

import json
import sys
import time
from pathlib import Path

import click

from deployer.application import Directory
from deployer.cli.target import AppTarget, find_target, read_path
from deployer.cli.terminal import print_result, progress_printer
from deployer.cluster.connection import connect_with_file, default_namespace
from deployer.errors import DeployerError
from deployer.report.words import as_json, headline
from deployer.sync.deploy import Deployed, deploy, render_some
from deployer.sync.engine import Options, timed
from deployer.sync.result import SyncResult
from deployer.sync.run import sync

_TIMEOUT = 300.0


@click.command("sync")
@click.argument("target", metavar="APP|PATH")
@click.option("--dry-run", is_flag=True, help="Ask the server what would happen, and change nothing.")
@click.option("--no-wait", is_flag=True, help="Do not wait for health.")
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), help="Seconds to wait for health.")
@click.option("-o", "--output", type=click.Choice(["json"]), help="One JSON document on standard output.")
@click.option("-n", "--namespace", help="PATH: namespace of objects that have none; else the context's.")
@click.option("--name", help="PATH: what to call the application; else the folder's name.")
@click.option("-r", "--recurse", is_flag=True, help="PATH: read the folders below, too.")
@click.option("--kubeconfig", type=click.Path(path_type=Path), help="PATH: kubeconfig file; else kubectl's.")
@click.option("--context", help="PATH: context of the kubeconfig; else the current one.")
@click.option("--local", "local", is_flag=True, help="APP: run the sync here (with the inline queue it always is).")
@click.option("--prune", is_flag=True, help="Not supported yet.")
@click.option("--approve-prune", metavar="REVISION", help="Not supported yet.")
def sync_command(
    target: str,
    dry_run: bool,
    no_wait: bool,
    timeout: float | None,
    output: str | None,
    namespace: str | None,
    name: str | None,
    recurse: bool,
    kubeconfig: Path | None,
    context: str | None,
    local: bool,
    prune: bool,
    approve_prune: str | None,
) -> None:
    """Bring a cluster to what an application's source, or a folder or file, holds.

    Everything is tried on the server first; one object that is refused, and nothing is written. An object that is as
    it should be is not touched. Then the sync waits until all is healthy, and says what holds it up.

    APP: the commit that its watched ref points at is deployed, and gets a status. Exit status 0: synced and healthy,
    1: not, 2: bad input.

    \b
    Examples:
      deployer sync ./k8s -n shop --kubeconfig ~/.kube/staging
      deployer sync shop
      deployer sync shop --dry-run -o json
    """
    del local
    if prune or approve_prune:
        raise click.UsageError("pruning is not supported yet: there is no inventory of what was applied")
    found = find_target(target)
    if isinstance(found, AppTarget) and (namespace or name or recurse or kubeconfig or context):
        raise click.UsageError("--namespace, --name, --recurse, --kubeconfig and --context go with a PATH")
    wait = 0.0 if no_wait else timeout
    label = name or (found.application.name if isinstance(found, AppTarget) else found.resolve().name)
    try:
        if isinstance(found, AppTarget):
            deployed = _sync_application(found, wait, dry_run)
        else:
            deployed = _sync_path(found, label, namespace, recurse, kubeconfig, context, wait, dry_run)
    except DeployerError as error:
        if output == "json":
            failed = SyncResult("failed", str(error))
            click.echo(json.dumps(as_json(failed, application=label, cluster="", revision="", requests={}), indent=2))
        raise
    if output == "json":
        click.echo(json.dumps(_document(deployed), indent=2))
    else:
        print_result(deployed.result, deployed.message)
    sys.exit(1 if deployed.result.outcome == "failed" else 0)


def _sync_application(found: AppTarget, wait: float | None, dry_run: bool) -> Deployed:
    return deploy(
        found.application,
        found.configuration.cluster_for(found.application),
        found.settings,
        progress_printer(),
        timeout=wait,
        dry_run=dry_run,
    )


def _sync_path(
    path: Path,
    name: str,
    namespace: str | None,
    recurse: bool,
    kubeconfig: Path | None,
    context: str | None,
    wait: float | None,
    dry_run: bool,
) -> Deployed:
    start = time.monotonic()
    durations: dict[str, float] = {}
    with timed(durations, "render"):
        directory = Directory(recurse=recurse)
        manifests = render_some(read_path(path, directory), directory, str(path))
    with timed(durations, "connect"):
        cluster = connect_with_file(kubeconfig, context)
    options = Options(
        namespace=namespace or default_namespace(kubeconfig, context),
        timeout=_TIMEOUT if wait is None else wait,
        dry_run=dry_run,
    )
    result = sync(cluster, manifests, options, progress_printer())
    seconds = time.monotonic() - start
    durations.update(result.durations)
    return Deployed(
        name, cluster.name, "", result, headline(result, cluster.name, seconds), seconds, {"cluster": cluster.requests}
    )


def _document(deployed: Deployed) -> dict[str, object]:
    return as_json(
        deployed.result,
        application=deployed.application,
        cluster=deployed.cluster,
        revision=deployed.revision,
        requests=deployed.requests,
    )
