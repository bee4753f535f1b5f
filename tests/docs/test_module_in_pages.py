"""What pages say of the module in terraform/, held against it: its accounts, and its alerts."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TRUST = (ROOT / "docs/explanation/trust-boundaries.md").read_text()
WATCH = (ROOT / "docs/how-to/watch-it.md").read_text()


def accounts(module: str) -> set[str]:
    """What each account is for, as its name ends."""
    (body,) = re.findall(r"account_purposes = \{(.*?)\n  \}", module, re.DOTALL)
    return set(re.findall(r"^    (\w+) +=", body, re.MULTILINE))


def alerts(module: str) -> set[str]:
    """The titles of the alerts."""
    return set(re.findall(r'^      title +?= "(.*)"$', module, re.MULTILINE))


def test_each_account_is_told_what_a_thief_of_it_gains() -> None:
    table = TRUST.partition("| stolen | gains |")[2].partition("\n\n")[0]
    told = set(re.findall(r"`NAME-(\w+)`", table))
    assert told == accounts((ROOT / "terraform/accounts.tf").read_text())
    assert len(told) == 6


def test_the_alerts_are_the_modules() -> None:
    table = WATCH.partition("| alert | when | what to do |\n")[2].partition("\n\n")[0].splitlines()[1:]
    told = {line.split(" | ")[0].removeprefix("| ") for line in table}
    assert told == alerts((ROOT / "terraform/alerts.tf").read_text())
    assert len(told) == 5
