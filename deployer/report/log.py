"""The log: one JSON line an event where a machine collects it, readable text on a terminal."""

import json
import logging
import math
import sys
import threading
import time
from datetime import UTC, datetime

from deployer.masking import MASK

_LOGGER = logging.getLogger("deployer")
_SELDOM: dict[str, tuple[float, int]] = {}
"""By text: when it may come again, and how many times it was left out."""
_ENDS: dict[str, float] = {}
"""By what is hidden: when it is of no use to anybody any more."""
_LOCK = threading.Lock()
_hidden: tuple[str, ...] = ()
"""The longest first, or a short one would break up a longer; never changed in place, since other threads read it."""


class _CloudLogging(logging.Formatter):
    """The form that Cloud Logging takes apart (https://cloud.google.com/logging/docs/structured-logging)."""

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        if record.exc_info:
            message += "\n" + self.formatException(record.exc_info)
        entry: dict[str, object] = {
            "severity": record.levelname,
            "message": message,
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            **_fields(record),
        }
        masked = {name: _masked(value) if isinstance(value, str) else value for name, value in entry.items()}
        return json.dumps(masked, ensure_ascii=False)


class _Terminal(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields = " ".join(f"{name}={value}" for name, value in _fields(record).items())
        at = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        text = f"{at} {record.levelname:<7} {record.getMessage()}  {fields}".rstrip()
        return _masked(f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text)


def configure() -> None:
    """Send the log to standard error, in the form that suits who reads it. Calling it again changes nothing."""
    if _LOGGER.handlers:
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Terminal() if sys.stderr.isatty() else _CloudLogging())
    _LOGGER.addHandler(handler)
    _LOGGER.setLevel(logging.INFO)
    _LOGGER.propagate = False


def hide(*secrets: str, lasts: float = math.inf) -> None:
    """Have these never shown, wherever they turn up: in the traceback of a library, for one.

    Args:
        secrets: what is hidden.
        lasts: seconds after which they are of no use to anybody, and forgotten: each costs every line a little.
    """
    global _hidden
    # An error may quote them as Python or JSON writes them.
    forms = {form for one in secrets if one for form in (one, repr(one)[1:-1], json.dumps(one)[1:-1])}
    now = time.monotonic()
    with _LOCK:
        _ENDS.update({form: max(now + lasts, _ENDS.get(form, 0)) for form in forms})
        for form in [form for form, end in _ENDS.items() if end <= now]:
            del _ENDS[form]
        _hidden = tuple(sorted(_ENDS, key=len, reverse=True))


def info(message: str, **fields: object) -> None:
    """Log that something happened; `fields` such as application, revision, delivery, duration (seconds)."""
    _LOGGER.info(message, extra={"fields": fields})


def warning(message: str, *, trace: bool = False, **fields: object) -> None:
    """Log something that a person should look at, but that stopped nothing; `trace` as in `error`."""
    _LOGGER.warning(message, exc_info=trace, extra={"fields": fields})


def seldom(message: str, **fields: object) -> None:
    """Log a warning that anybody on the internet can cause, so that nobody fills the log, which costs money and time.

    Each text comes at most once a second, with how many times it was left out before; there are but a few texts.
    """
    now = time.monotonic()
    again, left_out = _SELDOM.get(message, (now, 0))
    if now < again:
        _SELDOM[message] = again, left_out + 1
        return
    _SELDOM[message] = now + 1, 0
    told = f"{message} ({left_out} more since the last such line)" if left_out else message
    _LOGGER.warning(told, extra={"fields": fields})


def error(message: str, *, trace: bool = False, **fields: object) -> None:
    """Log a failure; `trace` adds where in the code, for a fault of our own."""
    _LOGGER.error(message, exc_info=trace, extra={"fields": fields})


def _masked(text: str) -> str:
    for secret in _hidden:
        text = text.replace(secret, MASK)
    return text


def _fields(record: logging.LogRecord) -> dict[str, object]:
    fields: dict[str, object] = getattr(record, "fields", {})
    return {name: value for name, value in fields.items() if value not in ("", None)}
