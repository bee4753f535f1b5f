"""One attack on the rendering, in a process of its own: `python attack.py NAME` prints what came of it, as JSON."""

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from deployer.errors import RenderError
from deployer.limits import DEFAULT_LIMITS
from deployer.rendering.documents import decode
from deployer.rendering.fast import read_fast
from deployer.source import Directory
from tests.rendering.rendered import render

# As people write it: a flow mapping would keep the fast reader from all of the text.
HEAD = b"metadata:\n  name: web\napiVersion: v1\nkind: ConfigMap\n"
JSON_HEAD = b'{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web"}, "a": '
EMOJI = "🎉".encode()  # one of them, and each character of a text takes four bytes
SIZE = DEFAULT_LIMITS.total_bytes - 1_000
NODES = DEFAULT_LIMITS.nodes
GLOB = "*a" * 40 + "b"

READ = "1 manifests"
TOO_MANY_NODES = (
    "up to here are more than 500,000 keys and values, with what aliases stand for counted every time; split"
)
TOO_MANY_DOCUMENTS = "up to here are more than 10,000 documents; split the application, or raise DEPLOYER_MAX_DOCUMENTS"
TOO_DEEP = "lists and mappings are nested more than 100 deep; nest less, or raise DEPLOYER_MAX_DEPTH"


class Attack(NamedTuple):
    """What makes the content of a file, or of several, and what is to come of it: a part of the error, or manifests."""

    content: Callable[[], bytes | dict[str, bytes]]
    outcome: str
    file: str = "web.yaml"
    is_fast: bool = False
    """Whether it is for the fast reader, which then reads it to its end."""


def full(start: bytes, unit: bytes, end: bytes = b"") -> bytes:
    """Repeat a unit until the file has as many bytes as the limits allow."""
    return start + unit * ((SIZE - len(start) - len(end)) // len(unit)) + end


def numbered(unit: bytes, count: int) -> bytes:
    """Repeat a unit, with a number for each `#` in it."""
    return b"".join(unit.replace(b"#", b"n%06d" % number) for number in range(count))


def levels(first: bytes, level: bytes, alias: bytes) -> bytes:
    """Anchors, each of nine aliases of the one before it."""
    aliases = ((n, b", ".join([alias % (n - 1)] * 9)) for n in range(1, 9))
    return first + b"".join(level % (n, n, names) for n, names in aliases)


ATTACKS = {
    # Aliases and merges.
    "alias bomb": Attack(
        lambda: HEAD + levels(b"a0: &a0 [x, x, x, x, x, x, x, x, x]\n", b"a%d: &a%d [%s]\n", b"*a%d"), TOO_MANY_NODES
    ),
    "alias bomb of merges": Attack(
        lambda: HEAD + levels(b"a0: &a0 {x: 1}\n", b"a%d: &a%d {<<: [%s], y: 1}\n", b"*a%d"), TOO_MANY_NODES
    ),
    "alias cycle": Attack(lambda: HEAD + b"a: &a {b: [*a]}\n", "an alias stands inside the value that it stands for"),
    "quadratic blow-up": Attack(
        lambda: HEAD + b"a: &a " + b"x" * (SIZE // 2) + b"\nb: [" + b"*a," * (SIZE // 6) + b"]\n",
        "up to here are more than 10,000,000 characters, with what aliases stand for",
    ),
    "many anchors": Attack(lambda: HEAD + b"a:\n" + numbered(b"- &# " + EMOJI + b"\n", SIZE // 16), TOO_MANY_NODES),
    "nested merges": Attack(
        lambda: HEAD + b"n0: &n0 {}\n" + b"".join(b"n%d: &n%d {<<: *n%d}\n" % (n, n, n - 1) for n in range(1, 2_000)),
        TOO_DEEP,
    ),
    "merges of a large mapping": Attack(
        lambda: HEAD + b"a: &a {" + numbered(b"#,", 1_000) + b"}\n" + numbered(b"#: {<<: *a}\n", 1_000), TOO_MANY_NODES
    ),
    # Depth.
    "nested brackets": Attack(lambda: HEAD + b"a: " + b"[" * 100_000, TOO_DEEP),
    "nested braces": Attack(lambda: HEAD + b"a: " + b"{a: " * 100_000, TOO_DEEP),
    "nested dashes": Attack(lambda: HEAD + b"a:\n" + b"- " * 100_000, TOO_DEEP),
    "nested question marks": Attack(lambda: HEAD + b"a:\n " + b"? " * 100_000, TOO_DEEP),
    "nested lines": Attack(lambda: HEAD + b"a:\n" + b"".join(b" " * n + b"a:\n" for n in range(1, 4_000)), TOO_DEEP),
    "nested JSON": Attack(lambda: JSON_HEAD + b'[{"a":' * 50_000, TOO_DEEP, "web.json"),
    "nested JSON in YAML": Attack(lambda: JSON_HEAD + b'{"a":' * 100_000, TOO_DEEP),
    # Many of them.
    "flat list of 585 KB": Attack(lambda: HEAD + b"a: [" + b"0," * 290_000 + b"0]\n", READ),
    "flat list of 10 MB": Attack(lambda: full(HEAD + b"a: [", b"0,", b"]"), TOO_MANY_NODES),
    "deep lists within the limits": Attack(
        lambda: HEAD + b"a: [" + (b"[" * 98 + b"]" * 98 + b",") * (NODES // 98 - 1) + b"]", READ
    ),
    "mappings within the limits": Attack(
        lambda: HEAD + b"a: [" + numbered(b"{%b#: %b#}, " % (EMOJI, EMOJI), NODES // 3 - 10) + b"]", READ
    ),
    "keys within the limits": Attack(
        lambda: HEAD + b"a:\n" + numbered(b" %b#: %b#\n" % (EMOJI, EMOJI), NODES // 2 - 10), READ
    ),
    "a million keys": Attack(lambda: HEAD + b"a:\n" + numbered(b" #:\n", 900_000), TOO_MANY_NODES),
    "flat list of JSON": Attack(lambda: full(JSON_HEAD + b"[", b"1,", b"1]}"), TOO_MANY_NODES, "web.json"),
    "empty lists of JSON": Attack(lambda: full(JSON_HEAD + b"[", b"[],", b"1]}"), TOO_MANY_NODES, "web.json"),
    "objects of JSON": Attack(lambda: full(JSON_HEAD + b"[", b'{"a":0},', b"1]}"), TOO_MANY_NODES, "web.json"),
    "keys of JSON within the limits": Attack(
        lambda: JSON_HEAD + b"{" + numbered(b'"%b#":"%b#",' % (EMOJI, EMOJI), NODES // 2 - 10) + b'"a": 0}}',
        READ,
        "web.json",
    ),
    "millions of documents": Attack(lambda: full(b"", b"---\n"), TOO_MANY_DOCUMENTS),
    "millions of documents with text": Attack(lambda: full(HEAD, b"---\na\n"), TOO_MANY_DOCUMENTS),
    "many objects": Attack(
        lambda: (
            b"apiVersion: v1\nkind: List\nitems:\n"
            + numbered(b"- {kind: A, apiVersion: a, metadata: {name: #}}\n", 50_000)
        ),
        "up to here are more than 10,000 objects; split the application, or raise DEPLOYER_MAX_OBJECTS",
    ),
    "a million files": Attack(
        lambda: {f"{number}.yaml": b"" for number in range(1_000_000)},
        "1,000,000 manifest files, where 2,000 are allowed; split the application, or raise DEPLOYER_MAX_FILES",
    ),
    "large files": Attack(
        lambda: {f"{number}.yaml": b"#" * 1_000_000 for number in range(10, 30)},
        "20.yaml: up to here the files have 11,000,000 bytes, where 10,000,000 are allowed; "
        "split the application, or raise DEPLOYER_MAX_BYTES",
    ),
    # Huge ones.
    "one huge scalar": Attack(lambda: full(HEAD + b"a: " + EMOJI, b"x"), READ),
    "one huge quoted scalar": Attack(lambda: full(HEAD + b'a: "' + EMOJI, b"\\n", b'"'), READ),
    "one huge block": Attack(lambda: full(HEAD + b"a: |\n", b"  x\n"), READ),
    "one huge key": Attack(lambda: full(HEAD + b"? ", b"x", b"\n: 1\n"), READ),
    "one huge tag": Attack(lambda: full(HEAD + b"a: !", b"x", b" 1"), READ),
    "one huge string of JSON": Attack(lambda: full(JSON_HEAD + b'"' + EMOJI, b"x", b'"}'), READ, "web.json"),
    "one huge string of JSON in YAML": Attack(lambda: full(JSON_HEAD + b'"' + EMOJI, b"x", b'"}'), READ),
    "one huge string of escapes": Attack(lambda: full(JSON_HEAD + b'"', b"\\ud83c\\udf89", b'"}'), READ, "web.json"),
    "one huge file of UTF-16": Attack(
        lambda: (HEAD.decode() + "a: 🎉" + "x" * (SIZE // 2 - 99)).encode("utf-16"), READ
    ),
    "huge integer": Attack(lambda: full(HEAD + b"a: ", b"9"), READ),
    "huge hexadecimal key": Attack(lambda: full(HEAD + b"? 0x", b"f", b"\n: 1\n"), READ),
    "huge number with underscores": Attack(lambda: full(HEAD + b"a: .", b"5_", b"5"), READ),
    "huge exponents": Attack(lambda: full(HEAD + b"a: 1e999999999\n1e-999999999: 1\nc: 1e", b"9"), READ),
    "huge number of JSON": Attack(lambda: full(JSON_HEAD, b"9", b"}"), "infinity and NaN are no JSON", "web.json"),
    "huge timestamp": Attack(lambda: full(HEAD + b"a: !!timestamp 2001-01-01t1:1:1.", b"1"), READ),
    "huge binary": Attack(lambda: full(HEAD + b"a: !!binary ", b"aaaa"), "not the base64 of text"),
    # What the fast reader takes.
    "items read fast": Attack(lambda: HEAD + b"a:\n" + numbered(b"- %b#\n" % EMOJI, NODES - 20), READ, is_fast=True),
    "keys read fast": Attack(
        lambda: HEAD + b"a:\n" + numbered(b' "%b#": "%b#       "\n' % (EMOJI, EMOJI), NODES // 2 - 10),
        READ,
        is_fast=True,
    ),
    "mappings read fast": Attack(
        lambda: HEAD + b"a:\n" + numbered(b"- #: %b#\n" % EMOJI, NODES // 3 - 10), READ, is_fast=True
    ),
    "blocks read fast": Attack(
        lambda: HEAD + b"a:\n" + numbered(b"- |\n  %b\n  #\n" % EMOJI, SIZE // 21), READ, is_fast=True
    ),
    "long blocks read fast": Attack(
        lambda: HEAD + numbered(b"#: |\n" + b" \xc4\x80\n" * 60_000, 40), READ, is_fast=True
    ),
    "long folded blocks read fast": Attack(
        lambda: HEAD + numbered(b"#: >\n" + b" \xc4\x80\n" * 60_000, 40), READ, is_fast=True
    ),
    "long lines read fast": Attack(
        lambda: HEAD + numbered(b"#: |\n " + EMOJI + b"x" * 190_000 + b"\n", 50), READ, is_fast=True
    ),
    # What it would take, if it were less or shorter.
    "a million items": Attack(lambda: HEAD + b"a:\n" + b"- %b\n" % EMOJI * 1_000_000, TOO_MANY_NODES),
    "a block of short lines": Attack(lambda: full(HEAD + b"a: |\n", b" \xc4\x80\n"), READ),
    "a block of short lines and emojis": Attack(lambda: full(HEAD + b"a: |\n " + EMOJI + b"\n", b" a\n"), READ),
    "a block of empty lines": Attack(lambda: full(HEAD + b"a: |\n  " + EMOJI + b"\n", b" \n", b"  x\n"), READ),
    "a folded block of short lines": Attack(lambda: full(HEAD + b"a: >\n", b" \xc4\x80\n"), READ),
    "a scalar on one line": Attack(lambda: full(HEAD + b"a: " + EMOJI, b"x", b"\n"), READ),
    "a quoted scalar on one line": Attack(lambda: full(HEAD + b'a: "' + EMOJI, b"\\n", b'"\n'), READ),
    "a list on one line": Attack(
        lambda: HEAD + b"# " + EMOJI + b"\na: [" + numbered(b"#,", NODES - 20) + b"a]\n", READ
    ),
    # What is slow to some parsers or regular expressions.
    "directives": Attack(lambda: numbered(b"%TAG !#! tag:x\n", SIZE // 22) + HEAD, "line 1: %YAML and %TAG are not"),
    "directives behind the end": Attack(
        lambda: HEAD + b"...\n" + numbered(b"\r%TAG !#! tag:x", SIZE // 22), "line 6: %YAML and %TAG are not supported"
    ),
    "glob of many stars": Attack(lambda: {"a" * 4_000 + ".yaml": b"["}, "0 manifests"),
    "spaces behind dashes": Attack(lambda: full(HEAD + b"---", b" ", b"x\n"), "only a comment may follow `---`"),
    "nearly separators": Attack(lambda: full(HEAD, b"---x\n"), "only a comment may follow `---`"),
    "nearly words of a manifest": Attack(lambda: full(HEAD + b"[", b"kind\n\n\n\n"), "could not find expected ':'"),
    "spaces in JSON": Attack(lambda: full(JSON_HEAD, b" ", b"1}"), READ, "web.json"),
    "backslashes in JSON": Attack(lambda: full(JSON_HEAD + b'"', b"\\\\", b'"}'), READ, "web.json"),
    "colons": Attack(lambda: full(HEAD + b"a: {", b":"), "did not find expected node content"),
    "question marks": Attack(lambda: full(HEAD + b"a: ", b"? "), "mapping keys are not allowed in this context"),
    "open quotes": Attack(lambda: full(HEAD + b"a: [", b'"a\n'), "did not find expected ',' or ']'"),
    "line breaks": Attack(lambda: full(HEAD + b"a: 1", b"\r"), READ),
    "comments": Attack(lambda: full(HEAD + b"a: " + EMOJI + b"\n", b"#\n"), READ),
}


def main(name: str) -> None:
    """Carry the attack out and print what came of it."""
    # A runaway ends this process, and not the machine's memory.
    resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
    attack = ATTACKS[name]
    content = attack.content()
    files = content if isinstance(content, dict) else {attack.file: content}
    start = time.perf_counter()
    try:
        outcome = f"{len(render(files, Directory(include=GLOB if 'glob' in name else '')))} manifests"
    except RenderError as error:
        outcome = str(error)
    seconds = time.perf_counter() - start
    # The most that this process ever had: `ru_maxrss` would be the parent's, if that had more.
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    is_fast = any(read_fast(decode(path, text), DEFAULT_LIMITS) for path, text in files.items())
    told = {"outcome": outcome, "seconds": seconds, "memory": int(peak.split()[1]) * 1024, "is_fast": is_fast}
    print(json.dumps(told))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1])
