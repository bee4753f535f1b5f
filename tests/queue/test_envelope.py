"""Pub/Sub's push body, read."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.queue.envelope import DEAD_LETTER, MalformedError, Pushed, read_push


def envelope(**changes: Any) -> dict[str, Any]:
    """As in https://cloud.google.com/pubsub/docs/push#receive_push, with changes to its message."""
    message = {
        "attributes": {"cluster": "staging"},
        "data": base64.b64encode(b"hello").decode(),
        "messageId": "2070443601311540",
        "message_id": "2070443601311540",
        "orderingKey": "shop",
        "publishTime": "2021-02-26T19:13:55.749Z",
        "publish_time": "2021-02-26T19:13:55.749Z",
    }
    return {
        "deliveryAttempt": 5,
        "message": {**message, **changes},
        "subscription": "projects/acme/subscriptions/cluster-staging",
    }


def read(value: object) -> Pushed:
    return read_push(json.dumps(value).encode())


def test_all_that_is_documented_is_read() -> None:
    assert read(envelope()) == Pushed(
        data=b"hello",
        attributes={"cluster": "staging"},
        message_id="2070443601311540",
        publish_time=datetime(2021, 2, 26, 19, 13, 55, 749_000, UTC),
        ordering_key="shop",
        attempt=5,
        subscription="projects/acme/subscriptions/cluster-staging",
        dead_letter=False,
    )


def test_what_the_emulator_leaves_out_is_empty() -> None:
    body = {"message": {"data": "", "messageId": "1"}, "subscription": "s"}
    assert read(body) == Pushed(b"", {}, "1", None, "", None, "s", dead_letter=False)
    assert read({"message": {"attributes": {"a": "b"}}}).data == b"", "Pub/Sub leaves out data that is empty"


def test_a_body_in_memory_of_its_own_is_read() -> None:
    assert read_push(memoryview(json.dumps(envelope()).encode())).data == b"hello"


def test_a_dead_letter_is_known_by_its_attribute() -> None:
    assert read(envelope(attributes={DEAD_LETTER: "cluster-staging"})).dead_letter


@pytest.mark.parametrize("time", ["yesterday", "", "2021-02-30T00:00:00Z"])
def test_a_time_that_cannot_be_read_loses_no_message(time: str) -> None:
    assert read(envelope(publishTime=time)).publish_time is None


def test_nanoseconds_are_read() -> None:
    assert read(envelope(publishTime="2021-02-26T19:13:55.749123456Z")).publish_time == datetime(
        2021, 2, 26, 19, 13, 55, 749_123, UTC
    )


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "it is not JSON"),
        (b"\xff", "it is not JSON"),
        (b"[" * 1_900, "it is not JSON"),
        (b'"c4n4ry"', "it is not a JSON object"),
        (b"{}", "it has no message: the subscription must push in Pub/Sub's own envelope"),
        (b'{"message": "c4n4ry"}', "it has no message"),
        (b'{"event": {"kind": "push"}}', "it has no message"),
        (b"[" + b"{}," * 2_000 + b"{}]", "it holds more values than any push"),
    ],
)
def test_what_is_no_envelope_is_malformed(body: bytes, said: str) -> None:
    with pytest.raises(MalformedError, match=said) as caught:
        read_push(body)
    assert "c4n4ry" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"data": "c4n4ry!"}, "its data is not base64"),
        ({"data": "YQ"}, "its data is not base64"),
        ({"data": "\u00e4"}, "its data is not base64"),
        ({"data": 1}, "data is no text"),
        ({"messageId": 1}, "messageId is no text"),
        ({"orderingKey": None}, "orderingKey is no text"),
        ({"attributes": ["c4n4ry"]}, "its attributes are not texts"),
        ({"attributes": {"c4n4ry": 1}}, "its attributes are not texts"),
    ],
)
def test_a_message_of_another_shape_is_malformed(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(MalformedError, match=said) as caught:
        read(envelope(**changes))
    assert "c4n4ry" not in str(caught.value)


@pytest.mark.parametrize("attempt", ["5", True, 1.5])
def test_an_attempt_is_a_number(attempt: object) -> None:
    with pytest.raises(MalformedError, match="deliveryAttempt is no number"):
        read({**envelope(), "deliveryAttempt": attempt})


def test_ten_megabytes_are_read() -> None:
    assert len(read(envelope(data=base64.b64encode(b"x" * 10_000_000).decode())).data) == 10_000_000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(sorted(envelope()["message"])), JSON)
def test_no_field_makes_it_fail_otherwise(name: str, value: object) -> None:
    try:
        pushed = read(envelope(**{name: value}))
    except MalformedError as error:
        assert str(error)  # noqa: PT017 (either may come of it)
    else:
        assert isinstance(pushed.data, bytes)


def test_a_time_without_a_zone_is_none() -> None:
    assert read_push(json.dumps({"message": {"publishTime": "2026-01-02T03:04:05"}}).encode()).publish_time is None
