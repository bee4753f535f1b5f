"""`deployer doctor`."""

import json
import os
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

import click
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from deployer.cli.checks.run import examine
from deployer.cli.checks.section import Check, Section, Status
from deployer.cli.command import Command
from deployer.cli.terminal import printable, show_waiting, stop_at_once
from deployer.report.words import plural

# Symbol, the same in ASCII, and colour.
_SIGNS: dict[Status, tuple[str, str, str]] = {
    "ok": ("√", "+", "green"),
    "warning": ("‼", "!", "yellow"),
    "failed": ("×", "x", "red"),  # noqa: RUF001 (meant as it is)
    "skipped": ("-", "-", "dim"),
}
_LABEL = len("√ warning")


@click.command("doctor", cls=Command)
@click.option("-o", "--output", type=click.Choice(["json"]), help="Print one JSON document.")
def doctor_command(output: str | None) -> None:
    """Check everything that a deployment needs, and say what to fix.

    That is: the settings and the configuration; the webhook's secrets; the topic, with the pubsub queue; GitHub, the
    token, and what it may do with each repository; the source of each application; the repositories' webhooks; each
    cluster, its version, and whether the deployer's account may do there what its applications need.

    It asks with the deployer's own credentials, so run it where the deployer runs, or with the same settings. Nothing
    is written anywhere, and no secret is shown. Where it cannot look, it says so, and where to look by hand.

    Exit status 0: nothing failed (there may be warnings), 1: something did, 2: bad input.

    \b
    Examples:
      deployer doctor
      deployer doctor -o json > doctor.json
    """
    stop_at_once()
    sections = []
    for section in examine(os.environ, show_waiting):
        show_waiting(())
        sections.append(section)
        if not output:
            _print(section)
    # Clusters come as they answer; a document is the same each time.
    in_order = sorted(sections, key=lambda one: one.title if one.title.startswith("cluster ") else "")
    checks = [check for section in in_order for check in section.checks]
    failed = any(check.status == "failed" for check in checks)
    if output:
        click.echo(json.dumps({"checks": [asdict(check) for check in checks], "ok": not failed}, indent=2))
    else:
        _print_summary(checks)
    sys.exit(1 if failed else 0)


def _print(section: Section) -> None:
    """Print a section: a line for what is well, and below anything else the reason and what to do."""
    console = Console(highlight=False)
    console.print(Text(_shown(section.title), "bold"), soft_wrap=True)
    for check in section.checks:
        label, style = _label(check.status)
        lines = _lines(check)
        if not console.is_terminal:
            for number, line in enumerate(lines):
                click.echo(f"  {label if number == 0 else ' ' * _LABEL} {_shown(line)}")
            continue
        grid = Table.grid(padding=(0, 1))
        grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        grid.add_row(Text(label, style), Text(_shown("\n".join(lines))))
        console.print(Padding(grid, (0, 0, 0, 2)))
    console.print()


def _label(status: Status) -> tuple[str, str]:
    symbol, plain, style = _SIGNS[status]
    sign = plain if symbol != _shown(symbol) else symbol
    return f"{sign} {status}".ljust(_LABEL), style


def _lines(check: Check) -> list[str]:
    if check.status == "ok":
        return [f"{check.name}: {check.message}"]
    hint = f"\nhint: {check.hint}" if check.hint else ""
    return f"{check.name}\n{check.message}{hint}".splitlines()


def _print_summary(checks: Sequence[Check]) -> None:
    counts = Counter(check.status for check in checks)
    told = ", ".join(
        plural(count, "warning") if status == "warning" else f"{count} {status}"
        for status in _SIGNS
        if (count := counts[status])
    )
    style = next(_SIGNS[status][2] for status in ("failed", "warning", "ok") if counts[status])
    Console(highlight=False).print(Text(f"{plural(len(checks), 'check')}: {told}", style), soft_wrap=True)


def _shown(text: str) -> str:
    """A text without what could steer a terminal, or what standard output cannot write."""
    encoding = sys.stdout.encoding
    return printable(text).encode(encoding, "replace").decode(encoding)
