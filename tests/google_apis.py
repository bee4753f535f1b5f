"""Google, as far as publishing and checking tokens needs it, on real sockets.

`Google` answers for the emulator, for Pub/Sub, for the metadata server and for Google's certificates. `Tunnel` is a
proxy, as companies have one, that leads every https address to it: so the deployer asks pubsub.googleapis.com itself.
"""

import base64
import json
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from deployer.google_token import google_token
from local.certificates import CertificateAuthority

ACCOUNT = "webhook@acme.iam.gserviceaccount.com"
PUSHER = "push@acme.iam.gserviceaccount.com"
AUDIENCE = "https://sync-abc-ew.a.run.app"


@dataclass(frozen=True)
class Answer:
    """An answer of its own, after so many seconds; with status 0, the connection ends without one."""

    status: int
    body: Any = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0


@dataclass(frozen=True)
class Seen:
    """A request: method, path, body, the names of the headers in lower case, and the connection that it came over."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    connection: int

    @property
    def messages(self) -> list[dict[str, Any]]:
        """What it publishes."""
        found: list[dict[str, Any]] = json.loads(self.body)["messages"]
        return found


class Google:
    """A context manager; it listens on a free port of 127.0.0.1.

    `answers` are given once each, in order, to those who ask for a path that ends so; after these, everything is well.
    `published` has the data of the messages that were confirmed, in order. `tokens` are given in turn, the last for
    ever.
    """

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.published: list[str] = []
        self.answers: dict[str, list[Answer]] = {}
        self.tokens = ["ya29.first"]
        self.certificates: dict[str, str] = {}
        self._lock = threading.Lock()
        google = self

        class Handler(_Handler):
            owner = google

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, request: Any, client_address: Any) -> None:
                """Say nothing of a client that hangs up."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.endpoint = f"127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def asked(self, end: str) -> list[Seen]:
        """The requests whose path, without its query, ends so."""
        return [one for one in self.seen if one.path.partition("?")[0].endswith(end)]

    def answer(self, seen: Seen) -> Answer:
        """What a request is answered with."""
        path = seen.path.partition("?")[0]
        with self._lock:
            self.seen.append(seen)
            for end, answers in self.answers.items():
                if path.endswith(end) and answers:
                    return answers.pop(0)
            if path == "/token":
                return Answer(200, self._token())
            if path.startswith("/computeMetadata") or path == "/":
                return self._metadata(seen, path)
            if path == "/oauth2/v1/certs":
                return Answer(200, self.certificates, {"Cache-Control": "public, max-age=20000, must-revalidate"})
            found = seen.messages
            self.published += [base64.b64decode(one["data"]).decode() for one in found]
            return Answer(200, {"messageIds": [str(number) for number in range(len(found))]})

    def _token(self) -> dict[str, Any]:
        token = self.tokens.pop(0) if len(self.tokens) > 1 else self.tokens[0]
        return {"access_token": token, "expires_in": 3600, "token_type": "Bearer"}

    def _metadata(self, seen: Seen, path: str) -> Answer:
        # https://cloud.google.com/compute/docs/metadata/querying-metadata
        flavor = {"Metadata-Flavor": "Google"}
        if seen.headers.get("metadata-flavor") != "Google":
            return Answer(403)
        if path.endswith("/token"):
            return Answer(200, self._token(), flavor)
        if path.endswith("/default/"):
            return Answer(200, {"email": ACCOUNT, "scopes": [], "aliases": ["default"]}, flavor)
        text = ACCOUNT if path.endswith("/email") else "acme"
        return Answer(200, text, {**flavor, "Content-Type": "application/text"})


class Tunnel(Google):
    """Google behind a proxy that takes CONNECT to the `hosts`, and speaks TLS in their names."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.hosts: list[str] = []
        authority = CertificateAuthority("google")
        (folder / "authorities.pem").write_bytes(authority.certificate)
        (folder / "server.pem").write_bytes(
            b"".join(authority.server("pubsub.googleapis.com", "oauth2.googleapis.com"))
        )
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(folder / "server.pem")
        self.environment = {
            "HTTPS_PROXY": f"http://{self.endpoint}",
            "NO_PROXY": "127.0.0.1",
            "REQUESTS_CA_BUNDLE": str(folder / "authorities.pem"),
            "GCE_METADATA_HOST": self.endpoint,
            "GCE_METADATA_IP": self.endpoint,
        }


@contextmanager
def as_an_account(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tunnel]:
    """Google by way of a tunnel, asked with the key of `ACCOUNT`: only what the environment says of both is changed."""
    key = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with Tunnel(folder) as google:
        account = {
            "type": "service_account",
            "project_id": "acme",
            "client_email": ACCOUNT,
            "private_key": key.decode(),
            "token_uri": f"http://{google.endpoint}/token",
        }
        (folder / "key.json").write_text(json.dumps(account))
        for name, value in google.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(folder / "key.json"))
        google_token.cache_clear()
        yield google
        google_token.cache_clear()


class _Handler(BaseHTTPRequestHandler):
    owner: Google
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_CONNECT(self) -> None:
        assert isinstance(self.owner, Tunnel)
        self.owner.hosts.append(self.path)
        self.send_response(200)
        self.end_headers()
        self.connection = self.owner.tls.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", 0)
        self.close_connection = False

    def finish(self) -> None:
        super().finish()
        self.connection.close()

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.owner.answer(Seen(self.command, self.path, headers, body, id(self)))
        time.sleep(answer.delay)
        if not answer.status:
            self.close_connection = True
            return
        data = (answer.body if isinstance(answer.body, str) else json.dumps(answer.body)).encode()
        self.send_response(answer.status)
        for name, value in {"Content-Type": "application/json", **answer.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Say nothing."""


class Signer:
    """A key that Google signs with, of this name, and its certificate."""

    def __init__(self, name: str) -> None:
        key = rsa.generate_private_key(65537, 2048)
        who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "federated-signon.system.gserviceaccount.com")])
        now = datetime.now(UTC)
        made = x509.CertificateBuilder(who, who, key.public_key(), x509.random_serial_number(), now, now + timedelta(7))
        self.name = name
        self.certificate = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
        self._key = key

    def token(self, header: Mapping[str, Any] | None = None, **changes: Any) -> str:
        """A token as Pub/Sub bears it, with other claims; those that are None are left out.

        https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions#jwt
        """
        now = int(time.time())
        claims = {
            "aud": AUDIENCE,
            "azp": "113774264463038321964",
            "email": PUSHER,
            "email_verified": True,
            "exp": now + 3600,
            "iat": now,
            "iss": "https://accounts.google.com",
            "sub": "113774264463038321964",
            **changes,
        }
        parts = (
            {"alg": "RS256", "kid": self.name, "typ": "JWT", **(header or {})},
            {name: value for name, value in claims.items() if value is not None},
        )
        signed = b".".join(_base64(json.dumps(part).encode()) for part in parts)
        return (signed + b"." + _base64(self._key.sign(signed, padding.PKCS1v15(), hashes.SHA256()))).decode()


def _base64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
