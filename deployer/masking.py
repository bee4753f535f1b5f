"""The one place where values of Secrets are taken out of text."""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from typing import Any

MASK = "***"


def mask(text: str, body: Mapping[str, Any]) -> str:
    """Replace the values of a Secret in a text that speaks of it.

    API servers quote what they refuse, so an error about a Secret may hold its values.

    Args:
        text: what is about to be shown.
        body: the object that the text is about; anything but a Secret leaves the text as it is.

    Returns:
        The text with each value of `data` and `stringData`, encoded or decoded, replaced by `***`.
    """
    if body.get("kind") != "Secret":
        return text
    # The longest first, or a short value would break up a longer one that holds it.
    for value in sorted(set(_values(body)), key=len, reverse=True):
        text = text.replace(value, MASK)
    return text


def _values(secret: Mapping[str, Any]) -> Iterator[str]:
    for field in ("data", "stringData"):
        entries = secret.get(field)
        if not isinstance(entries, Mapping):
            continue
        for value in _leaves(entries):
            yield from _forms(value)


def _leaves(value: Any) -> Iterator[str]:
    """The texts and numbers in a value: a Secret that is refused may hold whole mappings where texts belong."""
    if isinstance(value, Mapping | list):
        for entry in value.values() if isinstance(value, Mapping) else value:
            yield from _leaves(entry)
    elif value is not None and value != "":
        yield value if isinstance(value, str) else json.dumps(value)


def _forms(value: str) -> Iterator[str]:
    """The forms in which a server may quote a value: as it is, escaped, encoded, decoded."""
    yield value
    yield json.dumps(value)[1:-1]
    yield base64.b64encode(value.encode()).decode()
    try:
        decoded = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return
    if decoded:
        yield decoded
