"""What a person sees: colour, tables and wrapped lines on a terminal, plain lines elsewhere.

Data go to standard output, everything else to standard error. Colour only repeats what the words say, and rich leaves
it out where NO_COLOR is set.
"""

import os
import signal
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from types import FrameType

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from deployer.cluster.health import WELL
from deployer.cluster.history import CHANGES
from deployer.sync.result import ObjectResult, Progress, Step, SyncResult

_STYLES = {
    "created": "green",
    "updated": "yellow",
    "pruned": "yellow",
    "delete": "red",
    "deleted": "yellow",
    "failed": "red",
    "Degraded": "red",
    "Progressing": "yellow",
    "Missing": "yellow",
    "Unknown": "red",
    "OutOfSync": "yellow",
    "orphaned": "yellow",
}
_DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}
_COLUMNS = ("action", "object", "namespace", "health", "message")
_BEFORE = ("PreSync", "PreDelete")
"""Phases whose hooks run before anything is changed."""

_INTERRUPTED = 130


@dataclass(frozen=True)
class Row:
    """A line of a table; `notes` are sentences about what it shows, and `label` names it where they stand apart."""

    cells: tuple[str, ...]
    label: str
    notes: tuple[str, ...] = ()


def say(label: str, message: str, style: str = "") -> None:
    """Print a line on standard error; on a terminal the label has the style, and long messages wrap beside it."""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        click.echo(f"{label} {printable(message)}".rstrip(), err=True)
        return
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(Text(label, style), Text(printable(message)))
    console.print(grid)


def say_error(message: str, hint: str = "") -> None:
    """Print what went wrong, and below it what to do next."""
    say("error:", message, "red")
    if hint:
        say_hint(hint)


def say_hint(hint: str) -> None:
    """Print what to do next."""
    say("hint: ", hint, "cyan")


def say_fault() -> None:
    """Print the exception that is being handled, which nobody expected, and that it is a fault of the deployer's."""
    traceback.print_exc()
    say_error("this is a fault in the deployer itself; please report it, with the lines above")


def progress_printer(again: float = 60.0) -> Progress:
    """Progress as lines on standard error; a line that was there already comes again only after `again` seconds."""
    start = time.monotonic()
    printed: dict[Step, float] = {}

    def show(step: Step) -> None:
        now = time.monotonic()
        # All lines are remembered, not just the last: a pod may go to and fro between two reasons.
        if step not in printed or now - printed[step] >= again:
            printed[step] = now
            say(f"{now - start:6.1f} s ", step.message, "yellow" if step.reason else "")

    return show


def print_objects(result: SyncResult) -> None:
    """Print what changed or is not well: a table on a terminal, elsewhere a line each with tabs between the cells.

    Hooks have their phase beside their name; those that run before the objects stand above them, the others below.
    """
    # Where nothing was written, every object was skipped: only those that are to blame are worth a line.
    written = any(map(result.count, CHANGES))
    dull = ("unchanged",) if written else ("unchanged", "skipped")
    before = [one for one in result.hooks if one.phase in _BEFORE]
    after = [one for one in result.hooks if one.phase not in _BEFORE]
    told = [one for one in result.objects if one.action not in dull or not _well(one) or one.left]
    rows = [_cells(one) for one in (*before, *told, *after)]
    console = Console(highlight=False)
    if not console.is_terminal:
        for row in rows:
            click.echo("\t".join(row))
    elif rows:
        console.print(_table(_COLUMNS, rows))


def print_rows(columns: Sequence[str], rows: Sequence[Row], *, err: bool = False) -> None:
    """Print a table with the notes below it on a terminal; elsewhere a line each, with the notes as its last cell.

    With `err` it goes to standard error: it is no data.
    """
    console = Console(stderr=err, highlight=False)
    if not console.is_terminal:
        for row in rows:
            click.echo("\t".join(map(_one_line, (*row.cells, "; ".join(row.notes)))), err=err)
    elif rows:
        console.print(_table(columns, [tuple(map(_one_line, row.cells)) for row in rows]))
        for row in rows:
            for note in row.notes:
                console.print(Text(_one_line(f"{row.label}: {note}")), soft_wrap=True)


def print_diff(heading: str, lines: Sequence[str]) -> None:
    """Print the lines of a unified diff below their heading, and an empty line; no line is wrapped or cut."""
    console = Console(highlight=False)
    for line, style in ((heading, "yellow"), *((line, _DIFF_STYLES.get(line[:1], "")) for line in lines), ("", "")):
        if console.is_terminal:
            console.print(Text(printable(line), style), soft_wrap=True)
        else:
            click.echo(printable(line))


def print_line(message: str, style: str) -> None:
    """Print a line on standard output."""
    Console(highlight=False).print(Text(printable(message), style), soft_wrap=True)


def show_waiting(what: Sequence[str]) -> None:
    """Say on a terminal what is waited for, in a line that the next one replaces; nothing leaves nothing of it."""
    console = Console(stderr=True)
    if console.is_terminal and not console.is_dumb_terminal:
        text = f"waiting for {', '.join(what)}"[: console.width - 1] if what else ""
        click.echo(f"\r\x1b[2K{printable(text)}", nl=False, err=True)


def stop_at_once() -> None:
    """Let Ctrl-C end a command that writes nothing: threads that wait for a black hole would keep it for long."""
    signal.signal(signal.SIGINT, _stop)


def _stop(number: int, frame: FrameType | None) -> None:
    try:
        show_waiting(())
        say("interrupted:", "nothing was written anywhere", "yellow")
    finally:  # whatever the signal came in between of: a line that is being written cannot be begun again
        os._exit(_INTERRUPTED)


def _table(columns: Sequence[str], rows: Sequence[tuple[str, ...]]) -> Table:
    # A column that says nothing takes room from those that do.
    shown = [number for number in range(len(columns)) if any(row[number] not in ("", "-") for row in rows)]
    table = Table(box=None, header_style="cyan", pad_edge=False)
    for number in shown:
        table.add_column(columns[number], overflow="fold")
    for row in rows:
        table.add_row(*(Text(row[number], _STYLES.get(row[number], "")) for number in shown))
    return table


def _well(one: ObjectResult) -> bool:
    return one.health is None or one.health.status in WELL


def _cells(one: ObjectResult) -> tuple[str, ...]:
    health = one.health.status if one.health else "-"
    # What a hook says that has ended well is of no interest.
    told = "" if one.phase and one.health and _well(one) else one.message
    message = told or (one.health.message if one.health and not _well(one) else "")
    name = f"{one.key} ({one.phase})" if one.phase else str(one.key)
    return one.action, name, one.key.namespace or "-", health, _one_line(message)


def _one_line(text: str) -> str:
    return " ".join(printable(text).split())


def printable(text: str) -> str:
    """A text without what could steer a terminal: messages quote files, pods and servers (compare CVE-2021-25743)."""
    return "".join(one if one.isprintable() or one in "\n\t" else "\N{REPLACEMENT CHARACTER}" for one in text)
