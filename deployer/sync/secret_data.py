"""Secrets as they are applied: what people write as text becomes what the server keeps. Pure."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any


def as_applied(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Turn a Secret's `stringData` into `data`.

    The server owns `stringData` as such and never shows it, so what was applied could not be compared with what is
    live (https://kubernetes.io/docs/concepts/configuration/secret/). As on the server, `stringData` wins over `data`.
    Base64 that is broken into lines is joined, as the server shows it.

    Args:
        body: the desired object.

    Returns:
        The object to apply and to compare. Any other kind is returned as it is, and so is a Secret that is not valid:
        it is the server that says what is wrong with it.
    """
    if body.get("kind") != "Secret" or body.get("apiVersion") != "v1":
        return body
    data, texts = body.get("data") or {}, body.get("stringData") or {}
    if not (isinstance(data, Mapping) and isinstance(texts, Mapping)):
        return body
    if not all(isinstance(value, str) for value in [*data.values(), *texts.values()]):
        return body
    try:
        encoded = {key: base64.b64encode(value.encode()).decode() for key, value in texts.items()}
    except UnicodeEncodeError:  # half a character
        return body
    merged = {**{key: _joined(value) for key, value in data.items()}, **encoded}
    rest = {key: value for key, value in body.items() if key != "stringData"}
    return {**rest, "data": merged} if merged else rest


def _joined(text: str) -> str:
    try:
        return base64.b64encode(base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True)).decode()
    except (binascii.Error, ValueError):
        return text
