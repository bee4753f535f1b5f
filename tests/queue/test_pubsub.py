"""The pubsub queue, in this process: what Pub/Sub has pushed in, jobs and an answer out."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deployer.annotations import REQUIRE_CHECKS
from deployer.cluster import inventory_store
from deployer.cluster.connection import Cluster
from deployer.cluster.inventory import begun
from deployer.cluster.operation import Operation
from deployer.configuration import TOGETHER
from deployer.job import Job
from deployer.ours import OURS
from deployer.queue import pubsub
from deployer.queue.envelope import Pushed
from deployer.queue.message import CLUSTER, Message, of_event, of_job, parse
from deployer.queue.survey import ROUNDS
from deployer.repository import parse_repository
from deployer.settings import Settings
from deployer.webhook import Event
from tests.push_server import PushServer
from tests.queue.helpers import configure, dead, lines, say, told
from tests.world import Bench, config_map, deployment

TOPIC = "projects/acme/topics/deployer"


@pytest.fixture
def server() -> Iterator[PushServer]:
    with PushServer() as server:
        server.create_topic(TOPIC)
        yield server


@pytest.fixture
def queue(settings: Settings, server: PushServer) -> Settings:
    """The settings of a deployer whose jobs travel through Pub/Sub."""
    return replace(settings, queue="pubsub", pubsub_topic=TOPIC, pubsub_endpoint=server.endpoint)


def pushed(message: Message | bytes, age: float | None = 0.0) -> Pushed:
    """A message as Pub/Sub pushes it, so many seconds after it was published; None tells no time."""
    data = message if isinstance(message, bytes) else message.data
    at = None if age is None else datetime.now(UTC) - timedelta(seconds=age)
    return Pushed(data, {}, "the-message", at, "", None, "the-subscription", dead_letter=False)


def push(bench: Bench, before: str, after: str) -> Event:
    repository = parse_repository(bench.clone.url)
    return Event("push", repository, "refs/heads/main", before, after, "main", None, "the-delivery")


def green(bench: Bench, commit: str, check: str = "build") -> Event:
    repository = parse_repository(bench.clone.url)
    return Event("status", repository, "refs/heads/main", "", commit, "main", None, "a-delivery", check)


def jobs_of(server: PushServer) -> list[Job]:
    """What was published, and is taken off with this."""
    found = [parse(one.data) for one in server.published.pop(TOPIC, [])]
    assert all(isinstance(one, Job) for one in found)
    return [one for one in found if isinstance(one, Job)]


def receive(job: Job | Event, queue: Settings, age: float | None = 0.0) -> tuple[dict[str, Any], int]:
    message = of_event(job) if isinstance(job, Event) else of_job(job, "staging")
    return pubsub.receive(pushed(message, age), queue)


def deliver(event: Event, server: PushServer, queue: Settings) -> list[str]:
    """Turn an event into jobs, and run these; returns their outcomes."""
    assert receive(event, queue)[1] == 200
    answers = [receive(job, queue) for job in jobs_of(server)]
    assert {status for _, status in answers} <= {200}
    return [answer["outcome"] for answer, _ in answers]


def reconciled(server: PushServer, queue: Settings) -> dict[str, str]:
    """The jobs that a call of the schedule publishes: their reasons, by application."""
    server.published.pop(TOPIC, None)
    assert pubsub.reconcile(queue)[1] == 200
    return {job.application: job.reason for job in jobs_of(server)}


def test_an_event_becomes_a_job_for_each_application(
    bench: Bench, queue: Settings, server: PushServer, log: pytest.LogCaptureFixture
) -> None:
    here = configure(bench, queue, "a")
    there = configure(bench, queue, "b", cluster="production")
    configure(bench, queue, "c", target_revision="other")
    answer, status = receive(push(bench, "1" * 40, "2" * 40), queue)
    assert (answer, status) == ({"queued": [here, there]}, 200)
    published = server.published[TOPIC]
    assert [(one.ordering_key, dict(one.attributes)) for one in published] == [
        (here, {CLUSTER: "staging"}),
        (there, {CLUSTER: "production"}),
    ]
    reason = f"push to refs/heads/main of {bench.repository}"
    first, second = jobs_of(server)
    assert first == Job(here, reason, delivery="the-delivery", before="1" * 40, after="2" * 40)
    assert second == replace(first, application=there)
    assert lines(log) == [(f"queued 2 jobs: {here}, {there}", {"delivery": "the-delivery"})]


def test_an_event_that_concerns_nobody_is_done_with(bench: Bench, queue: Settings, server: PushServer) -> None:
    answer, status = receive(push(bench, "1" * 40, "2" * 40), queue)
    said = f"ignored because no application watches refs/heads/main of {bench.repository}"
    assert (answer, status, jobs_of(server)) == ({"ignored": said}, 200, [])


def test_an_event_comes_again_where_its_jobs_are_not_taken(
    bench: Bench, queue: Settings, server: PushServer, log: pytest.LogCaptureFixture
) -> None:
    name = configure(bench, queue, "a")
    server.fail(403)
    answer, status = receive(push(bench, "1" * 40, "2" * 40), queue)
    assert (answer, status) == ({"error": "Pub/Sub did not take the jobs; the log says why"}, 503)
    ((said, fields),) = lines(log, "ERROR")
    assert said.startswith(
        f"jobs were not queued, and are published again: Pub/Sub does not take what is published to {TOPIC}"
    )
    assert fields == {"delivery": "the-delivery"}
    assert receive(push(bench, "1" * 40, "2" * 40), queue) == ({"queued": [name]}, 200)


def test_a_job_is_run(bench: Bench, queue: Settings) -> None:
    name = configure(bench, queue, "a")
    commit = bench.push({"a/x.yaml": config_map("a")})
    given = Job(name, "a push", delivery="the-delivery", before="0" * 40, after=commit)
    assert receive(given, queue) == ({"application": name, "outcome": "succeeded"}, 200)
    assert told(bench, commit, f"deployer/{name}")[-1][0] == "success"
    assert receive(given, queue, age=10**6) == ({"application": name, "outcome": "succeeded"}, 200), "days later, too"


def test_a_rollout_is_left_in_time(bench: Bench, queue: Settings) -> None:
    name = configure(bench, queue, "a", timeout=600)
    bench.push({"a/web.json": deployment("web", "nginx:never")})
    start = time.monotonic()
    short = replace(queue, request_timeout=int(pubsub.MARGIN) + 2)
    assert receive(Job(name, "a push"), short) == ({"application": name, "outcome": "unfinished"}, 200)
    assert 2 <= time.monotonic() - start < 12


@pytest.mark.parametrize(("age", "outcome"), [(91.0, "stale"), (80.0, "in sync"), (None, "in sync")])
def test_a_job_of_the_schedule_that_has_waited_too_long_is_not_run(
    bench: Bench, queue: Settings, age: float | None, outcome: str, log: pytest.LogCaptureFixture
) -> None:
    name = configure(bench, queue, "a")
    bench.push({"a/x.yaml": config_map("a")})
    assert receive(Job(name, "a push"), queue)[1] == 200
    log.clear()
    assert receive(Job(name, "the schedule", "reconcile"), queue, age) == (
        {"application": name, "outcome": outcome},
        200,
    )
    waited = [message for message, _ in lines(log) if "has waited for 91 s" in message]
    assert len(waited) == (outcome == "stale")


def test_an_application_that_is_gone_is_done_with(queue: Settings, log: pytest.LogCaptureFixture) -> None:
    said = "there is no such application any more"
    assert receive(Job("gone", "a push", delivery="it"), queue) == ({"ignored": said}, 200)
    ((message, fields),) = lines(log, "WARNING")
    assert message.startswith("nothing is done, because there is no application 'gone'")
    assert fields == {"application": "gone", "delivery": "it"}


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b'{"job": {"application": 1}}', b"{" * 10**5, b"x" * 10**6])
def test_what_cannot_be_read_is_thrown_away(queue: Settings, data: bytes, log: pytest.LogCaptureFixture) -> None:
    ignored = {"ignored": "the message is neither an event nor a job"}
    assert pubsub.receive(pushed(data), queue) == (ignored, 200)
    ((message, fields),) = lines(log, "ERROR")
    assert message.startswith("a message was thrown away: it ")
    assert fields == {"message_id": "the-message"}


@pytest.mark.parametrize("entry", ["event", "job", "schedule"])
def test_a_configuration_that_is_not_valid_is_waited_for(
    bench: Bench, queue: Settings, server: PushServer, entry: str, log: pytest.LogCaptureFixture
) -> None:
    assert queue.config
    (queue.config / "broken.yaml").write_text("kind: Nonsense")
    given = Job("shop", "a push", delivery="the-delivery") if entry == "job" else push(bench, "1" * 40, "2" * 40)
    answer, status = pubsub.reconcile(queue) if entry == "schedule" else receive(given, queue)
    assert status == 500
    assert answer == {"error": "the deployer's configuration is not valid; its log says where"}
    ((message, fields),) = lines(log)
    assert message.startswith("nothing is reconciled: " if entry == "schedule" else "nothing is done: ")
    if entry != "schedule":
        assert fields == {"delivery": "the-delivery", "message_id": "the-message"}
    assert jobs_of(server) == []


def test_a_job_of_which_nothing_was_written_down_comes_again(bench: Bench, queue: Settings) -> None:
    name = configure(bench, queue, "a")
    bench.push({"a/x.yaml": config_map("a")})
    failed = {"application": name, "outcome": "failed"}
    with bench.world.github.down():
        assert receive(Job(name, "a push"), queue) == (failed, 503)
        assert receive(Job(name, "the schedule", "reconcile"), queue) == (failed, 200), (
            "the schedule comes again anyway"
        )
    broken: Any = None  # settings that no environment gives
    assert receive(Job(name, "a push"), replace(queue, limits=broken)) == (failed, 503)
    assert receive(Job(name, "a push"), queue)[0]["outcome"] == "succeeded"


@pytest.mark.parametrize("together", [False, True])
def test_a_cluster_that_is_down_is_for_the_schedule_to_ask_again(
    bench: Bench, queue: Settings, server: PushServer, together: bool
) -> None:
    dead(bench, queue)
    name = configure(bench, queue, "a", cluster="dead")
    if together:
        for number in range(TOGETHER):
            configure(bench, queue, f"other-{number}", cluster="dead")
    commit = bench.push({"a/x.yaml": config_map("a")})
    assert receive(Job(name, "a push"), queue) == ({"application": name, "outcome": "failed"}, 200)
    assert reconciled(server, queue)[name] == "how it stands is not known"
    if together:
        assert told(bench, commit, f"deployer/{name}") == []
        ((state, description),) = told(bench, commit, OURS)
        assert state == "error"
        assert description
        assert description.startswith("21 applications: all in error: ")
    else:
        assert told(bench, commit, f"deployer/{name}")[-1][0] == "error"


def test_what_cannot_be_mended_by_repeating_is_done_with(bench: Bench, queue: Settings) -> None:
    name = configure(bench, queue, "a")
    assert receive(Job(name, "a push"), queue)[1] == 200, "there is no such repository"
    commit = bench.push({"a/x.yaml": "no manifest: ["})
    assert receive(Job(name, "a push"), queue) == ({"application": name, "outcome": "failed"}, 200)
    assert told(bench, commit, f"deployer/{name}")[-1][0] == "failure"


def test_the_schedule_has_a_job_for_each_that_needs_one(
    bench: Bench, queue: Settings, server: PushServer, staging: Cluster
) -> None:
    paths = ("calm", "moved", "rolling", "failed", "running")
    for path in paths:
        configure(bench, queue, path, timeout=600)
    files = {f"{path}/x.yaml": config_map(path) for path in ("calm", "moved", "running", "failed")}
    files |= {"rolling/x.json": deployment("web", "nginx:never"), "failed/y.yaml": config_map("not_a_name")}
    commit = bench.push(files)
    names = {path: f"{bench.name}-{path}" for path in paths}
    for path in ("calm", "rolling", "running", "failed"):
        receive(Job(names[path], "a push"), replace(queue, request_timeout=int(pubsub.MARGIN)))
    for path in ("calm", "failed"):  # some time ago
        inventory = inventory_store.read(staging, names[path], bench.name)
        history = tuple(replace(one, when=one.when - timedelta(hours=1)) for one in inventory.history)
        inventory_store.write(staging, inventory, replace(inventory, history=history))
    inventory = inventory_store.read(staging, names["running"], bench.name)
    operation = Operation(commit, datetime.now(UTC), "another process", "a push", id="1")
    inventory_store.write(staging, inventory, begun(inventory, operation))

    expected = {
        names["moved"]: "main has moved",
        names["rolling"]: "its rollout goes on",
        names["running"]: "a sync is under way",
    }
    calls = [reconciled(server, queue) for _ in range(ROUNDS)]
    turns = [call.pop(names["calm"], "") for call in calls]
    assert sorted(turns) == [""] * (ROUNDS - 1) + ["the schedule"], "each has its turn once"
    for call in calls:
        assert call.pop(names["failed"]) in ("its last sync failed", "main has moved")
        assert call == expected

    assert pubsub.reconcile(queue)[1] == 200
    for job in jobs_of(server):
        assert (job.action, job.at) == ("reconcile", commit)


def test_the_schedule_says_what_it_has_queued(bench: Bench, queue: Settings, server: PushServer) -> None:
    assert pubsub.reconcile(queue) == ({"queued": []}, 200)
    name = configure(bench, queue, "a")
    bench.push({"a/x.yaml": config_map("a")})
    assert pubsub.reconcile(queue) == ({"queued": [name]}, 200)
    server.fail(403)
    assert pubsub.reconcile(queue)[1] == 503


def test_where_nothing_is_known_each_application_still_has_its_turn(
    bench: Bench, queue: Settings, server: PushServer, log: pytest.LogCaptureFixture
) -> None:
    names = [configure(bench, queue, path) for path in ("a", "b", "c")]
    bench.push({"a/x.yaml": config_map("a")})
    blind = replace(queue, github_token="projects/local/secrets/nowhere")
    calls = [reconciled(server, blind) for _ in range(ROUNDS)]
    assert sorted(name for call in calls for name in call) == names
    assert {reason for call in calls for reason in call.values()} == {"the schedule"}
    assert lines(log, "ERROR")[0][0].startswith("how the applications stand is not known: ")


def test_the_schedule_tells_a_commit_that_many_have_in_common(
    bench: Bench, queue: Settings, server: PushServer
) -> None:
    names = [configure(bench, queue, f"a{number}") for number in range(TOGETHER + 1)]
    commit = bench.push({f"a{number}/x.yaml": config_map(f"a{number}") for number in range(TOGETHER + 1)})
    assert receive(push(bench, "0" * 40, commit), queue)[1] == 200
    assert told(bench, commit, OURS) == [("pending", "21 applications: all under way")]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda job: receive(job, queue), jobs_of(server)))
    assert {answer["outcome"] for answer, _ in answers} == {"succeeded"}
    assert pubsub.reconcile(queue)[1] == 200
    assert pubsub.reconcile(queue)[1] == 200
    assert told(bench, commit, OURS)[1:] == [("success", "21 applications: all healthy")]
    assert told(bench, commit, f"deployer/{names[0]}") == []

    # A commit that nobody has got to is told when the next push comes.
    say(bench, commit, OURS, "pending", "as if it were new")
    newer = bench.push({"a0/x.yaml": config_map("a0", "2")})
    assert receive(push(bench, commit, newer), queue)[1] == 200
    assert told(bench, commit, OURS)[-1] == ("failure", f"superseded by {newer[:7]}")


def test_of_pushes_in_a_row_the_first_job_deploys_the_last(bench: Bench, queue: Settings, server: PushServer) -> None:
    name = configure(bench, queue, "a")
    commits = [bench.push({"a/x.yaml": config_map("a", str(number))}) for number in range(5)]
    outcomes = [
        outcome
        for before, after in zip(["0" * 40, *commits], commits, strict=False)
        for outcome in deliver(push(bench, before, after), server, queue)
    ]
    assert outcomes == ["succeeded"] * 5
    newest = commits[-1]
    assert [told(bench, one, f"deployer/{name}") for one in commits[:-1]] == [
        [("failure", f"superseded by {newest[:7]}")]
    ] * 4
    states = [state for state, _ in told(bench, newest, f"deployer/{name}")]
    assert states == ["pending", "success"], "it is synced once"


def test_each_commit_that_waits_for_its_checks_is_told_an_end(
    bench: Bench, queue: Settings, server: PushServer
) -> None:
    name = configure(bench, queue, "a", annotations={REQUIRE_CHECKS: "build"})
    context = f"deployer/{name}"
    waiting = ("pending", "waiting for build")
    first = bench.push({"a/x.yaml": config_map("a", "1")})
    assert deliver(push(bench, "0" * 40, first), server, queue) == ["stays"]
    assert told(bench, first, context) == [waiting]
    say(bench, first, "build", "success")
    assert deliver(green(bench, first), server, queue) == ["succeeded"]

    second = bench.push({"a/x.yaml": config_map("a", "2")})
    assert deliver(push(bench, first, second), server, queue) == ["stays"]
    third = bench.push({"a/x.yaml": config_map("a", "3")})
    assert deliver(push(bench, second, third), server, queue) == ["stays"]
    assert told(bench, second, context) == [waiting, ("failure", f"superseded by {third[:7]}")]
    say(bench, second, "build", "success")
    assert deliver(green(bench, second), server, queue) == [], "it is not where the ref points at"
    assert bench.live("configmap", "a")["data"] == {"key": "1"}
    say(bench, third, "build", "success")
    assert deliver(green(bench, third), server, queue) == ["succeeded"]
    assert bench.live("configmap", "a")["data"] == {"key": "3"}

    fourth = bench.push({"a/x.yaml": config_map("a", "4")})
    assert deliver(push(bench, third, fourth), server, queue) == ["stays"]
    say(bench, fourth, "build", "failure")
    assert deliver(green(bench, fourth), server, queue) == ["stays"]
    ends = [told(bench, one, context)[-1] for one in (first, second, third, fourth)]
    assert [state for state, _ in ends] == ["success", "failure", "success", "failure"]
    assert ends[3][1] == "not deployed: build failed"
    # A nightly run that fails takes nothing back from what is deployed.
    bench.clone.git("reset", "-q", "--hard", third)
    bench.clone.push("--force", "main")
    say(bench, third, "build", "failure")
    assert receive(Job(name, "the schedule", "reconcile"), queue)[0]["outcome"] == "in sync"
    assert told(bench, third, context)[-1][0] == "success"


def test_a_push_and_two_calls_of_the_schedule_at_once(bench: Bench, queue: Settings) -> None:
    name = configure(bench, queue, "a")
    first = bench.push({"a/x.yaml": config_map("a", "1")})
    assert receive(Job(name, "a push"), queue)[0]["outcome"] == "succeeded"
    second = bench.push({"a/x.yaml": config_map("a", "2")})
    schedule = Job(name, "main has moved", "reconcile", at=second)
    given = [Job(name, "a push", before=first, after=second), schedule, schedule]
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda job: receive(job, queue), given))
    assert {status for _, status in answers} == {200}
    history = json.loads(bench.live("configmap", f"deployer-{name}")["data"]["history"])
    assert [one["revision"] for one in history] == [second, first], "it is deployed once"
    assert told(bench, second, f"deployer/{name}")[-1][0] == "success"
    assert bench.live("configmap", "a")["data"] == {"key": "2"}


def test_a_job_of_the_schedule_tells_nothing_to_a_commit_that_the_ref_has_left(bench: Bench, queue: Settings) -> None:
    name = configure(bench, queue, "a", automated=False)
    first = bench.push({"a/x.yaml": config_map("a", "1")})
    second = bench.push({"a/x.yaml": config_map("a", "2")})
    assert receive(Job(name, "the schedule", "reconcile", at=first), queue)[1] == 200
    assert told(bench, first, f"deployer/{name}") == [], "nobody would ever tell it an end"
    assert receive(Job(name, "the schedule", "reconcile", at=second), queue)[1] == 200
    assert told(bench, second, f"deployer/{name}") == [("pending", "out of sync: 1 to create")]

    configure(bench, queue, "a", automated=False, annotations={REQUIRE_CHECKS: "build"})
    assert receive(Job(name, "the schedule", "reconcile", at=first), queue)[0]["outcome"] == "stays"
    assert told(bench, first, f"deployer/{name}") == []


def test_a_job_whose_process_was_killed_goes_on_when_it_comes_again(
    bench: Bench, queue: Settings, staging: Cluster
) -> None:
    name = configure(bench, queue, "a")
    first = bench.push({"a/x.yaml": config_map("a", "1")})
    assert receive(Job(name, "a push"), queue)[0]["outcome"] == "succeeded"
    commit = bench.push({"a/x.yaml": config_map("a", "2")})
    given = Job(name, "a push", before=first, after=commit)
    # As it stands when the process is killed between its first and its last write.
    inventory = inventory_store.read(staging, name, bench.name)
    operation = Operation(commit, datetime.now(UTC), "a process that was killed", "a push", id="1", who="it")
    inventory_store.write(staging, inventory, begun(inventory, operation))
    say(bench, commit, f"deployer/{name}", "pending", "deploying to staging")
    assert receive(given, queue) == ({"application": name, "outcome": "succeeded"}, 200)
    assert bench.live("configmap", "a")["data"] == {"key": "2"}
    now = inventory_store.read(staging, name, bench.name)
    assert (now.operation, now.history[0].operation, now.history[0].who) == (None, "1", "it")
    assert told(bench, commit, f"deployer/{name}")[-1][0] == "success"
