"""What travels through Pub/Sub: events and jobs as JSON, with the attributes that subscriptions filter by. Pure.

One topic has all of it. An event has no attribute; a job has the `cluster` that it is about, so that each cluster has a
subscription of its own (`attributes.cluster = "NAME"`), and one that is slow delays nobody else's. Jobs are ordered by
application.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, get_args

from deployer.job import Action, Job, JobOptions
from deployer.repository import Repository
from deployer.webhook import Event

CLUSTER = "cluster"
"""The attribute that names a job's cluster."""

MAX_DATA = 64 * 1024
"""Bytes of a message's data: ours are far smaller, and a larger one is none of ours."""


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
        value = json.loads(data)
        match value:
            case {"event": dict(event)}:
                return Event(**{**_known(Event, event), "repository": Repository(**event["repository"])})
            case {"job": dict(job)}:
                return _job(job)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise UnreadableError(f"it is malformed ({type(error).__name__})") from None
    raise UnreadableError("it is neither an event nor a job")


def _job(value: Mapping[str, Any]) -> Job:
    job = Job(**{**_known(Job, value), "options": JobOptions(**_known(JobOptions, value.get("options", {})))})
    if job.action not in get_args(Action):
        raise ValueError
    return job


def _known(kind: type[Any], value: Mapping[str, Any]) -> dict[str, Any]:
    return {one.name: value[one.name] for one in fields(kind) if one.name in value}


def _dumped(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
