"""A function of the tests' own, which plays `sync`: what it is sent says what it does."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.function import Function
from local.leash import Leash

_SOURCE = """
import json, os, time

print("imported", flush=True)

def sync(request):
    push = json.loads(request.get_data())
    about = {"by": os.environ["NAME"], "authorization": request.headers.get("Authorization")}
    with open(os.environ["SEEN"], "a") as seen:
        print(json.dumps({**about, **push}), file=seen)
    while "until" in push and not os.path.exists(push["until"]):
        time.sleep(0.01)
    time.sleep(push.get("sleep", 0))
    return {"by": os.environ["NAME"]}, push.get("status", 200)
"""


def start(leash: Leash, *names: str, threads: int = 1) -> list[Function]:
    """Start instances with these names."""
    source = leash.folder / "sync.py"
    source.write_text(_SOURCE)
    seen = str(leash.folder / "seen")
    return [Function(leash, {"SEEN": seen, "NAME": name}, "sync", name, threads, source).start() for name in names]


def seen(folder: Path) -> list[dict[str, Any]]:
    """What the instances have been sent, in order."""
    path = folder / "seen"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def post(url: str, body: Any, headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
    """Send a body as JSON; returns status and body of the answer."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **(headers or {})})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()
