"""A message as Pub/Sub keeps it, and the forms that it takes: pushed, and forwarded as a dead letter."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DEAD_LETTER = "CloudPubSubDeadLetterSource"


@dataclass(frozen=True)
class Published:
    """A message that a topic has taken; `time` is when, in RFC 3339."""

    id: str
    time: str
    data: bytes
    attributes: Mapping[str, str]
    ordering_key: str = ""


def envelope(message: Published, subscription: str, attempt: int | None) -> dict[str, Any]:
    """Return the body of a push (https://cloud.google.com/pubsub/docs/push).

    `attempt` is None where the subscription has no dead letter topic: Pub/Sub counts attempts only then.
    """
    pushed: dict[str, Any] = {
        "attributes": dict(message.attributes),
        "data": base64.b64encode(message.data).decode(),
        "messageId": message.id,
        "message_id": message.id,
        "publishTime": message.time,
        "publish_time": message.time,
    }
    if message.ordering_key:
        pushed["orderingKey"] = message.ordering_key
    body = {"message": pushed, "subscription": subscription}
    return body if attempt is None else {**body, "deliveryAttempt": attempt}


def dead_letter_attributes(message: Published, subscription: str, attempts: int, error: str) -> dict[str, str]:
    """Return the attributes of a message that is forwarded (https://cloud.google.com/pubsub/docs/dead-letter-topics)."""
    _, project, _, name = subscription.split("/")
    return {
        **message.attributes,
        f"{DEAD_LETTER}DeliveryCount": str(attempts),
        f"{DEAD_LETTER}DeliveryErrorMessage": error,
        f"{DEAD_LETTER}Subscription": name,
        f"{DEAD_LETTER}SubscriptionProject": project,
        f"{DEAD_LETTER}TopicPublishTime": message.time,
    }
