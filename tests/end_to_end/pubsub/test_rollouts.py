"""Rollouts that last: longer than a request may, or than a newer commit should have to wait."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.function import Function
from local.functions import of_target
from local.leash import Leash
from tests.end_to_end.pubsub.queued import QueuedBench, until
from tests.end_to_end.reconciling import history, make_ready
from tests.faults.proxy import Proxy
from tests.world import config_map, deployment

SECONDS = 25
"""What a request may take in `short`: 20 s of it are kept for what is to be written at its end."""


@pytest.fixture
def short(bench: QueuedBench, proxies: dict[str, Proxy], tmp_path: Path) -> Iterator[Function]:
    """One instance of `sync` instead of the world's: it has one request at once, and that soon nears its end."""
    settings = {
        name: value
        for name, value in bench.world.exports.items()
        if name.startswith("DEPLOYER_") and not name.startswith("DEPLOYER_LOCAL_")
    }
    settings["DEPLOYER_REQUEST_TIMEOUT"] = str(SECONDS)
    subscriptions = list(bench.pubsub.subscriptions.values())
    endpoints = [one.endpoint for one in subscriptions]
    with Leash(tmp_path / "short") as leash:
        function = Function(leash, of_target("sync", settings), "sync", "short", threads=1).start()
        for one in subscriptions:
            one.endpoint = function.url
        yield function
        for one, endpoint in zip(subscriptions, endpoints, strict=True):
            one.endpoint = endpoint


def threads(function: Function) -> int:
    """How many threads the processes of an instance have."""
    found = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if str(function.port).encode() in (folder / "cmdline").read_bytes().split(b"\0"):
                found += len(list((folder / "task").iterdir()))
        except OSError:  # it has just ended
            continue
    return found


def hanging(value: int) -> dict[str, str]:
    return {"a.yaml": config_map("a", str(value)), "web.json": deployment("web", "nginx:never")}


def test_a_rollout_that_outlives_its_request_is_settled_by_reconcile(
    bench: QueuedBench, short: Function, far: Proxy
) -> None:
    bench.configure("far", timeout=300)
    first = bench.pushed({"a.yaml": config_map("a", "1")})
    assert bench.settled(first)[0] == "success"
    assert bench.pubsub.drained()
    before = threads(short)

    second = bench.pushed(hanging(2))
    assert bench.pubsub.drained(60)
    sent = bench.jobs.sent[-1]
    assert (sent.status, sent.message.ordering_key) == (200, bench.name)
    assert sent.ended - sent.began < SECONDS
    state, description = bench.statuses(second)[-1]
    assert (state, "still rolling out [1/2 healthy]: Deployment/web: " in description) == ("pending", True), description
    assert [one["result"] for one in history(bench)] == ["unfinished", "succeeded"]

    # Nothing of it goes on in the instance.
    until(lambda: threads(short) <= before, "its threads have ended", 2)
    requests = (len(far.seen), len(bench.world.github.requests))
    time.sleep(2.5)
    assert (len(far.seen), len(bench.world.github.requests)) == requests

    told = bench.statuses(second)
    assert bench.reconcile() == "queued"
    assert bench.statuses(second) == told, "as long as it goes on, nothing new is told"
    assert [one["result"] for one in history(bench)] == ["unfinished", "succeeded"]
    make_ready(bench)
    assert bench.reconcile() == "queued"
    bench.ends_at(second, [1, 2], [first])
    assert [one["result"] for one in history(bench)] == ["succeeded", "succeeded"]


def test_a_newer_commit_does_not_wait_for_an_older_rollout(bench: QueuedBench) -> None:
    bench.configure(timeout=300)
    first = bench.pushed(hanging(1))
    until(lambda: bench.result() == "unfinished", "it rolls out")
    start = time.monotonic()
    second = bench.pushed({"a.yaml": config_map("a", "2"), "web.json": deployment("web")})
    assert bench.settled(second)[0] == "success"
    assert time.monotonic() - start < 30, "it looks for a newer commit every ten seconds"
    bench.ends_at(second, [1, 2])
    state, description = bench.statuses(first)[-1]
    assert (state, description[: 14 + 7]) == ("failure", f"superseded by {second[:7]}")
