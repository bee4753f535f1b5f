"""A proxy between the deployer and a neighbour, which plays the faults of networks and servers."""

import http.client
import json
import re
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import yaml

from local.certificates import CertificateAuthority, kubeconfig

_PASSED_ON = ("authorization", "content-type", "accept", "user-agent", "if-none-match", "x-github-api-version")


@dataclass(frozen=True)
class Answer:
    """An answer of the proxy's own, after so many seconds; the neighbour never sees the request."""

    status: int
    body: Any = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0


@dataclass(frozen=True)
class Cut:
    """The connection ends: before the neighbour sees the request, or after so many bytes of its answer's body."""

    after: int | None = None


@dataclass(frozen=True)
class Slow:
    """The neighbour's body comes one byte at a time, with so many seconds between them; its headers, too, if wanted."""

    pause: float
    headers: bool = False


@dataclass(frozen=True)
class Silent:
    """A black hole: the request is taken, and carried out if wanted, and nothing ever comes back."""

    carried_out: bool = False


@dataclass(frozen=True)
class Late:
    """The neighbour sees the request so many seconds later."""

    pause: float = 0


Fault = Answer | Cut | Slow | Silent | Late


@dataclass(frozen=True)
class Seen:
    """A request that reached the proxy, and the status that went back; 0 where none did."""

    method: str
    path: str
    headers: Mapping[str, str]
    status: int


class Proxy:
    """Passes requests on to `upstream` and its answers back, but for the faults that it was told to play.

    It speaks TLS, with a certificate of its own, where upstream does. `seen` has every request; `connections` counts
    what they came over.
    """

    def __init__(self, upstream: str, folder: Path) -> None:
        self.seen: list[Seen] = []
        self.connections = 0
        self._upstream = urlsplit(upstream)
        self._folder = folder
        self._faults: list[tuple[re.Pattern[str], Fault]] = []
        self._lasting: list[tuple[re.Pattern[str], Fault]] = []
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if self._upstream.scheme == "https" else None
        if self._tls:
            self.new_certificate()
        proxy = self

        class Handler(_Handler):
            owner = proxy

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64  # connections that come at once wait, instead of being dropped for a second

            def handle_error(self, request: Any, client_address: Any) -> None:
                """Say nothing of a client that hangs up."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"{self._upstream.scheme}://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()

    def play(self, request: str, *faults: Fault) -> None:
        """Play each fault once, in this order, at the next requests that match; these are like `GET /api/v1/pods`.

        `request` is a regular expression, searched in method, path and query.
        """
        with self._lock:
            self._faults += [(re.compile(request), fault) for fault in faults]

    @contextmanager
    def always(self, request: str, fault: Fault) -> Iterator[None]:
        """Play a fault at each request that matches while the block lasts, but for those that `play` has others for."""
        lasting = re.compile(request), fault
        with self._lock:
            self._lasting.append(lasting)
        try:
            yield
        finally:
            with self._lock:
                self._lasting.remove(lasting)

    def new_certificate(self) -> None:
        """Have a certificate of another authority from the next connection on; kubeconfigs from now on trust it."""
        assert self._tls
        self._authority = CertificateAuthority("proxy")
        certificate, key = self._authority.server()
        (self._folder / "proxy.crt").write_bytes(certificate)
        (self._folder / "proxy.key").write_bytes(key)
        self._tls.load_cert_chain(self._folder / "proxy.crt", self._folder / "proxy.key")

    def kubeconfig(self, original: str) -> str:
        """A kubeconfig for the way through the proxy, with the user of the one for the way around it."""
        user = yaml.safe_load(original)["users"][0]["user"]
        return kubeconfig("proxy", self.url, self._authority.certificate, user)

    def fault(self, request: str) -> Fault | None:
        """Take the next fault that matches a request, or one that lasts."""
        with self._lock:
            for number, (pattern, fault) in enumerate(self._faults):
                if pattern.search(request):
                    del self._faults[number]
                    return fault
            return next((fault for pattern, fault in self._lasting if pattern.search(request)), None)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else a body waits 40 ms for its headers to be acknowledged
    owner: Proxy

    def setup(self) -> None:
        with self.owner._lock:
            self.owner.connections += 1
        if self.owner._tls:
            self.request = self.owner._tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def finish(self) -> None:
        super().finish()
        self.request.close()

    def handle_request(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        match self.owner.fault(f"{self.command} {self.path}"):
            case Silent(carried_out):
                if carried_out:
                    self._ask(body)
                self._see(0)
                self.close_connection = True
                self.owner._ended.wait()
            case Cut(after=None):
                self._see(0)
                self.close_connection = True
            case Answer(status, said, headers, delay):
                time.sleep(delay)
                data = said if isinstance(said, bytes) else json.dumps(said).encode()
                self._send(status, {"Content-Type": "application/json", **headers}, data)
            case fault:
                if isinstance(fault, Late):
                    time.sleep(fault.pause)
                status, headers, data = self._ask(body)
                self._send(status, headers, data, fault)

    do_GET = do_PATCH = do_POST = do_PUT = do_DELETE = handle_request  # noqa: N815

    def _ask(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        headers = {name: value for name, value in self.headers.items() if name.lower() in _PASSED_ON}
        upstream = self.owner._upstream
        connection: http.client.HTTPConnection
        if upstream.scheme == "https":
            # The real server is on this machine, and stands in for one whose certificate the proxy replaces.
            trusting = ssl._create_unverified_context()
            connection = http.client.HTTPSConnection(upstream.netloc, timeout=30, context=trusting)
        else:
            connection = http.client.HTTPConnection(upstream.netloc, timeout=30)
        try:
            connection.request(self.command, self.path, body or None, headers)
            answer = connection.getresponse()
            dropped = ("connection", "transfer-encoding", "content-length", "date", "server")
            kept = {name: value for name, value in answer.getheaders() if name.lower() not in dropped}
            return answer.status, kept, answer.read()
        finally:
            connection.close()

    def _send(self, status: int, headers: Mapping[str, str], data: bytes, fault: Fault | None = None) -> None:
        self._see(status)
        if isinstance(fault, Slow) and fault.headers:
            lines = [f"HTTP/1.1 {status} -", *(f"{name}: {value}" for name, value in headers.items())]
            head = "\r\n".join([*lines, f"Content-Length: {len(data)}", "", ""])
            self._drip(head.encode() + data, fault.pause)
            return
        self.send_response_only(status)
        for name, value in {"Date": self.date_time_string(), **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        match fault:
            case Cut(after):
                self.wfile.write(data[:after])
                self.close_connection = True
            case Slow(pause):
                self._drip(data, pause)
            case _:
                self.wfile.write(data)

    def _drip(self, data: bytes, pause: float) -> None:
        for byte in data:
            self.wfile.write(bytes([byte]))
            time.sleep(pause)

    def _see(self, status: int) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.owner.seen.append(Seen(self.command, self.path, headers, status))

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""
