"""What a sync shows: colour and a table on a terminal, plain lines elsewhere; data on stdout, the rest on stderr."""

import sys
import time

import click
from rich.console import Console
from rich.table import Table

from deployer.sync.result import ObjectResult, Progress, Step, SyncResult

_AGAIN = 60.0
"""Seconds until a line that has not changed is printed again."""

_COLOURS = {"created": "green", "updated": "yellow", "failed": "red", "Degraded": "red", "Progressing": "yellow"}


def progress_printer() -> Progress:
    """Progress as lines on standard error: a line that says the same again only after a minute."""
    start = time.monotonic()
    last = Step("")
    printed = 0.0

    def show(step: Step) -> None:
        nonlocal last, printed
        now = time.monotonic()
        if step == last and now - printed < _AGAIN:
            return
        last, printed = step, now
        click.secho(f"{now - start:6.1f} s  {step.message}", err=True, fg="yellow" if step.reason else None)

    return show


def print_result(result: SyncResult, message: str) -> None:
    """Print what changed or is not well, then the sentence that sums it up."""
    rows = [one for one in result.objects if one.action != "unchanged" or not _well(one)]
    if rows and sys.stdout.isatty():
        table = Table("action", "object", "namespace", "health", "message", box=None, header_style="bold")
        for one in rows:
            table.add_row(*_coloured(one))
        Console().print(table)
    else:
        for one in rows:
            click.echo("\t".join(_cells(one)))
    failed = result.outcome == "failed"
    click.secho(f"{'failed: ' if failed else ''}{message}", fg="red" if failed else "green")


def _well(one: ObjectResult) -> bool:
    return one.health is None or one.health.status in ("Healthy", "Suspended")


def _cells(one: ObjectResult) -> tuple[str, str, str, str, str]:
    health = one.health.status if one.health else "-"
    message = one.message or (one.health.message if one.health and not _well(one) else "")
    return one.action, str(one.key), one.key.namespace or "-", health, message


def _coloured(one: ObjectResult) -> list[str]:
    from rich.markup import escape

    cells = [escape(cell) for cell in _cells(one)]
    return [f"[{_COLOURS[cell]}]{cell}[/]" if cell in _COLOURS else cell for cell in cells]
