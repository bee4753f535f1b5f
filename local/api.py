"""A little client for a local cluster's API server, for what the world itself has to ask it."""

import contextlib
import http.client
import json
import ssl
from pathlib import Path
from typing import Any

_TIMEOUT = 10.0  # seconds

Document = dict[str, Any]


class Api:
    """Asks the API server at a port of 127.0.0.1 as the user of a client certificate. TLS is verified."""

    def __init__(self, port: int, ca: Path, certificate: Path, key: Path) -> None:
        """Say where, and with which files in PEM."""
        self._port = port
        self._tls = ssl.create_default_context(cafile=str(ca))
        self._tls.load_cert_chain(certificate, key)

    def get(self, path: str) -> bytes | None:
        """What a path holds; None where there is no such object, or no server that can answer yet."""
        try:
            status, answer = self._ask("GET", path)
        except (OSError, http.client.HTTPException):
            return None
        return answer if status == 200 else None

    def post(self, path: str, body: Document) -> Document:
        """What the server made of an object.

        Raises:
            RuntimeError: it refused; with its reason.
        """
        status, answer = self._ask("POST", path, json.dumps(body))
        if status != 201:
            raise RuntimeError(f"POST {path} on port {self._port} answered {status}: {answer.decode()}")
        document: Document = json.loads(answer)
        return document

    def _ask(self, method: str, path: str, body: str | None = None) -> tuple[int, bytes]:
        connection = http.client.HTTPSConnection("127.0.0.1", self._port, timeout=_TIMEOUT, context=self._tls)
        with contextlib.closing(connection):
            connection.request(method, path, body, {"Content-Type": "application/json", "Accept": "application/json"})
            response = connection.getresponse()
            return response.status, response.read()
