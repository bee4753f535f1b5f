"""Kustomize's own words of what is wrong, made fit for a commit: short, and without anything that a Secret holds."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from deployer.masking import MASK, forms

_LONGEST = 700
_MOST_SAID = 10_000  # characters: more hold whole objects, and are for nobody to read
_MOST_LINES = 100_000
_SHORTEST = 4
"""What is shorter is in every text, and no password."""

_UNSHOWN = "what is not shown here, as it may hold whole Secrets; run `kubectl kustomize` on that folder to read it"
_SECRETS = ("Secret", "SecretGenerator")
_OPEN = frozenset(("apiversion", "behavior", "immutable", "kind", "name", "namespace", "options", "type"))
"""The fields of a Secret, and of what generates one, that hold nothing of it; `metadata` is open if it is a mapping."""

# What the program quotes goes: configurations, patches, values, whole nodes; and what is said at every error.
_QUOTED = (
    (re.compile(r"(?m)^# Warning: .*\n?"), ""),
    (re.compile(r"^error: "), ""),
    (re.compile(r"with config: `.*`: ", re.DOTALL), ""),
    (re.compile(r"`.*`", re.DOTALL), "`…`"),
    (re.compile(r'\[patch: ".*"\]', re.DOTALL), "the patch"),
    (re.compile(r"(node contents:|patch and path in|at the same time|decoding(?! JSON:))\s.*", re.DOTALL), r"\1 …"),
    (re.compile(r"line \[[\d ]*\] (has invalid utf8 bytes) : .*", re.DOTALL), r"a line \1"),
    (re.compile(r"accumulating resources: accumulation err='(?:accumulating|merging) resources from '([^']*)'"), r"\1"),
    (re.compile(r"'[^']*' must resolve to a file': (?:recursed accumulation of path '[^']*': )?"), ""),
    (re.compile(r"': must build at directory: '[^']*': file is not directory"), ""),
)


def explain(said: str, root: str, secrets: Iterable[str]) -> str:
    """What the program said, for people.

    Args:
        said: what it wrote to stderr.
        root: the private folder that it read, which means nothing to anybody.
        secrets: texts whose every line is masked, from `secret_texts`.
    """
    text = _masked(said.replace(f"{root}/", "").replace(root, ".").strip(), secrets)
    if text is None:
        return _UNSHOWN
    for pattern, instead in _QUOTED:
        text = pattern.sub(instead, text)
    text = " ".join(text.split())
    if len(text) > _LONGEST:  # the cause stands at the end, what it comes of before it
        text = f"{text[: _LONGEST // 5]} … {text[-_LONGEST * 4 // 5 :]}"
    return text or "it said nothing"


def secret_texts(value: Any) -> Iterator[str]:
    """The texts and numbers that the Secrets in a value hold, and those of what generates or patches one."""
    if isinstance(value, list):
        for one in value:
            yield from secret_texts(one)
    elif isinstance(value, Mapping):
        kind = value.get("kind")
        # A patch may leave the kind to its target.
        if kind in _SECRETS or "stringData" in value or (kind is None and "data" in value):
            yield from _hidden(value)
        elif "op" in value:
            yield from _leaves(value.get("value"))
        for key, one in value.items():
            yield from _hidden(one) if key.casefold() == "secretgenerator" else secret_texts(one)


def _hidden(value: Any) -> Iterator[str]:
    for entry in value if isinstance(value, list) else [value]:
        if not isinstance(entry, Mapping):
            yield from _leaves(entry)
            continue
        for key, one in entry.items():
            if key.casefold() not in _OPEN and not (key == "metadata" and isinstance(one, Mapping)):
                yield from _leaves(one)


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping | list):
        for one in value.values() if isinstance(value, Mapping) else value:
            yield from _leaves(one)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def _masked(text: str, secrets: Iterable[str]) -> str | None:
    """A text without secrets; None where there is too much of either."""
    if len(text) > _MOST_SAID:
        return None
    found: set[str] = set()
    left = _MOST_LINES
    for secret in secrets:
        lines = secret.splitlines()
        left -= len(lines)
        if left < 0:
            return None
        for line in lines:
            found.update(form for form in _forms(line) if len(form) >= _SHORTEST and form in text)
    # The longest first, or a short one would break up a longer one that holds it.
    for form in sorted(found, key=len, reverse=True):
        text = text.replace(form, MASK)
    return text


def _forms(line: str) -> Iterator[str]:
    """The forms in which a line may be quoted, with and without its key."""
    if len(line) > 2 * _MOST_SAID:
        return
    for text in {line.strip(), line.partition("=")[2].strip(" '\"")}:
        for form in forms(text):
            yield from form.splitlines()
