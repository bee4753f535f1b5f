"""What travels through Pub/Sub: events and jobs as JSON, with the attributes that subscriptions filter by. Pure.

One topic has all of it. An event has no attribute; a job has the `cluster` that it is about, so that each cluster has a
subscription of its own (`attributes.cluster = "NAME"`), and one that is slow delays nobody else's. Jobs are ordered by
application.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, NoReturn, TypeVar, get_args, get_origin, get_type_hints

from deployer.job import Job, JobOptions
from deployer.repository import Repository, is_commit
from deployer.webhook import Event

CLUSTER = "cluster"
"""The attribute that names a job's cluster."""

MAX_DATA = 64 * 1024
"""Bytes of a message's data: ours are far smaller, and a larger one is none of ours."""

_T = TypeVar("_T")


class UnreadableError(Exception):
    """The data is no event and no job; the text says why, and never quotes it."""


@dataclass(frozen=True)
class Message:
    """A message as it is published: its data, its attributes, and its ordering key (`""` is none)."""

    data: bytes
    attributes: Mapping[str, str]
    ordering_key: str = ""


def of_event(event: Event) -> Message:
    """Return the message that carries an event."""
    return Message(_dumped({"event": asdict(event)}), {})


def of_job(job: Job, cluster: str) -> Message:
    """Return the message that carries a job about an application of a cluster."""
    return Message(_dumped({"job": asdict(job)}), {CLUSTER: cluster}, job.application)


def parse(data: bytes) -> Event | Job:
    """Read what a message carries.

    Fields that are not known are left out: the one who published it may be newer.

    Raises:
        UnreadableError: it is neither an event nor a job.
    """
    if len(data) > MAX_DATA:
        raise UnreadableError(f"it has {len(data)} bytes, more than {MAX_DATA}")
    try:
        match json.loads(data, parse_constant=_no_number):
            case {"event": dict(event)}:
                return _made(Event, {**event, "repository": _made(Repository, event.get("repository"))})
            case {"job": dict(job)}:
                return _checked(_made(Job, {**job, "options": _made(JobOptions, job.get("options", {}))}))
    except (ValueError, TypeError, RecursionError) as error:
        raise UnreadableError(f"it is malformed ({type(error).__name__})") from None
    raise UnreadableError("it is neither an event nor a job")


def _checked(job: Job) -> Job:
    """The job; raises ValueError where one of its commits, which stand in addresses, is none, or its time is none."""
    seconds = job.options.timeout or 0.0
    if not all(not one or is_commit(one) for one in (job.before, job.after, job.at)) or not 0 <= seconds < 1e9:
        raise ValueError
    return job


def _made(kind: type[_T], value: Any) -> _T:
    """Make a dataclass of a JSON object; raises TypeError where a field is missing, or of another type."""
    if not isinstance(value, dict):
        raise TypeError
    hints = get_type_hints(kind)
    known = {name: value[name] for name in hints if name in value}
    if not all(_fits(one, hints[name]) for name, one in known.items()):
        raise TypeError
    return kind(**known)


def _fits(value: Any, hint: Any) -> bool:
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if isinstance(value, bool):  # which Python takes for a number
        return hint is bool
    # JSON writes no point into whole numbers.
    return isinstance(value, hint) or (isinstance(value, int) and float in get_args(hint))


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def _dumped(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
