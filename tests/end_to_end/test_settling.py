"""Rollouts that outlive the request that began them: the answer says so, and `reconcile` settles them."""

import json
import time
from pathlib import Path

import pytest

from tests.end_to_end.reconciling import history, inventory, last_synced, make_ready, rewrite, tell
from tests.world import Bench, config_map, deployment

HELD_UP = "2 objects in staging: 2 created, still rolling out [1/2 healthy]: Deployment/web: "


def test_rollouts_that_outlive_their_request_are_settled(bench: Bench, tmp_path: Path) -> None:
    with Bench(bench.world, tmp_path) as other:
        other.repository = bench.repository
        bench.configure(path="well")
        other.configure(path="ill", url=bench.clone.url)
        files = {"web.json": deployment("web", "nginx:never"), "a.yaml": config_map("a")}
        commit = bench.push({f"{path}/{name}": text for path in ("well", "ill") for name, text in files.items()})
        start = time.monotonic()
        delivery = bench.world.github.wait_for_delivery(commit)
        assert time.monotonic() - start < 10, "GitHub waits no longer"
        assert delivery.status == 200
        outcomes = {one["application"]: one["outcome"] for one in json.loads(delivery.body)["applications"]}
        assert outcomes == {bench.name: "unfinished", other.name: "unfinished"}
        for one in (bench, other):
            state, description = one.statuses(commit)[-1]
            assert (state, description.startswith(HELD_UP)) == ("pending", True), description
            assert [entry["result"] for entry in history(one)] == ["unfinished"]
        told = bench.statuses(commit)

        # As long as it goes on, nothing new is told or written.
        before = inventory(bench)
        last_synced(other, 58)
        assert bench.reconcile() == "unfinished"
        assert (inventory(bench), bench.statuses(commit)) == (before, told)

        state, description = other.statuses(commit)[-1]
        assert state == "failure"
        assert description.startswith("1 of 2 objects not healthy after 60 s: Deployment/web: ")
        (failed,) = history(other)
        assert (failed["result"], failed["counts"]) == ("failed", {"created": 3})
        assert failed["error"][:80] == description[:80]

    make_ready(bench)
    assert bench.reconcile() == "succeeded"
    assert bench.statuses(commit)[: len(told)] == told
    state, description = bench.statuses(commit)[len(told)]
    assert (state, description.split(", healthy")[0]) == ("success", "2 objects in staging: nothing to change")
    (settled,) = history(bench)
    begun = json.loads(before["data"]["history"])[0]
    assert settled == {**begun, "result": "succeeded", "operation": settled["operation"]}
    assert len(bench.statuses(commit)) == len(told) + 1


def overtaken(bench: Bench, *, unread: bool = False) -> tuple[str, str]:
    """Push over a commit whose rollout has not ended; returns that commit and the new one."""
    assert bench.deploy({"a.yaml": config_map("a", "1")})[0] == "success"
    first = bench.clone.head()
    tell(bench, first, "pending", "still rolling out")
    rewrite(bench, history=json.dumps([{**history(bench)[0], "result": "unfinished"}]))
    if unread:
        bench.world.github.fail(f"{bench.repository}/commits/{first}/statuses", 404, method="GET")
    second = bench.push({"a.yaml": config_map("a", "2")})
    assert bench.settled(second)[0] == "success"
    bench.world.github.wait_for_delivery(second)
    return first, second


def test_a_commit_that_is_overtaken_before_its_rollout_has_ended_is_told_so_once(bench: Bench) -> None:
    first, second = overtaken(bench)
    told = bench.statuses(first)
    assert told[-1] == ("failure", f"superseded by {second[:7]}")
    bench.send(bench.world.github.wait_for_delivery(second).payload)
    assert bench.reconcile() == "in sync"
    assert bench.statuses(first) == told


def test_a_deployment_does_not_fail_because_the_commit_before_cannot_be_read(bench: Bench) -> None:
    first, second = overtaken(bench, unread=True)
    assert bench.statuses(first)[-1][0] == "pending"
    assert bench.statuses(second)[-1][0] == "success"
    assert "whether a commit before was told an end is not known: " in bench.log()


@pytest.mark.parametrize("change", [{"revision": "../../../user"}, {"result": "failed"}])
def test_of_what_the_history_says_only_a_rollout_of_a_commit_counts(bench: Bench, change: dict[str, str]) -> None:
    assert bench.deploy({"a.yaml": config_map("a", "1")})[0] == "success"
    first = bench.clone.head()
    tell(bench, first, "pending", "still rolling out")
    rewrite(bench, history=json.dumps([{**history(bench)[0], "result": "unfinished", **change}]))
    requests = len(bench.world.github.requests)
    second = bench.push({"a.yaml": config_map("a", "2")})
    assert bench.world.github.wait_for_delivery(second).status == 200
    asked = {path for verb, path in bench.world.github.requests[requests:] if "status" in path}
    told = {f"/repos/{bench.repository}/statuses/{second}"}
    if "result" in change:
        assert asked == told
        assert bench.statuses(first)[-1][0] == "pending"
    else:  # the push itself names the commit before
        place = f"/repos/{bench.repository}"
        assert asked == told | {f"{place}/commits/{first}/statuses", f"{place}/statuses/{first}"}
        assert bench.statuses(first)[-1] == ("failure", f"superseded by {second[:7]}")
