"""docs/reference/settings.md, held against the code."""

import ast
import re
from pathlib import Path

import pytest

from deployer import settings
from deployer.errors import ConfigurationError
from deployer.settings import SETTINGS, check_webhook_secret, load_settings
from tests.docs.reference import codes, plain, rows

TABLES = rows("settings", "| setting | default | allowed | meaning |")
PLACES = [plain(place).replace("LOCATION", "europe-west1") for place, _ in rows("settings", "| place | what it is |")]
ERRORS = rows("settings", "| given | error |")

BESIDE = {
    "DEPLOYER_GITHUB_APP_ID": {"DEPLOYER_GITHUB_APP_KEY": "file:/key.pem"},
    "DEPLOYER_GITHUB_APP_KEY": {"DEPLOYER_GITHUB_APP_ID": "123456"},
    "DEPLOYER_QUEUE": {"DEPLOYER_PUBSUB_TOPIC": "projects/acme/topics/deployer"},
    "DEPLOYER_PUSH_AUDIENCE": {"DEPLOYER_PUSH_ACCOUNT": "push@acme.iam.gserviceaccount.com"},
    "DEPLOYER_PUSH_ACCOUNT": {"DEPLOYER_PUSH_AUDIENCE": "sync"},
}
"""What a setting cannot do without."""


def allowed(cell: str) -> tuple[list[str], list[str]]:
    """Values that a cell allows, and some that it does not."""
    if bounds := re.fullmatch("`([0-9]+)` to `([0-9]+)`", cell):
        least, most = map(int, bounds.groups())
        return [str(least), str(most)], [str(least - 1), str(most + 1), "-1", "1.5", "x"]
    good = codes(cell) + (["some text"] if "a text" in cell else []) + (PLACES if "place" in cell else [])
    return good, [] if "a text" in cell else ["\x7f"]


def test_the_tables_have_every_setting_its_default_and_its_meaning() -> None:
    told = [(plain(name), plain(default), meaning) for name, default, _, meaning in TABLES]
    assert sorted(told) == sorted(tuple(setting) for setting in SETTINGS)


@pytest.mark.parametrize(("name", "cell"), [(plain(name), cell) for name, _, cell, _ in TABLES])
def test_what_is_allowed_is(name: str, cell: str) -> None:
    good, bad = allowed(cell)
    assert good
    for value in good:
        load_settings(BESIDE.get(name, {}) | {name: value})
    for value in bad if name != "DEPLOYER_CONFIG" else []:  # which may be any path
        with pytest.raises(ConfigurationError, match=name):
            load_settings(BESIDE.get(name, {}) | {name: value})


FIRST = {
    "no webhook secret": {"DEPLOYER_CONFIG": "config"},
    "`DEPLOYER_WEBHOOK_SECRET=short`": {"DEPLOYER_CONFIG": "config"},
    "neither token": {"DEPLOYER_CONFIG": "config", "DEPLOYER_WEBHOOK_SECRET": "0123456789abcdef"},
}
"""What has to be there for what a cell begins with to be the first fault."""


def fault(cell: str) -> ConfigurationError:
    """What the settings that a cell gives come to; in it, `⏎` is a newline."""
    environ = next((dict(needed) for start, needed in FIRST.items() if cell.startswith(start)), {})
    pairs = (code.replace("⏎", "\n").partition("=") for code in codes(cell) if "=" in code)
    environ |= {name: value for name, _, value in pairs}
    try:
        found = load_settings(environ)
        found.require_config()
        for name, secret in found.require_webhook_secrets().items():
            check_webhook_secret(name, secret)
        found.require_github()
    except ConfigurationError as error:
        return error
    raise AssertionError(f"{cell} is allowed")


@pytest.mark.parametrize(("cell", "told"), ERRORS)
def test_an_error_says_what_the_page_says(cell: str, told: str) -> None:
    said = plain(str(fault(cell)))
    assert said.startswith(plain(told[:-1])) if told.endswith("…") else said == plain(told)


def test_the_page_has_every_error_of_the_settings() -> None:
    file = Path(settings.__file__)
    raises = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Raise)]
    assert len(raises) > 15
    shown = set()
    for cell, _ in ERRORS:
        trace = fault(cell).__traceback__
        while trace and trace.tb_next:
            trace = trace.tb_next
        assert trace
        shown.add(trace.tb_lineno)
    missing = [node.lineno for node in raises if not shown & set(range(node.lineno, (node.end_lineno or 0) + 1))]
    assert missing == []
