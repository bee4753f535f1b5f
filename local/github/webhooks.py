"""Sending webhooks as GitHub does: signed, once, within ten seconds, and not in any order.

https://docs.github.com/en/webhooks/webhook-events-and-payloads#delivery-headers
"""

import hashlib
import hmac
import http.client
import json
import threading
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

TIMEOUT = 10.0  # seconds that GitHub gives a receiver: https://docs.github.com/en/webhooks/using-webhooks/best-practices-for-using-webhooks
_HOOK = 1


@dataclass(frozen=True)
class Delivery:
    """One delivery and what became of it: an answer (`status`, `body`), or none (then `error` says why)."""

    guid: str
    event: str
    headers: Mapping[str, str]
    payload: Mapping[str, Any]
    status: int | None
    body: str
    duration: float  # seconds
    error: str | None


class Webhooks:
    """Sends events to one address, if there is one, in threads of its own, and remembers each delivery."""

    def __init__(self, url: str | None, secret: str, timeout: float = TIMEOUT) -> None:
        self.url = url
        self._secret = secret.encode()
        self._timeout = timeout
        self._threads = ThreadPoolExecutor(max_workers=8, thread_name_prefix="webhook")
        self._done: list[Delivery] = []
        self._news = threading.Condition()

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        """Every delivery that has ended, in the order in which they ended."""
        with self._news:
            return tuple(self._done)

    def send(self, event: str, payload: Mapping[str, Any], *, target: int, host: str) -> None:
        """Deliver an event, without waiting: `target` is the number of the hook's organisation, `host` this GitHub."""
        url = self.url
        if not url:
            return
        guid, body = str(uuid.uuid4()), json.dumps(payload, ensure_ascii=False).encode()
        headers = {
            "Accept": "*/*",
            "Content-Type": "application/json",
            "User-Agent": "GitHub-Hookshot/0c41a1e",
            "X-GitHub-Delivery": guid,
            "X-GitHub-Enterprise-Host": host,
            "X-GitHub-Event": event,
            "X-GitHub-Hook-ID": str(_HOOK),
            "X-GitHub-Hook-Installation-Target-ID": str(target),
            "X-GitHub-Hook-Installation-Target-Type": "organization",
            **signatures(self._secret, body),
        }
        self._threads.submit(self._deliver, url, guid, event, headers, payload, body)

    def wait_for(self, after: str, timeout: float) -> Delivery:
        """Return the first delivery that says a ref now points at `after`, once it has ended.

        Raises:
            TimeoutError: there was none within `timeout` seconds.
        """

        def ended() -> Delivery | None:
            return next((delivery for delivery in self._done if delivery.payload.get("after") == after), None)

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

    def _deliver(
        self, url: str, guid: str, event: str, headers: dict[str, str], payload: Mapping[str, Any], body: bytes
    ) -> None:
        start = time.monotonic()
        status, answer, error = None, "", None
        try:
            status, answer = _post(url, headers, body, self._timeout)
        except (OSError, http.client.HTTPException, ValueError) as reason:
            error = f"{type(reason).__name__}: {reason}"
        delivery = Delivery(guid, event, headers, payload, status, answer, time.monotonic() - start, error)
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


def _post(url: str, headers: Mapping[str, str], body: bytes, timeout: float) -> tuple[int, str]:
    """Post once, without proxies, redirects or retries; the time-out holds for connecting and for the answer."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=timeout)
    try:
        connection.request("POST", f"{parts.path or '/'}{'?' * bool(parts.query)}{parts.query}", body, dict(headers))
        response = connection.getresponse()
        return response.status, response.read().decode(errors="replace")
    finally:
        connection.close()
