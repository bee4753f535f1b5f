"""Google, as far as publishing needs it, in a process of its own: it confirms all that it gets, after a while.

It answers as the emulator does, and as Google itself does: a proxy that leads to `pubsub.googleapis.com` over TLS, and
the metadata server that gives the token for it.
"""

import asyncio
import contextlib
import json
import random
import re
import ssl
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from bench.servers import ROOT
from local.certificates import CertificateAuthority
from local.leash import Leash
from local.ports import free_ports

_TIMEOUT = 10.0
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_TOKEN = json.dumps({"access_token": "ya29.bench", "expires_in": 3600, "token_type": "Bearer"})
_ACCOUNT = json.dumps({"email": "bench@acme.iam.gserviceaccount.com", "scopes": [], "aliases": ["default"]})


@dataclass(frozen=True)
class Google:
    """Where it is, as settings and variables of the function say it: with the emulator's protocol, and with its own."""

    emulator: Mapping[str, str]
    itself: Mapping[str, str]


def start(leash: Leash, latency: tuple[float, float]) -> Google:
    """Start it.

    Args:
        leash: what ends it, and has its files.
        latency: seconds that it takes to confirm a message, at least and at most.

    Raises:
        RuntimeError: it does not listen in time; with the end of its log.
    """
    authority = CertificateAuthority("bench")
    authorities, pair = leash.folder / "authorities.pem", leash.folder / "google.pem"
    authorities.write_bytes(authority.certificate)
    pair.touch(mode=0o600)
    pair.write_bytes(b"".join(authority.server("pubsub.googleapis.com")))
    (port,) = free_ports(1)
    arguments = (str(port), str(pair), *map(str, latency))
    process = leash.run("google", [sys.executable, "-m", "bench.google", *arguments], cwd=ROOT)
    deadline = time.monotonic() + _TIMEOUT
    while not (leash.folder / "google.log").read_text():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"Google does not listen; its log ends with:\n{leash.tail('google')}")
        time.sleep(0.01)
    queue = {"DEPLOYER_QUEUE": "pubsub", "DEPLOYER_PUBSUB_TOPIC": "projects/acme/topics/deployer"}
    address = f"127.0.0.1:{port}"
    itself = {
        "HTTPS_PROXY": f"http://{address}",
        "NO_PROXY": "127.0.0.1",
        "REQUESTS_CA_BUNDLE": str(authorities),
        "GCE_METADATA_HOST": address,
        "K_SERVICE": "webhook",
    }
    return Google({**queue, "DEPLOYER_PUBSUB_ENDPOINT": address}, {**queue, **itself})


async def _serve(port: int, pair: str, least: float, most: float) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pair)
    server = await asyncio.start_server(partial(_talk, tls, least, most), "127.0.0.1", port, backlog=256)
    sys.stdout.write("listening\n")
    sys.stdout.flush()
    await server.serve_forever()


async def _talk(
    tls: ssl.SSLContext, least: float, most: float, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):  # the client hangs up
        while head := await reader.readuntil(b"\r\n\r\n"):
            method, path, _ = head.partition(b"\r\n")[0].decode().split(" ")
            if method == "CONNECT":
                writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
                await writer.drain()
                await writer.start_tls(tls)
                continue
            length = _LENGTH.search(head)
            await reader.readexactly(int(length[1]) if length else 0)
            if path.endswith(":publish"):
                await asyncio.sleep(random.uniform(least, most))  # noqa: S311 (a delay, no secret)
            writer.write(_answer(path.partition("?")[0]))
    writer.close()


def _answer(path: str) -> bytes:
    kind = "application/json"
    if path.endswith(":publish"):
        body = '{"messageIds": ["1"]}'
    elif path.endswith("/token"):
        body = _TOKEN
    elif path.endswith("/default/"):
        body = _ACCOUNT
    else:
        kind, body = "application/text", "acme"
    head = f"HTTP/1.1 200 OK\r\nMetadata-Flavor: Google\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return (head + body).encode()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), sys.argv[2], float(sys.argv[3]), float(sys.argv[4])))
