"""The entry points under functions-framework; what must not get through the door is in tests/security."""

import base64
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from deployer.job import Job
from deployer.queue.envelope import DEAD_LETTER
from deployer.queue.message import of_event, of_job, parse
from deployer.repository import Repository
from deployer.webhook import Event
from local.function import start_function
from local.leash import Leash
from tests.door import MAIN, SECRET, Door, push_payload, sign
from tests.google_apis import ACCOUNT, AUDIENCE, PUSHER, Answer, Google, Signer, Tunnel
from tests.push_server import PushServer

TOPIC = "projects/acme/topics/deployer"
PUSH = json.dumps(push_payload()).encode()
DELIVERY = "72d3162e-cc78-11e3-81ab-4c9367dc0958"


@pytest.mark.parametrize(
    ("headers", "status", "said"),
    [
        ({"X-Hub-Signature-256": sign(b"another body")}, 403, "the signature is wrong"),
        ({"X-Hub-Signature-256": sign(b"{}", "another secret of sixteen")}, 403, "the signature is wrong"),
        ({"X-Hub-Signature-256": "sha256=\u00e4\u00f6"}, 403, "the signature is wrong"),
        ({"X-Hub-Signature-256": ""}, 403, "the signature is wrong"),
        ({"Content-Type": "text/plain"}, 415, "the content type must be application/json"),
        ({"X-GitHub-Event": "ping"}, 200, "pong"),
        ({"X-GitHub-Event": "issues"}, 200, "ignored because issues events start nothing"),
        ({}, 400, "ref is missing"),
    ],
)
def test_a_delivery_gets_the_answer_it_deserves(door: Door, headers: dict[str, str], status: int, said: str) -> None:
    got, answer = door.deliver(b"{}", headers)
    assert got == status
    assert said in json.dumps(answer)


def test_a_form_is_read_like_json(door: Door) -> None:
    body = f"payload={quote(json.dumps(push_payload()))}".encode()
    status, answer = door.deliver(body, {"Content-Type": "application/x-www-form-urlencoded"})
    assert (status, answer) == (
        200,
        {"ignored": "ignored because no application watches refs/heads/main of acme/shop"},
    )


def test_a_deleted_branch_deploys_nothing(door: Door) -> None:
    body = json.dumps(push_payload(deleted=True, after="0" * 40)).encode()
    status, answer = door.deliver(body, {})
    assert status == 200
    assert "was deleted: that deploys nothing and deletes nothing" in answer["ignored"]


@pytest.fixture
def reconcile(tmp_path: Path) -> Iterator[Door]:
    """The private entry point, without a webhook secret, and with a configuration that cannot be read."""
    config = tmp_path / "config"
    config.mkdir()
    (config / "broken.yaml").write_text("kind: Nonsense")
    settings = {"DEPLOYER_CONFIG": str(config), "DEPLOYER_GITHUB_TOKEN": "t"}
    with Leash(tmp_path / "leash") as leash:
        yield Door(start_function(leash, settings, "reconcile"), leash.folder)


def test_reconcile_needs_no_webhook_secret_and_runs_when_it_is_called(reconcile: Door) -> None:
    log = reconcile.folder / "reconcile.log"
    with reconcile.connection() as to:
        to.request("GET", "/robots.txt")
        to.getresponse().read()
        assert "reconciled" not in log.read_text(), "as a health check asks"
        to.request("POST", "/")
        answer = to.getresponse()
        assert (answer.status, list(json.loads(answer.read()))) == (500, ["error"])
    assert "nothing is reconciled: " in log.read_text()
    (reconcile.config / "broken.yaml").unlink()
    with reconcile.connection() as to:
        to.request("POST", "/")
        answer = to.getresponse()
        assert (answer.status, json.loads(answer.read())) == (200, {"applications": []})


@pytest.fixture(scope="module")
def google() -> Iterator[Google]:
    with Google() as google:
        yield google


@pytest.fixture(scope="module")
def queueing(google: Google, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """The door with the pubsub queue, and with nothing that is behind it."""
    folder = tmp_path_factory.mktemp("queueing") / "leash"
    settings = {
        "DEPLOYER_WEBHOOK_SECRET": SECRET,
        "DEPLOYER_QUEUE": "pubsub",
        "DEPLOYER_PUBSUB_TOPIC": TOPIC,
        "DEPLOYER_PUBSUB_ENDPOINT": google.endpoint,
    }
    with Leash(folder) as leash:
        yield Door(start_function(leash, settings), leash.folder)


@pytest.fixture(scope="module")
def signer(google: Google) -> Signer:
    signer = Signer("key")
    google.certificates = {signer.name: signer.certificate}
    return signer


@pytest.fixture(scope="module")
def sync(google: Google, signer: Signer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """It, where it checks tokens itself."""
    folder = tmp_path_factory.mktemp("sync")
    (folder / "config").mkdir()
    settings = {
        "DEPLOYER_CONFIG": str(folder / "config"),
        "DEPLOYER_GITHUB_TOKEN": "t",
        "DEPLOYER_QUEUE": "pubsub",
        "DEPLOYER_PUBSUB_TOPIC": TOPIC,
        "DEPLOYER_PUBSUB_ENDPOINT": google.endpoint,
        "DEPLOYER_PUSH_AUDIENCE": AUDIENCE,
        "DEPLOYER_PUSH_ACCOUNT": PUSHER,
    }
    with Leash(folder / "leash") as leash:
        yield Door(start_function(leash, settings, "sync"), leash.folder)


class TestPubsubQueue:
    """`webhook` publishes, and answers when that is confirmed."""

    @pytest.fixture(autouse=True)
    def emptied(self, google: Google) -> None:
        google.published.clear()
        google.answers.clear()

    def test_an_event_is_published(self, queueing: Door, google: Google) -> None:
        answer = queueing.deliver(PUSH, {"X-GitHub-Delivery": DELIVERY})
        assert answer == (200, {"queued": "push of acme/shop"})
        (data,) = google.published
        event = parse(data.encode())
        assert isinstance(event, Event)
        assert (event.ref, event.after, event.delivery) == ("refs/heads/main", "2" * 40, DELIVERY)
        assert google.seen[-1].path == f"/v1/{TOPIC}:publish"
        assert google.seen[-1].messages[0]["attributes"] == {}

    def test_the_answer_waits_for_the_confirmation(self, queueing: Door, google: Google) -> None:
        google.answers[":publish"] = [Answer(200, {"messageIds": ["1"]}, delay=0.5)]
        done: list[tuple[int, Any]] = []
        waiting = threading.Thread(target=lambda: done.append(queueing.deliver(PUSH)))
        waiting.start()
        waiting.join(0.3)
        assert done == []
        waiting.join(10)
        assert done[0][0] == 200

    @pytest.mark.parametrize("answer", [Answer(404), Answer(403), Answer(200, {})])
    def test_what_is_not_confirmed_is_a_503(self, queueing: Door, google: Google, answer: Answer) -> None:
        google.answers[":publish"] = [answer]
        status, said = queueing.deliver(PUSH, {"X-GitHub-Delivery": DELIVERY})
        assert (status, list(said)) == (503, ["error"])
        assert TOPIC not in said["error"], "the log says what the server knows"
        line = json.loads(queueing.log().splitlines()[-1])
        assert (line["severity"], line["delivery"]) == ("ERROR", DELIVERY)
        assert line["message"].startswith("an event is not queued: ")
        assert TOPIC in line["message"]

    @pytest.mark.parametrize(
        "headers", [{"X-GitHub-Event": "ping"}, {"X-GitHub-Event": "star"}, {"X-Hub-Signature-256": sign(b"another")}]
    )
    def test_nothing_else_is_published(self, queueing: Door, google: Google, headers: dict[str, str]) -> None:
        queueing.deliver(PUSH, headers)
        assert google.published == []

    @pytest.mark.parametrize("service", [{"K_SERVICE": "webhook"}, {}])
    def test_it_needs_google_alone(self, tmp_path: Path, service: dict[str, str]) -> None:
        """In a process as on Google Cloud, as a service or on a machine, but for the addresses of Google."""
        with Tunnel(tmp_path) as google, Leash(tmp_path / "leash") as leash:
            queue = {"DEPLOYER_QUEUE": "pubsub", "DEPLOYER_PUBSUB_TOPIC": TOPIC}
            settings = {"DEPLOYER_WEBHOOK_SECRET": SECRET, **queue, **google.environment, **service}
            door = Door(start_function(leash, settings), leash.folder)
            assert door.deliver(PUSH)[0] == door.deliver(PUSH)[0] == 200
            assert len(google.published) == 2
            assert google.hosts == ["pubsub.googleapis.com:443"]
            assert len(google.asked("/token")) == 1
            assert google.seen[-1].headers["authorization"] == "Bearer ya29.first"
            google.answers[":publish"] = [Answer(403)]
            assert door.deliver(PUSH)[0] == 503
            assert f"give {ACCOUNT} roles/pubsub.publisher on the topic" in door.log()
            assert "ya29" not in door.log()


PUBLISHING = """
import json, os, sys
import functions_framework
client = functions_framework.create_app("webhook", "main.py").test_client()
body, headers = sys.argv[1].encode(), json.loads(sys.argv[2])
assert client.post("/", data=body, headers=headers).status_code == 200
print(json.dumps(sorted(sys.modules)))
"""


@pytest.mark.parametrize("where", ["emulator", "service", "machine"])
def test_publishing_loads_no_client_library(tmp_path: Path, where: str) -> None:
    with Tunnel(tmp_path) as google:
        settings = {
            "DEPLOYER_WEBHOOK_SECRET": SECRET,
            "DEPLOYER_QUEUE": "pubsub",
            "DEPLOYER_PUBSUB_TOPIC": TOPIC,
            **({"DEPLOYER_PUBSUB_ENDPOINT": google.endpoint} if where == "emulator" else google.environment),
            **({"K_SERVICE": "webhook"} if where == "service" else {}),
        }
        headers = {"Content-Type": "application/json", "X-GitHub-Event": "push", "X-Hub-Signature-256": sign(PUSH)}
        done = subprocess.run(
            [sys.executable, "-c", PUBLISHING, PUSH.decode(), json.dumps(headers)],
            cwd=MAIN.parent,
            env={"PATH": "", "HOME": str(tmp_path), "FUNCTION_TARGET": "webhook", **settings},
            capture_output=True,
            text=True,
            check=True,
        )
        assert len(google.published) == 1
    loaded = json.loads(done.stdout)
    unwanted = ["kubernetes", "github", "google.cloud.secretmanager", "google.cloud.pubsub", "grpc", "yaml"]
    unwanted += [f"deployer.{one}" for one in ("queue.inline", "queue.jobs", "routing", "configuration", "github")]
    unwanted += ["deployer.sync", "deployer.cluster", *(("google.auth", "requests") if where != "machine" else ())]
    assert [name for name in loaded for one in unwanted if name == one or name.startswith(f"{one}.")] == []
    assert "deployer.queue.publisher" in loaded
    assert ("google.auth" in loaded) == (where == "machine")


def pushed(data: bytes, **attributes: str) -> bytes:
    """As Pub/Sub pushes a message."""
    message = {"data": base64.b64encode(data).decode(), "messageId": "1", "attributes": attributes}
    return json.dumps({"message": message, "subscription": "projects/acme/subscriptions/events"}).encode()


class TestSync:
    """What Pub/Sub pushes to; what becomes of jobs and events that are in order is in tests/queue/test_pubsub.py."""

    def push(self, sync: Door, body: bytes, token: str = "", method: str = "POST") -> tuple[int, Any]:
        with sync.connection() as to:
            headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
            to.request(method, "/", body, headers)
            answer = to.getresponse()
            return answer.status, json.loads(answer.read())

    def last(self, sync: Door) -> dict[str, Any]:
        line: dict[str, Any] = json.loads((sync.folder / "sync.log").read_text().splitlines()[-1])
        return line

    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
    def test_it_takes_posts_only(self, sync: Door, signer: Signer, method: str) -> None:
        assert self.push(sync, pushed(b"{}"), signer.token(), method)[0] == 405

    def test_who_is_not_pubsub_is_not_let_in(self, sync: Door, signer: Signer) -> None:
        body = pushed(b"{}")
        nobody = {"error": "this takes what Pub/Sub pushes, with its token"}
        assert self.push(sync, body) == (401, nobody)
        assert self.push(sync, body, signer.token(aud="https://elsewhere.example")) == (401, nobody)
        assert self.push(sync, body, Signer("key").token()) == (401, nobody)
        token = signer.token(email="eve@evil.iam.gserviceaccount.com")
        assert self.push(sync, body, token) == (403, {"error": "this account may not push"})
        assert "rejected: its token is of another account than DEPLOYER_PUSH_ACCOUNT" in self.last(sync)["message"]
        log = (sync.folder / "sync.log").read_text()
        assert not [part for part in token.split(".") if part in log]

    def test_a_body_without_a_token_is_not_parsed(self, sync: Door) -> None:
        assert self.push(sync, b"[" * 100_000)[0] == 401

    @pytest.mark.parametrize(
        ("body", "why"),
        [
            (b"", "it is not JSON"),
            (b"[" * 100_000, "it holds more values than any push"),
            (b'{"message": {"data": "?"}}', "its data is not base64"),
        ],
    )
    def test_what_is_no_push_is_never_sent_again(self, sync: Door, signer: Signer, body: bytes, why: str) -> None:
        status, answer = self.push(sync, body, signer.token())
        assert (status, list(answer)) == (200, ["ignored"])
        line = self.last(sync)
        assert (line["severity"], why in line["message"]) == ("ERROR", True)

    @pytest.mark.parametrize(
        ("data", "why"),
        [
            (b"not JSON", "malformed"),
            (b'{"gizmo": {}}', "neither an event nor a job"),
            (b"x" * 10_000_000, "it has 10000000 bytes, more than 65536"),
        ],
    )
    def test_what_cannot_be_read_is_never_sent_again(self, sync: Door, signer: Signer, data: bytes, why: str) -> None:
        status, _ = self.push(sync, pushed(data), signer.token())
        line = self.last(sync)
        assert (status, line["severity"], why in line["message"]) == (200, "ERROR", True)

    @pytest.mark.parametrize(
        ("data", "what"),
        [
            (of_job(Job("shop", "push", delivery=DELIVERY), "staging").data, "the push of application shop"),
            (b"not JSON", "a message that cannot be read, as it is malformed"),
        ],
    )
    def test_dead_letters_are_buried(self, sync: Door, signer: Signer, data: bytes, what: str) -> None:
        attributes = {DEAD_LETTER: "cluster-staging", "CloudPubSubDeadLetterSourceDeliveryCount": "5"}
        status, answer = self.push(sync, pushed(data, **attributes), signer.token())
        assert (status, list(answer)) == (200, ["ignored"])
        line = self.last(sync)
        assert line["severity"] == "ERROR"
        assert f"subscription cluster-staging has given up {what}" in line["message"]
        assert "after 5 attempts" in line["message"]

    def test_a_body_that_is_too_large_is_refused(self, sync: Door, signer: Signer) -> None:
        with sync.connection() as to:
            to.putrequest("POST", "/")
            to.putheader("Authorization", f"Bearer {signer.token()}")
            to.putheader("Content-Length", str(26 * 1024 * 1024))
            to.endheaders()
            assert to.getresponse().status == 413

    def test_an_event_waits_for_a_configuration_that_is_valid(self, sync: Door, signer: Signer) -> None:
        event = Event("push", Repository("github.com", "acme/shop"), "refs/heads/main", "", "", "main", None, DELIVERY)
        broken = sync.config / "broken.yaml"
        broken.write_text("kind: Gizmo")
        try:
            status, answer = self.push(sync, pushed(of_event(event).data), signer.token())
        finally:
            broken.unlink()
        assert (status, list(answer)) == (500, ["error"])
        line = self.last(sync)
        assert (line["severity"], line["delivery"], line["message_id"]) == ("ERROR", DELIVERY, "1")
        assert "broken.yaml" in line["message"]


def test_what_pubsub_pushes_is_let_in(tmp_path: Path) -> None:
    """From a Pub/Sub that shows tokens as the documentation has them, by way of the door."""
    (tmp_path / "config").mkdir()
    with PushServer() as pubsub, Leash(tmp_path / "leash") as leash:
        pubsub.create_topic(TOPIC)
        queue = {
            "DEPLOYER_QUEUE": "pubsub",
            "DEPLOYER_PUBSUB_TOPIC": TOPIC,
            "DEPLOYER_PUBSUB_ENDPOINT": pubsub.endpoint,
        }
        private = {
            "DEPLOYER_CONFIG": str(tmp_path / "config"),
            "DEPLOYER_GITHUB_TOKEN": "t",
            "DEPLOYER_PUSH_AUDIENCE": AUDIENCE,
            "DEPLOYER_PUSH_ACCOUNT": PUSHER,
        }
        sync = start_function(leash, {**queue, **private}, "sync")
        name = "projects/acme/subscriptions/events"
        events = pubsub.subscribe(TOPIC, name, sync, filter="NOT attributes:cluster", backoff=(0.1, 0.1))
        pubsub.authenticate(events, AUDIENCE, PUSHER)
        door = Door(start_function(leash, {"DEPLOYER_WEBHOOK_SECRET": SECRET, **queue}), leash.folder)
        assert door.deliver(PUSH)[0] == 200
        assert pubsub.drained()
        assert [one.status for one in events.sent] == [200]
        log = (leash.folder / "sync.log").read_text()
        assert "ignored because no application watches refs/heads/main of acme/shop" in log
        pubsub.authenticate(events, "https://elsewhere.example", PUSHER)
        assert door.deliver(PUSH)[0] == 200
        assert not pubsub.drained(1)
        assert {one.status for one in events.sent[1:]} == {401}
