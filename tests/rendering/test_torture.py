"""Whole files with all that YAML can do, and what kubectl makes of them."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from deployer.errors import RenderError
from deployer.source import Directory
from local.world import World
from tests.rendering.conftest import FileJudge, Judged, concatenated, with_names
from tests.rendering.rendered import render

# A file that one can read, with an object for each thing that YAML can do; what follows are bytes that no editor shows.
TORTURE = Path(__file__).with_name("torture.yaml").read_bytes()
UTF16_LE, UTF16_BE = "utf-16-le", "utf-16-be"

# What it is, and the file, where $HEAD are the fields of an object. kubectl and we read the same objects.
SAME: dict[str, bytes] = {
    "no newline at the end": b"$HEADa: 1",
    "CRLF": b"$HEADa: |\r\n  one\r\n  two\r\nb: 'x\r\n  y'\r\n---\r\n$HEADa: 1\r\n",
    "CRLF and LF": b"$HEADa: |\n  one\r\n  two\n---\r\n$HEAD---\n$HEAD",
    "CR before CRLF": b"$HEADa: one\r\r\n  two\n",
    "CR only, after the head": b"$HEADa: 1\rb:\r  c: |\r    text\r    more\rd: 'x\r  y'\r",
    "NEL": "$HEADa: 1\x85b: |\x85  one\x85  two\x85".encode(),
    "line and paragraph separators": "$HEADa: 'x\u2028  y'\u2028b: |\u2028  one\u2029  two\u2029".encode(),
    "mark": "\ufeff$HEADa: 1".encode(),
    "mark and comment": "\ufeff# comment\n$HEADa: 1".encode(),
    "mark in a value": "$HEADa: x\ufeffy\nb: '\ufeff'\n".encode(),
    "mark at a document": "$HEADa: 1\n---\n\ufeff$HEADa: 2\n".encode(),
    "UTF-16 LE": "\ufeff$HEADa: é🎉\r\n---\n$HEAD".encode(UTF16_LE),
    "UTF-16 BE": "\ufeff$HEADa: é🎉\r\n---\n$HEAD".encode(UTF16_BE),
    "emoji and more": "$HEAD🎉: '👨‍👩‍👧'\na: 日本語\nb: ‮rtl\nc: \U0010fffd\nd: '\ud7ff\ue000\ufffd\xa0'\n".encode(),
    "long plain line": b"$HEADa: " + b"word " * 20_000 + b"\n",
    "long word": b"$HEADa: " + b"x" * 200_000 + b"\n",
    "long quoted line": b"$HEADa: '" + b"x " * 50_000 + b"'\nb: \"" + b"\\n" * 50_000 + b'"\n',
    "long flow line": b"$HEADa: [" + b"item, " * 20_000 + b"]\n",
    "long key": b"$HEAD" + b"k" * 1_000 + b": 1\n? " + b"k" * 5_000 + b"\n: 1\n",
    "long number": b"$HEADa: " + b"0" * 5_000 + b"7\nb: 0." + b"3" * 5_000 + b"\nc: 1" + b"0" * 5_000 + b"\n",
    "long comment": b"# " + b"x" * 100_000 + b"\n$HEAD# " + b"y" * 100_000,
    "tabs between": b"$HEADa:\t1\t# comment\nb: [\t1,\t2\t]\nc:\t{\td: 1\t}\n",
    "empty documents": b"---\n---\n\n---\n# comment\n---\n$HEAD---\n---\n",
    "null documents": b"null\n---\n~\n---\n$HEAD",
    "spaces behind dashes": "$HEAD---   \n$HEAD---\t\n$HEAD---\xa0\u2003\n$HEAD---\x0b\x0c\n$HEAD".encode(),
    "comments behind dashes": b"--- # one\n$HEAD---# two\n$HEAD---\t#three\n$HEAD",
    "dashes in text": b"$HEADa: |\n  ---\n   --- x\nb: x---\n",
    "document end": b"$HEADa: 1\n...\n---\n$HEADa: 2\n... # comment\n---\n",
    "JSON": b'{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "$NAME"}, "a": "\\ud83c\\udf89\\/"}',
    "indented": b"  apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: $NAME}\n  a: 1\n",
    "a mapping in braces": b"{apiVersion: v1, kind: ConfigMap, metadata: {name: $NAME}, a: 1,}\n",
    "reserved in quotes": b"$HEADa: ['@a', \"`b\", '%c']\n",
    "control escapes": b'$HEADa: "\\x00\\x07\\x1b\\x7f\\x85\\u2028\\ufeff\\uFFFE\\U0010ffff"\n',
    "no-break spaces": "$HEADa: x\xa0y\nb: '\xa0'\n".encode(),
}

# Neither of us reads them.
REFUSED: dict[str, bytes] = {
    "tab as indentation": b"$HEADa:\n\tb: 1\n",
    "tab alone": b"$HEAD\t\na: 1\n",
    "dots first": b"...\n---\n$HEAD",
    "NEL in a value": "$HEADa: x\x85y\n".encode(),
    "tab in front of a list": b"$HEADa:\n\t- b\n",
    "tab begins a block": b"$HEADa: |\n  \ttext\n",
    "tab begins a value": b"$HEADa: 1\n\t# comment\nb: [\n\t1]\n c: 1\n",
    "two values": b"$HEADa: 'x' y\n",
    "open quote": b"$HEADa: 'x\n",
    "open bracket": b"$HEADa: [1\n",
    "two commas": b"$HEADa: [1,,2]\n",
    "comma first": b"$HEADa: [,1]\n",
    "colon in a value": b"$HEADa: b: c\n",
    "reserved @": b"$HEADa: @b\n",
    "reserved `": b"$HEADa: `b\n",
    "percent": b"$HEADa: %b\n",
    "unknown escape": b'$HEADa: "\\q"\n',
    "short escape": b'$HEADa: "\\x4"\n',
    "escape of half a character": b'$HEADa: "\\ud83c\\udf89"\n',
    "indentation 0": b"$HEADa: |0\n  x\n",
    "two indentations": b"$HEADa: |22\n  x\n",
    "too little indentation": b"$HEADa: |4\n  x\n  y\n",
    "wrong indentation": b"$HEADa:\n    b: 1\n  c: 2\n",
    "a list in a mapping": b"$HEAD- a\n",
    "unknown alias": b"$HEADa: *x\n",
    "cycle": b"$HEADa: &x [*x]\n",
    "alias of the document before": b"$HEADa: &x 1\n---\n$HEADa: *x\n",
    "anchor of an alias": b"$HEADa: &x 1\nb: &y *x\n",
    "two anchors": b"$HEADa: &x &y 1\n",
    "merge of text": b"$HEAD<<: x\n",
    "merge of lists": b"$HEAD<<: [[a]]\n",
    "list as key": b"$HEAD? [a]\n: 1\n",
    "mapping as key": b"$HEAD? {a: 1}\n: 1\n",
    "null as key": b"$HEAD~: 1\n",
    "no key": b"$HEAD: 1\n",
    "infinity": b"$HEADa: .inf\n",
    "not a number": b"$HEADa: [.NaN]\n",
    "key of more than 64 bits": b"$HEAD9223372036854775808: 1\n",
    "long simple key": b"$HEADa: {" + b"k" * 2_000 + b": 1}\n",
    "unknown tag handle": b"$HEADa: !x!y 1\n",
    "tag that is not UTF-8": b"$HEADa: !%ff x\n",
    "wrong integer": b"$HEADa: !!int x\n",
    "float of more than 63 bits": b"$HEADa: !!float 9223372036854775808\n",
    "wrong base64": b"$HEADa: !!binary x\n",
    "directive": b"%YAML 1.1\n---\n$HEAD",
    "tag directive": b"%TAG ! tag:x\n---\n$HEAD",
    "text behind dashes": b"--- a: 1\n$HEAD",
    "four dashes": b"$HEAD----\n",
    "block behind dashes": b"$HEAD--- |\n  x\n",
    "control behind dashes": b"$HEAD--- \x1c\n$HEAD",
    "control character": b"$HEADa: \x01\n",
    "NUL": b"$HEADa: \x00\n",
    "DEL": b"$HEADa: \x7f\n",
    "C1 control": "$HEADa: \x80\n".encode(),
    "no character": "$HEADa: \ufffe\n".encode(),
    "UTF-16 LE without a mark": "$HEADa: 1\n".encode(UTF16_LE),
    "UTF-16 BE without a mark": "$HEADa: 1\n".encode(UTF16_BE),
    "text after JSON": b'{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "$NAME"}} a: 1\n',
}

DATA_WOULD_BE_LOST = "kubectl would lose data without a word"
NEVER_MEANT = "what kubectl reads was never meant"
OLDER_PARSER = "kubectl's parser is older than libyaml; the text has only one meaning"
# kubectl reads them, and we do not: why, and what we say.
STRICTER: dict[str, tuple[bytes, str, str]] = {
    "duplicate key": (b"$HEADa: 1\na: 2\n", DATA_WOULD_BE_LOST, "the key 'a' stands twice"),
    "duplicate key after conversion": (b"$HEAD1: a\n'1': b\n", DATA_WOULD_BE_LOST, "the key '1' stands twice"),
    "duplicate key in JSON": (
        b'{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "$NAME"}, "a": 1, "a": 2}',
        DATA_WOULD_BE_LOST,
        "the key 'a' stands twice",
    ),
    "text after the end": (b"$HEAD...\nb: 1\n", DATA_WOULD_BE_LOST, "did not find expected <document start>"),
    "broken text after the end": (b"$HEAD...\nb: ]\n", DATA_WOULD_BE_LOST, "did not find expected <document start>"),
    "CR only": (
        b"apiVersion: v1\rkind: ConfigMap\rmetadata: {name: $NAME}\r---\rb: 1\r",
        DATA_WOULD_BE_LOST,
        "the document ended above",
    ),
    "document behind CR": (b"$HEADa: 1\r---\rb: 1\r", DATA_WOULD_BE_LOST, "the document ended above"),
    "binary": (b"$HEADa: !!binary /w==\n", DATA_WOULD_BE_LOST, "!!binary is not the base64 of text"),
    "not UTF-8": (b"$HEADa: \xff\n", DATA_WOULD_BE_LOST, "not valid UTF-8"),
    "half a character": (
        b'{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "$NAME"}, "a": "\\ud800"}',
        DATA_WOULD_BE_LOST,
        "found invalid Unicode character escape code",
    ),
    "tag with half a character": (b"$HEADa: !%ed%a0%80 x\n", NEVER_MEANT, "%-escapes are no UTF-8"),
    "value without a space": (b"$HEADa: {b:}\n", NEVER_MEANT, "found unexpected ':'"),
    "mark in the middle": ("$HEAD\ufeffa: 1\n".encode(), NEVER_MEANT, "a byte-order mark begins this line"),
    "two marks": ("$HEAD---\n\ufeff\ufeff$HEAD".encode(), NEVER_MEANT, "a byte-order mark begins this line"),
    "tag with a comma": (b"$HEADa: !b,c 1\n", NEVER_MEANT, "did not find expected whitespace"),
    "escaped single quote": (b'$HEADa: "\\\'"\n', "YAML has no such escape", "found unknown escape character"),
    "directive at the end": (b"$HEAD...\n%YAML 1.1\n---\n$HEAD", NEVER_MEANT, "%YAML and %TAG are not supported"),
    "directive before CR": (b"%YAML 1.1\r---\r$HEAD", "a file of them takes hours", "%YAML and %TAG are not supported"),
    "two objects in a line": (
        b'{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "$NAME"}}\n'
        b'{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "$NAME"}}\n',
        "no YAML, and Argo CD's own tools do not write it",
        "did not find expected <document start>",
    ),
    "deep nesting": (b"$HEADa: " + b"[" * 200 + b"]" * 200, "a limit of ours", "nested more than 100 deep"),
}
# We read them, and kubectl does not: why, and the value.
LAXER: dict[str, tuple[bytes, str, Any]] = {
    "question mark in a list": (b"$HEADa: [http://x/?y=1]\n", OLDER_PARSER, ["http://x/?y=1"]),
    "escaped slash": (b'$HEADa: "x\\/y"\n', OLDER_PARSER, "x/y"),
    "tag before a comma": (b"$HEADa: [!b,c]\n", OLDER_PARSER, ["", "c"]),
    "JSON after YAML": (
        b"# yaml\n---\n"
        + b'{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "$NAME"}, "a": "\\ud83c\\udf89"}',
        "a document of a file means what it means alone",
        "🎉",
    ),
}


def ours(content: bytes) -> Judged:
    """What we make of a file, and whether we refuse it."""
    try:
        return Judged([dict(manifest.body) for manifest in render({"file.yaml": content}, Directory())], False)
    except RenderError:
        return Judged([], True)


def as_json(value: Any) -> str:
    """Equal only for values of the same JSON type: 1.0 is not 1."""
    return json.dumps(value, sort_keys=True)


def kubectl_prints(command: list[str], content: bytes, folder: Path) -> str:
    """The objects that kubectl reads from a file, as JSON, without what the command adds."""
    (folder / "file.yaml").write_bytes(content)
    command = [*command, "--dry-run=client", "--output=json", f"--filename={folder}/file.yaml"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    found = concatenated(done.stdout)
    for body in found:
        for added in ("labels", "namespace"):
            body["metadata"].pop(added, None)
    return as_json(found)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(TORTURE, id="as it is"),
        pytest.param(TORTURE.replace(b"\n", b"\r\n"), id="CRLF"),
        pytest.param("\ufeff".encode() + TORTURE, id="mark"),
        pytest.param(("\ufeff" + TORTURE.decode()).encode(UTF16_LE), id="UTF-16 LE"),
        pytest.param(("\ufeff" + TORTURE.decode()).encode(UTF16_BE), id="UTF-16 BE"),
    ],
)
def test_the_torture_file_is_what_kubectl_reads(content: bytes, kubectl: str, tmp_path: Path) -> None:
    judged = kubectl_prints([kubectl, "label", "--local", "judged=yes"], content, tmp_path)
    assert as_json(ours(content).objects) == judged


def test_the_torture_file_is_what_kubectl_would_create(world: World, kubectl: str, tmp_path: Path) -> None:
    config = world.clusters["staging"].admin_kubeconfig
    judged = kubectl_prints([kubectl, f"--kubeconfig={config}", "create", "--validate=false"], TORTURE, tmp_path)
    assert as_json(ours(TORTURE).objects) == judged


def test_what_both_read_is_the_same(kubectl_files: FileJudge) -> None:
    judged = kubectl_files(list(SAME.values()))
    found = [ours(with_names(content, f"file-{number}")) for number, content in enumerate(SAME.values())]
    assert all(one.objects for one in found)
    assert [name for name, a, b in zip(SAME, judged, found, strict=True) if as_json(a) != as_json(b)] == []


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_yaml_is_refused(name: str) -> None:
    assert ours(with_names(REFUSED[name], "web")).refused


def test_what_is_no_yaml_is_refused_by_kubectl(kubectl_files: FileJudge) -> None:
    judged = kubectl_files(list(REFUSED.values()))
    assert [name for name, found in zip(REFUSED, judged, strict=True) if not found.refused] == []


@pytest.mark.parametrize("name", STRICTER)
def test_where_we_are_stricter_we_say_why(name: str) -> None:
    content, _, problem = STRICTER[name]
    with pytest.raises(RenderError) as error:
        render({"web.yaml": with_names(content, "web")}, Directory())
    assert problem in str(error.value)


@pytest.mark.parametrize("name", LAXER)
def test_where_we_are_laxer_there_is_one_meaning(name: str) -> None:
    content, _, value = LAXER[name]
    assert [body["a"] for body in ours(with_names(content, "web")).objects] == [value]


def test_the_differences_are_still_there(kubectl_files: FileJudge) -> None:
    judged = kubectl_files([content for content, *_ in STRICTER.values()])
    assert [name for name, found in zip(STRICTER, judged, strict=True) if not found.objects] == []
    judged = kubectl_files([content for content, *_ in LAXER.values()])
    assert [name for name, found in zip(LAXER, judged, strict=True) if not found.refused] == []
