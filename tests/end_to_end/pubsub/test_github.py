"""GitHub is down, or has had enough: the whole sync is repeated, and a commit that could not be told is told later."""

from local.github.limits import Window
from tests.end_to_end.pubsub.queued import QueuedBench, call_reconcile, files, until
from tests.end_to_end.reconciling import history, inventory


def failed(bench: QueuedBench, since: int) -> bool:
    """Whether Pub/Sub was told to push a job of the application again."""
    return any((one.message.ordering_key, one.status) == (bench.name, 503) for one in bench.jobs.sent[since:])


def test_while_github_is_down_the_job_comes_again(bench: QueuedBench) -> None:
    bench.configure()
    bench.events.pause()
    commit, sent = bench.pushed(files(1)), len(bench.jobs.sent)
    with bench.world.github.down():
        bench.events.resume()
        call_reconcile(bench.world)
        until(lambda: failed(bench, sent), "nothing could be written down")
    assert bench.settled(commit)[0] == "success"
    bench.ends_at(commit, [1], syncs=1)
    assert "GitHub cannot be reached" in bench.said("ERROR")[0]


def test_a_commit_that_cannot_be_told_is_deployed_and_told_later(bench: QueuedBench) -> None:
    bench.configure()
    with bench.world.github.outage(f"/{bench.repository}/statuses/", method="POST"):
        first = bench.pushed(files(1))
        assert bench.pubsub.drained(60)
        assert history(bench)[0]["result"] == "succeeded"
    assert bench.statuses(first) == []
    assert bench.reconcile() == "queued"
    assert bench.statuses(first) == [("success", "in sync: 1 object in staging")]
    bench.ends_at(first, [1], syncs=1)


def test_a_rate_limit_that_is_used_up_holds_up_and_loses_nothing(bench: QueuedBench) -> None:
    bench.configure()
    bench.events.pause()
    first, sent = bench.pushed(files(1)), len(bench.jobs.sent)
    limits = bench.world.github.limits
    before, limits.primary.limit = limits.primary.limit, 0
    try:
        bench.events.resume()
        until(lambda: failed(bench, sent), "nothing could be written down")
    finally:
        limits.primary.limit = before
    assert bench.settled(first)[0] == "success"
    assert "GitHub's rate limit for this token is used up until " in bench.said("ERROR")[0]
    assert bench.pubsub.drained()

    # Too many statuses: what is deployed is deployed all the same.
    known, limits.creations = limits.creations, Window(0, 1.0)
    try:
        second = bench.pushed(files(2))
        assert bench.pubsub.drained(60)
        assert (history(bench)[0]["revision"], inventory(bench)["data"]["operation"]) == (second, "")
    finally:
        limits.creations = known
    assert bench.statuses(second) == []
    assert bench.reconcile() == "queued"
    bench.ends_at(second, [1, 2], [first], syncs=2)
