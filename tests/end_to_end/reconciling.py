"""What the tests of `reconcile` share: its log, deliveries that get lost, and time that passes in no time."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from local.world import World
from tests.world import Bench


def said(bench: Bench, severity: str = "") -> list[str]:
    """What `reconcile` has logged about the application, of one severity or all."""
    lines = (bench.world.folder / "reconcile.log").read_text().splitlines()
    records = [json.loads(line) for line in lines if line.startswith("{") and f'"{bench.name}"' in line]
    return [one["message"] for one in records if severity in ("", one["severity"])]


@contextmanager
def no_deliveries(world: World) -> Iterator[None]:
    """Have GitHub tell nobody of a push."""
    hook, world.github.webhook = world.github.webhook, None
    try:
        yield
    finally:
        world.github.webhook = hook


def push_unheard(bench: Bench, files: dict[str, str]) -> str:
    """Push so that the delivery gets lost; returns the commit."""
    with no_deliveries(bench.world):
        return bench.push(files)


def tell(bench: Bench, commit: str, state: str, description: str) -> None:
    """Give the commit a status, as a deployer does that is then killed."""
    status = {"state": state, "context": f"deployer/{bench.name}", "description": description}
    bench.world.github.statuses.add(bench.repository, commit, status)


def age(bench: Bench, commit: str, seconds: float) -> None:
    """Play that time has passed since the commit was given its statuses, and since it has failed."""
    bench.world.github.statuses.age(bench.repository, commit, seconds)
    name = f"deployer-{bench.name}"
    kept = bench.kubectl("get", "configmap", name, "-n", bench.name, "-o", "json", "--ignore-not-found")
    entries = json.loads(json.loads(kept)["data"]["history"]) if kept else []
    if entries and (entries[0]["revision"], entries[0]["result"]) == (commit, "failed"):
        when = datetime.fromisoformat(entries[0]["when"]) - timedelta(seconds=seconds)
        entries[0]["when"] = f"{when:%Y-%m-%dT%H:%M:%SZ}"
        rewrite(bench, history=json.dumps(entries))


def make_ready(bench: Bench) -> None:
    """Have every pod of the application get ready, whatever its image says; the first may still have to come."""

    def pods() -> list[str]:
        return bench.kubectl("get", "pods", "-n", bench.name, "-o", "name").split()

    deadline = time.monotonic() + 60
    while not pods():
        assert time.monotonic() < deadline, "no pod has come"
    ready = [{"type": kind, "status": "True"} for kind in ("Ready", "ContainersReady")]
    status = json.dumps({"status": {"phase": "Running", "conditions": ready}})
    for pod in pods():
        bench.kubectl("patch", pod, "-n", bench.name, "--subresource=status", "--type=strategic", "-p", status)


def inventory(bench: Bench) -> dict[str, Any]:
    """The application's inventory."""
    return bench.live("configmap", f"deployer-{bench.name}")


def history(bench: Bench) -> list[dict[str, Any]]:
    """The application's syncs, the newest first."""
    found: list[dict[str, Any]] = json.loads(inventory(bench)["data"]["history"])
    return found


def last_synced(bench: Bench, seconds: float) -> None:
    """Play that the last sync was so many seconds ago."""
    entries = history(bench)
    entries[0]["when"] = f"{datetime.now(UTC) - timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}"
    rewrite(bench, history=json.dumps(entries))


def under_way(bench: Bench, revision: str, seconds: float) -> None:
    """Play that a sync began so many seconds ago, and has not ended."""
    since = f"{datetime.now(UTC) - timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}"
    operation = {"revision": revision, "since": since, "holder": "a process that was killed", "why": "a push"}
    rewrite(bench, operation=json.dumps(operation))


def rewrite(bench: Bench, **data: str) -> None:
    """Write into the inventory, as nobody should."""
    name = f"deployer-{bench.name}"
    bench.kubectl("patch", "configmap", name, "-n", bench.name, "--type=merge", "-p", json.dumps({"data": data}))
