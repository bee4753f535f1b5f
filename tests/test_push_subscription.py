"""What the tests' own Pub/Sub sends, when, and once more: order, back-off, deadline, duplicates, dead letters."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local.pubsub import TOPIC
from tests.push_server import NoTopicError, PushServer
from tests.push_subscription import Subscription
from tests.receiver import Push, Receiver

NAME = "projects/acme/subscriptions/jobs"
DEAD = "projects/acme/topics/dead"
DEAD_NAME = "projects/acme/subscriptions/dead"
SHORT = (0.02, 0.1)


class Bench:
    """A Pub/Sub with one topic, one for dead letters, and what receives."""

    def __init__(self, server: PushServer, receiver: Receiver) -> None:
        self.server, self.receiver = server, receiver
        for topic in (TOPIC, DEAD):
            server.create_topic(topic)

    def subscribe(self, **options: Any) -> Subscription:
        return self.server.subscribe(TOPIC, NAME, self.receiver.url, **{"backoff": SHORT, **options})

    def publish(self, *texts: str, key: str = "") -> list[str]:
        return [self.server.publish(TOPIC, text.encode(), {"text": text}, key) for text in texts]

    def answer(self, decide: Callable[[Push, int], int]) -> None:
        self.receiver.decide = decide


@pytest.fixture
def bench() -> Iterator[Bench]:
    with Receiver() as receiver, PushServer() as server:
        yield Bench(server, receiver)


def slow(push: Push, number: int) -> int:
    time.sleep(0.1)
    return 200


def test_messages_of_a_key_come_one_after_another(bench: Bench) -> None:
    subscription = bench.subscribe(ordered=True)
    bench.answer(slow)
    bench.publish("a1", "a2", "a3", key="a")
    assert bench.server.drained()
    assert bench.receiver.texts() == ["a1", "a2", "a3"]
    assert all(
        later.began >= former.ended for former, later in zip(subscription.sent, subscription.sent[1:], strict=False)
    )
    assert subscription.peak == 1


def test_keys_do_not_wait_for_each_other_nor_messages_without(bench: Bench) -> None:
    subscription = bench.subscribe(ordered=True)
    bench.answer(slow)
    bench.publish("a", key="a")
    bench.publish("b", key="b")
    bench.publish("c", "d")
    assert bench.server.drained()
    assert subscription.peak == 4


def test_without_ordering_a_key_orders_nothing(bench: Bench) -> None:
    subscription = bench.subscribe()
    bench.answer(slow)
    bench.publish("a1", "a2", key="a")
    assert bench.server.drained()
    assert subscription.peak == 2


def test_a_message_that_is_not_acknowledged_holds_the_later_ones_of_its_key(bench: Bench) -> None:
    bench.subscribe(ordered=True)
    bench.answer(lambda push, number: 500 if number <= 2 else 200)
    bench.publish("a1", "a2", key="a")
    assert bench.server.drained()
    assert bench.receiver.texts() == ["a1", "a1", "a1", "a2"]


@pytest.mark.parametrize(("status", "times"), [(200, 1), (202, 1), (204, 1), (302, 2), (404, 2), (429, 2), (503, 2)])
def test_success_acknowledges_and_nothing_else(bench: Bench, status: int, times: int) -> None:
    subscription = bench.subscribe()
    bench.answer(lambda push, number: status if number == 1 else 200)
    bench.publish("a")
    assert bench.server.drained()
    assert [(one.attempt, one.status) for one in subscription.sent] == [(1, status), (2, 200)][:times]


def test_a_replay_sends_all_later_ones_of_the_key_too(bench: Bench) -> None:
    subscription = bench.subscribe(ordered=True)
    _, second, _ = bench.publish("a1", "a2", "a3", key="a")
    bench.publish("b1", key="b")
    assert bench.server.drained()
    del bench.receiver.pushes[:]
    bench.answer(lambda push, number: 500 if number == 1 else 200)
    subscription.replay(second)
    assert bench.server.drained()
    assert bench.receiver.texts() == ["a2", "a2", "a3"]


def test_a_replay_without_a_key_sends_that_message_alone(bench: Bench) -> None:
    subscription = bench.subscribe()
    first, _ = bench.publish("a", "b")
    assert bench.server.drained()
    del bench.receiver.pushes[:]
    subscription.replay(first)
    assert bench.server.drained()
    assert bench.receiver.texts() == ["a"]


def test_after_a_failure_the_whole_subscription_waits_longer_and_longer(bench: Bench) -> None:
    subscription = bench.subscribe(ordered=True, backoff=(0.1, 0.3))
    bench.answer(lambda push, number: 500 if number <= 4 else 200)
    bench.publish("a", key="a")
    while not subscription.sent:
        time.sleep(0.005)
    bench.publish("b", key="b")
    assert bench.server.drained()
    failed = [one for one in subscription.sent if one.status == 500]
    assert len(failed) == 4
    # Beside the fourth the other message may have been taken, and then the waiting begins anew.
    for one, pause in zip(failed[:3], (0.1, 0.2, 0.3), strict=True):
        later = [other.began - one.ended for other in subscription.sent if other.began > one.ended]
        assert min(later) >= pause, "whatever its key"


def test_the_acknowledgement_deadline_is_a_failure(bench: Bench) -> None:
    subscription = bench.subscribe(ack_deadline=0.3)
    repeated = threading.Event()

    def late(push: Push, number: int) -> int:
        if number == 1:
            assert repeated.wait(20)
        repeated.set()
        return 200

    bench.answer(late)
    bench.publish("a")
    assert bench.server.drained()
    first, *_, last = subscription.sent
    assert (first.attempt, first.status, last.status) == (1, 0, 200)
    assert first.ended - first.began >= 0.3


def test_a_message_may_come_twice_at_the_same_moment(bench: Bench) -> None:
    subscription = bench.subscribe(ordered=True, twice=1)
    bench.answer(slow)
    bench.publish("a1", "a2", key="a")
    assert bench.server.drained()
    assert bench.receiver.texts() == ["a1", "a1", "a2"]
    one, other = subscription.sent[:2]
    assert one.message.id == other.message.id
    assert max(one.began, other.began) < min(one.ended, other.ended)


def test_of_two_copies_one_acknowledgement_is_enough(bench: Bench) -> None:
    bench.subscribe(twice=1)
    bench.answer(lambda push, number: 200 if number == 2 else 500)
    bench.publish("a")
    assert bench.server.drained()
    assert bench.receiver.texts() == ["a", "a"]


def test_messages_without_a_key_may_come_in_another_order(bench: Bench) -> None:
    subscription = bench.subscribe(paused=True, newest_first=True, most_at_once=1)
    bench.publish("a", "b", "c")
    subscription.resume()
    assert bench.server.drained()
    assert bench.receiver.texts() == ["c", "b", "a"]


def test_while_it_pauses_nothing_is_sent_and_nothing_lost(bench: Bench) -> None:
    subscription = bench.subscribe()
    subscription.pause()
    bench.publish("a", "b")
    assert not subscription.drained(0.1)
    assert subscription.unsettled() == 2
    assert bench.receiver.pushes == []
    subscription.resume()
    assert bench.server.drained()
    assert sorted(bench.receiver.texts()) == ["a", "b"]


def test_no_more_are_under_way_than_may_be(bench: Bench) -> None:
    subscription = bench.subscribe(most_at_once=2)
    bench.answer(slow)
    bench.publish("a", "b", "c", "d")
    assert bench.server.drained()
    assert subscription.peak == 2


def test_a_filter_keeps_messages_away(bench: Bench) -> None:
    bench.subscribe(filter='attributes.text = "a"')
    bench.publish("a", "b")
    assert bench.server.drained()
    assert bench.receiver.texts() == ["a"]


def test_a_message_that_fails_too_often_becomes_a_dead_letter_and_frees_its_key(bench: Bench) -> None:
    bench.server.subscribe(DEAD, DEAD_NAME, bench.receiver.url)
    bench.subscribe(ordered=True, dead_letter=DEAD, attempts=3)
    bench.answer(lambda push, number: 500 if push.text == "a1" and push.body["subscription"] == NAME else 200)
    bench.publish("a1", "a2", key="a")
    assert bench.server.drained()
    sent = [(p.text, p.body["deliveryAttempt"]) for p in bench.receiver.pushes if p.body["subscription"] == NAME]
    assert sent == [("a1", 1), ("a1", 2), ("a1", 3), ("a2", 1)]
    (dead,) = [push for push in bench.receiver.pushes if push.body["subscription"] == DEAD_NAME]
    assert dead.body["message"]["data"] == "YTE="
    assert dead.body["message"]["attributes"] == {
        "text": "a1",
        "CloudPubSubDeadLetterSourceDeliveryCount": "3",
        "CloudPubSubDeadLetterSourceDeliveryErrorMessage": "the push endpoint answered 500",
        "CloudPubSubDeadLetterSourceSubscription": "jobs",
        "CloudPubSubDeadLetterSourceSubscriptionProject": "acme",
        "CloudPubSubDeadLetterSourceTopicPublishTime": bench.server.published[TOPIC][0].time,
    }


def test_without_a_dead_letter_topic_a_message_is_repeated_for_ever(bench: Bench) -> None:
    subscription = bench.subscribe(attempts=5)
    bench.answer(lambda push, number: 500 if number <= 8 else 200)
    bench.publish("a")
    assert bench.server.drained()
    assert subscription.sent[-1].attempt == 9


def test_a_dead_letter_topic_must_be_there(bench: Bench) -> None:
    with pytest.raises(NoTopicError, match=r"Resource not found \(resource=projects/acme/topics/none\)"):
        bench.subscribe(dead_letter="projects/acme/topics/none")


def test_each_push_shows_a_token_of_its_own(bench: Bench) -> None:
    subscription = bench.subscribe()
    tokens = iter(["one", "two"])
    subscription.token = lambda: next(tokens)
    bench.answer(lambda push, number: 500 if number == 1 else 200)
    bench.publish("a")
    assert bench.server.drained()
    assert [push.headers["Authorization"] for push in bench.receiver.pushes] == ["Bearer one", "Bearer two"]


def test_nobody_there_is_a_failure(bench: Bench) -> None:
    subscription = bench.subscribe()
    subscription.endpoint, right = "http://127.0.0.1:9/", subscription.endpoint
    bench.publish("a")
    while not subscription.sent:
        time.sleep(0.01)
    subscription.endpoint = right
    assert bench.server.drained()
    assert subscription.sent[0].status == 0
    assert bench.receiver.texts() == ["a"]
