"""Newest wins: however pushes come, the cluster is at the ref's commit in the end, and no commit is left pending."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise

import pytest

from tests.end_to_end.reconciling import history, no_deliveries, push_unheard
from tests.local.github.helpers import Receiver
from tests.world import Bench, config_map, deployment


def value(bench: Bench) -> str:
    return str(bench.live("configmap", "a")["data"]["key"])


def push_all(bench: Bench, count: int) -> list[str]:
    """Push so many commits, one after the other, without waiting for anything."""
    return [bench.push({"a.yaml": config_map("a", str(number))}) for number in range(1, count + 1)]


@contextmanager
def hook_to(bench: Bench, url: str) -> Iterator[None]:
    """Have deliveries go somewhere else."""
    hook = bench.world.github.webhook
    assert hook
    bench.world.github.webhook = replace(hook, url=url)
    try:
        yield
    finally:
        bench.world.github.webhook = hook


def wait_for_deliveries(bench: Bench, commits: Sequence[str]) -> None:
    for commit in commits:
        assert bench.world.github.wait_for_delivery(commit, timeout=60).succeeded


def back_to(bench: Bench, commit: str) -> None:
    bench.clone.git("reset", "-q", "--hard", commit)
    bench.clone.push("--force", "main")


def test_of_ten_pushes_in_a_row_the_last_one_is_live_and_each_is_told_its_end(bench: Bench) -> None:
    bench.configure()
    commits = push_all(bench, 10)
    wait_for_deliveries(bench, commits)
    assert bench.settled(commits[-1])[0] == "success"
    assert value(bench) == "10"
    synced = [one["revision"] for one in history(bench)]
    assert synced == sorted(synced, key=commits.index, reverse=True), "never backwards"
    ends = [bench.statuses(commit) for commit in commits]
    for commit, told in zip(commits, ends, strict=True):
        assert (told[-1][0] == "success") == (commit in synced), told
        assert commit in synced or told[-1][1].startswith("superseded by "), told
    assert bench.reconcile() == "in sync"
    assert [bench.statuses(commit) for commit in commits] == ends


def test_ten_deliveries_at_one_moment_in_any_order_are_one_sync(bench: Bench) -> None:
    with Receiver() as receiver, hook_to(bench, receiver.url):
        commits = push_all(bench, 10)
        payloads = sorted(receiver.wait(10), key=lambda one: str(one["after"]))
    bench.configure()
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(bench.send, payloads))
    assert [status for status, _ in answers] == [200] * 10
    assert value(bench) == "10"
    (only,) = history(bench)
    assert only["revision"] == commits[-1]
    assert [state for state, _ in bench.statuses(commits[-1])] == ["pending", "success"]
    for commit in commits[:-1]:
        assert bench.statuses(commit) == [("failure", f"superseded by {commits[-1][:7]}")]


def test_ten_pushes_in_a_row_while_the_first_one_rolls_out(bench: Bench) -> None:
    bench.configure(timeout=60)
    first = bench.push({"web.json": deployment("web", "nginx:never")})
    commits = [first, *push_all(bench, 8), bench.push({"web.json": deployment("web", "nginx:1.29.3")})]
    assert bench.settled(commits[-1], meanwhile=bench.reconcile)[0] == "success"
    wait_for_deliveries(bench, commits)
    for commit in commits[:-1]:
        state, description = bench.settled(commit, timeout=30, meanwhile=bench.reconcile)
        assert (state, description.startswith("superseded by ")) == ("failure", True), description
    assert history(bench)[0]["revision"] == commits[-1]
    assert value(bench) == "8"


def test_a_commit_whose_rollout_is_overtaken_is_told_by_which(bench: Bench) -> None:
    """A newer commit does not wait for the older one's health."""
    bench.configure(timeout=300)
    older = bench.push({"web.json": deployment("web", "nginx:never")})
    assert bench.world.github.wait_for_delivery(older).status == 200
    assert bench.statuses(older)[-1][0] == "pending"
    start = time.monotonic()
    newer = bench.push({"web.json": deployment("web", "nginx:1.29.3")})
    assert bench.settled(newer)[0] == "success"
    assert time.monotonic() - start < 30
    assert bench.settled(older, timeout=20) == ("failure", f"superseded by {newer[:7]}")


def test_old_deliveries_that_come_again_in_any_order_change_nothing(bench: Bench) -> None:
    bench.configure()
    commits = push_all(bench, 4)
    assert bench.settled(commits[-1])[0] == "success"
    wait_for_deliveries(bench, commits)
    for commit in commits:
        assert bench.settled(commit)[0] != "pending"
    before, told, done = bench.versions(), [bench.statuses(one) for one in commits], history(bench)
    payloads = [bench.world.github.wait_for_delivery(one).payload for one in commits]
    for number in (2, 0, 3, 1, 0):
        status, answer = bench.send(payloads[number])
        assert (status, answer["applications"][0]["outcome"]) == (200, "succeeded")
    assert bench.versions() == before
    assert [bench.statuses(one) for one in commits] == told
    assert history(bench) == done


def test_a_branch_that_is_forced_back_is_followed(bench: Bench) -> None:
    bench.configure()
    first, second = (bench.push({"a.yaml": config_map("a", number)}) for number in ("1", "2"))
    assert bench.settled(second)[0] == "success"
    told = len(bench.statuses(first))
    back_to(bench, first)
    deadline = time.monotonic() + 60
    while value(bench) != "1" or len(bench.statuses(first)) <= told or bench.statuses(first)[-1][0] == "pending":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert bench.statuses(first)[-1][0] == "success"
    assert bench.statuses(second)[-1][0] == "success", "it was live"
    # And what was pushed in between comes again.
    bench.send(bench.world.github.wait_for_delivery(second).payload)
    assert value(bench) == "1"
    assert bench.reconcile() == "in sync"


@pytest.mark.parametrize("heard", [True, False])
def test_a_branch_that_comes_back_to_a_superseded_commit_deploys_it(bench: Bench, *, heard: bool) -> None:
    bench.configure()
    superseded = bench.push({"web.json": deployment("web", "nginx:slow")})
    assert bench.world.github.wait_for_delivery(superseded).succeeded
    newer = bench.push({"web.json": deployment("web", "nginx:1.29.3")})
    assert bench.settled(newer)[0] == "success"
    assert bench.settled(superseded) == ("failure", f"superseded by {newer[:7]}")
    if heard:
        back_to(bench, superseded)
    else:
        with no_deliveries(bench.world):
            back_to(bench, superseded)
    deadline = time.monotonic() + 90
    while bench.statuses(superseded)[-1][0] != "success":
        assert time.monotonic() < deadline, bench.statuses(superseded)
        bench.reconcile()
    image = bench.live("deployment", "web")["spec"]["template"]["spec"]["containers"][0]["image"]
    assert image == "nginx:slow"


def test_a_branch_that_is_deleted_and_made_again(bench: Bench) -> None:
    bench.push({"README.md": "the default branch"})
    bench.configure(targetRevision="live")
    bench.clone.git("checkout", "-q", "-b", "live")
    first = bench.clone.commit("first", {"a.yaml": config_map("a", "1")})
    bench.clone.push("live")
    assert bench.settled(first)[0] == "success"
    bench.clone.push("--delete", "live")
    bench.send(bench.world.github.wait_for_delivery(first).payload)
    assert bench.reconcile() == "failed"
    assert value(bench) == "1", "what is deployed stays"
    second = bench.clone.commit("second", {"a.yaml": config_map("a", "2")})
    bench.clone.push("live")
    assert bench.settled(second)[0] == "success"
    assert value(bench) == "2"
    bench.send(bench.world.github.wait_for_delivery(first).payload)
    assert value(bench) == "2"


def test_of_lost_pushes_none_is_left_pending(bench: Bench) -> None:
    """The first one began, and its rollout outlived it; of the others nobody was told."""
    bench.configure()
    first = bench.push({"web.json": deployment("web", "nginx:never")})
    assert bench.world.github.wait_for_delivery(first).succeeded
    unheard = [push_unheard(bench, {"a.yaml": config_map("a", str(number))}) for number in range(2)]
    last = push_unheard(bench, {"web.json": deployment("web", "nginx:1.29.3")})
    assert bench.reconciled(last)[0] == "success"
    assert bench.statuses(first)[-1] == ("failure", f"superseded by {last[:7]}")
    assert [bench.statuses(commit) for commit in unheard] == [[], []]


def test_the_commits_of_a_manual_application_are_superseded_as_well(bench: Bench) -> None:
    bench.configure(automated=False)
    commits = []
    for number in range(3):
        commits.append(bench.push({"a.yaml": config_map("a", str(number))}))
        assert bench.world.github.wait_for_delivery(commits[-1]).succeeded
    assert bench.statuses(commits[-1]) == [("pending", "out of sync: 1 to create")]
    for older, newer in pairwise(commits):
        assert bench.statuses(older)[-1] == ("failure", f"superseded by {newer[:7]}")


def test_an_unrelated_push_does_not_end_a_rollout(bench: Bench) -> None:
    """It touches nothing of the application, whose own commit is told how it ends."""
    bench.configure(path="k8s", generate_paths=".")
    commit = bench.push({"k8s/web.json": deployment("web", "nginx:slow")})
    assert bench.world.github.wait_for_delivery(commit).succeeded
    unrelated = bench.push({"README.md": "1"})
    assert bench.world.github.wait_for_delivery(unrelated).succeeded
    state, description = bench.reconciled(commit)
    assert (state, "1 object in staging" in description) == ("success", True), description
    assert bench.statuses(unrelated) == []
    assert bench.reconcile() == "in sync"
    assert [one["revision"] for one in history(bench)] == [commit]
