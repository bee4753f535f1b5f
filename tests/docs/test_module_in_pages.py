"""What pages say of the module in terraform/, held against it: its accounts, and its alerts."""

import re

from tests.docs.commands import ROOT
from tests.docs.reference import tables

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
    (table,) = tables(TRUST, "| stolen | gains | does not gain | what to do |")
    told = set(re.findall(r"`NAME-(\w+)`", str(table)))
    assert told == accounts((ROOT / "terraform/accounts.tf").read_text())
    assert len(told) == 6


def test_the_alerts_are_the_modules() -> None:
    (table,) = tables(WATCH, "| alert | when | what to do |")
    told = {alert for alert, _, _ in table}
    assert told == alerts((ROOT / "terraform/alerts.tf").read_text())
    assert len(told) == 5
