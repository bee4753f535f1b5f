"""docs/reference/log.md, held against what the code writes into its log."""

import ast
import json
import re
import subprocess
import sys

from deployer.masking import MASK
from deployer.webhook import HEADERS
from tests.docs.log_calls import SEVERITIES, fields, is_log, lines, steps, template
from tests.docs.reference import codes, page, rows

ALWAYS = {"severity", "message", "time"}
FIELDS = [codes(field)[0] for field, _, _ in rows("log", "| field | in | is |")]


def test_the_table_has_every_field() -> None:
    assert sorted(FIELDS) == sorted(ALWAYS | fields())


def test_the_table_has_every_step() -> None:
    assert sorted(codes(step)[0] for step, _ in rows("log", "| step | is |")) == sorted(steps())


def test_the_table_has_every_severity() -> None:
    assert {codes(name)[0] for name, _ in rows("log", "| severity | is |")} == set(SEVERITIES.values())


def test_the_table_has_every_message_and_its_severity() -> None:
    told = [(severity, codes(message)[0]) for message, severity, _ in rows("log", "| message | severity | means |")]
    assert sorted(told) == sorted({(line.severity, line.message) for line in lines() if line.message})


WRITER = """
import json, sys
from deployer.report import log
given = json.loads(sys.argv[1])
log.configure()
log.info(given.pop("message"), **given)
"""


def test_the_example_is_a_line_of_the_log() -> None:
    example = json.loads(re.findall(r"```json\n(.*?)```", page("log"), re.DOTALL)[0])
    assert ALWAYS <= example.keys() <= set(FIELDS)
    assert example["durations"].keys() <= steps()
    given = {name: value for name, value in example.items() if name not in ("severity", "time")}
    written = subprocess.run(
        [sys.executable, "-c", WRITER, json.dumps(given)], capture_output=True, text=True, check=True
    ).stderr
    line = json.loads(written)
    assert list(line) == list(example)
    assert line | {"time": ""} == example | {"time": ""}
    assert re.fullmatch(r"[0-9T:.-]+\+00:00", line["time"])
    assert re.fullmatch(r"[0-9T:.-]+\+00:00", example["time"])


def test_what_it_never_holds_is_the_codes() -> None:
    text = page("log").partition("## What it never holds")[2]
    assert f"replaced by `{MASK}`" in text
    assert set(HEADERS) <= set(codes(text))


def test_calls_are_found_in_code() -> None:
    call = ast.parse('log.error(f"no {what} of {whom!r}: why", application=name)').body[0]
    assert isinstance(call, ast.Expr)
    assert isinstance(call.value, ast.Call)
    assert is_log(call.value.func)
    assert template(call.value.args[0]) == "no … of …: why"
    assert not is_log(ast.parse("log.hide(token)").body[0])
    assert {"application", "delivery", "message_id"} <= fields()
