"""The log: one JSON line an event where a machine collects it, readable text on a terminal."""

import json
import logging
import sys
from datetime import UTC, datetime

_LOGGER = logging.getLogger("deployer")


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
        return json.dumps(entry, ensure_ascii=False)


class _Terminal(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields = " ".join(f"{name}={value}" for name, value in _fields(record).items())
        at = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        text = f"{at} {record.levelname:<7} {record.getMessage()}  {fields}".rstrip()
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text


def configure() -> None:
    """Send the log to standard error, in the form that suits who reads it. Calling it again changes nothing."""
    if _LOGGER.handlers:
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Terminal() if sys.stderr.isatty() else _CloudLogging())
    _LOGGER.addHandler(handler)
    _LOGGER.setLevel(logging.INFO)
    _LOGGER.propagate = False


def info(message: str, **fields: object) -> None:
    """Log that something happened; `fields` such as application, revision, delivery, duration (seconds)."""
    _LOGGER.info(message, extra={"fields": fields})


def warning(message: str, *, trace: bool = False, **fields: object) -> None:
    """Log something that a person should look at, but that stopped nothing; `trace` as in `error`."""
    _LOGGER.warning(message, exc_info=trace, extra={"fields": fields})


def error(message: str, *, trace: bool = False, **fields: object) -> None:
    """Log a failure; `trace` adds where in the code, for a fault of our own."""
    _LOGGER.error(message, exc_info=trace, extra={"fields": fields})


def _fields(record: logging.LogRecord) -> dict[str, object]:
    fields: dict[str, object] = getattr(record, "fields", {})
    return {name: value for name, value in fields.items() if value not in ("", None)}
