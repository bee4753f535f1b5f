"""Sending webhooks as GitHub does: signed, once, within ten seconds, and not in any order.

https://docs.github.com/en/webhooks/webhook-events-and-payloads#delivery-headers
"""

import hashlib
import hmac
import http.client
import itertools
import socket
import threading
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from local.github.hook import Hook, Target

TIMEOUT = 10.0  # seconds that GitHub gives a receiver: https://docs.github.com/en/webhooks/using-webhooks/best-practices-for-using-webhooks


@dataclass(frozen=True)
class Delivery:
    """One delivery and what became of it: an answer (`status`, `answer_headers`, `body`), or none (`error` says why).

    `outcome` and `code` are GitHub's words and number for it; a redelivery has the GUID of what it repeats.
    """

    number: int
    guid: str
    event: str
    hook: int
    url: str
    headers: Mapping[str, str]
    payload: Mapping[str, Any]
    redelivery: bool
    started: datetime
    status: int | None
    answer_headers: Mapping[str, str]
    body: str
    duration: float  # seconds
    error: str | None
    outcome: str
    code: int

    @property
    def succeeded(self) -> bool:
        """Whether the receiver answered 2xx."""
        return self.outcome == "OK"


class Webhooks:
    """Sends events as the hook says, if there is one, in threads of its own, and remembers each delivery.

    `hook` may be changed at any time.
    """

    def __init__(self, hook: Hook | None, timeout: float = TIMEOUT) -> None:
        self.hook = hook
        self._timeout = timeout
        self._threads = ThreadPoolExecutor(max_workers=8, thread_name_prefix="webhook")
        self._numbers = itertools.count(1)
        self._done: list[Delivery] = []
        self._news = threading.Condition()

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        """Every delivery that has ended, in the order in which they ended."""
        with self._news:
            return tuple(self._done)

    def send(self, event: str, payload: Mapping[str, Any], *, target: Target, host: str) -> None:
        """Deliver an event, without waiting, if the hook wants it; `host` is this GitHub."""
        headers = {
            "Accept": "*/*",
            "User-Agent": "GitHub-Hookshot/0c41a1e",
            "X-GitHub-Delivery": str(uuid.uuid4()),
            "X-GitHub-Enterprise-Host": host,
            "X-GitHub-Event": event,
            "X-GitHub-Hook-ID": str(target.hook),
            "X-GitHub-Hook-Installation-Target-ID": str(target.number),
            "X-GitHub-Hook-Installation-Target-Type": target.kind,
        }
        if self.hook and self.hook.wants(event):
            self._threads.submit(self._deliver, self.hook, headers, payload, redelivery=False)

    def redeliver(self, delivery: Delivery) -> None:
        """Deliver once more, without waiting, to where the hook leads now and with its present secret.

        https://docs.github.com/en/webhooks/testing-and-troubleshooting-webhooks/redelivering-webhooks
        """
        if self.hook:
            self._threads.submit(self._deliver, self.hook, delivery.headers, delivery.payload, redelivery=True)

    def wait_for(self, after: str, timeout: float, attempt: int) -> Delivery:
        """Return the delivery that says a ref now points at `after`, once it has ended; `attempt` 2 is its repetition.

        Raises:
            TimeoutError: there was none within `timeout` seconds.
        """

        def ended() -> Delivery | None:
            about = [delivery for delivery in self._done if delivery.payload.get("after") == after]
            return about[attempt - 1] if len(about) >= attempt else None

        with self._news:
            delivery = self._news.wait_for(ended, timeout)
        if not delivery:
            raise TimeoutError(
                f"no webhook about {after} ended within {timeout} s; was it pushed, and is there an address?"
            )
        return delivery

    def close(self) -> None:
        """Send no more; return when every delivery has ended."""
        self._threads.shutdown()

    def _deliver(self, hook: Hook, headers: Mapping[str, str], payload: Mapping[str, Any], *, redelivery: bool) -> None:
        content_type, body = hook.encode(payload)
        sent = {**headers, "Content-Type": content_type, **signatures(hook.secret.encode(), body)}
        number, started, start = next(self._numbers), datetime.now(UTC), time.monotonic()
        status, answer_headers, answer, error = None, dict[str, str](), "", None
        try:
            status, answer_headers, answer = _post(hook.url, sent, body, self._timeout)
            code, outcome = status, "OK" if 200 <= status < 300 else f"Invalid HTTP Response: {status}"
        except (OSError, http.client.HTTPException, ValueError) as reason:
            error = f"{type(reason).__name__}: {reason}"
            code, outcome = _failure(reason)
        delivery = Delivery(
            number=number,
            guid=sent["X-GitHub-Delivery"],
            event=sent["X-GitHub-Event"],
            hook=int(sent["X-GitHub-Hook-ID"]),
            url=hook.url,
            headers=sent,
            payload=payload,
            redelivery=redelivery,
            started=started,
            status=status,
            answer_headers=answer_headers,
            body=answer,
            duration=time.monotonic() - start,
            error=error,
            outcome=outcome,
            code=code,
        )
        with self._news:
            self._done.append(delivery)
            self._news.notify_all()


def signatures(secret: bytes, body: bytes) -> dict[str, str]:
    """Return the headers that prove where a body comes from: GitHub sends the old SHA-1 one beside the SHA-256 one.

    https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
    """
    if not secret:
        return {}
    return {
        "X-Hub-Signature": f"sha1={hmac.new(secret, body, hashlib.sha1).hexdigest()}",
        "X-Hub-Signature-256": f"sha256={hmac.new(secret, body, hashlib.sha256).hexdigest()}",
    }


def _failure(reason: Exception) -> tuple[int, str]:
    """Return the status code and the words that GitHub has for a delivery without an answer.

    https://docs.github.com/en/webhooks/testing-and-troubleshooting-webhooks/troubleshooting-webhooks
    """
    if isinstance(reason, TimeoutError):
        return 504, "timed out"
    resolved = not isinstance(reason, socket.gaierror | ValueError)
    return 502, "failed to connect to network" if resolved else "failed to connect to host"


def _post(url: str, headers: Mapping[str, str], body: bytes, timeout: float) -> tuple[int, dict[str, str], str]:
    """Post once, without proxies, redirects or retries; the time-out holds for connecting and for the answer."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=timeout)
    try:
        connection.request("POST", f"{parts.path or '/'}{'?' * bool(parts.query)}{parts.query}", body, dict(headers))
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read().decode(errors="replace")
    finally:
        connection.close()
