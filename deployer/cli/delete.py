"""`deployer delete`."""

import os
import sys
from collections.abc import Iterator
from dataclasses import replace

import click

from deployer.cli.command import Command
from deployer.cli.outcome import local_option, output_option, person, queued_hint, show, told_as_json
from deployer.cli.queued import ask, travels
from deployer.cli.survey import survey_aloud
from deployer.cli.terminal import Row, print_rows, progress_printer, say, say_hint
from deployer.cluster.inventory import Inventory
from deployer.cluster_document import ClusterDocument
from deployer.configuration import Configuration, Placement, load_configuration
from deployer.errors import ConfigurationError, DeployerError, RenderError, StaysError
from deployer.job import JobOptions
from deployer.report.command import Asked, nothing_of
from deployer.report.words import plural
from deployer.settings import Settings, load_settings
from deployer.sync.delete import delete_application, delete_orphan
from deployer.sync.deletion import going, running
from deployer.sync.how import Deployed, How
from deployer.sync.plan import Plan
from deployer.sync.prune import PRECIOUS
from deployer.sync.result import SyncResult
from deployer.sync.rollback import until_when

_COLUMNS = ("", "object", "namespace", "why")


@click.command("delete", cls=Command, interrupted="what is deleted stays so; the same command again goes on from here")
@click.argument("application", metavar="APP")
@click.option("--dry-run", is_flag=True, help="Show what would be deleted, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask: for scripts.")
@click.option("--no-hooks", is_flag=True, help="Run no PreDelete and PostDelete hooks, and do not read APP's source.")
@click.option("--timeout", type=click.IntRange(min=1), metavar="SECONDS", help="How long to wait until all is gone.")
@output_option
@local_option
@click.option("--cluster", metavar="NAME", help="Where to delete what is no longer in the configuration.")
@click.option("--namespace", "-n", metavar="NAME", help="Its inventory's, if it has left more than one in a cluster.")
def delete_command(
    application: str,
    dry_run: bool,
    yes: bool,
    no_hooks: bool,
    timeout: int | None,
    output: str | None,
    local: bool,
    cluster: str | None,
    namespace: str | None,
) -> None:
    """Delete what APP has in its cluster, and ask before.

    Only what bears APP's label goes: PreDelete hooks run first; then the objects go, the highest wave first, each wave
    when the one before is gone; then PostDelete hooks run. A hook that fails stops it. What says Delete=false or
    helm.sh/resource-policy: keep stays, and so does a Namespace with something that stays; Delete=confirm waits for an
    approval. PersistentVolumeClaims, Namespaces and CustomResourceDefinitions go, too, unless they say so: they take
    with them what no manifest brings back.

    An APP with automated syncs would be back with the next scheduled check: it stays deleted until its watched ref
    moves, or `deployer sync APP`. To make it final, remove its document from the configuration, and delete again: APP
    may also be an application that is no longer there, if a cluster still has its inventory (`deployer status` calls it
    orphaned).

    With the pubsub queue, the deployer's function deletes, as it syncs with `deployer sync`; what goes is looked at
    here before the question, which takes access to the cluster: without it, say --yes. --dry-run and --local do it all
    here, and so does an APP that is in no document any more.

    Exit status 0: deleted, or there is nothing to delete, 1: not, 2: bad input, also where there is no terminal to ask
    on, and no --yes.

    \b
    Examples:
      deployer delete shop --dry-run
      deployer delete shop
      deployer delete shop --yes -o json > outcome.json
      deployer delete cart --cluster staging # which is in no document any more
    """
    if not (yes or dry_run or sys.stdin.isatty()):
        raise click.UsageError("there is no terminal to ask on: look at it with --dry-run, and then say --yes")
    settings = load_settings(os.environ)
    configuration = load_configuration(settings.require_config())
    how = How(who=person(), timeout=timeout, dry_run=dry_run)
    placement = _placement(application, configuration)
    if placement and (cluster or namespace):
        raise click.UsageError(f"--cluster, --namespace: {application} is in the configuration, which says where it is")

    def act() -> Deployed:
        if placement:
            question = _Question(application, placement.cluster.name, yes=yes or dry_run)
            if travels(settings, local=local, dry_run=dry_run):
                deployed = _queue(placement, settings, how, question, hooks=not no_hooks, yes=yes)
            else:
                deployed = _delete(placement, settings, how, question, hooks=not no_hooks)
        else:
            document, inventory = _orphan(application, configuration, settings, cluster, namespace)
            question = _Question(application, document.name, yes=yes or dry_run)
            deployed = delete_orphan(document, inventory, settings, how, progress_printer(), question)
        if deployed is None and question.refused:
            raise DeployerError("nothing was deleted")
        nothing = nothing_of(application, question.cluster)
        return deployed or Deployed(application, question.cluster, "", SyncResult("succeeded", nothing), nothing, 0, {})

    deployed = told_as_json(application, output, act)
    done = deployed.result.count("pruned") and not dry_run
    hint = "what is deleted stays so: mend this, and delete again" if done else "nothing was deleted"
    show(deployed, output, queued_hint(deployed) or hint)
    if deployed.result.outcome == "succeeded" and deployed.result.inventory:
        say_hint(_afterwards(deployed, placement))
    elif (
        placement
        and placement.application.automated
        and deployed.message == Asked("delete", how.who, deployed.cluster).deleted()
    ):
        say_hint(_stays(placement))


def _delete(
    placement: Placement, settings: Settings, how: How, question: "_Question", *, hooks: bool
) -> Deployed | None:
    try:
        return delete_application(placement, settings, how, progress_printer(), question, hooks=hooks)
    except (RenderError, StaysError) as error:
        raise type(error)(f"{error}; to delete without its hooks, which are there, too: --no-hooks") from error


def _queue(
    placement: Placement, settings: Settings, how: How, question: "_Question", *, hooks: bool, yes: bool
) -> Deployed | None:
    """Ask here, and let the queue delete; None where the answer is no, and where there is nothing."""
    if not yes:
        try:
            planned = _delete(placement, settings, replace(how, dry_run=True), question, hooks=hooks)
        except DeployerError as error:
            raise ConfigurationError(
                f"what would go cannot be shown: {error}; to delete it all the same: --yes"
            ) from error
        if planned is None or planned.result.outcome == "failed":
            return planned
    return ask("delete", JobOptions(timeout=how.timeout, hooks=hooks), placement, settings)


class _Question:
    """Shows what a deletion would do, and asks; `refused` is whether the answer was no."""

    def __init__(self, application: str, cluster: str, *, yes: bool) -> None:
        self.cluster = cluster
        self.refused = False
        self._application, self._yes = application, yes

    def __call__(self, plan: Plan) -> bool:
        objects = going(plan)
        hooks = running(plan)
        precious = [one.key for one in objects if (one.key.group, one.key.kind) in PRECIOUS]
        ask = not self._yes and bool(objects or hooks)
        if ask:
            print_rows(_COLUMNS, [*_rows(plan)], err=True)
        if precious:
            names = ", ".join(map(str, precious))
            say("warning:", f"what no manifest brings back goes with {names}", "yellow")
        if not ask:
            return True
        what = f"{plural(len(objects), 'object')} of {self._application}"
        self.refused = not click.confirm(f"Delete {what} from {self.cluster}?", err=True)
        return not self.refused


def _rows(plan: Plan) -> Iterator[Row]:
    """What a deletion would do: what no manifest brings back first, what stays last but for hooks."""
    for one in sorted(going(plan), key=lambda one: (one.key.group, one.key.kind) not in PRECIOUS):
        yield Row(("delete", str(one.key), one.key.namespace or "-", ""), str(one.key))
    for one in plan.leavers:
        if one.kept:
            yield Row(("keep", str(one.key), one.key.namespace or "-", one.kept), str(one.key))
    for hook in running(plan):
        yield Row(("run", str(hook.key), hook.key.namespace or "-", f"{hook.phase} hook"), str(hook.key))


def _placement(name: str, configuration: Configuration) -> Placement | None:
    """Return the application of that name; None where the configuration has none."""
    return configuration.placement(name) if any(one.name == name for one in configuration.applications) else None


def _orphan(
    name: str, configuration: Configuration, settings: Settings, cluster: str | None, namespace: str | None
) -> tuple[ClusterDocument, Inventory]:
    """Find what an application has left that is not in the configuration: the one inventory of its name."""
    documents = {one.name: one for one in configuration.clusters}
    found = [
        (documents[one.cluster], one.inventory)
        for one in survey_aloud(configuration, settings, name).statuses
        if one.inventory
    ]
    fitting = [
        (document, inventory)
        for document, inventory in found
        if cluster in (None, *document.names) and namespace in (None, inventory.namespace)
    ]
    if len(fitting) != 1:
        there_is = ", ".join(f"--cluster {document.name} --namespace {left.namespace}" for document, left in found)
        raise ConfigurationError(f"{name} has left something in more than one place, say which: {there_is}")
    document, _ = fitting[0]
    told = f"no application of this configuration is {name}; if another one deploys it to {document.name}, it is in use"
    say("warning:", told, "yellow")
    return fitting[0]


def _afterwards(deployed: Deployed, placement: Placement | None) -> str:
    """Say what holds the application now, or that its inventory is gone."""
    name = deployed.application
    if placement and deployed.hold:
        return _stays(placement)
    kept = deployed.result.kept
    inventory = f"its inventory stays, because of {plural(kept, 'object')}" if kept else "its inventory is gone"
    return f"{inventory}; `deployer sync {name}` deploys it again" if placement else inventory


def _stays(placement: Placement) -> str:
    """Say how long an application stays deleted that has automated syncs."""
    application = placement.application
    return (
        f"{application.name} stays deleted {until_when(application)}, which deploys it again; to make it final, remove "
        f"its document ({application.place}), and `deployer delete {application.name}` again, which removes its "
        "inventory"
    )
