"""An API server whose answers a test chooses, for what a healthy one never says."""

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import pytest

from deployer.cluster.connection import Cluster, connect
from deployer.errors import ClusterError
from local.certificates import CertificateAuthority, kubeconfig


@dataclass(frozen=True)
class Asked:
    """A request as it arrived, its headers' names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Server:
    """Speaks HTTPS. `answers` has status and body by path; bytes are all that comes, None hangs up.

    `first` are answered before these, once each. `short` is how many bytes of a body are left out, `delay` the seconds
    that an answer takes.
    """

    def __init__(self, folder: Path) -> None:
        self.answers: dict[str, tuple[int, Any] | bytes | None] = {}
        self.first: list[tuple[int, Any] | None] = []
        self.short = 0
        self.delay = 0.0
        self.asked: list[Asked] = []
        self.connections = 0
        self._authority = CertificateAuthority("test")
        certificate, key = self._authority.server()
        (folder / "server.crt").write_bytes(certificate)
        (folder / "server.key").write_bytes(key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.crt", folder / "server.key")
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                server.connections += 1
                self.request = context.wrap_socket(self.request, server_side=True)
                super().setup()

            def finish(self) -> None:
                super().finish()
                self.request.close()

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                server.asked.append(Asked(self.command, self.path, headers, body))
                time.sleep(server.delay)
                answer = server.answers.get(self.path.partition("?")[0], (200, {}))
                answer = server.first.pop(0) if server.first else answer
                self.close_connection = not isinstance(answer, tuple) or server.short > 0
                if not isinstance(answer, tuple):
                    self.wfile.write(answer or b"")
                    return
                said = answer[1] if isinstance(answer[1], bytes) else json.dumps(answer[1]).encode()
                self.send_response(answer[0])
                self.send_header("Content-Length", str(len(said) + server.short))
                self.send_header("Retry-After", "0")  # tests need not wait
                self.end_headers()
                self.wfile.write(said)

            do_GET = do_PATCH = do_POST = do_PUT = do_DELETE = answer  # noqa: N815

            def log_message(self, *arguments: object) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            def handle_error(self, request: Any, client_address: Any) -> None:
                """Say nothing of a client that does not trust this server."""

        self._server = Quiet(("127.0.0.1", 0), Handler)
        self.url = f"https://127.0.0.1:{self._server.server_port}"

    def kubeconfig(self, **user: Any) -> str:
        """What a user connects with; the default is a token."""
        return kubeconfig("test", self.url, self._authority.certificate, user or {"token": "s3cret-token"})

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def refusal(cluster: Cluster, path: str = "/x", method: str = "GET") -> ClusterError:
    """What becomes of a request that is refused."""
    with pytest.raises(ClusterError) as caught:
        cluster.request(method, path)
    return caught.value


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path) as server:
        yield server


@pytest.fixture
def cluster(server: Server) -> Iterator[Cluster]:
    """A connection to `server`."""
    cluster = connect("test", server.kubeconfig().encode(), "the-secret")
    yield cluster
    cluster.close()


@pytest.fixture
def open_cluster(server: Server) -> Iterator[Callable[[dict[str, Any]], Cluster]]:
    """Connects to `server` as a user of a kubeconfig."""
    opened: list[Cluster] = []

    def open_it(user: dict[str, Any]) -> Cluster:
        opened.append(connect("test", server.kubeconfig(**user).encode(), "the-secret"))
        return opened[-1]

    yield open_it
    for one in opened:
        one.close()
