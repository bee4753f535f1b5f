"""Messages that nobody understands, and whoever pushes without leave: nothing is done, and others go on."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from deployer.job import Job
from deployer.queue.message import of_job
from local.pubsub import TOPIC
from tests.end_to_end.pubsub.queued import AUDIENCE, PUSHER, QueuedBench, call_reconcile, until
from tests.push_server import PushServer
from tests.push_token import Signer
from tests.world import config_map

POISON = {
    "malformed": b'{"job": {',
    "neither": b'{"event": {}}',
    "not JSON": b"\0\xff",
    "ten megabytes": b"x" * 10_000_000,
    "of nobody": of_job(Job("nobody", "a push"), "staging").data,
}
THROWN = "ERROR: a message was thrown away"
POISON_LOGGED = {
    "malformed": [f"{THROWN}: it is malformed"],
    "neither": [f"{THROWN}: it is malformed"],
    "not JSON": [f"{THROWN}: it is malformed"],
    "ten megabytes": [f"{THROWN}: it has 10000000 bytes, more than 65536"],
    "of nobody": [],
}
OF_STAGING = {"cluster": "staging"}
Shown = Callable[[Signer], str]
STRANGERS: dict[str, tuple[int, Shown | None]] = {
    "nothing": (401, None),
    "no token": (401, lambda signer: "x"),
    "expired": (401, lambda signer: signer.token(AUDIENCE, PUSHER, lifetime=-60)),
    "forged": (401, lambda signer: signer.token(AUDIENCE, PUSHER, forged=True)),
    "another audience": (401, lambda signer: signer.token("https://other.example", PUSHER)),
    "another account": (403, lambda signer: signer.token(AUDIENCE, "eve@evil.iam.gserviceaccount.com")),
}


def logged(bench: QueuedBench, message_id: str = "") -> list[str]:
    """What instances have logged: about a message, or all."""
    records = [json.loads(line) for line in bench.log().splitlines() if line.startswith("{")]
    return [f"{one['severity']}: {one['message']}" for one in records if message_id in ("", one.get("message_id"))]


def test_poison_is_thrown_away_and_logged_and_others_go_on(bench: QueuedBench, pubsub: PushServer) -> None:
    bench.configure()
    sent = {one.name: len(one.sent) for one in (bench.events, bench.jobs)}
    ids = {}
    for name, data in POISON.items():
        ids[pubsub.publish(TOPIC, data)] = ids[pubsub.publish(TOPIC, data, OF_STAGING, bench.name)] = name
    commit = bench.pushed({"a.yaml": config_map("a")})
    assert bench.settled(commit)[0] == "success"
    bench.ends_at(commit, [1])
    for one in (bench.events, bench.jobs):
        assert [each.status for each in one.sent[sent[one.name] :]] == [200] * (len(POISON) + 1)
    for message_id, name in ids.items():
        assert [one.partition(" (")[0] for one in logged(bench, message_id)] == POISON_LOGGED[name]
    assert sum("nothing is done, because " in one and "nobody" in one for one in logged(bench)) == 2


@pytest.mark.parametrize("body", [b"", b"[]", b'{"message": "x"}', b'{"message": {"data": "?"}}'])
def test_what_is_no_push_is_thrown_away(bench: QueuedBench, pubsub: PushServer, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {pubsub.signer.token(AUDIENCE, PUSHER)}"}
    request = urllib.request.Request(bench.instances[0].url, body, headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert (answer.status, list(json.load(answer))) == (200, ["ignored"])
    assert "a message is thrown away: " in (bench.world.folder / "sync.log").read_text().splitlines()[-1]


def test_whoever_is_not_this_pubsub_gets_nothing_done(bench: QueuedBench, pubsub: PushServer) -> None:
    bench.configure()
    bench.events.pause()
    right = bench.events.token
    commit = bench.pushed({"a.yaml": config_map("a")})
    try:
        for name, (status, show) in STRANGERS.items():
            sent = len(bench.events.sent)
            bench.events.token = (lambda show=show: show(pubsub.signer)) if show else None
            bench.events.resume()
            until(lambda: len(bench.events.sent) > sent, name)  # noqa: B023
            bench.events.pause()
            assert {one.status for one in bench.events.sent[sent:]} == {status}, name
    finally:
        bench.events.token = right
    assert (bench.queued(), bench.statuses(commit)) == (0, [])
    bench.events.resume()
    assert bench.settled(commit)[0] == "success"
    bench.ends_at(commit, [1])


def test_a_dead_letter_is_logged_and_reconcile_makes_it_good(bench: QueuedBench, pubsub: PushServer) -> None:
    """A configuration that nobody can read uses up all attempts of a message."""
    bench.configure()
    dead = "projects/local/topics/dead"
    pubsub.create_topic(dead)
    assert bench.world.sync
    graves = pubsub.subscribe(dead, "projects/local/subscriptions/dead", bench.world.sync.url)
    pubsub.authenticate(graves, AUDIENCE, PUSHER)
    bench.jobs.dead_letter, bench.jobs.attempts = dead, 5
    bench.jobs.pause()
    commit = bench.pushed({"a.yaml": config_map("a")})
    until(lambda: bench.queued() == 1, "the event has become a job")
    broken = Path(bench.world.exports["DEPLOYER_CONFIG"], "broken.yaml")
    broken.write_text("kind: [")
    try:
        bench.jobs.resume()
        until(lambda: graves.sent, "it is given up")
        assert pubsub.drained()
    finally:
        broken.unlink()
    assert [one.status for one in graves.sent] == [200]
    assert bench.jobs.sent[-1].attempt == 5
    said = f"subscription cluster-staging has given up the push of application {bench.name} after 5 attempts: "
    assert any(one.startswith(said) for one in bench.said("ERROR"))
    assert bench.statuses(commit) == []
    assert bench.name in call_reconcile(bench.world)
    assert bench.settled(commit)[0] == "success"
    bench.ends_at(commit, [1])
