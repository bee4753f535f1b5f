"""`deployer status`."""

import json
import os
import sys
from datetime import UTC, datetime

import click

from deployer.cli.command import Command
from deployer.cli.survey import Survey, survey_aloud
from deployer.cli.terminal import Row, print_line, print_rows, stop_at_once
from deployer.configuration import load_configuration
from deployer.errors import DeployerError
from deployer.report.status import COLUMNS, ApplicationStatus, all_well, as_json, cells, notes, summary
from deployer.settings import load_settings


@click.command("status", cls=Command, bad_input=1)
@click.argument("application", metavar="[APP]", default="")
@click.option("-o", "--output", type=click.Choice(["json"]), help="Print one JSON document.")
def status_command(application: str, output: str | None) -> None:
    """Show how APP is, or every application.

    That is: the revision that its cluster has, and after an arrow the one that its watched ref points at by now;
    whether a sync would change anything (as `deployer diff` would show it); its health; how many fields others have
    changed, with who did it and when, as far as the cluster knows; and its last sync. Times are in UTC. All
    applications are asked at once, and nothing is written.

    An application is Unknown, with the reason, where its cluster, GitHub or its source cannot be read. It is orphaned
    where its inventory is in a cluster, but no application of the configuration has it: nothing of it is touched, and
    it does not count for the exit status.

    One that a rollback holds at an earlier commit is OutOfSync, and one that was deleted with `deployer delete` is
    deleted, which is not what Git says either: until the watched ref moves, or `deployer sync APP`.

    Exit status 0: all synced and healthy, 1: not.

    \b
    Examples:
      deployer status
      deployer status shop
      deployer status -o json > status.json
    """
    stop_at_once()
    try:
        found = _look(application)
    except DeployerError as error:
        if output:
            click.echo(json.dumps({"applications": [], "ok": False, "message": str(error)}, indent=2))
        raise
    if output:
        click.echo(json.dumps(as_json(found.statuses), indent=2))
    else:
        now = datetime.now(UTC)
        print_rows(COLUMNS, [_row(one, now) for one in found.statuses])
        print_line(summary(found.statuses), "green" if all_well(found.statuses) else "red")
    sys.exit(0 if all_well(found.statuses) else 1)


def _look(name: str) -> Survey:
    settings = load_settings(os.environ)
    configuration = load_configuration(settings.require_config())
    return survey_aloud(configuration, settings, name)


def _row(status: ApplicationStatus, now: datetime) -> Row:
    return Row(cells(status, now), f"{status.application} in {status.cluster}", tuple(notes(status, now)))
