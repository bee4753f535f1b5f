"""A push subscription of the tests' own Pub/Sub: when which message is sent, and once more."""

import json
import socket
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from local.pubsub import passes
from tests.push_message import Published, dead_letter_attributes, envelope

ACKNOWLEDGED = (102, 200, 201, 202, 204)
"""The answers that acknowledge a message (https://cloud.google.com/pubsub/docs/push#receive_push)."""

Forward = Callable[[str, bytes, Mapping[str, str], str], object]


@dataclass(frozen=True)
class Sent:
    """One push: of which message, which attempt it was, when it began and ended, and the answer's status.

    The status is 0 where the connection broke, or the acknowledgement deadline went by.
    """

    message: Published
    attempt: int
    began: float
    ended: float
    status: int


@dataclass
class _Kept:
    message: Published
    attempts: int = 0
    under_way: bool = False
    settled: bool = False


@dataclass
class Subscription:
    """What a subscription is, in Pub/Sub's words, and what it is told to do; the fields may be changed at any time.

    `backoff` is how many seconds all of the subscription waits after a push that failed, at first and at most; it
    doubles with each further one. `token` makes what is shown to the endpoint. Where `dead_letter` names a topic, a
    message that has been sent `attempts` times goes there.
    """

    name: str
    endpoint: str
    forward: Forward
    filter: str = ""
    ordered: bool = False
    ack_deadline: float = 600
    backoff: tuple[float, float] = (0.1, 60.0)
    dead_letter: str = ""
    attempts: int = 5
    token: Callable[[], str] | None = None
    most_at_once: int = 100
    paused: bool = False
    newest_first: bool = False
    twice: int = 0
    """So many of the next pushes are made twice at the same moment."""

    sent: list[Sent] = field(default_factory=list, init=False)
    peak: int = field(default=0, init=False)
    """The most messages that were under way at once."""

    def __post_init__(self) -> None:
        self._kept: list[_Kept] = []
        self._changed = threading.Condition()
        self._at_once = self._failures = 0
        self._silent_until = 0.0
        self._closed = False
        self._connections: set[HTTPConnection] = set()
        self._pool = ThreadPoolExecutor(self.most_at_once)
        self._thread = threading.Thread(target=self._run, name=self.name)
        self._thread.start()

    def close(self) -> None:
        """Send no more, and break off what is under way."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            connections = list(self._connections)
        for connection in connections:
            with suppress(OSError, AttributeError):  # it is only just being made, or over
                connection.sock.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._pool.shutdown()

    def take(self, message: Published) -> None:
        """Keep a message that was published, unless the filter keeps it away."""
        with self._changed:
            if passes(self.filter, message.attributes):
                self._kept.append(_Kept(message))
                self._changed.notify_all()

    def replay(self, message_id: str) -> None:
        """Send a message once more, acknowledged or not; with an ordering key all later ones of that key, too."""
        with self._changed:
            at = next(number for number, one in enumerate(self._kept) if one.message.id == message_id)
            key = self._kept[at].message.ordering_key if self.ordered else ""
            for one in self._kept[at:]:
                if one is self._kept[at] or (key and one.message.ordering_key == key):
                    one.settled = False
            self._changed.notify_all()

    def pause(self) -> None:
        """Begin no further push."""
        with self._changed:
            self.paused = True

    def resume(self) -> None:
        """Go on."""
        with self._changed:
            self.paused = False
            self._changed.notify_all()

    def unsettled(self) -> int:
        """Return how many messages are neither acknowledged nor forwarded."""
        with self._changed:
            return sum(not one.settled for one in self._kept)

    def drained(self, timeout: float = 30) -> bool:
        """Wait until all messages are acknowledged or forwarded, and no push is under way; False where that is late."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._at_once and all(one.settled for one in self._kept), timeout)

    def _run(self) -> None:
        with self._changed:
            while not self._closed:
                silent = self._silent_until - time.monotonic()
                one = None if silent > 0 else self._next()
                if one is None:
                    self._changed.wait(silent if silent > 0 else None)
                    continue
                copies = 2 if self.twice > 0 else 1
                self.twice -= copies - 1
                one.under_way = True
                one.attempts += 1
                self._at_once += 1
                self.peak = max(self.peak, self._at_once)
                self._pool.submit(self._deliver, one, copies)

    def _next(self) -> _Kept | None:
        """The message to send now: the first that is not settled, but of each key only the very first."""
        if self.paused or self._at_once >= self.most_at_once:
            return None
        keys: set[str] = set()
        free = []
        for one in self._kept:
            if one.settled:
                continue
            key = one.message.ordering_key if self.ordered else ""
            if key in keys:
                continue
            if key:
                keys.add(key)
            if not one.under_way:
                free.append(one)
        return free[-1 if self.newest_first else 0] if free else None

    def _deliver(self, one: _Kept, copies: int) -> None:
        """Send a message, perhaps twice at once: one acknowledgement is enough."""
        with ThreadPoolExecutor(copies) as pool:
            sent = list(pool.map(lambda _: self._push(one.message, one.attempts), range(copies)))
        acknowledged = any(each.status in ACKNOWLEDGED for each in sent)
        spent = not acknowledged and bool(self.dead_letter) and one.attempts >= self.attempts
        if spent:
            error = f"the push endpoint answered {sent[-1].status}"
            attributes = dead_letter_attributes(one.message, self.name, one.attempts, error)
            self.forward(self.dead_letter, one.message.data, attributes, one.message.ordering_key)
        with self._changed:
            self.sent += sent
            one.settled = acknowledged or spent
            one.under_way = False
            self._at_once -= 1
            if acknowledged:
                self._failures = 0
            else:
                least, most = self.backoff
                self._silent_until = time.monotonic() + min(least * 2**self._failures, most)
                self._failures += 1
            self._changed.notify_all()

    def _push(self, message: Published, attempt: int) -> Sent:
        began = time.monotonic()
        body = json.dumps(envelope(message, self.name, attempt if self.dead_letter else None)).encode()
        headers = {"Content-Type": "application/json", "User-Agent": "CloudPubSub-Google", "From": "noreply@google.com"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token()}"
        address = urlsplit(self.endpoint)
        with closing(HTTPConnection(address.netloc, timeout=self.ack_deadline)) as connection:
            with self._changed:
                self._connections.add(connection)
            try:
                path = f"{address.path or '/'}{'?' if address.query else ''}{address.query}"
                connection.request("POST", path, body, headers)
                status = connection.getresponse().status
            except (OSError, HTTPException):
                status = 0
            finally:
                with self._changed:
                    self._connections.discard(connection)
        return Sent(message, attempt, began, time.monotonic(), status)
