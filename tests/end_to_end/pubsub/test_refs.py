"""Refs that are moved about, and messages about what they once were: what counts is where the ref is now."""

from deployer.queue.survey import ROUNDS
from tests.end_to_end.pubsub.queued import QueuedBench, call_reconcile, until
from tests.end_to_end.reconciling import history
from tests.push_server import PushServer
from tests.world import config_map

BRANCH = "live"


def moved(bench: QueuedBench, value: str) -> str:
    """Commit a value, and have the branch point at it, whatever it pointed at; returns the commit."""
    commit = bench.clone.commit(f"{value} of {bench.name}", {"a.yaml": config_map("a", value)})
    bench.clone.push("--force", f"HEAD:refs/heads/{BRANCH}")
    return commit


def synced(bench: QueuedBench, commit: str) -> None:
    """Wait until a commit is what is deployed, and all is told."""
    until(lambda: history(bench)[0]["revision"] == commit and history(bench)[0]["result"] == "succeeded", commit)
    assert bench.pubsub.drained()
    assert bench.statuses(commit)[-1][0] == "success"


def test_wherever_the_ref_goes_the_cluster_follows_and_old_messages_change_nothing(
    bench: QueuedBench, pubsub: PushServer
) -> None:
    bench.configure(targetRevision=BRANCH)
    bench.push({"README.md": "the default branch, which cannot be deleted"})
    first = moved(bench, "1")
    assert bench.settled(first)[0] == "success"
    second = moved(bench, "2")
    assert bench.settled(second)[0] == "success"
    assert pubsub.drained()
    before = (bench.versions(), history(bench), bench.statuses(first), bench.statuses(second))

    # GitHub delivers an old push again, and Pub/Sub the messages of days ago.
    old = bench.world.github.wait_for_delivery(first)
    assert bench.send(old.payload)[0] == 200
    mine = [one for one in bench.jobs.sent if one.message.ordering_key == bench.name]
    bench.events.replay(next(one.message.id for one in bench.events.sent if first.encode() in one.message.data))
    bench.jobs.replay(mine[0].message.id)
    assert pubsub.drained()
    assert (bench.versions(), history(bench), bench.statuses(first), bench.statuses(second)) == before

    bench.clone.git("reset", "-q", "--hard", first)
    bench.clone.push("--force", f"HEAD:refs/heads/{BRANCH}")
    synced(bench, first)
    assert bench.value() == "1"
    bench.send(bench.world.github.wait_for_delivery(second).payload)
    assert pubsub.drained()
    assert bench.value() == "1", "the push of a commit that was taken back is nothing"

    third = moved(bench, "3")
    synced(bench, third)
    bench.clone.push("--delete", BRANCH)
    assert "was deleted" in bench.world.github.wait_for_delivery("0" * 40).body
    assert any(bench.name in call_reconcile(bench.world) for _ in range(ROUNDS)), "once, when it is its turn"
    assert pubsub.drained()
    assert "has no branch or tag live" in bench.said("ERROR")[-1]
    assert bench.value() == "3", "a branch that is gone takes nothing with it"
    assert bench.statuses(third)[-1][0] == "success"

    bench.clone.git("reset", "-q", "--hard", first)
    fourth = moved(bench, "4")
    synced(bench, fourth)
    bench.ends_at(fourth, [1, 2, 1, 3, 4], [first, second, third])
