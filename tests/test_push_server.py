"""The tests' own Pub/Sub: what it takes and refuses, and the documented form of what it pushes."""

import base64
import http.client
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
from google.auth import jwt

from local.pubsub import TOPIC, create, subscriptions
from tests.push_server import LARGEST, PushServer
from tests.receiver import Push, Receiver

EVENTS = "projects/local/subscriptions/events"
DEAD = "projects/local/topics/dead"


@pytest.fixture
def server() -> Iterator[PushServer]:
    with PushServer() as server:
        server.create_topic(TOPIC)
        yield server


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def ask(server: PushServer, method: str, path: str, body: Any = None, timeout: float = 20) -> tuple[int, Any]:
    with closing(http.client.HTTPConnection(server.endpoint, timeout=timeout)) as connection:
        data = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        connection.request(method, path, data, {"Authorization": "Bearer token"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


def publish(server: PushServer, *messages: dict[str, Any], topic: str = TOPIC, timeout: float = 20) -> tuple[int, Any]:
    return ask(server, "POST", f"/v1/{topic}:publish", {"messages": list(messages)}, timeout)


def message(text: str, **more: Any) -> dict[str, Any]:
    return {"data": base64.b64encode(text.encode()).decode(), **more}


def test_a_push_has_the_documented_form(server: PushServer, receiver: Receiver) -> None:
    server.create_topic(DEAD)
    server.subscribe(TOPIC, EVENTS, f"{receiver.url}push?a=b", ordered=True, dead_letter=DEAD)
    sent = message("Hello", attributes={"key": "value"}, orderingKey="shop")
    status, answer = publish(server, sent)
    assert status == 200
    assert server.drained()
    (push,) = receiver.pushes
    (identity,) = answer["messageIds"]
    at = push.body["message"]["publishTime"]
    assert push.body == {
        "deliveryAttempt": 1,
        "message": {
            "attributes": {"key": "value"},
            "data": "SGVsbG8=",
            "messageId": identity,
            "message_id": identity,
            "orderingKey": "shop",
            "publishTime": at,
            "publish_time": at,
        },
        "subscription": EVENTS,
    }
    assert at.endswith("Z")
    assert push.path == "/push?a=b"
    assert push.headers["Content-Type"] == "application/json"
    assert "Authorization" not in push.headers


def test_attempts_are_counted_only_for_a_dead_letter_and_a_key_is_there_only_where_given(
    server: PushServer, receiver: Receiver
) -> None:
    server.subscribe(TOPIC, EVENTS, receiver.url)
    publish(server, message("Hello"))
    assert server.drained()
    assert receiver.pushes[0].body.keys() == {"message", "subscription"}
    assert "orderingKey" not in receiver.pushes[0].body["message"]


def test_the_worlds_own_subscriptions_can_be_made_by_rest(server: PushServer, receiver: Receiver) -> None:
    with PushServer() as other:
        create(other.endpoint, receiver.url, subscriptions(["staging"]))
        publish(other, message("event"), message("job", attributes={"cluster": "staging"}, orderingKey="shop"))
        assert other.drained()
        jobs = other.subscriptions["projects/local/subscriptions/cluster-staging"]
        assert (jobs.ordered, jobs.ack_deadline) == (True, 600)
        assert sorted(push.body["subscription"].rpartition("/")[2] for push in receiver.pushes) == [
            "cluster-staging",
            "events",
        ]


def test_by_rest_a_subscription_has_dead_letter_back_off_and_token(server: PushServer, receiver: Receiver) -> None:
    server.create_topic(DEAD)
    asked = {
        "topic": TOPIC,
        "pushConfig": {"pushEndpoint": receiver.url, "oidcToken": {"serviceAccountEmail": "push@acme"}},
        "deadLetterPolicy": {"deadLetterTopic": DEAD, "maxDeliveryAttempts": 7},
        "retryPolicy": {"minimumBackoff": "10s", "maximumBackoff": "600s"},
    }
    assert ask(server, "PUT", f"/v1/{EVENTS}", asked) == (200, {**asked, "name": EVENTS})
    made = server.subscriptions[EVENTS]
    assert (made.dead_letter, made.attempts, made.backoff, made.ack_deadline) == (DEAD, 7, (10, 600), 10)
    publish(server, message("Hello"))
    assert server.drained()
    token = receiver.pushes[0].headers["Authorization"].removeprefix("Bearer ")
    claims = jwt.decode(token, certs=ask(server, "GET", "/oauth2/v1/certs")[1], audience=receiver.url)
    assert claims["email"] == "push@acme"
    assert ask(server, "GET", "/oauth2/v3/certs")[1] == server.signer.jwks()


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", f"/v1/{TOPIC}", {}, 409),
        ("PUT", f"/v1/{EVENTS}", {"topic": DEAD, "pushConfig": {"pushEndpoint": "http://127.0.0.1:9"}}, 404),
        ("PUT", f"/v1/{EVENTS}", {"topic": TOPIC, "pushConfig": {}, "ackDeadlineSeconds": 601}, 400),
        ("PUT", f"/v1/{EVENTS}", {"topic": TOPIC, "pushConfig": {}, "ackDeadlineSeconds": 9}, 400),
        (
            "PUT",
            f"/v1/{EVENTS}",
            {"topic": TOPIC, "deadLetterPolicy": {"maxDeliveryAttempts": 4}, "pushConfig": {}},
            400,
        ),
        ("POST", f"/v1/{DEAD}:publish", {"messages": [{"data": "YQ=="}]}, 404),
        ("POST", f"/v1/{TOPIC}:publish", {"messages": []}, 400),
        ("POST", f"/v1/{TOPIC}:publish", {"messages": [{}]}, 400),
        ("POST", f"/v1/{TOPIC}:publish", {"messages": [{"data": "no base64"}]}, 400),
        ("POST", f"/v1/{TOPIC}:publish", b"{", 400),
        ("POST", f"/v1/{TOPIC}:publish", b"[]", 400),
        ("GET", f"/v1/{TOPIC}", {}, 404),
    ],
)
def test_what_pubsub_refuses_is_refused(server: PushServer, method: str, path: str, body: Any, status: int) -> None:
    found, answer = ask(server, method, path, body)
    assert (found, answer["error"]["code"]) == (status, status)
    assert server.published[TOPIC] == []


def test_a_message_of_more_than_ten_megabytes_is_refused(server: PushServer) -> None:
    assert publish(server, message("x" * (LARGEST + 1)))[0] == 400
    assert publish(server, message("x" * LARGEST))[0] == 200


def test_a_subscription_that_is_there_is_not_made_again(server: PushServer, receiver: Receiver) -> None:
    server.subscribe(TOPIC, EVENTS, receiver.url)
    with pytest.raises(ValueError, match="already exists"):
        server.subscribe(TOPIC, EVENTS, receiver.url)


def test_what_is_published_is_known_with_the_publishers_headers(server: PushServer) -> None:
    identity = publish(server, message("Hello", attributes={"a": "b"}, orderingKey="shop"))[1]["messageIds"][0]
    (kept,) = server.published[TOPIC]
    assert (kept.id, kept.data, kept.attributes, kept.ordering_key) == (identity, b"Hello", {"a": "b"}, "shop")
    assert [headers["Authorization"] for headers in server.headers] == ["Bearer token"]


@pytest.mark.parametrize("status", [503, 429])
def test_it_is_down_for_as_many_requests_as_told(server: PushServer, status: int) -> None:
    server.fail(status, times=2)
    assert [publish(server, message("a"))[0] for _ in range(3)] == [status, status, 200]
    assert len(server.published[TOPIC]) == 1


def test_it_recovers_when_told(server: PushServer) -> None:
    server.fail(503, times=100)
    assert publish(server, message("a"))[0] == 503
    server.recover()
    assert publish(server, message("a"))[0] == 200


def test_an_answer_may_be_lost_though_the_message_is_taken(server: PushServer) -> None:
    server.fail(503, taken=True)
    assert publish(server, message("a"))[0] == 503
    assert len(server.published[TOPIC]) == 1


def test_it_may_hang_or_cut_the_connection(server: PushServer) -> None:
    server.fail("cut")
    server.fail("hang")
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        publish(server, message("a"))
    with pytest.raises(TimeoutError):
        publish(server, message("a"), timeout=0.2)
    assert publish(server, message("a"))[0] == 200
    assert len(server.published[TOPIC]) == 1


def test_its_end_waits_for_nobody() -> None:
    ended = threading.Event()

    def slow(push: Push, number: int) -> int:
        ended.wait(20)
        return 200

    with Receiver(slow) as receiver, ThreadPoolExecutor(1) as pool:
        with PushServer() as server, closing(http.client.HTTPConnection(server.endpoint)) as kept:
            server.create_topic(TOPIC)
            subscription = server.subscribe(TOPIC, EVENTS, receiver.url)
            kept.request("GET", "/oauth2/v1/certs")
            kept.getresponse().read()
            publish(server, message("a"))
            server.fail("hang")
            hanging = pool.submit(publish, server, message("b"))
            while not receiver.pushes or len(server.headers) < 2:
                time.sleep(0.01)
            start = time.monotonic()
            assert not server.drained(0.05)
        assert time.monotonic() - start < 10
        ended.set()
        assert isinstance(hanging.exception(), http.client.RemoteDisconnected)
        assert [one.status for one in subscription.sent] == [0]
