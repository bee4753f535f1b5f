"""A Google on this machine: the hosts of its APIs by way of a proxy, and the server that tells a machine who it is.

Nothing in the deployer knows of it: the environment names the proxy and the authority, as it does in a company.
"""

import http.client
import json
import re
import select
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any, Self
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from local.certificates import CertificateAuthority

EMAIL = "deployer@acme.iam.gserviceaccount.com"
NUMBER = "123456789012"
DNS = "gke-0123456789abcdef-123456789012.europe-west1.gke.goog"
REGIONAL_SECRETS = "secretmanager.europe-west1.rep.googleapis.com"
_GATEWAYS = ("connectgateway.googleapis.com", "europe-west1-connectgateway.googleapis.com")
_HOSTS = (
    "container.googleapis.com",
    "oauth2.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    DNS,
    REGIONAL_SECRETS,
    *_GATEWAYS,
)
_PASSED_ON = ("authorization", "content-type", "accept", "user-agent")


def error(status: int, message: str, reason: str = "") -> tuple[int, Any]:
    """What a front end of Google's refuses with (https://google.aip.dev/193)."""
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}] if reason else []
    return status, {"error": {"code": status, "message": message, "details": details}}


class Google:
    """`tokens` are those that are good, the last one is given out, for `lifetime` seconds.

    `clusters` are the descriptions that GKE's API gives, by name; `projects` are numbers by id; `behind` are API
    servers by the host (and path) that leads to them; `tunnels` leads hosts to addresses without TLS. `faults` are
    answered first, once each, to requests for a host. `asked` has host, path and headers of each request, `given`
    counts tokens, `connected` has each host and port that the proxy was asked for.
    """

    def __init__(self, folder: Path) -> None:
        self.reset()
        self._folder = folder
        authority = CertificateAuthority("Google")
        self.authority = folder / "google-ca.crt"
        self.authority.write_bytes(authority.certificate)
        for name, data in zip(("crt", "key"), authority.server(*_HOSTS), strict=True):
            (folder / f"google.{name}").write_bytes(data)
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(folder / "google.crt", folder / "google.key")
        self.tls.set_alpn_protocols(["h2", "http/1.1"])
        google = self

        class Handler(_Handler):
            owner = google

        class Connect(_Connect):
            owner = google

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                """Say nothing of a client that hangs up."""

        class Tunnels(ThreadingTCPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, request: Any, client_address: Any) -> None:
                """Say nothing of a client that hangs up."""

        self._servers = (Quiet(("127.0.0.1", 0), Handler), Tunnels(("127.0.0.1", 0), Connect))
        self.address = f"127.0.0.1:{self._servers[0].server_address[1]}"
        self.proxy = f"http://127.0.0.1:{self._servers[1].server_address[1]}"

    def reset(self) -> None:
        """Be as in the beginning, at the same addresses."""
        self.tokens = ["good-token"]
        self.lifetime = 3600
        self.clusters: dict[str, Any] = {}
        self.projects: dict[str, str] = {}
        self.behind: dict[str, str] = {}
        self.tunnels: dict[str, str] = {}
        self.faults: list[tuple[str, tuple[int, Any]]] = []
        self.asked: list[tuple[str, str, Mapping[str, str]]] = []
        self.connected: list[str] = []
        self.given = 0

    def __enter__(self) -> Self:
        for server in self._servers:
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def way(self) -> dict[str, str]:
        """The environment of a machine whose way to Google leads here."""
        ca = str(self.authority)
        trusted = {"REQUESTS_CA_BUNDLE": ca, "SSL_CERT_FILE": ca, "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": ca}
        return {"https_proxy": self.proxy, "no_proxy": "127.0.0.1,localhost", **trusted}

    def on_google_cloud(self) -> dict[str, str]:
        """The environment of a function there: who it is, it learns from its metadata server."""
        return {**self.way(), "GCE_METADATA_HOST": self.address, "GCE_METADATA_IP": self.address}

    def with_key(self, **changes: str) -> dict[str, str]:
        """The environment of a process with a service account's key."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        info = {
            "type": "service_account",
            "client_email": EMAIL,
            "private_key": pem.decode(),
            "token_uri": f"http://{self.address}/token",
            **changes,
        }
        file = self._folder / "key.json"
        file.write_text(json.dumps(info))
        return {**self.way(), "GOOGLE_APPLICATION_CREDENTIALS": str(file)}

    def requests(self, host: str) -> list[str]:
        """The paths that were asked for at a host."""
        return [path for asked, path, _ in self.asked if asked == host]

    def fault(self, host: str) -> tuple[int, Any] | None:
        """Take the next fault of a host."""
        for number, (of, answer) in enumerate(self.faults):
            if of == host:
                del self.faults[number]
                return answer
        return None

    def token(self) -> dict[str, Any]:
        """Give a token out."""
        self.given += 1
        return {"access_token": self.tokens[-1], "expires_in": self.lifetime, "token_type": "Bearer"}

    def refusal(self, headers: Mapping[str, str]) -> tuple[int, Any] | None:
        """What a request without a good token is answered with."""
        if headers.get("authorization", "").removeprefix("Bearer ") in self.tokens:
            return None
        return error(401, "Request had invalid authentication credentials.")


class _Handler(BaseHTTPRequestHandler):
    """All hosts; which one is meant, the request says."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    owner: Google

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        host, google = self.headers["Host"], self.owner
        headers = {name.lower(): value for name, value in self.headers.items()}
        google.asked.append((host, self.path, headers))
        status, said = google.fault(host) or self._answer(host, headers, body)
        if status == 0:  # it hangs up
            self.close_connection = True
            return
        plain = isinstance(said, bytes)
        data = said if plain else json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain" if plain else "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Metadata-Flavor", "Google")
        self.send_header("Retry-After", "0")  # tests need not wait
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_PATCH = do_POST = do_PUT = do_DELETE = answer  # noqa: N815

    def log_message(self, *arguments: object) -> None:
        pass

    def _answer(self, host: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Any]:
        path, google = urlsplit(self.path).path, self.owner
        if host == google.address:
            return self._who(path)
        if refused := google.refusal(headers):
            return refused
        if host == "container.googleapis.com":
            found = google.clusters.get(path.removeprefix("/v1/"))
            return (200, found) if found is not None else error(404, f"Not found: {path}.")
        if host == "cloudresourcemanager.googleapis.com":
            number = google.projects.get(path.removeprefix("/v3/projects/"))
            return (200, {"name": f"projects/{number}"}) if number else error(403, "The caller has no permission")
        for place, upstream in google.behind.items():
            if f"{host}{self.path}".startswith(place):
                return self._pass_on(upstream, f"{host}{self.path}".removeprefix(place), body)
        return error(404, "The requested URL was not found on this server.")

    def _who(self, path: str) -> tuple[int, Any]:
        """The metadata server (https://cloud.google.com/compute/docs/metadata), and OAuth's token endpoint."""
        account = "/computeMetadata/v1/instance/service-accounts/default/"
        match path:
            case "/":
                return 200, b"computeMetadata/"
            case "/computeMetadata/v1/project/project-id":
                return 200, b"acme"
            case "/computeMetadata/v1/universe/universe-domain":
                return 200, b"googleapis.com"
            case _ if path == account:
                return 200, {"aliases": ["default"], "email": EMAIL, "scopes": []}
            case _ if path in ("/token", f"{account}token"):
                return 200, self.owner.token()
        return 404, b"not found"

    def _pass_on(self, upstream: str, path: str, body: bytes) -> tuple[int, Any]:
        # The real server is on this machine, and stands in for one behind Google's front end.
        trusting = ssl._create_unverified_context()
        connection = http.client.HTTPSConnection(urlsplit(upstream).netloc, timeout=30, context=trusting)
        headers = {name: value for name, value in self.headers.items() if name.lower() in _PASSED_ON}
        try:
            connection.request(self.command, path, body or None, headers)
            answer = connection.getresponse()
            data = answer.read()
            return answer.status, json.loads(data) if data else {}
        finally:
            connection.close()


class _Connect(StreamRequestHandler):
    """CONNECT: what is meant for a host of Google's ends here, all else is passed on."""

    owner: Google

    def handle(self) -> None:
        asked = self.rfile.readline().decode()
        while self.rfile.readline().strip():
            pass
        found = re.fullmatch(r"CONNECT (?P<host>\S+):(?P<port>\d+) HTTP/1\.[01]\r\n", asked)
        assert found, asked
        google, host = self.owner, found["host"]
        google.connected.append(f"{host}:{found['port']}")
        self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        if host not in _HOSTS:
            with socket.create_connection((host, int(found["port"])), 10) as there:
                _pipe(self.connection, there)
            return
        address, _, port = google.tunnels.get(host, google.address).partition(":")
        with (
            google.tls.wrap_socket(self.connection, server_side=True) as here,
            socket.create_connection((address, int(port)), 10) as there,
        ):
            _pipe(here, there)


def _pipe(one: socket.socket, other: socket.socket) -> None:
    """Carry bytes both ways until one end closes, or nothing has come for a minute."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        waiting = [side for side in (one, other) if isinstance(side, ssl.SSLSocket) and side.pending()]
        ready = waiting or select.select([one, other], [], [], 1)[0]
        for source in ready:
            data = source.recv(65_536)
            if not data:
                return
            (other if source is one else one).sendall(data)
            end = time.monotonic() + 60
