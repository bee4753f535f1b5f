"""A Pub/Sub of the tests' own, for what Google's emulator does not do: it speaks the documented form.

The emulator's pushes lack ordering key and attempts, it shows no token, ignores filters and back-off, has two pushes a
subscription under way at most, and forwards no dead letter that its key waits for. Names and forms are those of
https://cloud.google.com/pubsub/docs/reference/rest.
"""

import base64
import json
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal, Self

from tests.push_message import Published
from tests.push_subscription import Subscription
from tests.push_token import Signer

LARGEST = 10_000_000
"""Bytes of a message (https://cloud.google.com/pubsub/quotas#resource_limits)."""

Answer = tuple[int, Any]


class NoTopicError(Exception):
    """A topic is not there."""


class _RefusedError(Exception):
    def __init__(self, status: HTTPStatus, name: str, message: str) -> None:
        super().__init__(message)
        self.status, self.name = status, name


@dataclass
class _Fault:
    how: int | Literal["hang", "cut"]
    left: int
    taken: bool


class PushServer:
    """A Pub/Sub on `endpoint` (HOST:PORT), a free port of 127.0.0.1; a context manager.

    `signer` makes tokens, whose certificates are at `certificates_url` (PEM) and `jwks_url`. `published` is what each
    topic has taken, and `headers` those of each request to publish.
    """

    def __init__(self) -> None:
        self.signer = Signer()
        self.published: defaultdict[str, list[Published]] = defaultdict(list)
        self.headers: list[dict[str, str]] = []
        self.subscriptions: dict[str, Subscription] = {}
        self._topics: dict[str, list[str]] = {}
        self._faults: list[_Fault] = []
        self._count = 0
        self._lock = threading.RLock()
        self._ended = threading.Event()
        self._server = _Server(self)
        self.endpoint = f"127.0.0.1:{self._server.server_port}"
        self.certificates_url = f"http://{self.endpoint}/oauth2/v1/certs"
        self.jwks_url = f"http://{self.endpoint}/oauth2/v3/certs"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="push-server")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        for one in self.subscriptions.values():
            one.close()
        self._server.shutdown()
        self._server.cut_connections()
        self._server.server_close()
        self._thread.join()

    def create_topic(self, name: str) -> None:
        """Make a topic; ValueError where it is there."""
        with self._lock:
            if name in self._topics:
                raise ValueError(f"{name} already exists")
            self._topics[name] = []

    def subscribe(self, topic: str, name: str, push_to: str, **options: Any) -> Subscription:
        """Make a push subscription; the options are fields of Subscription.

        Raises:
            ValueError: it is there.
            NoTopicError: a topic is not.
        """
        with self._lock:
            if name in self.subscriptions:
                raise ValueError(f"{name} already exists")
            for needed in (topic, options.get("dead_letter")):
                if needed and needed not in self._topics:
                    raise NoTopicError(f"Resource not found (resource={needed}).")
            subscription = Subscription(name, push_to, self.publish, **options)
            self.subscriptions[name] = subscription
            self._topics[topic].append(name)
            return subscription

    def publish(self, topic: str, data: bytes, attributes: Mapping[str, str] | None = None, key: str = "") -> str:
        """Publish a message; returns its id. What is published to a topic without a subscription is lost."""
        with self._lock:
            self._count += 1
            at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            message = Published(str(2070443601311540 + self._count), at, data, dict(attributes or {}), key)
            self.published[topic].append(message)
            for name in self._topics[topic]:
                self.subscriptions[name].take(message)
            return message.id

    def fail(self, how: int | Literal["hang", "cut"], times: int = 1, *, taken: bool = False) -> None:
        """Be down for those who publish: the next requests get a status, no answer ever, or their connection is cut.

        `taken` has the messages published all the same, so that only the answer is lost.
        """
        with self._lock:
            self._faults.append(_Fault(how, times, taken))

    def recover(self) -> None:
        """Be there again, whatever was left of `fail`."""
        with self._lock:
            self._faults.clear()

    def drained(self, timeout: float = 30) -> bool:
        """Wait until no subscription has anything left to push; False where that takes longer."""
        deadline = time.monotonic() + timeout
        while True:
            before = self._count
            if not all(one.drained(deadline - time.monotonic()) for one in list(self.subscriptions.values())):
                return False
            if self._count == before and not any(one.unsettled() for one in self.subscriptions.values()):
                return True

    def authenticate(self, subscription: Subscription, audience: str, account: str) -> None:
        """Have a subscription show tokens for an audience, as a service account."""
        subscription.token = lambda: self.signer.token(audience, account)

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer | None:
        """Answer a request: with status and JSON; None cuts the connection."""
        try:
            if method == "GET" and path == "/oauth2/v1/certs":
                return HTTPStatus.OK, self.signer.certificates()
            if method == "GET" and path == "/oauth2/v3/certs":
                return HTTPStatus.OK, self.signer.jwks()
            name = path.removeprefix("/v1/")
            if method == "POST" and name.endswith(":publish"):
                with self._lock:
                    self.headers.append(dict(headers))
                return self._publish_or_fail(name.removesuffix(":publish"), _parsed(body))
            if method == "PUT":
                return self._made(name, _parsed(body))
            raise _RefusedError(HTTPStatus.NOT_FOUND, "NOT_FOUND", f"there is no {method} {path} here")
        except _RefusedError as refused:
            error = {"code": int(refused.status), "message": str(refused), "status": refused.name}
            return refused.status, {"error": error}

    def _publish_or_fail(self, topic: str, request: Mapping[str, Any]) -> Answer | None:
        with self._lock:
            fault = next((one for one in self._faults if one.left > 0), None)
            if fault:
                fault.left -= 1
            answer = self._published(topic, request) if not fault or fault.taken else (0, {})
        match fault.how if fault else "none":
            case "hang":
                self._ended.wait()
                return None
            case "cut":
                return None
            case int(status):
                return status, {"error": {"code": status, "message": "try again later", "status": "UNAVAILABLE"}}
        return answer

    def _published(self, topic: str, request: Mapping[str, Any]) -> Answer:
        if topic not in self._topics:
            raise _RefusedError(HTTPStatus.NOT_FOUND, "NOT_FOUND", f"Resource not found (resource={topic}).")
        messages = [_message(one) for one in request.get("messages", [])]
        if not messages:
            raise _invalid("The list of messages is empty.")
        return HTTPStatus.OK, {"messageIds": [self.publish(topic, *one) for one in messages]}

    def _made(self, name: str, request: Mapping[str, Any]) -> Answer:
        """Make a topic or a subscription by REST, as an operator does."""
        try:
            if "/topics/" in name:
                self.create_topic(name)
            else:
                options, push = _options(request), request["pushConfig"]
                made = self.subscribe(request["topic"], name, push["pushEndpoint"], **options)
                if shown := push.get("oidcToken"):
                    audience = shown.get("audience") or push["pushEndpoint"]
                    self.authenticate(made, audience, shown["serviceAccountEmail"])
        except ValueError as error:
            raise _RefusedError(HTTPStatus.CONFLICT, "ALREADY_EXISTS", str(error)) from None
        except NoTopicError as error:
            raise _RefusedError(HTTPStatus.NOT_FOUND, "NOT_FOUND", str(error)) from None
        return HTTPStatus.OK, {**request, "name": name}


def _options(request: Mapping[str, Any]) -> dict[str, Any]:
    """Read what a subscription is to be like, within the limits of
    https://cloud.google.com/pubsub/docs/reference/rest/v1/projects.subscriptions."""
    policy, retry = request.get("deadLetterPolicy", {}), request.get("retryPolicy", {})
    deadline, attempts = request.get("ackDeadlineSeconds") or 10, policy.get("maxDeliveryAttempts") or 5
    if not 10 <= deadline <= 600:
        raise _invalid("Invalid ack deadline: it must be between 10 and 600 seconds.")
    if not 5 <= attempts <= 100:
        raise _invalid("Invalid max delivery attempts: it must be between 5 and 100.")
    options = {
        "filter": request.get("filter", ""),
        "ordered": request.get("enableMessageOrdering", False),
        "ack_deadline": deadline,
        "dead_letter": policy.get("deadLetterTopic", ""),
        "attempts": attempts,
    }
    if retry:
        options["backoff"] = tuple(float(retry[end].rstrip("s")) for end in ("minimumBackoff", "maximumBackoff"))
    return options


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        request = json.loads(body or b"{}")
    except ValueError:
        raise _invalid("Invalid JSON payload received.") from None
    if not isinstance(request, dict):
        raise _invalid("Invalid JSON payload received.")
    return request


def _message(given: Mapping[str, Any]) -> tuple[bytes, dict[str, str], str]:
    """Read a message that somebody publishes: its data, attributes and ordering key."""
    try:
        data = base64.b64decode(given.get("data", ""), validate=True)
    except ValueError:
        raise _invalid("Invalid value at 'messages.data' (TYPE_BYTES).") from None
    attributes: dict[str, str] = given.get("attributes", {})
    if not data and not attributes:
        raise _invalid("Some messages have neither data nor attributes.")
    if len(data) > LARGEST:
        raise _invalid("The value for message_size is too large.")
    return data, attributes, given.get("orderingKey", "")


def _invalid(message: str) -> _RefusedError:
    return _RefusedError(HTTPStatus.BAD_REQUEST, "INVALID_ARGUMENT", message)


class _Server(ThreadingHTTPServer):
    request_queue_size = 128

    def __init__(self, pubsub: PushServer) -> None:
        self.pubsub = pubsub
        self.connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), _Handler)

    def cut_connections(self) -> None:
        """End those that clients keep open: their threads wait for a request that does not come."""
        for connection in list(self.connections):
            with suppress(OSError):  # it has just ended
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        self.server.connections.discard(self.connection)
        with suppress(OSError):
            super().finish()

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        answer = self.server.pubsub.answer(self.command, self.path, dict(self.headers.items()), body)
        if answer is None:
            self.close_connection = True
            return
        status, document = answer
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=UTF-8")
        self.send_header("Content-Length", str(len(data)))
        if self.path.startswith("/oauth2/"):
            self.send_header("Cache-Control", "public, max-age=19800, must-revalidate, no-transform")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
