"""Publishing, to the emulator's protocol and, through a proxy, to Google's own address."""

import json
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deployer.errors import QueueError
from deployer.queue.message import Message
from deployer.queue.publisher import MOST_BYTES, MOST_MESSAGES, Publisher, publisher_of
from deployer.settings import Settings
from local.ports import free_ports
from tests.google_apis import ACCOUNT, Answer, Google, Tunnel, as_an_account

TOPIC = "projects/acme/topics/deployer"
PUBLISH = f"/v1/{TOPIC}:publish"


@pytest.fixture
def google() -> Iterator[Google]:
    with Google() as google:
        yield google


@pytest.fixture
def publisher(google: Google) -> Publisher:
    return Publisher(Settings(pubsub_topic=TOPIC, pubsub_endpoint=google.endpoint))


def message(text: str, key: str = "") -> Message:
    return Message(text.encode(), {"cluster": "staging"} if key else {}, key)


def refusal(status: int, message: str = "no", reason: str = "") -> Answer:
    """As Google words it: https://cloud.google.com/apis/design/errors#http_mapping."""
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}] if reason else []
    return Answer(status, {"error": {"code": status, "message": message, "details": details}})


def test_a_message_travels_with_its_attributes_and_its_key(publisher: Publisher, google: Google) -> None:
    publisher.publish([message("a"), message("b", "shop")])
    (seen,) = google.seen
    assert (seen.method, seen.path, seen.headers["content-type"]) == ("POST", PUBLISH, "application/json")
    assert seen.messages == [
        {"data": "YQ==", "attributes": {}},
        {"data": "Yg==", "attributes": {"cluster": "staging"}, "orderingKey": "shop"},
    ]
    assert "authorization" not in seen.headers, "the emulator gets no token"


def test_nothing_is_sent_for_no_message(publisher: Publisher, google: Google) -> None:
    publisher.publish([])
    assert google.seen == []


def test_many_messages_go_in_few_requests_and_in_their_order(publisher: Publisher, google: Google) -> None:
    wanted = [f"message {number}" for number in range(2 * MOST_MESSAGES + 1)]
    publisher.publish([message(text, "shop") for text in wanted])
    assert google.published == wanted
    assert [len(one.messages) for one in google.seen] == [MOST_MESSAGES, MOST_MESSAGES, 1]
    assert len({one.connection for one in google.seen}) == 1, "over one connection, which is kept"


def test_no_request_is_larger_than_pubsub_takes(publisher: Publisher, google: Google) -> None:
    wanted = ["x" * 1_500_000] * 7  # 2 MB each in base64
    publisher.publish([message(text) for text in wanted])
    assert google.published == wanted
    assert [len(one.messages) for one in google.seen] == [4, 3]
    assert max(len(one.body) for one in google.seen) < MOST_BYTES


@pytest.mark.parametrize("fault", [Answer(0), refusal(429), refusal(503), refusal(500)])
def test_a_fault_that_passes_is_not_noticed(publisher: Publisher, google: Google, fault: Answer) -> None:
    google.answers[":publish"] = [fault, fault]
    publisher.publish([message("a"), message("b")])
    assert google.published == ["a", "b"]
    assert len(google.seen) == 3


def test_nothing_is_sent_after_what_failed(publisher: Publisher, google: Google) -> None:
    google.answers[":publish"] = [refusal(400, "bad message")]
    with pytest.raises(QueueError, match=r"400 \(bad message\)") as caught:
        publisher.publish([message(str(number), "shop") for number in range(MOST_MESSAGES + 1)])
    assert not caught.value.transient
    assert len(google.seen) == 1, "what comes after it would overtake it"


def test_publishing_ends_in_time(publisher: Publisher, google: Google) -> None:
    google.answers[":publish"] = [Answer(200, delay=3) for _ in range(4)]
    start = time.monotonic()
    with pytest.raises(QueueError, match=f"nothing can be published to {TOPIC}: http://127.0.0.1:.* cannot") as caught:
        publisher.publish([message("a")], seconds=1)
    assert time.monotonic() - start < 1.5
    assert caught.value.transient


def test_an_attempt_that_hangs_leaves_time_for_another(publisher: Publisher, google: Google) -> None:
    google.answers[":publish"] = [Answer(200, delay=4)]
    publisher.publish([message("a")])
    assert google.published == ["a"]


def test_nobody_is_there() -> None:
    (port,) = free_ports(1)
    publisher = Publisher(Settings(pubsub_topic=TOPIC, pubsub_endpoint=f"127.0.0.1:{port}"))
    with pytest.raises(QueueError, match=rf"http://127.0.0.1:{port} cannot be reached: .*refused") as caught:
        publisher.publish([message("a")], seconds=0.5)
    assert caught.value.transient


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            refusal(404, "Topic not found"),
            r": 404 \(Topic not found\); make the topic, or correct DEPLOYER_PUBSUB_TOPIC",
        ),
        (refusal(403), "; give the account that publishes roles/pubsub.publisher on the topic"),
        (refusal(403, reason="SERVICE_DISABLED"), "; its project has no Pub/Sub: gcloud services enable pubsub"),
        (refusal(401), r": 401 \(no\); on a machine of yours, gcloud auth application-default login"),
        # The last try may begin when there is no time left for its answer.
        (refusal(503), r": 503 \(no\); try again later|cannot be reached: timed out|no time left"),
        (Answer(302, headers={"Location": "/elsewhere"}), ": 302$"),
        (Answer(404, "<html>"), ": 404; make"),
        (Answer(404, {"error": "text"}), ": 404; make"),
        (Answer(200, {"messageIds": []}), "did not confirm what was published"),
        (Answer(200, []), "did not confirm what was published"),
        (Answer(200, "["), "did not confirm what was published"),
    ],
)
def test_what_is_refused_is_told_with_what_to_do(
    publisher: Publisher, google: Google, answer: Answer, said: str
) -> None:
    google.answers[":publish"] = [answer] * 9
    with pytest.raises(QueueError, match=said) as caught:
        publisher.publish([message("a")], seconds=1)
    assert TOPIC in str(caught.value)


def test_pubsub_says_when_to_come_again(publisher: Publisher, google: Google) -> None:
    google.answers[":publish"] = [Answer(429, headers={"Retry-After": "1"})]
    start = time.monotonic()
    publisher.publish([message("a")])
    assert time.monotonic() - start > 1


def test_threads_share_it(publisher: Publisher, google: Google) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: publisher.publish([message(str(number))]), range(64)))
    assert sorted(google.published, key=int) == [str(number) for number in range(64)]
    assert len({one.connection for one in google.seen}) <= 8


def test_a_process_has_one() -> None:
    settings = Settings(pubsub_topic=TOPIC, pubsub_endpoint="127.0.0.1:1")
    assert publisher_of(settings) is publisher_of(Settings(pubsub_topic=TOPIC, pubsub_endpoint="127.0.0.1:1"))


class TestGoogle:
    """At pubsub.googleapis.com, behind a proxy, with the token of a service account's key."""

    @pytest.fixture
    def google(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tunnel]:
        with as_an_account(tmp_path, monkeypatch) as google:
            yield google

    @pytest.fixture
    def publisher(self, google: Tunnel) -> Publisher:
        return Publisher(Settings(pubsub_topic=TOPIC))

    def test_it_is_asked_with_a_token_that_is_kept(self, publisher: Publisher, google: Tunnel) -> None:
        publisher.publish([message("a")])
        publisher.publish([message("b")])
        assert google.published == ["a", "b"]
        assert google.hosts == ["pubsub.googleapis.com:443"], "one connection, which is kept"
        assert len(google.asked("/token")) == 1
        assert {one.headers["authorization"] for one in google.asked(":publish")} == {"Bearer ya29.first"}
        assert "x-goog-user-project" not in google.seen[-1].headers

    def test_a_token_that_is_refused_is_exchanged_once(self, publisher: Publisher, google: Tunnel) -> None:
        google.tokens = ["ya29.first", "ya29.second"]
        google.answers[":publish"] = [refusal(401)]
        publisher.publish([message("a")])
        assert google.published == ["a"]
        assert [one.headers["authorization"] for one in google.asked(":publish")] == [
            "Bearer ya29.first",
            "Bearer ya29.second",
        ]

    def test_who_may_not_publish_is_named(self, publisher: Publisher, google: Tunnel) -> None:
        google.answers[":publish"] = [refusal(403)]
        with pytest.raises(QueueError, match=f"; give {ACCOUNT} roles/pubsub.publisher on the topic$") as caught:
            publisher.publish([message("a")])
        assert "ya29" not in str(caught.value)

    def test_a_persons_requests_count_against_their_project(
        self, publisher: Publisher, google: Tunnel, tmp_path: Path
    ) -> None:
        person = {"client_id": "c", "client_secret": "s", "refresh_token": "r", "quota_project_id": "acme"}
        (tmp_path / "key.json").write_text(json.dumps({"type": "authorized_user", **person}))
        publisher.publish([message("a")])
        assert google.hosts == ["oauth2.googleapis.com:443", "pubsub.googleapis.com:443"]
        assert google.seen[-1].headers["x-goog-user-project"] == "acme"

    @pytest.mark.parametrize("fault", [Answer(503), Answer(0)])
    def test_no_token_in_time(self, publisher: Publisher, google: Tunnel, fault: Answer) -> None:
        google.answers["/token"] = [fault] * 9
        start = time.monotonic()
        with pytest.raises(QueueError, match=f"nothing can be published to {TOPIC}: .*try again later") as caught:
            publisher.publish([message("a")], seconds=1)
        assert time.monotonic() - start < 2
        assert caught.value.transient

    def test_a_token_server_that_comes_back_is_not_noticed(self, publisher: Publisher, google: Tunnel) -> None:
        google.answers["/token"] = [Answer(503)]
        publisher.publish([message("a")])
        assert google.published == ["a"]

    def test_no_credentials(self, publisher: Publisher, tmp_path: Path) -> None:
        (tmp_path / "key.json").write_text("{}")
        with pytest.raises(QueueError, match=r"no Google credentials here .* gcloud auth application-default login"):
            publisher.publish([message("a")])

    def test_a_certificate_that_is_not_trusted(self, google: Tunnel, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("REQUESTS_CA_BUNDLE")
        with pytest.raises(
            QueueError, match=r"certificate verify failed.*name its file in REQUESTS_CA_BUNDLE"
        ) as caught:
            Publisher(Settings(pubsub_topic=TOPIC)).publish([message("a")])
        assert not caught.value.transient

    def test_a_token_that_cannot_be_sent_is_not_shown(self, publisher: Publisher, google: Tunnel) -> None:
        google.tokens = ["ya29.\nfirst"]
        with pytest.raises(QueueError, match="the token cannot be sent in a header") as caught:
            publisher.publish([message("a")])
        assert "ya29" not in "".join(traceback.format_exception(caught.value))
