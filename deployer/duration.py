"""Durations as Go writes them, such as `1h30m`: what Argo CD reads with Go's `time.ParseDuration`."""

import re

_UNITS = {"h": 3600.0, "ms": 1e-3, "m": 60.0, "s": 1.0, "ns": 1e-9, "us": 1e-6}
_UNITS |= {"µs": 1e-6, "μs": 1e-6}  # with the micro sign, and with the Greek letter
_PART = re.compile(rf"(\d{{1,12}}(?:\.\d{{0,12}})?|\.\d{{1,12}})({'|'.join(_UNITS)})", re.ASCII)
_DURATION = re.compile(rf"(?:{_PART.pattern})+", re.ASCII)


def parse_duration(text: str) -> float | None:
    """Return the seconds of a duration without a sign; None where it is none, as a number without a unit."""
    if not _DURATION.fullmatch(text):
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
