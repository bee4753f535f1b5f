"""The sync under way, as its inventory keeps it."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.cluster.history import Fault
from deployer.cluster.operation import Operation, bounded, dump_operation, parse_operation

NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)
NEW = Operation("a" * 40, NOON, "host-1", "push to main", id="0a1b2c3d")
FULL = replace(
    NEW,
    hooks={"PreSync Job.batch shop/migrate": "succeeded", "Sync Pod shop/check": "failed"},
    paused=NOON + timedelta(minutes=1),
    waited=12.345,
    counts={"created": 2, "pruned": 1},
    error="Job/migrate: größer",
    fault="hook",
    who="ada",
)
UNREADABLE = (None, "the operation under way cannot be read; the next sync removes it")


def test_it_is_legible_json() -> None:
    assert json.loads(dump_operation(FULL)) == {
        "revision": "a" * 40,
        "since": "2026-10-01T12:00:00Z",
        "holder": "host-1",
        "why": "push to main",
        "id": "0a1b2c3d",
        "hooks": {"PreSync Job.batch shop/migrate": "succeeded", "Sync Pod shop/check": "failed"},
        "paused": "2026-10-01T12:01:00Z",
        "waited": 12.345,
        "counts": {"created": 2, "pruned": 1},
        "error": "Job/migrate: größer",
        "fault": "hook",
        "who": "ada",
    }
    assert "größer" in dump_operation(FULL)


@pytest.mark.parametrize("operation", [None, NEW, FULL, replace(NEW, id="")])
def test_it_is_read_as_it_was_written(operation: Operation | None) -> None:
    assert parse_operation(dump_operation(operation)) == (operation, "")


def test_one_of_an_older_version_has_no_id_and_is_nobodys() -> None:
    older = {"revision": "a" * 40, "since": "2026-10-01T12:00:00Z", "holder": "host-1", "why": "push to main"}
    assert parse_operation(json.dumps(older)) == (replace(NEW, id=""), "")


def test_texts_are_cut_and_times_are_to_the_second_in_utc() -> None:
    local = datetime(2026, 10, 1, 14, 0, 5, 999, timezone(timedelta(hours=2)))
    long = Operation(
        "r" * 300, local, "h" * 201, "w" * 201, "i" * 201, {"x" * 501: "failed"}, local, 1.23456, {}, "é" * 501, "hook"
    )
    kept = bounded(long)
    assert [len(text) for text in (kept.revision, kept.holder, kept.why, kept.id)] == [200] * 4
    assert (kept.error, kept.waited) == ("é" * 499 + "…", 1.235)
    assert [len(hook) for hook in kept.hooks] == [500]
    assert kept.paused == kept.since == datetime(2026, 10, 1, 12, 0, 5, tzinfo=UTC)
    assert bounded(kept) == kept


texts = st.text(st.characters(exclude_categories=()), max_size=600)
times = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=st.timezones())
operations = st.builds(
    Operation,
    *(texts, times, texts, texts, texts),
    st.dictionaries(texts, st.sampled_from(["succeeded", "failed"]), max_size=3),
    st.none() | times,
    st.floats(0, 10**6),
    st.dictionaries(st.sampled_from(["created", "pruned"]), st.integers(0, 10**9)),
    texts,
    st.sampled_from(get_args(Fault)),
)


@given(operations)
def test_what_is_kept_is_read(operation: Operation) -> None:
    kept = bounded(operation)
    assert parse_operation(dump_operation(kept)) == (kept, "")


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "1", "{}", "[" * 100_000, '{"revision": 1, "since": "", "holder": "", "why": ""}'],
    ids=lambda text: text[:10],
)
def test_what_is_none_is_none_with_a_warning(text: str) -> None:
    assert parse_operation(text) == UNREADABLE


@pytest.mark.parametrize(
    "change",
    [
        {"revision": None},
        {"since": "yesterday"},
        {"since": "2026-10-01T12:00:00"},
        {"holder": 1},
        {"why": []},
        {"id": None},
        {"id": 7},
        {"hooks": None},
        {"hooks": []},
        {"hooks": {"PreSync Job.batch shop/migrate": "running"}},
        {"hooks": {"PreSync Job.batch shop/migrate": None}},
        {"paused": "yesterday"},
        {"paused": "2026-10-01T12:00:00"},
        {"paused": 1},
        {"paused": "0001-01-01T00:00:00+23:59"},
        {"waited": "1"},
        {"waited": None},
        {"waited": float("nan")},
        {"waited": float("inf")},
        {"counts": []},
        {"counts": {"created": -1}},
        {"counts": {"created": "1"}},
        {"error": {}},
        {"fault": "strange"},
        {"fault": []},
    ],
    ids=str,
)
def test_one_that_cannot_be_read_is_none_with_a_warning(change: dict[str, Any]) -> None:
    good = json.loads(dump_operation(FULL))
    assert parse_operation(json.dumps({**good, **change})) == UNREADABLE
