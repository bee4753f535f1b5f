"""The two functions under functions-framework, as whole processes: `webhook`, and its peer `hello`."""

import http.client
import json
import os
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen

from local.github.webhooks import signatures
from local.leash import Leash

ROOT = Path(__file__).resolve().parents[1]
SECRET = "the benchmark's own webhook secret"  # noqa: S105 (opens nothing)

# What would change how the functions are run, or keep their byte-code from being written.
_UNWANTED = ("DEPLOYER_", "FUNCTION_", "GUNICORN_", "PYTHON", "WORKERS", "THREADS", "HOST", "PORT", "DEBUG")
_TIMEOUT = 30.0


@dataclass(frozen=True)
class Request:
    """A request, and the status that it should be answered with."""

    method: str
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


def environment() -> dict[str, str]:
    """The environment of this process, but for what would change how the deployer runs."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_UNWANTED)}


def delivery(event: str, body: bytes, status: int, *, secret: str = SECRET) -> Request:
    """A delivery as GitHub sends it, signed with the secret."""
    headers = {"Content-Type": "application/json", "X-GitHub-Event": event, **signatures(secret.encode(), body)}
    return Request("POST", status, headers, body)


def push() -> bytes:
    """The payload of a push, as far as anybody looks at it, and as large as GitHub's are."""
    payload = {
        "ref": "refs/heads/main",
        "before": "1" * 40,
        "after": "2" * 40,
        "repository": {"clone_url": "https://github.com/acme/shop.git", "default_branch": "main"},
        "commits": [{"id": "2" * 40, "message": "x" * 7_000}],
    }
    return json.dumps(payload).encode()


def start(
    leash: Leash, target: str, port: int, threads: int = 8, settings: Mapping[str, str] | None = None
) -> Popen[bytes]:
    """Start `webhook` or `hello` in one process of so many threads, on a port of 127.0.0.1; does not wait for it.

    It gets the settings besides the webhook's secret, and other variables that are among them.
    """
    source = ROOT / ("main.py" if target == "webhook" else "bench/hello.py")
    return leash.run(
        target,
        [
            *(sys.executable, "-m", "functions_framework", "--target", target, "--source", str(source)),
            *("--host", "127.0.0.1", "--port", str(port)),
        ],
        env={
            **environment(),
            "DEPLOYER_WEBHOOK_SECRET": SECRET,
            "WORKERS": "1",
            "THREADS": str(threads),
            **(settings or {}),
        },
        cwd=ROOT,
    )


def await_answer(leash: Leash, target: str, process: Popen[bytes], port: int, request: Request) -> None:
    """Ask a function that was just started until it answers.

    Raises:
        RuntimeError: it ended, or did not answer in half a minute, or with another status; with the end of its log.
    """
    deadline = time.monotonic() + _TIMEOUT
    while (status := ask(port, request)) is None:
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{target} does not answer; its log ends with:\n{leash.tail(target)}")
        time.sleep(0.002)
    if status != request.status:
        raise RuntimeError(
            f"{target} answered {status}, not {request.status}; its log ends with:\n{leash.tail(target)}"
        )


def ask(port: int, request: Request) -> int | None:
    """Send a request; returns the answer's status, or None where nobody listens yet."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT)) as connection:
        try:
            connection.request(request.method, "/", request.body, dict(request.headers))
        except ConnectionRefusedError:
            return None
        answer = connection.getresponse()
        answer.read()
        return answer.status
