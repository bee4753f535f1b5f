"""The history of an application, as its inventory keeps it: JSON, the newest sync first, and bounded. Pure.

What is read may have been written by anybody who may write ConfigMaps there, so it is believed no more than it must be.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from itertools import takewhile
from typing import Any, Literal, get_args

Result = Literal["succeeded", "failed", "unfinished"]

CHANGES: tuple[Literal["created", "updated", "pruned"], ...] = ("created", "updated", "pruned")
"""The actions that write: an object that met one of them was changed."""

LONGEST_ERROR = 500
"""Characters that are kept of an error."""

LONGEST_TEXT = 200
"""Characters that are kept of any other text."""

MAX_BYTES = 500_000
"""Bytes that a history may have; the whole ConfigMap may have 1 MiB (https://kubernetes.io/docs/concepts/configuration/configmap/)."""

_MALFORMED = (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)
"""What reading something else than what was written may raise."""


@dataclass(frozen=True)
class Entry:
    """One sync that has ended; `unfinished` is one whose rollout outlived it.

    `why` is the job's reason and `who` the person or the event behind it; `counts` are objects by action, `durations`
    seconds by step, and `error` is the first one. `heals` says how often the same drift was healed before, in a row:
    of these only the last is kept. `id` is what a person calls it by, 0 before it is in a history.
    """

    revision: str
    when: datetime
    why: str
    who: str
    result: Result
    counts: Mapping[str, int]
    durations: Mapping[str, float]
    error: str = ""
    heals: int = 0
    id: int = 0


@dataclass(frozen=True)
class Operation:
    """A sync that is under way, or was when it was killed; `holder` is who does it."""

    revision: str
    since: datetime
    holder: str
    why: str


def added(history: Sequence[Entry], entry: Entry, limit: int) -> tuple[Entry, ...]:
    """Put a sync on top of a history.

    One that tells nothing new is left out, so that a check that finds nothing to do writes nothing: the revision,
    the result and the error are those of the newest entry, and no object was changed.

    It gets the next number as its id, as Argo CD's do. So an entry keeps its id when older ones drop off, and two
    syncs of one revision can be told apart.

    Args:
        history: what is there, the newest first.
        entry: what to add; long texts are cut.
        limit: how many entries to keep (`revisionHistoryLimit`). The last that succeeded is kept among them, instead
            of the oldest, however many have failed since: it is what a rollback returns to.
    """
    entry = _bounded(entry)
    if history and _told(entry) == _told(history[0]) and not _changed(entry):
        return tuple(history[:limit])
    if entry.heals and history and (history[0].why, history[0].heals) == (entry.why, entry.heals - 1):
        history = history[1:]  # or somebody who fights back would push all else out
    entries = [replace(entry, id=max((one.id for one in history), default=0) + 1), *history]
    kept = entries[:limit]
    if kept and all(one.result != "succeeded" for one in kept):
        kept[-1:] = [one for one in entries if one.result == "succeeded"][:1] or kept[-1:]
    return tuple(kept)


def first_sync(history: Sequence[Entry], revision: str) -> datetime | None:
    """Say when a revision was first synced, of the last time that it was deployed; None where the last was another."""
    run = list(takewhile(lambda entry: entry.revision == revision, history))
    return run[-1].when if run else None


def dump_history(history: Sequence[Entry]) -> str:
    """Write a history as a JSON list, a line each; what is beyond `MAX_BYTES` is left out, the oldest first."""
    lines, size = [], 2
    for entry in history:
        line = _dumped(asdict(entry))
        size += len(line.encode()) + 2
        if size > MAX_BYTES:
            break
        lines.append(line)
    return "[" + ",\n".join(lines) + "]"


def parse_history(text: str) -> tuple[tuple[Entry, ...], str]:
    """Read a history.

    Returns:
        The entries that can be read, and a warning about the others; `""` where there are none.
    """
    try:
        values = json.loads(text or "[]")
        if not isinstance(values, list):
            raise TypeError
    except _MALFORMED:
        return (), "its history cannot be read, and the next sync begins a new one"
    entries = [entry for entry in map(_entry, values) if entry]
    unread = len(values) - len(entries)
    warning = f"{unread} of {len(values)} entries of its history cannot be read; the next sync removes them"
    return tuple(entries), warning if unread else ""


def dump_operation(operation: Operation | None) -> str:
    """Write the operation under way as JSON; `""` where there is none."""
    return _dumped(asdict(operation)) if operation else ""


def parse_operation(text: str) -> tuple[Operation | None, str]:
    """Read the operation under way; the text is a warning, as with `parse_history`."""
    if not text:
        return None, ""
    try:
        value = json.loads(text)
        return bounded(Operation(value["revision"], _time(value["since"]), value["holder"], value["why"])), ""
    except _MALFORMED:
        return None, "the operation under way cannot be read; the next sync removes it"


def bounded(operation: Operation) -> Operation:
    """The operation as it is kept: long texts are cut, and the time is in UTC, to the second."""
    return Operation(
        _text(operation.revision), _seconds(operation.since), _text(operation.holder), _text(operation.why)
    )


def _bounded(entry: Entry) -> Entry:
    return Entry(
        revision=_text(entry.revision),
        when=_seconds(entry.when),
        why=_text(entry.why),
        who=_text(entry.who),
        result=entry.result,
        counts=dict(entry.counts),
        durations={step: round(seconds, 3) for step, seconds in entry.durations.items()},
        error=_text(entry.error, LONGEST_ERROR),
        heals=entry.heals,
        id=entry.id,
    )


def _told(entry: Entry) -> tuple[str, str, str]:
    return entry.revision, entry.result, entry.error


def _changed(entry: Entry) -> bool:
    return any(map(entry.counts.get, CHANGES))


def _entry(value: Any) -> Entry | None:
    try:
        result = value["result"]
        if result not in get_args(Result):
            raise ValueError
        return _bounded(
            Entry(
                revision=value["revision"],
                when=_time(value["when"]),
                why=value["why"],
                who=value["who"],
                result=result,
                counts={_text(action): _count(number) for action, number in value["counts"].items()},
                durations={_text(step): _duration(number) for step, number in value["durations"].items()},
                error=value["error"],
                heals=_count(value["heals"]),
                id=_count(value["id"]),
            )
        )
    except _MALFORMED:
        return None


def _dumped(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, default=lambda time: time.isoformat().replace("+00:00", "Z"))


def _text(value: Any, longest: int = LONGEST_TEXT) -> str:
    if not isinstance(value, str):
        raise TypeError
    text: str = value.encode(errors="replace").decode()  # half a character (a surrogate) cannot be stored
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _time(value: Any) -> datetime:
    time = datetime.fromisoformat(value)
    if time.tzinfo is None:
        raise ValueError
    return time


def _seconds(time: datetime) -> datetime:
    return time.astimezone(UTC).replace(microsecond=0)


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 2**53:  # more than JSON's numbers hold
        raise ValueError
    return value


def _duration(value: Any) -> float:
    seconds = float(value)
    if isinstance(value, str) or not math.isfinite(seconds):
        raise ValueError
    return seconds
