"""Schedules of five fields, as Argo CD reads them: minute, hour, day of the month, month, day of the week.

It reads them with github.com/robfig/cron v3 (`parser.go`, `spec.go`), and without descriptors such as `@daily`. No
library for Python has that dialect, and in another one a window would open on other days: with `0 0 */2 * 1`, a day
that is odd or a Monday will do here, while Debian's cron, which cronsim follows, wants both. Here `?` is `*`, `5/15` is
`5-59/15`, and Sunday is 0 only.

All times are those of a clock on the wall, without a zone.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")

_FIELDS: tuple[tuple[str, range, tuple[str, ...]], ...] = (
    ("minute", range(60), ()),
    ("hour", range(24), ()),
    ("day of the month", range(1, 32), ()),
    ("month", range(1, 13), _MONTHS),
    ("day of the week", range(7), _DAYS),
)

_PART = re.compile(r"(?:(?P<star>[*?])|(?P<first>\w{1,9})(?:-(?P<last>\w{1,9}))?)(?:/(?P<step>\d{1,9}))?", re.ASCII)

_FAR = 8 * 366 + 1
"""Days within which each schedule comes up that ever does: a 29th of February may be eight years away."""


@dataclass(frozen=True)
class Cron:
    """A schedule: `times` of a day in order, on days of these months that fit.

    A day fits by its number and its weekday, or by `either` of them where both are restricted. Sunday is 0.
    """

    times: tuple[time, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either: bool

    def last(self, now: datetime) -> datetime | None:
        """Return when it came up last, which may be now; None where that is years ago."""
        for number in range(_FAR):
            day = now.date() - timedelta(number)
            times = self.times if number else self.times[: bisect_right(self.times, now.time())]
            if times and self._fits(day):
                return datetime.combine(day, times[-1])
        return None

    def next(self, now: datetime) -> datetime | None:
        """Return when it comes up next, which is later than now; None where it never does."""
        for number in range(_FAR):
            day = now.date() + timedelta(number)
            times = self.times if number else self.times[bisect_right(self.times, now.time()) :]
            if times and self._fits(day):
                return datetime.combine(day, times[0])
        return None

    def _fits(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        fits = (day.day in self.days, day.isoweekday() % 7 in self.weekdays)
        return any(fits) if self.either else all(fits)


def parse_cron(text: str) -> Cron:
    """Read a schedule. Raises ValueError, with what is wrong in words: also for a day that never comes."""
    if text.startswith(("TZ=", "CRON_TZ=")):
        raise ValueError("names a time zone; write that in timeZone")
    written = text.split()
    if len(written) != len(_FIELDS):
        names = ", ".join(name for name, _, _ in _FIELDS)
        raise ValueError(f"{text[:60]!r} has not five fields, which are {names}; once a day is '0 0 * * *'")
    minutes, hours, days, months, weekdays = (
        _parse_field(one, *field) for one, field in zip(written, _FIELDS, strict=True)
    )
    cron = Cron(
        tuple(time(hour, minute) for hour in sorted(hours.values) for minute in sorted(minutes.values)),
        days.values,
        months.values,
        weekdays.values,
        either=not (days.every or weekdays.every),
    )
    if cron.next(datetime(2000, 1, 1)) is None:
        raise ValueError(f"{text[:60]!r} is a day that never comes")
    return cron


class _Field(NamedTuple):
    """The values of one field; `every` says that it restricts nothing."""

    values: frozenset[int]
    every: bool


def _parse_field(text: str, name: str, allowed: range, names: Sequence[str]) -> _Field:
    values: set[int] = set()
    every = False
    for part in text.split(","):
        if not (found := _PART.fullmatch(part)):
            raise ValueError(
                f"{name}: {part[:20]!r} is none; allowed: such as 5, 1-5, */5, 1-5/2, or several with commas"
            )
        step = int(found["step"] or 1)
        first, last = allowed[0], allowed[-1]
        if not found["star"]:
            first = _number(found["first"], name, allowed, names)
            # `5/15` goes on to the end, `5` does not.
            last = _number(found["last"], name, allowed, names) if found["last"] else last if found["step"] else first
        if step < 1 or last < first:
            raise ValueError(f"{name}: {part!r} is empty")
        values.update(range(first, last + 1, step))
        every = every or (bool(found["star"]) and step == 1)
    return _Field(frozenset(values), every)


def _number(text: str, name: str, allowed: range, names: Sequence[str]) -> int:
    if text.lower() in names:
        return allowed[names.index(text.lower())]
    if not text.isdecimal() or int(text) not in allowed:
        known = f", or {names[0]} to {names[-1]}" if names else ""
        raise ValueError(f"{name}: {text!r} is none; allowed: {allowed[0]} to {allowed[-1]}{known}")
    return int(text)
