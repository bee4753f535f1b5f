"""A person's command that came to nothing: its commit is told, since whoever follows it waits there for its end.

A sync that has begun tells its end by itself.
"""

from collections.abc import Callable
from typing import TypeVar

from deployer.configuration import Placement
from deployer.errors import BusyError, DeployerError
from deployer.github.revision import resolve
from deployer.github.statuses import State, context_of, read_statuses
from deployer.job import Job
from deployer.report import log
from deployer.report.command import Asked
from deployer.report.commit import commit_status
from deployer.settings import Settings
from deployer.sync.connections import open_github

_T = TypeVar("_T")


def command_of(job: Job, placement: Placement) -> Asked | None:
    """Return the person's command that a job is; None where it is none, or nobody is known to follow it."""
    action = job.action
    if not job.actor or action not in ("sync", "rollback", "delete"):
        return None
    return Asked(action, job.actor, placement.cluster.name)


def carry_out(job: Job, placement: Placement, settings: Settings, act: Callable[[], _T]) -> _T:
    """Do what a job asks for; where that came to nothing before the commit was told an end, it is told so.

    Args:
        job: what is done.
        placement: the application that it is about.
        settings: GitHub.
        act: does it.

    Raises:
        DeployerError: as `act` does; it is `kept` where the commit has been told.
    """
    try:
        return act()
    except DeployerError as error:
        # Who is busy has been told that it began, and no end of its own.
        if isinstance(error, BusyError) or not error.kept:
            error.kept = tell_end(job, placement, settings, str(error)) or error.kept
        raise


def tell_end(job: Job, placement: Placement, settings: Settings, why: str, state: State | None = None) -> bool:
    """Tell the commit that the watched ref points at why a person's command came to nothing, if the job is one.

    Args:
        job: what was to be done.
        placement: the application that it is about.
        settings: GitHub.
        why: it came to nothing.
        state: the commit's from now on; None leaves it as it is: nothing has changed.

    Returns:
        Whether it has been told.
    """
    command = command_of(job, placement)
    if command is None or placement.together:
        return False
    source = placement.application.source
    try:
        with open_github(settings) as github:
            commit = resolve(github, *source.ref)
            told = read_statuses(github, source.repository, commit, context_of(job.application))
            with commit_status(github, placement, commit) as status:
                status.end(state or (told[0].state if told else "failure"), command.in_vain(why))
    except DeployerError as error:
        log.warning(f"{job.actor} could not be told that this came to nothing: {error}", application=job.application)
        return False
    return status.kept
