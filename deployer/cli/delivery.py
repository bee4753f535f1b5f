"""One delivery as GitHub makes it: the payload, the headers, the request.

https://docs.github.com/en/webhooks/webhook-events-and-payloads
"""

import hashlib
import hmac
import http.client
import io
import json
import socket
import ssl
import time
import uuid
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import SplitResult, urlsplit

from deployer.errors import AnswerError, ConfigurationError
from deployer.repository import Repository
from deployer.settings import is_protected
from deployer.webhook import NO_COMMIT

_HOOK, _TARGET = 1, 1
_SENDER = {"login": "deployer", "id": 1, "type": "User"}
_MAX_ANSWER = 1_000_000  # bytes


@dataclass(frozen=True)
class Push:
    """What a push says. `before` and `after` are SHAs, or `NO_COMMIT`; `ref` is a full one."""

    repository: Repository
    ref: str
    before: str
    after: str
    default_branch: str


@dataclass(frozen=True)
class Answered:
    """What the function answered: its HTTP status, and its body, parsed where it is JSON, else as text."""

    status: int
    body: Any
    seconds: float


def push_payload(push: Push, now: datetime) -> dict[str, Any]:
    """Write the payload of a push, with the fields of GitHub's that matter; it has one commit, without files.

    https://docs.github.com/en/webhooks/webhook-events-and-payloads#push
    """
    owner, name = push.repository.full_name.split("/")
    html = f"https://{push.repository.host}/{push.repository.full_name}"
    created, deleted = push.before == NO_COMMIT, push.after == NO_COMMIT
    person = {"name": "deployer", "email": "deployer@users.noreply.github.com"}
    commit = {
        "id": push.after,
        "distinct": True,
        "message": "sent by `deployer send push`",
        "timestamp": now.astimezone(UTC).isoformat(timespec="seconds"),
        "url": f"{html}/commit/{push.after}",
        "author": person,
        "committer": person,
        "added": [],
        "removed": [],
        "modified": [],
    }
    short = push.ref.split("/", 2)[-1]
    return {
        "ref": push.ref,
        "before": push.before,
        "after": push.after,
        "repository": {
            "id": 1,
            "name": name,
            "full_name": push.repository.full_name,
            "private": True,
            "owner": {"name": owner, "login": owner},
            "html_url": html,
            "url": html,
            "clone_url": f"{html}.git",
            "ssh_url": f"git@{push.repository.host}:{push.repository.full_name}.git",
            "default_branch": push.default_branch,
        },
        "pusher": person,
        "sender": _SENDER,
        "created": created,
        "deleted": deleted,
        "forced": False,
        "base_ref": None,
        "compare": f"{html}/compare/{short if created else f'{push.before[:12]}...{push.after[:12]}'}",
        "commits": [] if deleted or push.ref.startswith("refs/tags/") else [commit],
        "head_commit": None if deleted else commit,
    }


def ping_payload(url: str) -> dict[str, Any]:
    """Write the payload with which GitHub introduces a new webhook.

    https://docs.github.com/en/webhooks/webhook-events-and-payloads#ping
    """
    hook = {
        "type": "Repository",
        "id": _HOOK,
        "name": "web",
        "active": True,
        "events": ["push"],
        "config": {"content_type": "json", "insecure_ssl": "0", "url": url},
    }
    return {"zen": "Anything added dilutes everything else.", "hook_id": _HOOK, "hook": hook, "sender": _SENDER}


def headers_of(event: str, body: bytes, secret: bytes, delivery: str) -> dict[str, str]:
    """Make GitHub's headers, but for the SHA-1 signature of old, which nobody should accept any more.

    https://docs.github.com/en/webhooks/webhook-events-and-payloads#delivery-headers
    """
    return {
        "Accept": "*/*",
        "Content-Type": "application/json",
        "User-Agent": "GitHub-Hookshot/deployer",
        "X-GitHub-Delivery": delivery,
        "X-GitHub-Event": event,
        "X-GitHub-Hook-ID": str(_HOOK),
        "X-GitHub-Hook-Installation-Target-ID": str(_TARGET),
        "X-GitHub-Hook-Installation-Target-Type": "repository",
        "X-Hub-Signature-256": "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest(),
    }


def new_delivery() -> str:
    """Make the id of a delivery, a GUID as GitHub's."""
    return str(uuid.uuid4())


def parse_address(url: str) -> SplitResult:
    """Read the address of the function.

    Raises ConfigurationError where it is none, or would send the delivery unprotected to another machine.
    """
    allowed = "allowed: https://HOST/PATH, or http://127.0.0.1:PORT on this machine"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ConfigurationError(f"--url is no web address; {allowed}") from None
    if not host or parts.username is not None or not url.isascii() or not url.isprintable() or " " in url:
        raise ConfigurationError(f"--url must be a plain web address; {allowed}")
    if not is_protected(parts):
        raise ConfigurationError(f"--url would send the delivery unprotected; {allowed}")
    return parts


def post(address: SplitResult, headers: Mapping[str, str], body: bytes, timeout: float) -> Answered:
    """Send a delivery once, as GitHub does: no redirect is followed, nothing is repeated, no proxy is used.

    Args:
        address: from `parse_address`.
        headers: all of them.
        body: as it was signed.
        timeout: seconds to connect, and again until the whole answer is there.

    Raises:
        AnswerError: there was no answer; says which step failed.
    """
    place = f"{address.scheme}://{address.netloc}"
    start = time.monotonic()
    with closing(_connection(address, timeout)) as connection:
        try:
            connection.connect()
        except OSError as error:
            told = f"{place} cannot be reached: {error}; check --url, and that the function is up"
            raise AnswerError(told) from error
        try:
            query = f"?{address.query}" if address.query else ""
            connection.request("POST", (address.path or "/") + query, body, dict(headers))
            reader = _Reader(connection.sock, time.monotonic() + timeout)
            answer = http.client.HTTPResponse(cast("socket.socket", reader), method="POST")
            answer.begin()
            data = answer.read(_MAX_ANSWER)
        except TimeoutError as error:
            raise AnswerError(
                f"{place} did not answer within {timeout:g} s: with the inline queue, a rollout takes as long as it "
                "takes; it goes on, and the commit is told how it ends; wait longer with --timeout"
            ) from error
        except (OSError, http.client.HTTPException) as error:
            told = f"{place} gave no answer: {type(error).__name__}: {error}; look at the function's log"
            raise AnswerError(told) from error
    return Answered(answer.status, _parsed(data), time.monotonic() - start)


class _Reader(io.RawIOBase):
    """Reads from a socket until a deadline.

    The socket's own timeout begins anew at each read, so that an answer which comes byte by byte would never be late.
    """

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._connection = connection
        self._deadline = deadline

    def makefile(self, mode: str) -> io.BufferedReader:
        """All that `http.client` wants of a socket that it reads an answer from."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(left)
        return self._connection.recv_into(buffer)


def _connection(address: SplitResult, timeout: float) -> http.client.HTTPConnection:
    host = address.hostname or ""
    if address.scheme == "http":
        return http.client.HTTPConnection(host, address.port, timeout=timeout)
    return http.client.HTTPSConnection(host, address.port, timeout=timeout, context=ssl.create_default_context())


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return data.decode(errors="replace")
