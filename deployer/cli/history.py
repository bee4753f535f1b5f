"""`deployer history`."""

import json
import os
from collections.abc import Iterator
from contextlib import closing

import click

from deployer.cli.command import Command
from deployer.cli.survey import survey_aloud
from deployer.cli.terminal import Row, print_rows, say, say_hint, show_waiting, stop_at_once
from deployer.cluster.inventory import Inventory
from deployer.cluster.inventory_store import read
from deployer.configuration import Configuration, load_configuration
from deployer.errors import ConfigurationError, DeployerError
from deployer.report.history import (
    COLUMNS,
    as_json,
    entry_cells,
    entry_notes,
    hold_in_words,
    operation_cells,
    operation_notes,
)
from deployer.settings import Settings, load_settings
from deployer.sync.connections import open_cluster


@click.command("history", cls=Command)
@click.argument("application", metavar="APP")
@click.option("-o", "--output", type=click.Choice(["json"]), help="Print one JSON document.")
def history_command(application: str, output: str | None) -> None:
    """Show the past syncs of APP, the newest first.

    That is what its inventory in its cluster has kept: the commit, when it was synced, what became of it, how many
    objects were created (+), updated (~) and pruned (-), how long it took, why, by whom, and the first error. A sync
    that is under way, waits for the next scheduled check (paused), or was killed meanwhile, stands above them, with the
    hooks of it that have ended. A return to an earlier commit is a sync of that commit, and a deletion is one, too;
    what holds APP there is told below. Times are in UTC.

    The id of a sync is a number that it keeps, though older ones drop off (revisionHistoryLimit). A sync that found
    nothing to do, and nothing new to tell, has none.

    APP may also be an application that is no longer in the configuration, if one of its clusters still has its
    inventory.

    Exit status 0: shown, also where there is none yet, 1: it cannot be read, 2: bad input.

    \b
    Examples:
      deployer history shop
      deployer history shop -o json > history.json
    """
    stop_at_once()
    try:
        cluster, inventory, orphaned = _find(application)
    except DeployerError as error:
        if output:
            nothing = as_json("", Inventory(application, ""), orphaned=False, message=str(error))
            click.echo(json.dumps(nothing, indent=2))
        raise
    for warning in inventory.warnings:
        say("warning:", warning, "yellow")
    if output:
        click.echo(json.dumps(as_json(cluster, inventory, orphaned=orphaned), indent=2))
        return
    print_rows(COLUMNS, [*_rows(inventory)])
    if inventory.hold:
        say_hint(hold_in_words(inventory.hold))
    if inventory.operation and inventory.operation.paused:
        say_hint("what is paused waits for the next scheduled check, which goes on with it, as a sync does")
    elif inventory.operation:
        say_hint("what is under way may have been killed, too: then the next sync finishes its work")
    elif not inventory.history:
        say_hint(f"there is no history of {application} in {cluster} yet: push, or run `deployer sync {application}`")


def _find(name: str) -> tuple[str, Inventory, bool]:
    """Find an inventory: the cluster's name, the inventory, and whether it is orphaned."""
    settings = load_settings(os.environ)
    configuration = load_configuration(settings.require_config())
    try:
        application = configuration.application(name)
    except ConfigurationError:
        return _find_orphan(name, configuration, settings)
    document = configuration.cluster_for(application)
    show_waiting([f"cluster {document.name}"])
    try:
        with closing(open_cluster(document, settings)) as cluster:
            return document.name, read(cluster, application.name, application.destination.namespace), False
    finally:
        show_waiting(())


def _find_orphan(name: str, configuration: Configuration, settings: Settings) -> tuple[str, Inventory, bool]:
    found = survey_aloud(configuration, settings, name)
    left = [(one.cluster, one.inventory) for one in found.statuses if one.inventory]
    for cluster, inventory in left[1:]:
        told = f"{name} has left an inventory in namespace {inventory.namespace} of cluster {cluster}, too"
        say("warning:", told, "yellow")
    return *left[0], True


def _rows(inventory: Inventory) -> Iterator[Row]:
    if inventory.operation:
        yield Row(operation_cells(inventory.operation), "under way", operation_notes(inventory.operation))
    for entry in inventory.history:
        yield Row(entry_cells(entry), f"{entry.id} {entry.result}", entry_notes(entry))
