"""Schedules. What they mean was compared with robfig/cron itself, on tens of thousands of them."""

from dataclasses import replace
from datetime import datetime

import pytest

from deployer.cron import parse_cron

FRIDAY = datetime(2026, 1, 2, 12, 30)


@pytest.mark.parametrize(
    ("text", "last", "following"),
    [
        ("* * * * *", "2026-01-02 12:30", "2026-01-02 12:31"),
        ("? ? ? ? ?", "2026-01-02 12:30", "2026-01-02 12:31"),
        ("0 22 * * *", "2026-01-01 22:00", "2026-01-02 22:00"),
        ("30 12 * * *", "2026-01-02 12:30", "2026-01-03 12:30"),
        ("*/20 * * * *", "2026-01-02 12:20", "2026-01-02 12:40"),
        ("5/25 * * * *", "2026-01-02 12:30", "2026-01-02 12:55"),
        ("10-40/25 12 * * *", "2026-01-02 12:10", "2026-01-02 12:35"),
        ("0,45 8-10,20 * * *", "2026-01-02 10:45", "2026-01-02 20:00"),
        ("0 0 * * 1-5", "2026-01-02 00:00", "2026-01-05 00:00"),
        ("0 0 * * mon-FRI", "2026-01-02 00:00", "2026-01-05 00:00"),
        ("0 0 * * 0", "2025-12-28 00:00", "2026-01-04 00:00"),
        ("0 0 1 JAN *", "2026-01-01 00:00", "2027-01-01 00:00"),
        ("0 0 31 * *", "2025-12-31 00:00", "2026-01-31 00:00"),
        ("0 0 30 1,2 *", "2025-01-30 00:00", "2026-01-30 00:00"),
        ("0 0 29 2 *", "2024-02-29 00:00", "2028-02-29 00:00"),
        # Where both days are restricted, one of them is enough; a star restricts nothing, but one with a step does.
        ("0 0 13 * 5", "2026-01-02 00:00", "2026-01-09 00:00"),
        ("0 0 13 * *", "2025-12-13 00:00", "2026-01-13 00:00"),
        ("0 0 */2 * 1", "2026-01-01 00:00", "2026-01-03 00:00"),
        ("0 0 */1 * 1", "2025-12-29 00:00", "2026-01-05 00:00"),
        ("0 0 *,13 * 1", "2025-12-29 00:00", "2026-01-05 00:00"),
        ("0 0 30 2 1", "2025-02-24 00:00", "2026-02-02 00:00"),
        (" 0  22\t* * * ", "2026-01-01 22:00", "2026-01-02 22:00"),
    ],
)
def test_when_a_schedule_comes_up(text: str, last: str, following: str) -> None:
    cron = parse_cron(text)
    assert (str(cron.last(FRIDAY))[:-3], str(cron.next(FRIDAY))[:-3]) == (last, following)


def test_a_29th_of_february_is_found_across_a_year_that_has_none() -> None:
    assert parse_cron("0 0 29 2 *").next(datetime(2097, 1, 1)) == datetime(2104, 2, 29)


def test_what_never_comes_never_came() -> None:
    never = replace(parse_cron("0 0 1 * *"), days=frozenset())
    assert (never.last(FRIDAY), never.next(FRIDAY)) == (None, None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' has not five fields, which are minute, hour, day of the month, month, day of the week"),
        ("@daily", "'@daily' has not five fields, .*; once a day is '0 0 \\* \\* \\*'"),
        ("0 22 * *", "has not five fields"),
        ("0 0 22 * * *", "has not five fields"),
        ("TZ=Europe/Berlin 0 22 * * *", "names a time zone; write that in timeZone"),
        ("CRON_TZ=UTC 0 22 * * *", "names a time zone"),
        ("60 * * * *", "minute: '60' is none; allowed: 0 to 59$"),
        ("* 24 * * *", "hour: '24' is none; allowed: 0 to 23"),
        ("* * 0 * *", "day of the month: '0' is none; allowed: 1 to 31"),
        ("* * * 13 *", "month: '13' is none; allowed: 1 to 12, or jan to dec"),
        ("* * * * 7", "day of the week: '7' is none; allowed: 0 to 6, or sun to sat"),
        ("* * * * monday", "day of the week: 'monday' is none"),
        ("mon * * * *", "minute: 'mon' is none"),
        ("* * L * *", "day of the month: 'L' is none"),
        ("* * * * 5#3", "day of the week: '5#3' is none; allowed: such as 5, 1-5, \\*/5, 1-5/2"),
        ("1, * * * *", "minute: '' is none"),
        ("5-1 * * * *", "minute: '5-1' is empty"),
        ("*/0 * * * *", "minute: '\\*/0' is empty"),
        ("*-5 * * * *", "minute: '\\*-5' is none"),
        ("-5 * * * *", "minute: '-5' is none"),
        ("1-2-3 * * * *", "minute: '1-2-3' is none"),
        ("\u0661 * * * *", "minute: '\u0661' is none"),
        ("0 0 30 2 *", "'0 0 30 2 \\*' is a day that never comes"),
        ("0 0 31 2,4,6,9,11 *", "never comes"),
    ],
)
def test_what_is_no_schedule(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_cron(text)
