"""Clusters that are down, slow, or busy: each delays only itself, is told of, and is made good once it is back."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.end_to_end.pubsub.queued import QueuedBench, until
from tests.faults.proxy import Answer, Cut, Fault, Late, Proxy
from tests.push_server import PushServer
from tests.world import config_map

FAULTS: dict[str, Fault] = {
    "down": Cut(),
    "busy": Answer(429, {"message": "too many requests"}, {"Retry-After": "1"}),
    "slow": Late(2),
}
CLUSTERS = ("staging", *FAULTS)
TOLD = {"down": "cluster down cannot be reached", "busy": "cluster busy answered 429"}


@pytest.fixture
def applications(
    bench: QueuedBench, pubsub: PushServer, tmp_path: Path, proxies: dict[str, Proxy]
) -> Iterator[dict[str, QueuedBench]]:
    """An application of one repository for each cluster."""
    with ExitStack() as stack:
        found = {"staging": bench}
        for name in FAULTS:
            (tmp_path / name).mkdir()
            found[name] = stack.enter_context(QueuedBench(bench.world, tmp_path / name, pubsub))
        for name, one in found.items():
            one.repository = bench.repository
            one.configure(name, url=bench.clone.url)
        yield found


def push(bench: QueuedBench, value: str) -> str:
    return bench.pushed({"a.yaml": config_map("a", value)})


def test_a_cluster_that_is_down_slow_or_busy_delays_only_itself(
    applications: dict[str, QueuedBench], proxies: dict[str, Proxy]
) -> None:
    well = applications["staging"]
    first = push(well, "1")
    for one in applications.values():
        assert one.settled(first)[0] == "success"
    with ExitStack() as faults:
        for name, fault in FAULTS.items():
            faults.enter_context(proxies[name].always(".", fault))
        second = push(well, "2")
        start = time.monotonic()
        assert well.settled(second)[0] == "success"
        quick = time.monotonic() - start
        told = {name: applications[name].statuses(second) for name in FAULTS}
        assert not told["slow"] or told["slow"][-1][0] == "pending", (quick, told)

        for name, words in TOLD.items():
            state, description = applications[name].settled(second)
            assert (state, words in description) == ("error", True), description
            until(lambda: not applications[name].jobs.unsettled(), "told, and so acknowledged")  # noqa: B023
            (sent,) = [
                one for one in applications[name].jobs.sent if one.message.ordering_key == applications[name].name
            ][1:]
            assert sent.status == 200
            applications[name].later(second)
        assert applications["slow"].settled(second)[0] == "success"
        slow = time.monotonic() - start
        assert slow > 10
        assert quick < slow / 2
        assert well.reconcile(), "it has just been synced"
        for name in TOLD:
            assert applications[name].value() == "1"
            assert applications[name].statuses(second)[-1][0] == "error"

    for name in TOLD:
        applications[name].later(second)
    assert well.reconcile()
    for name, one in applications.items():
        assert one.statuses(second)[-1][0] == "success", name
        one.ends_at(second, ["1", "2"], [first])


def test_a_cluster_that_answers_429_for_a_moment_is_waited_for(bench: QueuedBench, far: Proxy) -> None:
    bench.configure("far")
    far.play(bench.name, *[Answer(429, {"message": "too many requests"}, {"Retry-After": "1"})] * 3)
    first = push(bench, "1")
    assert bench.settled(first)[0] == "success"
    assert [one for one in bench.statuses(first) if one[0] != "success"] == [("pending", "deploying to far")]
    bench.ends_at(first, ["1"])
