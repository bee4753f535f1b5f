"""What holds an application at another revision, as it is kept."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.cluster.hold import Hold, bounded_hold, dump_hold, parse_hold

NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)
HOLD = Hold("a" * 40, "b" * 40, NOON, "alice", "rollback to 3")
UNREAD = (None, "what holds it at another revision cannot be read, so nothing does; the next sync removes it")

texts = st.text(st.characters(exclude_categories=()), max_size=300)
holds = st.builds(
    Hold,
    st.sampled_from(["", "0123456789" * 4, "f" * 40]),
    texts,
    st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=st.timezones()),
    texts,
    texts,
)


def test_it_is_legible_json_and_nothing_where_nothing_holds() -> None:
    assert json.loads(dump_hold(HOLD)) == {
        "revision": "a" * 40,
        "instead_of": "b" * 40,
        "since": "2026-10-01T12:00:00Z",
        "who": "alice",
        "why": "rollback to 3",
    }
    assert dump_hold(None) == ""
    assert parse_hold("") == (None, "")


@given(holds)
def test_what_was_written_is_read(hold: Hold) -> None:
    kept = bounded_hold(hold)
    assert parse_hold(dump_hold(kept)) == (kept, "")
    assert kept.revision == hold.revision


def test_texts_are_cut_and_the_time_is_to_the_second_in_utc() -> None:
    local = datetime(2026, 10, 1, 14, 0, 5, 999, timezone(timedelta(hours=2)))
    kept = bounded_hold(Hold("", "i" * 300, local, "w" * 300, "y" * 201))
    assert (kept.instead_of, kept.who, kept.why) == ("i" * 199 + "…", "w" * 199 + "…", "y" * 199 + "…")
    assert kept.since.isoformat() == "2026-10-01T12:00:05+00:00"


@pytest.mark.parametrize(
    "change",
    [
        {"revision": "main"},
        {"revision": "a" * 39},
        {"revision": "a" * 41},
        {"revision": "A" * 40},
        {"revision": "a" * 40 + "\n"},
        {"revision": None},
        {"revision": 0},
        {"revision": []},
        {"instead_of": None},
        {"since": "yesterday"},
        {"since": "2026-10-01T12:00:00"},
        {"since": 1},
        {"who": 1},
        {"why": None},
    ],
    ids=str,
)
def test_what_anybody_may_have_written_holds_nothing(change: dict[str, Any]) -> None:
    assert parse_hold(json.dumps({**json.loads(dump_hold(HOLD)), **change})) == UNREAD


@pytest.mark.parametrize("text", ["{", "{}", "1", "null", '"x"', "[]", "[" * 100_000, " "], ids=lambda text: text[:9])
def test_what_is_no_hold_is_none_with_a_warning(text: str) -> None:
    assert parse_hold(text) == UNREAD
