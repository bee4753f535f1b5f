"""The history of an application, as its inventory keeps it: JSON, the newest sync first, and bounded. Pure.

What is read may have been written by anybody who may write ConfigMaps there, so it is believed no more than it must be.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import takewhile
from typing import Any, Literal, get_args

from deployer.cluster.stored import (
    LONGEST_ERROR,
    MALFORMED,
    count,
    dumped,
    duration,
    kept_text,
    kept_time,
    one_of,
    read_time,
)

Result = Literal["succeeded", "failed", "unfinished"]

Fault = Literal["", "health", "hook", "overtaken", "lost"]
"""Of what sort an error is: objects that did not get healthy, a hook that failed, a newer sync that has begun, a
cluster that is out of reach, or any other (`""`)."""

CHANGES: tuple[Literal["created", "updated", "pruned"], ...] = ("created", "updated", "pruned")
"""The actions that write: an object that met one of them was changed."""

DELETION = "deployer delete"
"""Why a sync was done that is none: all of the application was deleted, as far as its counts say."""

MAX_BYTES = 500_000
"""Bytes that a history may have; the whole ConfigMap may have 1 MiB (https://kubernetes.io/docs/concepts/configuration/configmap/)."""


@dataclass(frozen=True)
class Entry:
    """One sync that has ended; `unfinished` is one whose rollout outlived it.

    `why` is the job's reason and `who` the person or the event behind it; `counts` are objects by action, `durations`
    seconds by step, and `error` is the first one. `heals` says how often the same drift was healed before, in a row:
    of these only the last is kept. `id` is what a person calls it by, 0 before it is in a history. `fault` is of what
    sort the error is, and `operation` the id that the sync had while it was under way. `tries` says how often the same
    has failed in a row, the last time at `when`.
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
    fault: Fault = ""
    operation: str = ""
    tries: int = 1

    @property
    def deletion(self) -> bool:
        """Whether the application was deleted, instead of synced."""
        return self.why == DELETION


def added(history: Sequence[Entry], entry: Entry, limit: int) -> tuple[Entry, ...]:
    """Put a sync on top of a history.

    One that tells nothing new is left out, so that a check that finds nothing to do writes nothing: the revision,
    the result and the error are those of the newest entry, and no object was changed. A failure is counted instead.

    It gets the next number as its id, as Argo CD's do. So an entry keeps its id when older ones drop off, and two
    syncs of one revision can be told apart.

    Args:
        history: what is there, the newest first.
        entry: what to add; long texts are cut.
        limit: how many entries to keep (`revisionHistoryLimit`). The last that succeeded is kept among them, instead
            of the oldest, however many have failed since: it is what a rollback returns to. So two may be kept instead
            of one.
    """
    entry = _bounded(entry)
    if history and _told(entry) == _told(history[0]) and not _changed(entry):
        again = replace(history[0], when=entry.when, tries=history[0].tries + 1)
        return (again if entry.result == "failed" else history[0], *history[1:limit])
    if entry.heals and history and (history[0].why, history[0].heals) == (entry.why, entry.heals - 1):
        history = history[1:]  # or somebody who fights back would push all else out
    entries = [replace(entry, id=max((one.id for one in history), default=0) + 1), *history]
    kept = entries[:limit]
    if kept and all(one.result != "succeeded" for one in kept):
        good = [one for one in entries if one.result == "succeeded"][:1]
        kept = [*kept[: max(1, limit - len(good))], *good]
    return tuple(kept)


def first_sync(history: Sequence[Entry], revision: str) -> datetime | None:
    """Say when a revision was first synced, of the last time that it was deployed; None where the last was another."""
    run = list(takewhile(lambda entry: entry.revision == revision, history))
    return run[-1].when if run else None


def dump_history(history: Sequence[Entry]) -> str:
    """Write a history as a JSON list, a line each; what is beyond `MAX_BYTES` is left out, the oldest first."""
    lines, size = [], 2
    for entry in history:
        line = dumped(asdict(entry))
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
    except MALFORMED:
        return (), "its history cannot be read, and the next sync begins a new one"
    entries = [entry for entry in map(_entry, values) if entry]
    unread = len(values) - len(entries)
    warning = f"{unread} of {len(values)} entries of its history cannot be read; the next sync removes them"
    return tuple(entries), warning if unread else ""


def _bounded(entry: Entry) -> Entry:
    return Entry(
        revision=kept_text(entry.revision),
        when=kept_time(entry.when),
        why=kept_text(entry.why),
        who=kept_text(entry.who),
        result=entry.result,
        counts=dict(entry.counts),
        durations={step: round(seconds, 3) for step, seconds in entry.durations.items()},
        error=kept_text(entry.error, LONGEST_ERROR),
        heals=entry.heals,
        id=entry.id,
        fault=entry.fault,
        operation=kept_text(entry.operation),
        tries=entry.tries,
    )


def failures(history: Sequence[Entry], revision: str) -> tuple[int, datetime | None]:
    """Say how often a revision has failed since anything else, and when last; one that was superseded has not."""
    run = takewhile(lambda one: one.revision == revision and one.result == "failed", history)
    failed = [one for one in run if one.fault != "overtaken"]
    return sum(one.tries for one in failed), failed[0].when if failed else None


def _told(entry: Entry) -> tuple[str, str, str]:
    return entry.revision, entry.result, entry.error


def _changed(entry: Entry) -> bool:
    return any(map(entry.counts.get, CHANGES))


def _entry(value: Any) -> Entry | None:
    try:
        return _bounded(
            Entry(
                revision=value["revision"],
                when=read_time(value["when"]),
                why=value["why"],
                who=value["who"],
                result=one_of(value["result"], get_args(Result)),
                counts={kept_text(action): count(number) for action, number in value["counts"].items()},
                durations={kept_text(step): duration(number) for step, number in value["durations"].items()},
                error=value["error"],
                heals=count(value["heals"]),
                id=count(value["id"]),
                fault=one_of(value.get("fault", ""), get_args(Fault)),
                operation=value.get("operation", ""),
                tries=max(1, count(value.get("tries", 1))),
            )
        )
    except MALFORMED:
        return None
