"""The public door, as GitHub and the internet meet it: a real functions-framework process over a real socket."""

import hashlib
import hmac
import http.client
import json
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from local.function import start_function
from local.leash import Leash

SECRET = "a secret of more than sixteen bytes"
MAIN = Path(__file__).parents[1] / "main.py"


def sign(body: bytes, secret: str = SECRET) -> str:
    """What GitHub puts into X-Hub-Signature-256."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def push_payload(**changes: Any) -> dict[str, Any]:
    """A push to a repository that nobody watches."""
    repository = {"clone_url": "https://github.com/acme/shop.git", "default_branch": "main"}
    return {"ref": "refs/heads/main", "before": "1" * 40, "after": "2" * 40, "repository": repository, **changes}


def peak_memory(url: str) -> dict[int, int]:
    """The largest resident memory, in MB, of each process of the function at an address, by its number."""
    port = url.rpartition(":")[2].encode()
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command, status = (folder / "cmdline").read_bytes(), (folder / "status").read_text()
        except OSError:  # it has just ended
            continue
        if port in command.split(b"\0"):
            peak = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
            found[int(folder.name)] = int(peak) // 1024
    return found


@dataclass(frozen=True)
class Door:
    """The function under functions-framework, with an empty configuration."""

    url: str
    folder: Path

    @classmethod
    def start(cls, leash: Leash, **changes: str) -> Self:
        """Start it, with settings besides the usual ones."""
        config = leash.folder.parent / "config"
        config.mkdir(exist_ok=True)
        settings = {"DEPLOYER_CONFIG": str(config), "DEPLOYER_WEBHOOK_SECRET": SECRET, "DEPLOYER_GITHUB_TOKEN": "t"}
        return cls(start_function(leash, {**settings, **changes}), leash.folder)

    @property
    def config(self) -> Path:
        """The folder of its configuration."""
        return self.folder.parent / "config"

    def log(self) -> str:
        """All that it has logged."""
        return (self.folder / "function.log").read_text()

    @contextmanager
    def connection(self) -> Iterator[http.client.HTTPConnection]:
        """A connection of one's own."""
        with closing(http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=30)) as connection:
            yield connection

    def deliver(self, body: bytes, headers: Mapping[str, str] | None = None) -> tuple[int, Any]:
        """Send a signed push, but for other headers; returns status and answer."""
        usual = {"Content-Type": "application/json", "X-GitHub-Event": "push", "X-Hub-Signature-256": sign(body)}
        with self.connection() as to:
            to.request("POST", "/", body, {**usual, **(headers or {})})
            answer = to.getresponse()
            return answer.status, json.loads(answer.read())
