"""Each command line of gcloud in the documentation is one that gcloud's own parser takes. Google is asked nothing."""

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

import pytest

from tests.docs.commands import PAGES, ROOT, fences

needs_gcloud = pytest.mark.skipif(not shutil.which("gcloud"), reason="gcloud is missing: cloud.google.com/sdk/docs")

_HEREDOC = re.compile(r"<<'?(\w+)'?\n.*?\n\1\n", re.DOTALL)
_SUBSTITUTION = re.compile(r"\$\(((?:[^()]|\([^()]*\))*)\)")
_VARIABLE = re.compile(r"\$(?:\{(\w+)[^}]*\}|(\w+))")
_ASSIGNMENT = re.compile(r"(\w+)(\+?)=(.*)")
_SIGNS = ";|&()<>{}"
_VALUE = "value-1"
"""Stands for what only the shell knows; it may be a name, or a project's ID."""


def gcloud_commands(script: str, known: dict[str, str]) -> list[str]:
    """Each command line of gcloud in a shell script, with `value-1` for what is not known before it runs.

    Args:
        script: as the page has it.
        known: variables that the page has set by then; those that the script sets are added.
    """
    script = _HEREDOC.sub("\n", script).replace("\\\n", " ")
    script = _SUBSTITUTION.sub(lambda found: found[0].replace("\n", " "), script)
    return [command for line in script.splitlines() for command in _in_line(line, known)]


def _in_line(line: str, known: dict[str, str]) -> Iterator[str]:
    for inner in _SUBSTITUTION.findall(line):
        yield from _in_line(inner, known)
    # Other lines are none of our business, and may begin a text of several lines.
    if not re.match(r"(.*\bgcloud| *(export )?\w+\+?=)", line):
        return
    line = _SUBSTITUTION.sub(_VALUE, line)
    line = _VARIABLE.sub(lambda found: known.get(found[1] or found[2], _VALUE), line)
    words = shlex.shlex(line, posix=True, punctuation_chars=_SIGNS)
    words.whitespace_split = True
    for sign, command in groupby(words, lambda word: set(word) <= set(_SIGNS)):
        rest = [] if sign else list(command)
        while rest and (rest[0] in ("do", "then", "if", "!", "export") or _ASSIGNMENT.fullmatch(rest[0])):
            if found := _ASSIGNMENT.fullmatch(rest.pop(0)):
                name, more, value = found.groups()
                known[name] = (known.get(name, "") if more else "") + value
        if rest[:1] == ["gcloud"]:
            # gcloud looks at the form of an address, so a name is none.
            yield shlex.join(rest).replace("--uri=value-1", "--uri=https://value-1.example")


def refused(commands: Iterable[str], folder: Path) -> dict[str, str]:
    """Ask gcloud which of some command lines it would not take; says why, by command."""
    asked = sorted(set(commands))
    place = folder / "commands.json"
    place.write_text(json.dumps([{"command_string": command} for command in asked]))
    done = subprocess.run(
        ["gcloud", "meta", "lint-gcloud-commands", f"--commands-file={place}"],
        env={**os.environ, "CLOUDSDK_CONFIG": str(folder / "gcloud"), "CLOUDSDK_CORE_DISABLE_PROMPTS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    assert len(answers) == len(asked)
    return {answer["command_string"]: answer["error_message"] for answer in answers if not answer["success"]}


@needs_gcloud
def test_gcloud_takes_each_command_of_the_documentation(tmp_path: Path) -> None:
    places: dict[str, str] = {}
    for page in PAGES:
        known: dict[str, str] = {}
        for fence in fences(page.read_text()):
            if fence.language == "sh":
                found = gcloud_commands(fence.text, known)
                assert found or not re.search(r"^ *gcloud ", fence.text, re.MULTILINE), f"{page}:{fence.line}"
                places.update(dict.fromkeys(found, f"{page.relative_to(ROOT)}:{fence.line}"))
    assert any(place.startswith("docs/tutorials/google-cloud.md") for place in places.values())
    wrong = [f"{places[command]}: {command}: {why}" for command, why in refused(places, tmp_path).items()]
    assert not wrong, "\n".join(wrong)


@needs_gcloud
def test_planted_faults_are_found(tmp_path: Path) -> None:
    faults = {
        "gcloud container clusters update production --location=europe-west1 --enable-dns": "--enable-dns-access",
        "gcloud projects add-iam-policy-binding acme-1 --role=roles/viewer": "argument --member: Must be specified",
        "gcloud secrets versions add --data-file=-": "argument SECRET",
        "gcloud functions deploy webhook --ingress-settings=nobody": "Invalid choice: 'nobody'",
        "gcloud pubsub topic list": "Invalid choice: 'topic'",
        "gcloud projects create acme": "Bad value [acme]",
    }
    found = refused([*faults, "gcloud pubsub topics list"], tmp_path)
    assert found.keys() == faults.keys()
    for command, words in faults.items():
        assert words in found[command]


@pytest.mark.parametrize(
    ("script", "commands"),
    [
        ("gcloud a b # gcloud no", ["gcloud a b"]),
        ("gcloud a \\\n  --b=c\ngcloud d", ["gcloud a --b=c", "gcloud d"]),
        ("x=y gcloud a | tr b c && gcloud d > e", ["gcloud a", "gcloud d"]),
        ('for x in a b; do\n  gcloud c "$x" --d="${x%%=*}"\ndone', ["gcloud c value-1 --d=value-1"]),
        ("for x in a; do gcloud c; done", ["gcloud c"]),
        ("gcloud a --b=\"$(gcloud c --d='e(f)')\"", ["gcloud c '--d=e(f)'", "gcloud a --b=value-1"]),
        ("x=$(gcloud a\n)\necho gcloud", ["gcloud a"]),
        ("cat > x <<EOF\ngcloud it's no command\nEOF\ngcloud a", ["gcloud a"]),
        ('x=y z="$known/1"\nz+=",2"\nexport a=$z\ngcloud b "$a" $other', ["gcloud b here/1,2 value-1"]),
        ("gcloud a 'b=\"c\" AND d'", ["gcloud a 'b=\"c\" AND d'"]),
    ],
)
def test_command_lines_are_found(script: str, commands: list[str]) -> None:
    assert gcloud_commands(script, {"known": "here"}) == commands
