"""What Pub/Sub pushes: a message in its envelope, read. Pure.

https://cloud.google.com/pubsub/docs/push#receive_push
"""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

DEAD_LETTER = "CloudPubSubDeadLetterSourceSubscription"
"""The attribute that a message has which was given up: the subscription that it comes from.
https://cloud.google.com/pubsub/docs/handling-failures#dead_letter_topic"""

_MOST_VALUES = 2_000
"""Lists, objects and commas around the data: a message has 100 attributes at the most."""

_STRUCTURE = re.compile(rb"[\[{,]")


class MalformedError(Exception):
    """It is no push of Pub/Sub's; the text says why, and never quotes it."""


@dataclass(frozen=True)
class Pushed:
    """A message as it was pushed.

    `attempt` counts its deliveries from 1, None where the subscription has no dead-letter topic and so nobody counts.
    `publish_time` is None where it is not told. `dead_letter` says that another subscription has given it up, which is
    `attributes[DEAD_LETTER]`.
    """

    data: bytes
    attributes: Mapping[str, str]
    message_id: str
    publish_time: datetime | None
    ordering_key: str
    attempt: int | None
    subscription: str
    dead_letter: bool


def read_push(body: bytes | memoryview) -> Pushed:
    """Read the body of a push request.

    Raises:
        MalformedError: it is none.
    """
    envelope = _parse(bytes(body))
    message = envelope.get("message")
    if not isinstance(message, dict):
        raise MalformedError("it has no message: the subscription must push in Pub/Sub's own envelope")
    attributes = message.get("attributes") or {}
    if not isinstance(attributes, dict) or not all(isinstance(value, str) for value in attributes.values()):
        raise MalformedError("its attributes are not texts")
    attempt = envelope.get("deliveryAttempt")
    if attempt is not None and (not isinstance(attempt, int) or isinstance(attempt, bool)):
        raise MalformedError("deliveryAttempt is no number")
    return Pushed(
        data=_data(message),
        attributes=attributes,
        message_id=_text(message, "messageId"),
        publish_time=_time(_text(message, "publishTime")),
        ordering_key=_text(message, "orderingKey"),
        attempt=attempt,
        subscription=_text(envelope, "subscription"),
        dead_letter=DEAD_LETTER in attributes,
    )


def _parse(body: bytes) -> Mapping[str, Any]:
    # 25 MB of `{},{},…` would become a gigabyte; the data itself, in base64, has none of these.
    if sum(1 for _ in zip(_STRUCTURE.finditer(body), range(_MOST_VALUES + 1), strict=False)) > _MOST_VALUES:
        raise MalformedError("it holds more values than any push of Pub/Sub's")
    try:
        envelope = json.loads(body)
    except (ValueError, RecursionError):
        raise MalformedError("it is not JSON") from None
    if not isinstance(envelope, dict):
        raise MalformedError("it is not a JSON object")
    return envelope


def _data(message: Mapping[str, Any]) -> bytes:
    try:
        return base64.b64decode(_text(message, "data"), validate=True)
    except ValueError:
        raise MalformedError("its data is not base64") from None


def _text(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name, "")
    if not isinstance(value, str):
        raise MalformedError(f"{name} is no text")
    return value


def _time(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo else None
