"""Which applications an event concerns."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from deployer.application import Application
from deployer.job import Job
from deployer.source import HEAD
from deployer.versions import parse_range, parse_version
from deployer.webhook import Event

_MOST_NAMES = 10
"""Applications that a reason names."""


@dataclass(frozen=True)
class Routed:
    """The jobs of an event; `reason` says why there are none, and is `""` otherwise."""

    jobs: tuple[Job, ...] = ()
    reason: str = ""


def watches(target_revision: str, ref: str, default_branch: str) -> bool:
    """Say whether a push to `ref` (a full one, such as `refs/heads/main`) may move what `target_revision` points at.

    `HEAD` is the default branch; a short name is a branch or a tag, as it is for Git; a range of versions moves with
    each tag that fits it, and is the branch or tag of that name where none does.
    """
    if target_revision == HEAD:
        return ref == f"refs/heads/{default_branch}"
    wanted = parse_range(target_revision)
    if wanted and ref.startswith("refs/tags/") and (version := parse_version(ref.removeprefix("refs/tags/"))):
        return wanted.fits(version)
    return ref in (target_revision, f"refs/heads/{target_revision}", f"refs/tags/{target_revision}")


def route(event: Event, applications: Iterable[Application]) -> Routed:
    """Return the jobs that an event makes.

    A push is for each application that watches the ref; the end of a check for those that require it, whatever the
    branch, since the commit may be on others as well; a Deployment for the application that its environment names.
    """
    mine = [application for application in applications if application.source.repository == event.repository]
    match event.kind:
        case "push":
            return _of_push(event, mine)
        case "deployment":
            return _of_deployment(event, mine)
        case _:
            return _of_check(event, mine)


def _of_push(event: Event, mine: Sequence[Application]) -> Routed:
    watching = [one for one in mine if watches(one.source.target_revision, event.ref, event.default_branch)]
    reason = f"push to {event.ref} of {event.repository}"
    jobs = tuple(
        Job(one.name, reason, delivery=event.delivery, before=event.before, after=event.after) for one in watching
    )
    return Routed(jobs, "" if jobs else f"no application watches {event.ref} of {event.repository}")


def _of_check(event: Event, mine: Sequence[Application]) -> Routed:
    """An event about several checks, which are not named, is for each application that requires any."""
    requiring = [one for one in mine if (event.check in one.require_checks if event.check else one.require_checks)]
    reason = f"{' '.join(filter(None, (event.kind, event.check)))} of {event.repository}"
    # The commit of a check may be of any branch: it says nothing of the watched ref.
    jobs = tuple(Job(one.name, reason, delivery=event.delivery) for one in requiring)
    required = f"the check {event.check}" if event.check else "a check"
    return Routed(jobs, "" if jobs else f"no application of {event.repository} requires {required}")


def _of_deployment(event: Event, mine: Sequence[Application]) -> Routed:
    reason = f"deployment {event.deployment} of {event.repository}"
    asked = tuple(
        Job(one.name, reason, delivery=event.delivery, deployment=event.deployment)
        for one in mine
        if one.name == event.environment
    )
    if asked:
        return Routed(asked)
    names = ", ".join(one.name for one in mine[:_MOST_NAMES])
    more = f" and {len(mine) - _MOST_NAMES} more" if len(mine) > _MOST_NAMES else ""
    there = f"there are {names}{more}" if mine else "there is none"
    return Routed(reason=f"{event.environment}, the environment of {reason}, names no application of it; {there}")
