"""Messages that get lost, come twice, or in any order: the cluster is at the ref's commit in the end."""

import pytest

from tests.end_to_end.pubsub.queued import QueuedBench, files, until
from tests.end_to_end.reconciling import history
from tests.push_server import PushServer
from tests.world import config_map


def test_what_pubsub_did_not_take_is_a_failed_delivery_that_reconcile_makes_good(
    bench: QueuedBench, pubsub: PushServer
) -> None:
    bench.configure()
    first = bench.pushed(files(1))
    assert bench.settled(first)[0] == "success"
    for _ in range(10):
        pubsub.fail(503)
        pubsub.fail("cut")
        pubsub.fail("hang")
    lost = [bench.push(files(value)) for value in (2, 3, 4)]
    for commit in lost:
        delivery = bench.world.github.wait_for_delivery(commit)
        assert (delivery.status, delivery.succeeded) == (503, False)
        assert "The next reconcile makes up for it" in delivery.body
        assert delivery.duration < 8, "GitHub waits ten seconds"
    pubsub.recover()
    assert bench.queued() == 1
    assert bench.reconcile() == "queued"
    assert history(bench)[0]["why"] == "main has moved"
    bench.ends_at(lost[-1], [1, 4], [first, *lost[:-1]], syncs=2)


def test_what_pubsub_took_without_saying_so_is_done_once(bench: QueuedBench, pubsub: PushServer) -> None:
    bench.configure()
    pubsub.fail("cut", taken=True)
    commit = bench.pushed(files(1))
    assert bench.settled(commit)[0] == "success"
    assert pubsub.drained()
    assert bench.queued() == 2, "the door has published the event twice"
    bench.ends_at(commit, [1], syncs=1)


def test_a_message_that_is_delivered_twice_at_the_same_moment_is_done_once(bench: QueuedBench) -> None:
    """Also a job: so two instances have the same application."""
    bench.configure()
    bench.events.pause()
    commit = bench.pushed(files(1))
    bench.events.twice, bench.jobs.twice = 1, 2
    sent = len(bench.jobs.sent)
    bench.events.resume()
    assert bench.settled(commit)[0] == "success"
    bench.ends_at(commit, [1], syncs=1)
    jobs = bench.jobs.sent[sent:]
    assert [(one.status, one.message.ordering_key) for one in jobs] == [(200, bench.name)] * 4
    assert abs(jobs[0].began - jobs[1].began) < 1
    assert len(history(bench)) == 1
    told = [bench.name in (bench.world.folder / f"{one.log}.log").read_text() for one in bench.instances]
    assert all(told), "both instances have had it"


@pytest.mark.parametrize("which", ["events", "jobs"])
def test_messages_that_come_the_newest_first_change_nothing(bench: QueuedBench, which: str) -> None:
    """Jobs, too, without any order, and so in both instances at once."""
    bench.configure()
    first = bench.pushed(files(0))
    assert bench.settled(first)[0] == "success"
    held = bench.events if which == "events" else bench.jobs
    assert bench.pubsub.drained()
    held.pause()
    others = [bench.pushed(files(value)) for value in (1, 2)]
    last = bench.pushed(files(3))
    until(lambda: bench.queued() == 1 + 3 * (which == "jobs"), "the jobs are there")
    held.newest_first, held.ordered = True, False
    held.resume()
    assert bench.settled(last)[0] == "success"
    bench.ends_at(last, [0, 3], [first, *others], syncs=2)
    for one in others:
        assert bench.statuses(one)[-1] == ("failure", f"superseded by {last[:7]}")


def test_of_ten_pushes_in_a_row_the_last_is_live_and_all_are_told(bench: QueuedBench) -> None:
    bench.configure()
    commits = [bench.push({"a.yaml": config_map("a", str(value))}) for value in range(10)]
    assert bench.settled(commits[-1])[0] == "success"
    for one in commits:
        bench.world.github.wait_for_delivery(one)
    bench.ends_at(commits[-1], range(10), commits)
    synced = {one["revision"] for one in history(bench) if one["result"] == "succeeded"}
    for one in commits:
        state, description = bench.statuses(one)[-1]
        assert (state, description[:13]) == (
            ("success", "1 object in s") if one in synced else ("failure", "superseded by")
        ), (one, description)
