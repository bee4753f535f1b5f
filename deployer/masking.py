"""The one place where values of Secrets are taken out of texts and objects."""

import base64
import contextlib
import json
from collections.abc import Hashable, Iterator, Mapping
from decimal import Decimal
from typing import Any

MASK = "***"
_FIELDS = ("data", "stringData")
_OPEN = ("apiVersion", "kind", "metadata", "type", "immutable")
"""The fields of a Secret that hold no values of it."""

_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


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


def mask_objects(*objects: Any) -> tuple[Any, ...]:
    """Replace the values of Secrets in whole objects, so that a change shows and a value does not.

    What is masked goes by the parsed object, never by its text, and is the same for what the source wants, what the
    cluster has, and what the server's dry-run answers, which is the live object merged with ours. Argo CD has leaked
    Secrets through each of them: through that merged object (CVE-2026-42880), through the annotation in which
    `kubectl apply` keeps a copy of the whole Secret (CVE-2023-40029), and through a Secret that is not valid
    (CVE-2025-23216).

    Args:
        objects: JSON values that belong together, such as an object before and after; None where there is none.

    Returns:
        The same, but for each value in `data` and `stringData` of a Secret, and in fields that no Secret has: it is
        `*** (1)`, `*** (2)` and so on, numbered as they appear in all the objects. Equal values have equal numbers, a
        text and its base64 too. That tells neither length nor content: there is no hash that could be guessed. Secrets
        inside of other objects, and copies in annotations, are masked too.
    """
    mask = _Mask()
    return tuple(mask.value(one) for one in objects)


class _Mask:
    """Masks objects that share the numbers of their placeholders."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}

    def value(self, value: Any, *, secret: bool = False) -> Any:
        """Mask a JSON value; `secret` says that it is a Secret whatever it says itself."""
        if isinstance(value, list):
            return [self.value(one) for one in value]
        if not isinstance(value, Mapping):
            return value
        # A reference to a Secret has a kind, too, but no metadata.
        whole = secret or "metadata" in value
        secret = secret or value.get("kind") == "Secret"
        masked = {}
        for key, one in value.items():
            if secret and (key in _FIELDS or (whole and key not in _OPEN)):
                masked[key] = self._entries(key, one)
            elif key == "metadata" and isinstance(one, Mapping) and isinstance(one.get("annotations"), Mapping):
                notes = {name: self._annotation(name, text, secret) for name, text in one["annotations"].items()}
                masked[key] = {**one, "annotations": notes}
            else:
                masked[key] = self.value(one)
        return masked

    def _entries(self, field: str, entries: Any) -> Any:
        if isinstance(entries, Mapping):
            return {key: self._placeholder(field, value) for key, value in entries.items()}
        return None if entries is None else self._placeholder(field, entries)

    def _annotation(self, name: str, text: Any, secret: bool) -> Any:
        """An annotation, which may hold a copy of a Secret as JSON, whichever tool has left it there."""
        try:
            copy = json.loads(text)
        except (ValueError, TypeError, RecursionError):
            copy = None
        if isinstance(copy, Mapping):
            masked = self.value(copy, secret=secret)
            return text if masked == copy and not secret else json.dumps(masked, separators=(",", ":"))
        return self._placeholder(name, text) if secret and name == _LAST_APPLIED else text

    def _placeholder(self, field: str, value: Any) -> str:
        number = self._numbers.setdefault(_identity(field, value), len(self._numbers) + 1)
        return f"{MASK} ({number})"


def _identity(field: str, value: Any) -> Hashable:
    """What two values have in common that are the same to a Secret: the bytes that it holds."""
    if not isinstance(value, str):
        return "no text", json.dumps(value, sort_keys=True)
    if field == "data":
        try:
            return base64.b64decode("".join(value.split()), validate=True)
        except ValueError:
            return "no base64", value
    return value.encode(errors="surrogatepass")


def _values(secret: Mapping[str, Any]) -> Iterator[str]:
    for field in _FIELDS:
        entries = secret.get(field)
        if not isinstance(entries, Mapping):
            continue
        for value in _leaves(entries):
            yield from forms(value)


def _leaves(value: Any) -> Iterator[str]:
    """The texts and numbers in a value: a Secret that is refused may hold whole mappings where texts belong."""
    if isinstance(value, Mapping | list):
        for entry in value.values() if isinstance(value, Mapping) else value:
            yield from _leaves(entry)
    elif isinstance(value, str):
        yield value
    elif value is not None:
        yield json.dumps(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield _as_go_writes(value)


def _as_go_writes(number: float) -> str:
    """A number with an exponent, as API servers quote large and broken ones: Go's `%v` of a float64."""
    sign, digits, exponent = Decimal(repr(float(number))).normalize().as_tuple()
    first, *rest = map(str, digits)
    mantissa = f"{first}.{''.join(rest)}" if rest else first
    return f"{'-' * sign}{mantissa}e{len(rest) + int(exponent):+03d}"


def forms(value: str) -> Iterator[str]:
    """The forms in which a server may quote a value: as it is, trimmed, escaped, encoded, decoded."""
    texts = [value]
    with contextlib.suppress(ValueError):  # it need not be base64, nor that of a text
        texts.append(base64.b64decode("".join(value.split()), validate=True).decode())
    for text in texts:
        for form in (text, text.strip()):
            if form:
                yield from (form, json.dumps(form)[1:-1], base64.b64encode(form.encode()).decode())
