"""What the tests of the local GitHub talk to it with: git itself, plain HTTP, and a receiver of webhooks."""

import contextlib
import json
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import jwt

from local.github import GitHub
from local.github.apps import App
from local.github.git import environment

TOKEN = "ghp_local"
APP_TOKEN = "ghs_ci"  # of the App that may write checks, where a test makes it known
SECRET = "It's a Secret to Everybody"


def signing_key(file: Path) -> tuple[Path, str]:
    """Make an SSH key that a test throws away, and return its file and the public key that belongs to it."""
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "throw-away", "-f", str(file)]
    subprocess.run(command, check=True, timeout=60)
    return file, file.with_name(f"{file.name}.pub").read_text()


class Clone:
    """A working copy on somebody's machine."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        folder.mkdir()
        self.git("init", "-q", "-b", "main")
        self.git("remote", "add", "origin", url)

    def git(self, *arguments: str, stdin: str = "", check: bool = True) -> str:
        """Run git, and return what it says."""
        who = ("-c", "user.name=Ada Example", "-c", "user.email=ada@example.com")
        done = subprocess.run(
            ["git", *who, *arguments],
            cwd=self.folder,
            input=stdin,
            capture_output=True,
            text=True,
            env=environment(),
            timeout=60,
        )
        if check and done.returncode:
            raise AssertionError(f"git {arguments} failed: {done.stderr}")
        return (done.stdout + done.stderr).strip()

    def commit(self, message: str, files: dict[str, str], key: Path | None = None) -> str:
        """Write files, commit them, signed with an SSH key if there is one, and return the commit's SHA."""
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        self.git("add", "-A")
        signed = ("-c", "gpg.format=ssh", "-c", f"user.signingKey={key}") if key else ()
        self.git(*signed, "commit", "-q", "--allow-empty", "-m", message, *(["-S"] if key else []))
        return self.head()

    def head(self) -> str:
        """Return the SHA of the present commit."""
        return self.git("rev-parse", "HEAD")

    def push(self, *arguments: str) -> None:
        """Push to the GitHub."""
        self.git("push", "-q", "origin", *arguments)


@dataclass(frozen=True)
class Received:
    """A request as it arrived, its headers' names in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """A receiver of webhooks that answers with `status` and `text` after `delay` seconds."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.status, self.text, self.delay = 200, '{"ok": true}', 0.0
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.received.append(Received(self.path, headers, body))
                time.sleep(receiver.delay)
                with contextlib.suppress(ConnectionError):  # the sender need not have waited
                    self.send_response(receiver.status)
                    self.end_headers()
                    self.wfile.write(receiver.text.encode())

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook?from=github"

    def wait(self, count: int) -> list[dict[str, Any]]:
        """Return the payloads of what came, once there are `count` of them."""
        end = time.monotonic() + 10
        while len(self.received) < count and time.monotonic() < end:
            time.sleep(0.01)
        assert len(self.received) == count, [one.headers["x-github-event"] for one in self.received]
        return [json.loads(one.body) for one in self.received]

    def events(self) -> list[tuple[str, str]]:
        """Return what kinds of events came, and their actions, in the alphabet's order: they come in any."""
        return sorted((one.headers["x-github-event"], json.loads(one.body).get("action", "")) for one in self.received)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@dataclass(frozen=True)
class Answer:
    """What the REST API answered; headers' names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def ask(github: GitHub, path: str, body: object = None, method: str | None = None, **headers: str) -> Answer:
    """Ask the REST API; a body makes it a POST unless `method` says more, bytes are sent as they are.

    `accept="…"` sets a header.
    """
    return _ask(github.api_url + path, body, method, headers)


def ask_once(github: GitHub, path: str, body: object = None, method: str | None = None, **headers: str) -> Answer:
    """Ask the REST API, and follow no redirect."""
    return _ask(github.api_url + path, body, method, headers, _Still())


def query(github: GitHub, text: object, variables: object = None, **headers: str) -> Answer:
    """Ask the GraphQL API."""
    body = {"query": text} if variables is None else {"query": text, "variables": variables}
    return _ask(github.graphql_url, body, "POST", headers)


def app_jwt(app: App, *, key: str = "", algorithm: str = "RS256", **claims: object) -> str:
    """Return the header with which an App says who it is; claims that are None are left out."""
    now = int(time.time())
    whole = {"iat": now - 60, "exp": now + 540, "iss": str(app.number), **claims}
    said = {name: value for name, value in whole.items() if value is not None}
    return f"Bearer {jwt.encode(said, key or app.private_key, algorithm)}"


class _Still(urllib.request.HTTPRedirectHandler):
    """Takes a redirect for an answer."""

    def redirect_request(self, *arguments: object) -> None:
        """Return no request."""


def _ask(
    url: str, body: object, method: str | None, headers: dict[str, str], *handlers: urllib.request.BaseHandler
) -> Answer:
    sent = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    wanted = {"Authorization": f"Bearer {TOKEN}", **{name.replace("_", "-"): value for name, value in headers.items()}}
    request = urllib.request.Request(url, sent, wanted, method=method)
    try:
        with urllib.request.build_opener(*handlers).open(request, timeout=10) as response:
            return Answer(response.status, _lower(response.headers.items()), response.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, _lower(error.headers.items()), error.read())


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers}


@contextlib.contextmanager
def serving_web(folder: Path) -> Iterator[GitHub]:
    """A GitHub with one repository, `acme/web`, that holds one file."""
    with GitHub(folder / "github", token=TOKEN, webhook_url=None, webhook_secret=SECRET) as server:
        clone = Clone(folder / "clone", f"{server.git_url}/acme/web.git")
        clone.commit("first", {"a": "1"})
        clone.push("main")
        yield server
