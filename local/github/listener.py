"""The socket that a GitHub listens on, which may be taken away for a while."""

import contextlib
import socket
import threading

from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server


class Listener:
    """Serves an app on a port of 127.0.0.1, in threads; `port` is free if 0, and stays the same ever after."""

    def __init__(self, app: Flask, port: int) -> None:
        self._app = app
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._socket = _bound(port)
        self._socket.listen(128)
        self.port: int = self._socket.getsockname()[1]
        self._server: BaseWSGIServer | None = None
        self._thread = threading.Thread()

    def start(self) -> None:
        """Serve, in a thread; who has connected before is served, too."""
        listener = self

        class Handler(_QuietHandler):
            """Has its connection known, so that it can be cut."""

            def setup(self) -> None:
                """Begin with a connection."""
                super().setup()
                with listener._lock:
                    listener._connections.add(self.connection)

            def finish(self) -> None:
                """End with a connection."""
                with listener._lock:
                    listener._connections.discard(self.connection)
                super().finish()

        fd = self._socket.fileno()
        self._server = make_server("127.0.0.1", self.port, self._app, threaded=True, request_handler=Handler, fd=fd)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="github", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Serve no more who connects from now on."""
        if self._server:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self._server = None
        self._socket.close()

    def go_down(self) -> None:
        """Refuse connections, and cut those that there are; the port is kept, so that nobody else gets it."""
        self.stop()
        self._socket = _bound(self.port)  # and not listening
        with self._lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):  # the other side may have ended it
                    connection.shutdown(socket.SHUT_RDWR)

    def come_back(self) -> None:
        """Serve again."""
        self._socket.listen(128)
        self.start()


class _QuietHandler(WSGIRequestHandler):
    """Logs errors, but not every request."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


def _bound(port: int) -> socket.socket:
    made = socket.socket()
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections of before may still be ending
        made.bind(("127.0.0.1", port))
    except OSError:
        made.close()
        raise
    return made
