"""Values that are kept as JSON in a ConfigMap: bounded when they are written, doubted when they are read. Pure."""

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

LONGEST_TEXT = 200
"""Characters that are kept of a text, unless it says otherwise."""

LONGEST_ERROR = 500
"""Characters that are kept of an error."""

MALFORMED = (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)
"""What reading something else than what was written may raise."""


def dumped(value: Mapping[str, Any]) -> str:
    """Write values as JSON; a time as RFC 3339."""
    return json.dumps(value, ensure_ascii=False, default=lambda time: time.isoformat().replace("+00:00", "Z"))


def kept_text(value: Any, longest: int = LONGEST_TEXT) -> str:
    """Return a text as it is kept, cut to so many characters. Raises TypeError for anything else."""
    if not isinstance(value, str):
        raise TypeError
    text: str = value.encode(errors="replace").decode()  # half a character (a surrogate) cannot be stored
    return text if len(text) <= longest else text[: longest - 1] + "…"


def kept_time(time: datetime) -> datetime:
    """Return a time as it is kept: in UTC, to the second."""
    return time.astimezone(UTC).replace(microsecond=0)


def read_time(value: Any) -> datetime:
    """Read a time that was written. Raises one of `MALFORMED` for anything else, and for one without a time zone."""
    time = datetime.fromisoformat(value)
    if time.tzinfo is None:
        raise ValueError
    return time


def one_of(value: Any, allowed: Sequence[str]) -> Any:
    """Return a value that is one of these. Raises ValueError for any other."""
    if value not in allowed:
        raise ValueError
    return value


def duration(value: Any) -> float:
    """Return a number of seconds. Raises ValueError or TypeError for anything else."""
    seconds = float(value)
    if isinstance(value, str) or not math.isfinite(seconds):
        raise ValueError
    return seconds


def count(value: Any) -> int:
    """Return a number of things. Raises ValueError for anything else."""
    if type(value) is not int or not 0 <= value < 2**53:  # more than JSON's numbers hold
        raise ValueError
    return value
