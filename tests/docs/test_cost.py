"""docs/explanation/cost.md: each figure is what its arithmetic gives, and each sum what its rows give."""

import ast
import operator
import re
from collections.abc import Callable, Mapping

import pytest

from deployer.job import Job
from deployer.queue.message import of_job
from tests.docs import reference
from tests.docs.commands import ROOT
from tests.docs.reference import plain

PAGE = (ROOT / "docs/explanation/cost.md").read_text()
FUNCTIONS = (ROOT / "terraform/functions.tf").read_text()
PRICES = "| name | $ | for | free a month |"
ESTIMATE = "| what | how much | computed as | $ a month |"
SIZES = "| function | processors | memory | requests at once in an instance |"
LIMITS = "| GitHub | computed as | figure | of |"
OPERATORS: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}


def tables(page: str, header: str) -> list[list[list[str]]]:
    """The cells of each table under such a header line, without code marks."""
    return [[[plain(cell) for cell in row] for row in table] for table in reference.tables(page, header)]


def value(text: str, names: Mapping[str, float]) -> float:
    """Work out an arithmetic of numbers and names."""

    def of(node: ast.expr) -> float:
        match node:
            case ast.Constant(value=int() | float() as number):
                return number
            case ast.Name(id=name):
                return names[name]
            case ast.BinOp(left=left, op=op, right=right):
                return OPERATORS[type(op)](of(left), of(right))
        raise ValueError(ast.unparse(node))

    return of(ast.parse(text, mode="eval").body)


def faults(page: str) -> list[str]:
    """Each figure of the page that is not what its arithmetic gives."""
    (priced,) = tables(page, PRICES)
    prices = {name: float(price) for name, price, _, _ in priced}
    free = {name: float(amount) for name, _, _, amount in priced}
    found = []
    sums = re.findall(
        r"^Together ([\d.]+) \$ a month before what is free, and ([\d.]+) \$ after it", page, re.MULTILINE
    )
    for rows, (before, after) in zip(tables(page, ESTIMATE), sums, strict=True):
        for what, _, formula, told in rows:
            if f"{value(formula, prices):.1f}" != told:
                found.append(f"{what}: {formula} is {value(formula, prices):.1f}, not {told}")
        # What is used of each: the arithmetic with that alone at a price of 1.
        used = {name: sum(value(row[2], {**dict.fromkeys(prices, 0), name: 1}) for row in rows) for name in prices}
        costs = sum(prices[name] * amount for name, amount in used.items())
        left = sum(prices[name] * max(amount - free[name], 0) for name, amount in used.items())
        if (f"{costs:.1f}", f"{left:.1f}") != (before, after):
            found.append(f"together it is {costs:.1f} and {left:.1f}, not {before} and {after}")
    (limits,) = tables(page, LIMITS)
    for what, formula, told, _ in limits:
        if f"{value(formula, {}):.0f}" != told.split()[0]:
            found.append(f"{what}: {formula} is {value(formula, {}):.0f}, not {told}")
    return found


def test_every_figure_is_what_its_arithmetic_gives() -> None:
    assert len(tables(PAGE, ESTIMATE)) == 3
    assert faults(PAGE) == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("| 41.6 |", "| 38.0 |"),
        ("`43200 * (3 *", "`43200 * (2 *"),
        ("0.000024", "0.000018"),
        ("and 0.0 $ after", "and 1.0 $ after"),
        ("| 180000 |", "| 18000 |"),
        ("497 a minute", "500 a minute"),
    ],
)
def test_a_wrong_figure_would_be_found(right: str, wrong: str) -> None:
    assert right in PAGE
    assert faults(PAGE.replace(right, wrong))


def sizes(module: str) -> list[list[str]]:
    """What the module says of each function with the pubsub queue, as a row of the page's table."""
    (processors,) = re.findall(r'available_cpu += "(.*)"', module)
    each = r'^    (\w+) = \{\n.*?^      memory += .*?"(\w+)".*?\n      concurrency = (\d+)\n.*?^    \}'
    return [[name, processors, *size] for name, *size in re.findall(each, module, re.MULTILINE | re.DOTALL)]


def test_the_functions_are_as_large_as_the_modules() -> None:
    assert tables(PAGE, SIZES) == [sizes(FUNCTIONS)]
    assert len(sizes(FUNCTIONS)) == 3
    assert sizes(FUNCTIONS.replace('"1Gi"', '"2Gi"')) != sizes(FUNCTIONS)


def test_a_job_is_as_small_as_the_page_says() -> None:
    commit = "1a2b3c4d" * 5
    sent = of_job(Job("agent-production-17", "the schedule", "reconcile", at=commit), "production-17")
    attributes = sum(len(name) + len(text) for name, text in sent.attributes.items())
    # Its time has 20 bytes, and its id some 16 (https://cloud.google.com/pubsub/pricing).
    assert len(sent.data) + attributes + 20 + 16 == pytest.approx(350, abs=20)
    assert "a job has some 350" in PAGE
