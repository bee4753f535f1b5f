"""`deployer diff`."""

import json
import os
import sys
from dataclasses import asdict, replace
from typing import Any

import click

from deployer.cli.command import TargetCommand
from deployer.cli.outcome import as_document, failed
from deployer.cli.sync import PathOptions, path_options, sync_target
from deployer.cli.terminal import print_diff, print_line, say_error, say_fault, say_hint
from deployer.errors import DeployerError
from deployer.report.words import changes_in_words, namespace_hint, plural
from deployer.sync.diff import changes, unified
from deployer.sync.how import Deployed
from deployer.sync.order import position
from deployer.sync.result import ObjectResult, SyncResult

_NONE, _SOME, _ERROR = 0, 1, 2


class _DiffCommand(TargetCommand):
    """A command that returns its exit status, 0 or 1; since 1 says that there is a difference, every error is 2."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            status = super().invoke(ctx)
        except click.exceptions.Exit as ended:  # an error that was told, or Ctrl-C
            status = max(ended.exit_code, _ERROR)
        except click.ClickException:
            raise
        except (BrokenPipeError, SystemExit):  # whoever reads the output has gone before its end; rich exits by itself
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            status = _ERROR
        except Exception:
            say_fault()
            status = _ERROR
        ctx.exit(status)


@click.command("diff", cls=_DiffCommand)
@click.argument("target", metavar="APP|PATH")
@click.option("-o", "--output", type=click.Choice(["json"]), help="Print one JSON document.")
@path_options
def diff_command(target: str, output: str | None, **path: Any) -> int:
    """Show what a sync of APP|PATH would change in the cluster.

    The server is asked what each object would be (a dry-run, which writes nothing), and that is compared with what is
    there: lines with - are in the cluster now, lines with + would be after a sync. What others have set, and the
    manifests do not speak of, stays and does not show. Of an APP, the commit that its watched ref points at is
    compared; its status is left alone.

    The values of Secrets are never shown, only whether they change: *** (1) and *** (2) are different values, *** (1)
    and *** (1) are the same.

    JSON is that of sync --dry-run, with the changes of each object: the path of a field, its value live and desired.
    With the path "" it is the whole object, which is new, or would be pruned. Hooks, which a sync makes anew each time,
    are no difference.

    Exit status 0: no difference, 1: some, 2: error, also where it is only about one of the objects.

    \b
    Examples:
      deployer diff ./k8s -n shop
      deployer diff ./k8s -n shop --kubeconfig ~/.kube/config > shop.diff
      deployer diff shop
      deployer diff shop -o json > changes.json
    """
    options = PathOptions(**path)
    try:
        deployed = sync_target(target, options, dry_run=True)
    except DeployerError as error:
        if output:
            click.echo(json.dumps(_document(failed(options.name or target, error)), indent=2))
        raise
    in_order = sorted(deployed.result.objects, key=lambda one: position(one.key))
    deployed = replace(deployed, result=replace(deployed.result, objects=tuple(in_order), hooks=()))
    if output:
        click.echo(json.dumps(_document(deployed), indent=2))
    else:
        _print(deployed)
    if deployed.result.outcome == "failed":
        _say_refusals(deployed)
        return _ERROR
    return _SOME if any(one.difference for one in in_order) else _NONE


def _print(deployed: Deployed) -> None:
    for one in deployed.result.objects:
        if one.difference:
            print_diff(_heading(one), unified(one.difference))
    print_line(_summary(deployed.result, deployed.cluster), "")


def _heading(one: ObjectResult) -> str:
    """Such as `► Deployment/web (namespace shop) changed`."""
    place = f" (namespace {one.key.namespace})" if one.key.namespace else ""
    action = one.action if one.action in ("created", "pruned") else "changed"
    return f"► {one.key}{place} {action}" + (f": {one.message}" if one.message else "")


def _summary(result: SyncResult, cluster: str) -> str:
    """Such as `12 objects in staging: 1 to create, 2 to change`."""
    counts = {
        "refused": result.count("failed"),
        "left Git but not pruned": result.kept,
        "not compared": result.count("skipped") - result.kept,
    }
    others = [f"{count} {word}" for word, count in counts.items() if count]
    told = ", ".join(filter(None, [changes_in_words(result, dry_run=True), *others])) or "nothing to change"
    return f"{plural(len(result.objects) - result.count('pruned'), 'object')} in {cluster}: {told}"


def _say_refusals(deployed: Deployed) -> None:
    refused = [one for one in deployed.result.objects if one.action == "failed"]
    for one in refused:
        say_error(f"{one.key}: {one.message}")
    if not refused:  # it was something that all of them need
        say_error(deployed.message)
    if hint := namespace_hint(deployed.result):
        say_hint(hint)


def _document(deployed: Deployed) -> dict[str, Any]:
    result = deployed.result
    message = deployed.message if result.outcome == "failed" else _summary(result, deployed.cluster)
    document = as_document(replace(deployed, message=message))
    for shown, one in zip(document["objects"], result.objects, strict=True):
        found = changes(one.difference.live, one.difference.desired) if one.difference else ()
        shown["changes"] = [asdict(change) for change in found]
    return document
