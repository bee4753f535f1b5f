"""Failures on demand: the next requests for a path are answered as a test says, or not at all."""

import re
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from flask import Response, jsonify, request

from local.github.refusal import RefusedError

Body = Mapping[str, Any] | str | None


@dataclass
class Fault:
    """What becomes of the next `left` requests that it is for; all of them if None.

    `status` None cuts their connections.
    """

    method: str | None
    path: re.Pattern[str]
    status: HTTPStatus | None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Body = None
    left: int | None = 1

    def answer(self) -> Response:
        """Return the answer to the present request; one whose connection is cut will never be read."""
        if self.status is None:
            connection: socket.socket = request.environ["werkzeug.socket"]
            connection.shutdown(socket.SHUT_RDWR)
            return Response(status=HTTPStatus.INTERNAL_SERVER_ERROR)
        if isinstance(self.body, str):
            response = Response(self.body, content_type="text/html; charset=utf-8")
        else:
            response = jsonify(self.body or RefusedError(self.status, self.status.phrase).body())
        response.status_code = self.status
        response.headers.update(self.headers)
        return response


class Faults:
    """The faults of one GitHub, in the order in which they were asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Plan a fault."""
        with self._lock:
            self._faults.append(fault)

    def remove(self, fault: Fault) -> None:
        """Forget a fault that is planned."""
        with self._lock:
            self._faults = [one for one in self._faults if one is not fault]

    def clear(self) -> None:
        """Forget what is planned."""
        with self._lock:
            self._faults.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """Return the first fault for a request that is not used up, and count it, or None."""
        with self._lock:
            for fault in self._faults:
                if fault.left != 0 and fault.method in (None, method) and fault.path.search(path):
                    fault.left = None if fault.left is None else fault.left - 1
                    return fault
        return None
