"""`deployer rollback`."""

import os
from dataclasses import replace

import click

from deployer.cli.command import Command
from deployer.cli.outcome import person, refuse_held_back, show_sync, sync_options, told_as_json
from deployer.cli.queued import ask, travels
from deployer.cli.terminal import progress_printer, say_hint
from deployer.configuration import load_configuration
from deployer.job import JobOptions
from deployer.settings import load_settings
from deployer.sync.by_hand import by_hand
from deployer.sync.deploy import deploy
from deployer.sync.how import Deployed
from deployer.sync.rollback import RETURNED, until_when


@click.command("rollback", cls=Command, interrupted="nothing is undone; the same command again goes on from here")
@click.argument("application", metavar="APP")
@click.argument("number", metavar="[ID]", type=click.IntRange(min=1), required=False)
@sync_options
def rollback_command(
    application: str,
    number: int | None,
    dry_run: bool,
    no_wait: bool,
    timeout: int | None,
    output: str | None,
    local: bool,
    prune: bool,
    approve_prune: str,
) -> None:
    """Return APP to the commit of an earlier sync, and hold it there.

    ID is the number of a sync in `deployer history APP`, one that was healthy. Without it, APP returns to the last
    commit before the present one that was healthy. It is a sync like any other: with the manifests of that commit,
    tried on the server first, with its hooks. What only the newer commit had is deleted where the application has
    automated.prune, or with --prune; --approve-prune takes the commit that is returned to.

    APP is held at that commit, whatever a push that was delivered late, a scheduled check or a second delivery says.
    The hold ends when the watched ref moves: the next push is deployed. `deployer sync APP` ends it, too, and deploys
    what the ref points at. Until then `deployer status` shows APP as OutOfSync, with who holds it and since when, and
    the commit that the ref points at has a status that says so.

    With the pubsub queue, the deployer's function does it, as with `deployer sync`: without access to the cluster, and
    with your name in the history. --dry-run and --local do it here.

    Exit status 0: synced and healthy there (or, with --no-wait, applied), 1: not, 2: bad input, such as an ID that
    there is not.

    \b
    Examples:
      deployer history shop
      deployer rollback shop                 # to what was healthy before
      deployer rollback shop 1 --dry-run     # what a return to sync 1 changes
      deployer rollback shop 1
      deployer sync shop                     # and back to what the ref points at
    """
    asked = JobOptions(prune, approve_prune, timeout=0 if no_wait else timeout, rollback=number or 0)
    deployed = told_as_json(application, output, lambda: _return(application, asked, dry_run=dry_run, local=local))
    show_sync(deployed, output, dry_run=dry_run)


def _return(name: str, asked: JobOptions, *, dry_run: bool, local: bool) -> Deployed:
    settings = load_settings(os.environ)
    placement = load_configuration(settings.require_config()).placement(name)
    if not dry_run:
        refuse_held_back(placement)
    if travels(settings, local=local, dry_run=dry_run):
        deployed = ask("rollback", asked, placement, settings)
        held = deployed.message.startswith(RETURNED)
    else:
        how = replace(by_hand("rollback", asked, person()), dry_run=dry_run)
        deployed = deploy(placement, settings, how, progress_printer())
        inventory, hold = deployed.result.inventory, deployed.hold
        held = bool(hold and inventory and inventory.hold and inventory.hold.revision == deployed.revision)
    if held:
        say_hint(f"{name} is held at {deployed.revision[:7]} {until_when(placement.application)}")
    return deployed
