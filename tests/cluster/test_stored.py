"""What the texts and times in an inventory have in common."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from deployer.cluster.stored import MALFORMED, dumped, kept_text, kept_time, read_time

NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)


def test_a_time_is_written_as_it_is_read() -> None:
    assert dumped({"at": NOON, "é": None}) == '{"at": "2026-10-01T12:00:00Z", "é": null}'
    assert read_time("2026-10-01T12:00:00Z") == NOON
    assert kept_time(datetime(2026, 10, 1, 14, 0, 0, 9, timezone(timedelta(hours=2)))).isoformat() == NOON.isoformat()


@pytest.mark.parametrize("value", ["", "noon", "2026-10-01T12:00:00", 1, None, [], {}])
def test_what_is_no_time_is_malformed(value: object) -> None:
    with pytest.raises(MALFORMED):
        read_time(value)


@pytest.mark.parametrize(
    ("text", "kept"),
    [("", ""), ("a" * 200, "a" * 200), ("a" * 201, "a" * 199 + "…"), ("é\ud800", "é?"), ("\U0001f600", "\U0001f600")],
)
def test_a_text_is_kept_as_far_as_it_can_be(text: str, kept: str) -> None:
    assert kept_text(text) == kept
    assert kept_text(text, 3) == (kept if len(kept) <= 3 else kept[:2] + "…")


@pytest.mark.parametrize("value", [None, 1, b"a", ["a"]])
def test_what_is_no_text_is_malformed(value: object) -> None:
    with pytest.raises(TypeError):
        kept_text(value)
