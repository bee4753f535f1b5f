"""What travels through Pub/Sub."""

import json
from dataclasses import asdict
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.job import Action, Job, JobOptions
from deployer.queue.message import CLUSTER, MAX_DATA, UnreadableError, of_event, of_job, parse
from deployer.repository import Repository
from deployer.webhook import Event

EVENT = Event(
    kind="push",
    repository=Repository("github.com", "acme/shop"),
    ref="refs/heads/main",
    before="1" * 40,
    after="2" * 40,
    default_branch="main",
    installation=None,
    delivery="72d3162e-cc78-11e3-81ab-4c9367dc0958",
)
JOB = Job("shop", "push", delivery="72d3162e-cc78-11e3-81ab-4c9367dc0958", before="1" * 40, after="2" * 40)

TEXT = st.text(st.characters(exclude_categories=()), max_size=50)  # a lone half of a surrogate pair, too
COMMIT = st.just("") | st.text("0123456789abcdef", min_size=40, max_size=40)
NUMBER = st.integers(0, 2**63)
OPTIONS = st.builds(
    JobOptions,
    prune=st.booleans(),
    approve_prune=TEXT,
    timeout=st.none() | st.floats(0, 1e9, exclude_max=True) | st.just(300),
    rollback=NUMBER,
    hooks=st.booleans(),
)
JOBS = st.builds(
    Job,
    application=TEXT,
    reason=TEXT,
    action=st.sampled_from(get_args(Action)),
    delivery=TEXT,
    actor=TEXT,
    before=COMMIT,
    after=COMMIT,
    deployment=NUMBER,
    at=COMMIT,
    options=OPTIONS,
)
EVENTS = st.builds(
    Event,
    kind=TEXT,
    repository=st.builds(Repository, TEXT, TEXT),
    ref=TEXT,
    before=TEXT,
    after=TEXT,
    default_branch=TEXT,
    installation=st.none() | NUMBER,
    delivery=TEXT,
    check=TEXT,
    deployment=NUMBER,
    environment=TEXT,
)


def test_an_event_has_no_attribute_and_no_key() -> None:
    message = of_event(EVENT)
    assert (message.attributes, message.ordering_key) == ({}, "")
    assert parse(message.data) == EVENT


def test_a_job_tells_its_cluster_and_is_ordered_by_its_application() -> None:
    message = of_job(JOB, "staging")
    assert (message.attributes, message.ordering_key) == ({CLUSTER: "staging"}, "shop")
    assert parse(message.data) == JOB


@given(JOBS)
def test_a_job_arrives_as_it_was_sent(job: Job) -> None:
    assert parse(of_job(job, "staging").data) == job


@given(EVENTS)
def test_an_event_arrives_as_it_was_sent(event: Event) -> None:
    assert parse(of_event(event).data) == event


def test_what_a_newer_one_says_besides_is_left_out() -> None:
    event = {**asdict(EVENT), "new": [1], "repository": {**asdict(EVENT.repository), "new": 1}}
    job = {**asdict(JOB), "new": [1], "options": {"prune": True, "new": 1}}
    assert parse(json.dumps({"event": event, "new": 1}).encode()) == EVENT
    parsed = parse(json.dumps({"job": job}).encode())
    assert isinstance(parsed, Job)
    assert parsed.options == JobOptions(prune=True)


def test_what_an_older_one_does_not_say_has_its_default() -> None:
    assert parse(b'{"job": {"application": "shop", "reason": "push"}}') == Job("shop", "push")


def changed(**changes: Any) -> bytes:
    return json.dumps({"job": {**asdict(JOB), **changes}}).encode()


ELSEWHERE = "../../../victim/private/statuses/" + "b" * 40
"""What would stand in an address, where it was taken for a commit."""


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (changed(at=ELSEWHERE), "malformed"),
        (changed(before=ELSEWHERE), "malformed"),
        (changed(after=ELSEWHERE), "malformed"),
        (changed(options={"timeout": -1}), "malformed"),
        (changed(options={"timeout": 1e999}), "malformed"),
        (b"", "malformed"),
        (b"\xff", "malformed"),
        (b"[" * 60_000, "malformed"),
        (b"[]", "neither an event nor a job"),
        (b'{"event": 1}', "neither an event nor a job"),
        (b'{"gizmo": {}}', "neither an event nor a job"),
        (b'{"job": {}}', "malformed"),
        (b'{"event": {"kind": "push"}}', "malformed"),
        (json.dumps({"event": {**asdict(EVENT), "repository": {"host": "github.com"}}}).encode(), "malformed"),
        (json.dumps({"event": {**asdict(EVENT), "ref": None}}).encode(), "malformed"),
        (json.dumps({"event": {**asdict(EVENT), "installation": "1"}}).encode(), "malformed"),
        (changed(application=["shop"]), "malformed"),
        (changed(action="destroy"), "malformed"),
        (changed(action=["push"]), "malformed"),
        (changed(deployment=True), "malformed"),
        (changed(options=None), "malformed"),
        (changed(options={"prune": 1}), "malformed"),
        (changed(options={"timeout": float("nan")}), "malformed"),
        (b" " * (MAX_DATA + 1), "more than 65536"),
    ],
)
def test_anything_else_is_unreadable_and_not_quoted(data: bytes, said: str) -> None:
    with pytest.raises(UnreadableError, match=said) as caught:
        parse(data)
    assert len(str(caught.value)) < 100


@given(st.recursive(st.none() | st.booleans() | NUMBER | TEXT, lambda one: st.lists(one) | st.dictionaries(TEXT, one)))
def test_no_content_makes_it_fail_otherwise(value: object) -> None:
    for name in ("event", "job"):
        with pytest.raises(UnreadableError):
            parse(json.dumps({name: value}).encode())


def test_the_largest_event_fits() -> None:
    name = "é" * 1024
    event = Event("push", Repository("h" * 253, "o" * 1000), name, "1" * 40, "2" * 40, name, 2**63 - 1, "d" * 36, name)
    assert len(of_event(event).data) < MAX_DATA
