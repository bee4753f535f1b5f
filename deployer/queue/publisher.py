"""Publishes messages through Pub/Sub's REST API. The client library would more than double the start of the door.

https://cloud.google.com/pubsub/docs/reference/rest/v1/projects.topics/publish
"""

import base64
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, partial
from typing import Any

from deployer.errors import AnswerError, QueueError
from deployer.google_http import GoogleHttp, Received
from deployer.google_token import google_token
from deployer.http import excerpt
from deployer.queue.message import Message
from deployer.retry import with_retries
from deployer.settings import Settings

SECONDS = 5.0
"""Seconds that publishing may take, all attempts together: GitHub waits ten for the answer to its delivery."""

MOST_MESSAGES = 1_000
MOST_BYTES = 9_000_000
"""Of one request; Pub/Sub takes 10 MB (https://cloud.google.com/pubsub/quotas#resource_limits)."""

_GOOGLE = "https://pubsub.googleapis.com"
_PERMISSION = "pubsub.topics.publish"
_EACH = 2.5
"""Seconds of one attempt, so that there is time for another: a kept connection may have died without a word."""


class Publisher:
    """The way to the topic; shared by threads."""

    def __init__(self, settings: Settings) -> None:
        """Take the topic, and where it is. Nothing is sent yet."""
        endpoint = settings.pubsub_endpoint
        self._topic = settings.pubsub_topic
        self._http = GoogleHttp(f"http://{endpoint}" if endpoint else _GOOGLE)
        self._token = None if endpoint else google_token()

    def publish(self, messages: Sequence[Message], seconds: float = SECONDS) -> None:
        """Publish messages in their order, and return when Pub/Sub has confirmed all of them.

        They go one request after the other, and none is sent after one that failed: those of an ordering key keep their
        order. A request that is repeated may be published twice, and a failure may come after some were published.

        Args:
            messages: any number of them.
            seconds: how long all of it may take.

        Raises:
            QueueError: one was not confirmed; says why and what to do.
        """
        end = time.monotonic() + seconds
        for count, body in _requests(messages):
            with_retries(partial(self._publish, count, body, end), end - time.monotonic())

    def may_publish(self, seconds: float = SECONDS) -> bool:
        """Ask whether whoever runs this may publish; to a topic that is not there, nobody may.

        https://cloud.google.com/pubsub/docs/reference/rest/v1/projects.topics/testIamPermissions

        Raises:
            QueueError: Pub/Sub does not say.
        """
        end, body = time.monotonic() + seconds, json.dumps({"permissions": [_PERMISSION]}).encode()
        received = with_retries(partial(self._answer, "testIamPermissions", body, end), seconds)
        return _PERMISSION in (_json(received.data).get("permissions") or ())

    def _publish(self, count: int, body: bytes, end: float) -> None:
        found = _json(self._answer("publish", body, end).data).get("messageIds")
        if not isinstance(found, list) or len(found) != count:
            raise QueueError(
                f"{self._http.root} did not confirm what was published to {self._topic}: check what stands in between"
            )

    def _answer(self, method: str, body: bytes, end: float) -> Received:
        """Return the answer to one request; raises QueueError where there is none, or it refuses."""
        try:
            received = self._send(method, body, end)
        except AnswerError as error:
            raise QueueError(
                f"nothing can be published to {self._topic}: {error}", transient=error.transient
            ) from error
        if received.status != 200:
            raise self._refusal(received)
        return received

    def _send(self, method: str, body: bytes, end: float) -> Received:
        """Send one request; with another token where the first one is refused."""
        from deployer.deadline import within

        path = f"/v1/{self._topic}:{method}"
        headers = {"Content-Type": "application/json"}
        if self._token is None:
            return self._http.send("POST", path, _left(end), headers=headers, body=body)
        with within(_left(end)):
            headers["Authorization"] = self._token.header()
        if project := self._token.quota_project():
            headers["X-Goog-User-Project"] = project
        received = self._http.send("POST", path, _left(end), headers=headers, body=body)
        if received.status != 401:
            return received
        with within(_left(end)):
            headers["Authorization"] = self._token.renewed(headers["Authorization"])
        return self._http.send("POST", path, _left(end), headers=headers, body=body)

    def _refusal(self, received: Received) -> QueueError:
        """What an answer that is not 200 means."""
        status = received.status
        error = _json(received.data).get("error")
        error = error if isinstance(error, dict) else {}
        reasons = {one.get("reason") for one in error.get("details") or () if isinstance(one, dict)}
        words = f" ({excerpt(str(error['message']))})" if error.get("message") else ""
        told = f"Pub/Sub does not take what is published to {self._topic}: {status}{words}"
        transient = status == 429 or (status >= 500 and status != 501)  # as an emulator does not know what is asked
        if status == 404:
            told += "; make the topic, or correct DEPLOYER_PUBSUB_TOPIC"
        elif "SERVICE_DISABLED" in reasons:
            told += "; its project has no Pub/Sub: gcloud services enable pubsub.googleapis.com"
        elif status == 403:
            who = self._token.principal() if self._token else ""
            told += f"; give {who or 'the account that publishes'} roles/pubsub.publisher on the topic"
        elif status == 401:
            told += "; on a machine of yours, gcloud auth application-default login"
        elif transient:
            told += "; try again later"
        after = received.headers.get("Retry-After", "")
        wait = float(after) if after.isascii() and after.isdigit() else None
        return QueueError(told, status=status, transient=transient, retry_after=wait)


@cache
def publisher_of(settings: Settings) -> Publisher:
    """The publisher that all of this process share: it keeps its connections, and its token."""
    return Publisher(settings)


def _left(end: float) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise AnswerError("there was no time left", transient=True)
    return min(left, _EACH)


def _requests(messages: Iterable[Message]) -> Iterator[tuple[int, bytes]]:
    """Put messages into as few requests as can be: how many are in it, and its body."""
    batch: list[bytes] = []
    size = 0
    for one in map(_dumped, messages):
        if batch and (len(batch) == MOST_MESSAGES or size + len(one) > MOST_BYTES):
            yield len(batch), _body(batch)
            batch, size = [], 0
        batch.append(one)
        size += len(one) + 1
    if batch:
        yield len(batch), _body(batch)


def _body(batch: Iterable[bytes]) -> bytes:
    return b'{"messages":[' + b",".join(batch) + b"]}"


def _dumped(message: Message) -> bytes:
    value: dict[str, Any] = {"data": base64.b64encode(message.data).decode(), "attributes": dict(message.attributes)}
    if message.ordering_key:
        value["orderingKey"] = message.ordering_key
    return json.dumps(value, separators=(",", ":")).encode()


def _json(data: bytes) -> dict[str, Any]:
    """An answer's JSON object; empty where it is none."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
