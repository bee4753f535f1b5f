"""What a subscription pushes to, in tests: a server that keeps each push, and answers as it is told."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True)
class Push:
    """A push as it arrived, and when."""

    body: Mapping[str, Any]
    headers: Mapping[str, str]
    path: str
    at: float

    @property
    def text(self) -> str:
        """The message's data, which tests keep in an attribute, too."""
        text: str = self.body["message"]["attributes"]["text"]
        return text


class Receiver:
    """Listens on `url`; `decide` says from a push, and its number from 1 on, with which status it is answered."""

    def __init__(self, decide: Callable[[Push, int], int] = lambda push, number: 200) -> None:
        self.decide = decide
        self.pushes: list[Push] = []
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                push = Push(body, dict(self.headers.items()), self.path, time.monotonic())
                with receiver._lock:
                    receiver.pushes.append(push)
                    number = len(receiver.pushes)
                self.send_response(receiver.decide(push, number))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="receiver")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def texts(self) -> list[str]:
        """What the pushes said, in order."""
        return [push.text for push in self.pushes]
