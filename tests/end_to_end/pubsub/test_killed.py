"""Instances of `sync` that die at any moment: the message comes again, and what was begun is finished, once."""

import random
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from deployer.http import TIMEOUT
from tests.end_to_end.pubsub.queued import QueuedBench, call_reconcile, files, until
from tests.faults.proxy import Late, Proxy, Silent
from tests.push_server import PushServer

POINTS = 10


@pytest.mark.parametrize("taken", [False, True], ids=["not published", "published"])
def test_killed_while_it_publishes_the_jobs_of_an_event(bench: QueuedBench, pubsub: PushServer, taken: bool) -> None:
    bench.configure()
    bench.events.pause()
    commit = bench.pushed(files(1))
    requests = len(pubsub.headers)
    pubsub.fail("hang", taken=taken)
    bench.events.resume()
    until(lambda: len(pubsub.headers) > requests and bench.queued() == taken, "it publishes")
    bench.kill()
    assert bench.settled(commit)[0] == "success"
    assert pubsub.drained()
    assert bench.queued() == 1 + taken
    bench.ends_at(commit, [1], syncs=1)


def test_killed_while_it_tells_the_commit(bench: QueuedBench) -> None:
    bench.configure()
    with bench.world.github.outage(f"/{bench.repository}/statuses/", method="POST"):
        commit = bench.pushed(files(1))
        until(lambda: bench.result() == "succeeded", "all but the status is done")
        bench.kill()
    assert bench.pubsub.drained(60)
    bench.reconcile()
    assert bench.settled(commit)[0] == "success"
    bench.ends_at(commit, [1], syncs=1)


@pytest.fixture
def fleet(bench: QueuedBench, tmp_path: Path) -> Iterator[list[QueuedBench]]:
    """Applications of one repository, in the cluster `far`; none of them is configured yet."""
    with ExitStack() as stack:
        found = []
        for number in range(POINTS):
            (tmp_path / str(number)).mkdir()
            one = stack.enter_context(QueuedBench(bench.world, tmp_path / str(number), bench.pubsub))
            one.repository = bench.repository
            found.append(one)
        yield found


def requests_of(far: Proxy, bench: QueuedBench) -> list[str]:
    """The requests that were about an application."""
    return [f"{one.method} {one.path}" for one in far.seen if bench.name in one.path]


def test_killed_wherever_it_is_in_ten_syncs_at_once(bench: QueuedBench, fleet: list[QueuedBench], far: Proxy) -> None:
    """Each is stopped at another request to its cluster, which is carried out or not, and dies with all others."""
    bench.configure("far")
    assert bench.settled(bench.pushed(files(1)))[0] == "success"
    assert bench.pubsub.drained()
    requests, draw = requests_of(far, bench), random.Random(7)
    bench.remove()
    for number, one in enumerate(fleet):
        one.configure("far", url=bench.clone.url)
        point = number * len(requests) // POINTS
        at, before = requests[point], requests[:point].count(requests[point])
        silent = Silent(carried_out=draw.random() < 0.5)
        far.play(f"^{re.escape(at.replace(bench.name, one.name))}$", *[Late()] * before, silent)
    sent = len(far.seen)
    commit = bench.pushed({"README.md": "read me"})

    def held() -> int:
        return sum(one.status == 0 for one in far.seen[sent:])

    deadline = time.monotonic() + TIMEOUT - 1  # then the first of them would be given up
    while held() < POINTS and time.monotonic() < deadline:
        time.sleep(0.05)
    assert held() > POINTS // 2
    bench.kill()
    assert bench.pubsub.drained(90)
    call_reconcile(bench.world)  # for who died while it told its commit
    with ThreadPoolExecutor(POINTS) as pool:
        list(pool.map(lambda one: one.ends_at(commit, [1], syncs=1), fleet))
