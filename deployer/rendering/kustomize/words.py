"""Kustomize's own words of what is wrong, made fit for a commit: short, and without anything that a Secret holds."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from deployer.errors import RenderError
from deployer.limits import Limits
from deployer.masking import mask
from deployer.rendering.documents import decode, read
from deployer.rendering.kustomize.reach import Reached
from deployer.rendering.loader import Budget

_LONGEST = 700
# The program quotes what it was given: configurations, patches, values, whole nodes.
_QUOTED = (
    (re.compile(r"with config: `.*`: ", re.DOTALL), ""),
    (re.compile(r'\[patch: "(?:[^"\\]|\\.)*"\]'), "the patch"),
    (re.compile(r"(cannot unmarshal \S+) `[^`]*`"), r"\1"),
    (re.compile(r"(literal sources?|env source files:) (\[.*?\]|\S+)(?=[:,])", re.DOTALL), r"\1"),
    (re.compile(r"(node contents:|must specify one of patch and path in|at the same time)\s.*", re.DOTALL), r"\1 …"),
    (re.compile(r"\b(decoding|JsonOp[ =:]) ?[\[{].*", re.DOTALL), r"\1 …"),
    (re.compile(r"(line) \[[\d ]*\] (has invalid utf8 bytes) : .*", re.DOTALL), r"a \1 \2"),
    (re.compile(r"(?m)^# Warning: .*\n?"), ""),
)


def explain(said: str, root: str, reached: Reached, limits: Limits) -> str:
    """What the program said, for people.

    Args:
        said: what it wrote to stderr.
        root: the private folder that it read, which means nothing to anybody.
        reached: what it read, whose Secrets are masked.
        limits: how much of that may be looked into.
    """
    text = said.replace(f"{root}/", "").replace(root, ".").strip().removeprefix("error: ")
    for pattern, instead in _QUOTED:
        text = pattern.sub(instead, text)
    for secret in _secrets(reached, limits):
        text = mask(text, secret)
    text = " ".join(text.split())
    if len(text) > _LONGEST:  # the cause stands at the end, what it comes of before it
        text = f"{text[: _LONGEST // 5]} … {text[-_LONGEST * 4 // 5 :]}"
    return text or "it said nothing"


def _secrets(reached: Reached, limits: Limits) -> Iterator[Mapping[str, Any]]:
    """The Secrets in what was read, and what is to become one, as Secrets."""
    for path, content in reached.files.items():
        for value in _documents(path, content, limits):
            yield from _in(value, path, reached, limits)


def _documents(path: str, content: bytes, limits: Limits) -> list[Any]:
    if b"ecret" not in content:
        return []
    try:
        documents, _ = read(path, decode(path, content), Budget(limits))
    except RenderError:
        return []
    return [value for _, value in documents]


def _in(value: Any, path: str, reached: Reached, limits: Limits) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        if value.get("kind") == "Secret":
            yield value
        if value.get("kind") == "SecretGenerator":
            yield _generated(value, path, reached)
        for key, one in value.items():
            if key == "secretGenerator" and isinstance(one, list):
                yield from (_generated(entry, path, reached) for entry in one if isinstance(entry, Mapping))
            yield from _in(one, path, reached, limits)
    elif isinstance(value, list):
        for one in value:
            yield from _in(one, path, reached, limits)
    elif isinstance(value, str) and "Secret" in value and "\n" in value:
        for inner in _documents(path, value.encode(), limits):
            yield from _in(inner, path, reached, limits)


def _generated(generator: Mapping[str, Any], path: str, reached: Reached) -> Mapping[str, Any]:
    """A generator of a Secret as the Secret, with more in it than there will be."""
    values: list[str] = []
    for literal in generator.get("literals") or ():
        values += [str(literal), str(literal).partition("=")[2].strip("'\"")]
    for name in [*(generator.get("files") or ()), *(generator.get("envs") or ()), generator.get("env") or ""]:
        ending = str(name).rpartition("=")[2].rpartition("/")[2]
        for file, content in reached.files.items():
            if ending and file.rpartition("/")[2] == ending:
                lines = content.decode(errors="replace").splitlines()
                values += [part for line in lines for part in (line.strip(), line.partition("=")[2].strip())]
    return {"kind": "Secret", "stringData": {str(number): value for number, value in enumerate(values) if value}}
