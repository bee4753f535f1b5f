"""The few statistics of a benchmark, and how they are shown."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

# Wide enough for every table, also where the output is no terminal and has no width.
CONSOLE = Console(width=110, highlight=False)


@dataclass(frozen=True)
class Spread:
    """The least, the median and the greatest of several measurements, in their unit."""

    least: float
    median: float
    greatest: float

    def cells(self, unit: str = "", digits: int = 2) -> tuple[str, str, str]:
        """Return the three as text, with so many digits after the point."""
        least, median, greatest = (f"{value:,.{digits}f}{unit}" for value in (self.least, self.median, self.greatest))
        return least, median, greatest


@dataclass(frozen=True)
class Goal:
    """What the median of a ratio should be: at most, or else at least, so much."""

    bound: float
    at_most: bool

    def verdict(self, ratio: Spread) -> str:
        """Say whether a ratio meets it."""
        met = ratio.median <= self.bound if self.at_most else ratio.median >= self.bound
        return f"goal: at {'most' if self.at_most else 'least'} {self.bound:g}, {'met' if met else 'NOT met'}"


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the least value that so many percent of the values do not exceed; there is one at least."""
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


def spread(values: Sequence[float]) -> Spread:
    """Sum up measurements; there is one at least."""
    return Spread(min(values), statistics.median(values), max(values))


def ratios(values: Sequence[float], peers: Sequence[float]) -> Spread:
    """Divide by a peer's measurements, round by round: what disturbed a round disturbed both."""
    return spread([value / peer for value, peer in zip(values, peers, strict=True)])


def table(*columns: str) -> Table:
    """Make a table whose first column is text, and the others figures."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="cyan")
    for number, column in enumerate(columns):
        made.add_column(column, justify="right" if number else "left", no_wrap=True)
    return made


def show(title: str, shown: Table) -> None:
    """Print a table below its title."""
    CONSOLE.print(title, style="bold")
    CONSOLE.print(shown)
    CONSOLE.print()
