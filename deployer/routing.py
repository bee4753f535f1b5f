"""Which applications an event concerns."""

from collections.abc import Iterable
from dataclasses import dataclass

from deployer.annotations import GENERATE_PATHS
from deployer.application import HEAD, Application
from deployer.generate_paths import touched
from deployer.job import Job
from deployer.webhook import Event


@dataclass(frozen=True)
class Routed:
    """The jobs of an event; `reason` says why there are none, and is `""` otherwise.

    `left_out` says of each application that watches the ref, and has no job, why not.
    """

    jobs: tuple[Job, ...] = ()
    reason: str = ""
    left_out: tuple[str, ...] = ()


def watches(target_revision: str, ref: str, default_branch: str) -> bool:
    """Say whether a push to `ref` (a full one, such as `refs/heads/main`) may move what `target_revision` points at.

    `HEAD` is the default branch; a short name is a branch or a tag, as it is for Git.
    """
    if target_revision == HEAD:
        return ref == f"refs/heads/{default_branch}"
    return ref in (target_revision, f"refs/heads/{target_revision}", f"refs/tags/{target_revision}")


def route(event: Event, applications: Iterable[Application]) -> Routed:
    """Return the jobs that an event makes: one for each application that watches the ref, and that it concerns."""
    watching = [
        application
        for application in applications
        if application.source.repository == event.repository
        and watches(application.source.target_revision, event.ref, event.default_branch)
    ]
    if not watching:
        return Routed(reason=f"no application watches {event.ref} of {event.repository}")
    reason = f"{event.kind} to {event.ref} of {event.repository}"
    concerned = [application for application in watching if concerns(event, application)]
    left_out = tuple(
        f"the {reason} touches none of application {one.name}'s {GENERATE_PATHS}: {'; '.join(one.generate_paths)}"
        for one in watching
        if one not in concerned
    )
    jobs = tuple(
        Job(one.name, reason, delivery=event.delivery, before=event.before, after=event.after) for one in concerned
    )
    return Routed(jobs, "" if jobs else "; ".join(left_out), left_out)


def concerns(event: Event, application: Application) -> bool:
    """Say whether an event may change what an application renders to.

    A list of files that is wrong all the same, as after some merges, costs no more than time: reconcile looks at the
    commit, whatever it touches.
    """
    if event.changed is None or not application.generate_paths:
        return True
    return touched(application.generate_paths, event.changed)
