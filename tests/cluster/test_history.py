import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.cluster.history import (
    MAX_BYTES,
    Entry,
    Fault,
    Result,
    added,
    dump_history,
    failures,
    first_sync,
    parse_history,
)

NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)


def entry(revision: str = "a" * 40, result: Result = "succeeded", **changes: Any) -> Entry:
    done = Entry(revision, NOON, "push to main", "alice", result, {"unchanged": 3}, {"apply": 1.5}, "")
    return replace(done, **changes)


def revisions(history: tuple[Entry, ...]) -> str:
    return " ".join(one.revision for one in history)


@pytest.mark.parametrize(
    ("results", "limit", "kept"),
    [
        ("", 10, ""),
        ("+", 0, ""),
        ("+", 1, "0"),
        ("++++", 3, "3 2 1"),
        ("+---", 10, "3 2 1 0"),
        ("+---", 2, "3 0"),
        ("++---", 2, "4 1"),
        ("+---+", 2, "4 3"),
        ("----", 2, "3 2"),
        ("+-", 1, "1 0"),  # what has failed, and what to return to
        ("+~~", 2, "2 0"),
    ],
)
def test_the_newest_are_kept_and_the_last_that_succeeded(results: str, limit: int, kept: str) -> None:
    names: dict[str, Result] = {"+": "succeeded", "-": "failed", "~": "unfinished"}
    history: tuple[Entry, ...] = ()
    for number, result in enumerate(results):
        history = added(history, entry(str(number), names[result]), limit)
    assert revisions(history) == kept


@pytest.mark.parametrize(
    ("again", "is_new"),
    [
        (entry("1"), False),
        (entry("1", when=NOON + timedelta(hours=1), why="schedule", who="reconcile", durations={}), False),
        (entry("1", counts={"unchanged": 2, "created": 0, "updated": 0, "pruned": 0}), False),
        (entry("1", counts={"updated": 1}), True),
        (entry("1", counts={"created": 1}), True),
        (entry("1", counts={"pruned": 1}), True),
        (entry("1", "failed"), True),
        (entry("1", error="x"), True),
        (entry("2"), True),
    ],
)
def test_what_tells_nothing_new_is_left_out(again: Entry, is_new: bool) -> None:
    assert len(added([entry("1"), entry("0")], again, 10)) == 2 + is_new


def test_an_entry_keeps_its_id_when_older_ones_drop_off() -> None:
    history: tuple[Entry, ...] = ()
    for number in range(5):
        history = added(history, entry(str(number)), 3)
    assert [(one.id, one.revision) for one in history] == [(5, "4"), (4, "3"), (3, "2")]
    assert added(history, entry("4"), 3) == history  # what tells nothing new takes no id
    assert added(history[1:], entry("4", error="its end"), 3)[0].id == 5  # a sync that is told again is the same


def heal(heals: int, why: str = "drift", **changes: Any) -> Entry:
    return entry("1", why=why, heals=heals, counts={"updated": 1}, **changes)


@pytest.mark.parametrize(
    ("before", "again", "heals"),
    [
        ([], heal(0), [0]),
        ([heal(0)], heal(1), [1]),
        ([heal(3)], heal(4), [4]),
        ([heal(3), heal(0)], heal(4), [4, 0]),  # of these in a row
        ([heal(3)], heal(0), [0, 3]),  # after a while without, it is the first again
        ([heal(3)], heal(3), [3, 3]),
        ([heal(3)], heal(5), [5, 3]),
        ([heal(3, why="a push")], heal(4), [4, 3]),
        ([heal(3)], heal(4, why="a push"), [4, 3]),
        ([entry("1"), heal(3)], heal(4), [4, 0, 3]),
        ([heal(0, result="failed")], heal(1), [1]),
    ],
)
def test_of_heals_in_a_row_only_the_last_is_kept(before: list[Entry], again: Entry, heals: list[int]) -> None:
    assert [one.heals for one in added(before, again, 10)] == heals


def test_whoever_fights_back_pushes_nothing_else_out() -> None:
    history = added(added((), entry("0"), 3), entry("1"), 3)
    for heals in range(20):
        history = added(history, heal(heals), 3)
    assert [(one.revision, one.why, one.heals) for one in history] == [
        ("1", "drift", 19),
        ("1", "push to main", 0),
        ("0", "push to main", 0),
    ]
    assert len({one.id for one in history}) == 3


@pytest.mark.parametrize(
    ("history", "hour"),
    [
        ("", None),
        ("1", 0),
        ("111", 2),
        ("112", 1),
        ("1121", 1),  # the last time that it was deployed
        ("2111", None),
        ("2", None),
    ],
)
def test_when_a_revision_was_first_synced(history: str, hour: int | None) -> None:
    entries = [entry(name, when=NOON - timedelta(hours=number)) for number, name in enumerate(history)]
    assert first_sync(entries, "1") == (None if hour is None else NOON - timedelta(hours=hour))


def test_a_history_is_cut_to_a_new_limit_when_nothing_happens() -> None:
    assert revisions(added([entry("1"), entry("0")], entry("1"), 1)) == "1"


def test_texts_are_cut_and_times_are_to_the_second_in_utc() -> None:
    local = datetime(2026, 10, 1, 14, 0, 5, 999, timezone(timedelta(hours=2)))
    long = entry("r" * 300, when=local, why="w" * 201, error="é" * 501, durations={"apply": 0.123456})
    found = added((), long, 1)[0]
    assert (len(found.revision), len(found.why), found.error) == (200, 200, "é" * 499 + "…")
    assert found.when.isoformat() == "2026-10-01T12:00:05+00:00"
    assert found.durations == {"apply": 0.123}
    assert added((), entry(error="x" * 500), 1)[0].error == "x" * 500


def test_it_is_legible_json() -> None:
    text = dump_history([entry("2", error="größer"), entry("1")])
    first = json.loads(text)[0]
    assert first == {
        "revision": "2",
        "when": "2026-10-01T12:00:00Z",
        "why": "push to main",
        "who": "alice",
        "result": "succeeded",
        "counts": {"unchanged": 3},
        "durations": {"apply": 1.5},
        "error": "größer",
        "heals": 0,
        "id": 0,
        "fault": "",
        "operation": "",
        "tries": 1,
    }
    assert [line.count('"revision"') for line in text.splitlines()] == [1, 1]
    assert "größer" in text


texts = st.text(st.characters(exclude_categories=()), max_size=600)
entries = st.builds(
    Entry,
    texts,
    st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=st.timezones()),
    texts,
    texts,
    st.sampled_from(["succeeded", "failed", "unfinished"]),
    st.dictionaries(st.sampled_from(["created", "pruned"]), st.integers(0, 10**9)),
    st.dictionaries(st.sampled_from(["apply", "wait"]), st.floats(0, 10**6)),
    texts,
    st.integers(0, 10**9),
    fault=st.sampled_from(get_args(Fault)),
    operation=texts,
)


@given(st.lists(entries, max_size=5))
def test_what_was_written_is_read(done: list[Entry]) -> None:
    history: tuple[Entry, ...] = ()
    for one in done:
        history = added(history, one, 10)
    assert parse_history(dump_history(history)) == (history, "")


def test_no_limit_makes_it_larger_than_a_config_map() -> None:
    worst = entry(why="\U0001f600" * 200, who="\x00" * 200, error="\x00" * 500)
    history: tuple[Entry, ...] = ()
    for number in range(150):
        history = added(history, replace(worst, revision=str(number)), 10_000)
    text = dump_history(history)
    assert MAX_BYTES - 10_000 < len(text.encode()) <= MAX_BYTES
    kept, warning = parse_history(text)
    assert kept == history[: len(kept)]
    assert len(kept) < 150
    assert not warning


@pytest.mark.parametrize(
    "text",
    ["{", "{}", "1", "null", "[" * 100_000, '"x"', "1" * 5000],
    ids=lambda text: text[:10],
)
def test_what_is_no_history_is_none_with_a_warning(text: str) -> None:
    assert parse_history(text) == ((), "its history cannot be read, and the next sync begins a new one")


@pytest.mark.parametrize(
    "change",
    [
        {"revision": 1},
        {"revision": None},
        {"when": "yesterday"},
        {"when": 1},
        {"when": "2026-10-01T12:00:00"},
        {"when": "0001-01-01T00:00:00+23:59"},
        {"result": "great"},
        {"result": []},
        {"counts": []},
        {"counts": {"created": -1}},
        {"counts": {"created": True}},
        {"counts": {"created": "1"}},
        {"durations": {"apply": "1"}},
        {"durations": {"apply": None}},
        {"durations": {"apply": float("nan")}},
        {"durations": {"apply": 10**400}},
        {"error": {}},
        {"heals": "1"},
        {"heals": -1},
        {"heals": None},
        {"id": "1"},
        {"id": -1},
        {"id": 2**53},
        {"fault": "strange"},
        {"fault": None},
        {"operation": None},
        {"operation": 1},
        {"heals": int("9" * 4300)},
    ],
    ids=str,
)
def test_an_entry_that_cannot_be_read_is_left_out_with_a_warning(change: dict[str, Any]) -> None:
    good = json.loads(dump_history([entry("1")]))[0]
    text = json.dumps([{**good, **change}, good])
    assert parse_history(text) == (
        (entry("1"),),
        "1 of 2 entries of its history cannot be read; the next sync removes them",
    )


def test_an_entry_of_an_older_version_has_no_fault_and_no_operation() -> None:
    older = json.loads(dump_history([entry("1")]))[0]
    del older["fault"], older["operation"]
    assert parse_history(json.dumps([older])) == ((entry("1"),), "")


@pytest.mark.parametrize("value", [1, None, [], {}, "x"], ids=str)
def test_no_entry_at_all_is_left_out_too(value: object) -> None:
    assert parse_history(json.dumps([value]))[0] == ()


def later(minutes: int) -> datetime:
    return NOON + timedelta(minutes=minutes)


def test_a_failure_that_comes_again_is_counted() -> None:
    history: tuple[Entry, ...] = ()
    for minutes in range(3):
        history = added(history, entry("1", "failed", error="no", when=later(minutes), who=f"try {minutes}"), 10)
    (only,) = history
    assert (only.tries, only.when, only.who, only.id) == (3, later(2), "try 0", 1)
    history = added(history, entry("1", "failed", error="another", when=later(3)), 10)
    assert [(one.tries, one.error) for one in history] == [(1, "another"), (3, "no")]
    history = added(history, entry("1", "failed", error="another", counts={"created": 1}, when=later(4)), 10)
    assert [one.tries for one in history] == [1, 1, 3], "it has changed something: it is one of its own"
    assert failures(history, "1") == (5, later(4))


def test_a_success_that_comes_again_is_not_counted() -> None:
    history = added(added((), entry("1"), 10), entry("1", when=later(1)), 10)
    assert [(one.tries, one.when) for one in history] == [(1, NOON)]


def bad(revision: str = "1", **changes: Any) -> Entry:
    return entry(revision, "failed", **changes)


@pytest.mark.parametrize(
    ("history", "count", "when"),
    [
        ([], 0, None),
        ([entry("1")], 0, None),
        ([entry("1", "unfinished")], 0, None),
        ([bad()], 1, NOON),
        ([bad("2")], 0, None),
        ([bad(when=later(2), tries=4), bad(when=later(1))], 5, later(2)),
        ([bad(), entry("1"), bad()], 1, NOON),
        ([bad(), entry("1", "unfinished"), bad()], 1, NOON),
        ([bad(), bad("2"), bad()], 1, NOON),
        ([bad(fault="overtaken")], 0, None),
        ([bad(fault="overtaken", when=later(1)), bad(tries=2)], 2, NOON),
        ([bad(when=later(1)), bad(fault="overtaken"), bad()], 2, later(1)),
        ([bad(fault="health")], 1, NOON),
    ],
)
def test_how_often_a_revision_has_failed(history: list[Entry], count: int, when: datetime | None) -> None:
    assert failures(history, "1") == (count, when)


@pytest.mark.parametrize(("written", "read"), [(1, 1), (7, 7), (0, 1), (None, 1)])
def test_how_often_it_was_tried_is_kept(written: int | None, read: int) -> None:
    values = json.loads(dump_history([bad()]))
    values[0]["tries"] = written
    if written is None:  # as an earlier version has written it
        del values[0]["tries"]
    (one,), warning = parse_history(json.dumps(values))
    assert (one.tries, warning) == (read, "")
    values[0]["tries"] = -1
    assert parse_history(json.dumps(values))[0] == (), "nobody has tried so often"
