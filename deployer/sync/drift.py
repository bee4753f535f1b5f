"""Which fields of a live object are not as they should be, and who made them so, as far as the object tells. Pure."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from deployer.cluster.objects import FIELD_MANAGER
from deployer.masking import mask_objects
from deployer.sync.diff import step
from deployer.sync.field_set import MISSING, entries, fields, holds
from deployer.sync.ownership import Mismatch, mismatches
from deployer.sync.take_over import taken_over

_LONGEST_VALUE = 60  # characters, in a sentence


@dataclass(frozen=True)
class FieldChange:
    """A field that an apply would, or might, change.

    `path` is such as `spec.template.spec.containers[name=web].image`; `live` and `desired` are JSON values, None where
    the field is absent, and equal where only its owner would change; values of Secrets are masked. `manager` is the
    field manager that has set the live value: `deployer` where it is the source that has changed since, `""` where
    that is unknown. `time` is when that manager last wrote the object, as in RFC 3339; `""` where that is unknown.
    """

    path: str
    live: Any
    desired: Any
    manager: str
    time: str


def changes(body: Mapping[str, Any], live: Mapping[str, Any]) -> list[FieldChange]:
    """Find the fields that an apply of an object would, or might, change.

    Args:
        body: the desired object, as it would be applied.
        live: the same object as the cluster has it, with `managedFields`.

    Returns:
        The changes; there are none exactly where `unchanged` says so. A removed field leaves no trace of who removed
        it, and an entry for the subresource `scale` has no time.
    """
    live, body = mask_objects(live, body)
    return [
        FieldChange(readable(one.path), _json(one.live), _json(one.desired), *_author(live, one.path))
        for one in _mismatches(body, live)
    ]


def _mismatches(body: Mapping[str, Any], live: Mapping[str, Any]) -> Iterable[Mismatch]:
    found = {one.path: one for one in mismatches(body, live)}
    if found and (taken := taken_over(live, body)) is not live:
        # What another tool has written becomes ours first, and what is not in the source goes with it.
        found = {one.path: one for one in mismatches(body, taken)} | found
    return found.values()


def in_words(change: FieldChange, now: datetime) -> str:
    """Say what became of a field, and who did it.

    Args:
        change: the field.
        now: in UTC; another day is named.

    Returns:
        Such as `spec.replicas 3 → 5 by kubectl-edit at 10:03`.
    """
    when = f" at {_moment(change.time, now)}" if change.time else ""
    if change.live == change.desired:
        return f"{change.path} {_value(change.live)} taken over by {change.manager or 'unknown'}{when}"
    return f"{change.path} {_value(change.desired)} → {_value(change.live)} by {change.manager or 'unknown'}{when}"


def readable(path: tuple[str, ...]) -> str:
    """Write a path of elements as in `managedFields` for people, such as `spec.ports[port=80,protocol=TCP].name`.

    A key that is more than letters, digits, `_` and `-` is quoted as in JSON: `metadata.annotations["a.b/c"]`.
    """
    return "".join(map(_step, path)).removeprefix(".")


def _step(element: str) -> str:
    kind, name = element[:2], element[2:]
    if kind == "f:":
        return step(name)
    if kind == "k:":
        return "[" + ",".join(f"{key}={_plain(value)}" for key, value in json.loads(name).items()) + "]"
    return f"[value={_plain(json.loads(name))}]" if kind == "v:" else f"[{name}]"


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _author(live: Mapping[str, Any], path: tuple[str, ...]) -> tuple[str, str]:
    """The manager that has set a field, and when it last wrote the object."""
    owners = [
        (one.get("manager") == FIELD_MANAGER and one.get("operation") == "Apply", str(one.get("time") or ""), one)
        for one in entries(live)
        if holds(fields(one), path)
    ]
    # As long as we own it, nobody else has set another value; of the others, who wrote last may have set it.
    _, time, one = max(owners, key=lambda owner: owner[:2], default=(False, "", {}))
    return str(one.get("manager") or ""), time


def _json(value: Any) -> Any:
    return None if value is MISSING else value


def _value(value: Any) -> str:
    if value is None:
        return "absent"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"


def _moment(time: str, now: datetime) -> str:
    day, clock = time[:10], time[11:16]
    return clock if day == now.strftime("%Y-%m-%d") else f"{day} {clock}"
