"""One job: an application's watched ref → its commit → files → manifests → cluster → commit status."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace

from deployer.cluster.hold import Hold
from deployer.configuration import Placement
from deployer.errors import (
    BusyError,
    ConfigurationError,
    DeletedError,
    DeployerError,
    HeldBackError,
    RenderError,
    SourceError,
    StaysError,
    SupersededError,
)
from deployer.github.statuses import State
from deployer.report.command import Asked
from deployer.report.commit import CommitStatus, commit_status
from deployer.settings import Settings
from deployer.sync.connections import open_github
from deployer.sync.how import Deployed, How
from deployer.sync.job import Job
from deployer.sync.result import Progress, Step
from deployer.sync.rollback import BY_HAND, BY_ITSELF, rolls_back
from deployer.sync.superseded import tell_passed_over, tell_superseded
from deployer.sync.timing import timed
from deployer.sync.wanted import already_there, pause, rest, settled

_FAILURES = (RenderError, DeletedError, SupersededError, StaysError, HeldBackError)
"""What is no fault of ours or of a neighbour's."""


def state_of(error: DeployerError) -> State:
    """Return what a commit is told where that came of it."""
    return "failure" if isinstance(error, _FAILURES) else "error"


def deploy(
    placement: Placement,
    settings: Settings,
    how: How,
    progress: Progress,
    turn: AbstractContextManager[object] | None = None,
) -> Deployed:
    """Bring an application's cluster to the commit that its watched ref points at now, and tell that commit.

    Args:
        placement: the application, and where it goes.
        settings: GitHub and Secret Manager.
        how: why, for how long, and with what leave.
        progress: told of each step.
        turn: held while the ref is read and the objects are written, so that an older job never writes after a
            newer one.

    Returns:
        What became of it, also where objects were refused or did not get healthy.

    Raises:
        DeployerError: it came to nothing; the commit, where it is known, has been told so.
        BusyError: another sync is under way; the commit stays pending.
        DeletedError: the application was deleted, and stays so until its ref moves.
        HeldBackError: a sync window does not let the commit that the ref points at by now go ahead.
        StaysError: the commit that the ref points at is not to be deployed, or not yet.
    """
    with open_github(settings) as github, ExitStack() as held:
        job = Job(placement, settings, how, github)
        if turn:
            held.enter_context(turn)
        with job.asking():
            try:
                return _deploy(job, progress, held.close)
            except SupersededError:
                # The next job is waiting, for the commit that has come between: where pushes come that fast, more will.
                time.sleep(rest(how))
                raise


def _deploy(job: Job, progress: Progress, on_written: Callable[[], None]) -> Deployed:
    """Find out what the application is to have, and carry that out; `on_written` lets other jobs write."""
    how, github, placement = job.how, job.github, job.placement
    commit = job.resolve(how.before)
    if how.pushed and (there := already_there(job, commit)):
        tell_superseded(github, placement, commit, how, there.before)
        return there
    if seconds := pause(job, commit):
        with timed(job.durations, "pause"):
            time.sleep(seconds)
        commit = job.resolve(how.before)
    wanted = commit if how.rollback is not None else settled(job, commit, tell=not how.dry_run)
    if how.revision not in ("", wanted):
        if how.held_back:
            raise HeldBackError(f"the ref has moved to {wanted[:7]}, whose sync is {how.held_back}")
        how = replace(how, why="the ref has moved", waited=0.0, told=None, heals=0)
        job = job.again(how)
    hold = job.back(commit) if how.rollback is not None else None
    if how.dry_run:
        return job.carry_out(wanted, progress, on_written, hold)
    status = commit_status(github, placement, wanted, how.told)
    try:
        deployed = _told(job, wanted, status, hold, progress, on_written)
    except (BusyError, SupersededError) as error:
        error.kept = error.kept or status.kept
        tell_passed_over(github, placement, _newest(job, wanted), how, job.inventory())
        raise
    except DeployerError as error:
        # Where many applications have one status, the schedule tells it, as it knows of what was not synced.
        error.kept = error.kept or status.kept or placement.together
        tell_superseded(github, placement, wanted, how, job.inventory())
        raise
    newest = _newest(job, wanted) if deployed.result.fault == "overtaken" else wanted
    tell_superseded(github, placement, newest, how, deployed.before)
    return deployed


def _newest(job: Job, wanted: str) -> str:
    """Return the commit that has taken the place of all before, where somebody else is deploying it."""
    try:
        return job.resolve("")
    except SourceError:
        return wanted


def _told(
    job: Job,
    commit: str,
    status: CommitStatus,
    hold: Hold | None,
    progress: Progress,
    on_written: Callable[[], None],
) -> Deployed:
    """Carry a job out, and tell its commit how it begins, what holds it up, and how it ends."""
    with status:
        status.begin(_begun(job))
        try:
            deployed = job.carry_out(commit, _telling(status, progress), on_written, hold)
            if job.application.rollback and rolls_back(deployed):
                deployed = _return(job, deployed, commit, progress)
        except BusyError:
            raise  # who keeps this sync out, or else the next reconcile, tells the commit
        except DeployerError as error:
            status.end(state_of(error), str(error))
            raise
        except BaseException:  # Ctrl-C, too: nobody else would end what is pending
            status.end("error", "the deployer was stopped, or failed in a way it should not; its log says more")
            raise
        status.end(deployed.state, deployed.message)
    return deployed


def _begun(job: Job) -> str:
    """Say that a job has begun; whoever has asked for it by hand looks for these words, since others tell, too."""
    how, cluster = job.how, job.cluster.name
    if how.release or (how.rollback is not None and how.why == BY_HAND):
        return Asked("sync", how.who, cluster).begun()
    return f"deploying to {cluster}"


def _return(job: Job, failed: Deployed, commit: str, progress: Progress) -> Deployed:
    """Return to the last commit that was healthy. However that ends, the one that was to be deployed has failed."""
    why = f"{BY_ITSELF}: {failed.message}"
    how = replace(job.how, rollback=0, why=why, waited=0.0, told=None, hooks="always", timeout=None)
    back = Job(job.placement, job.settings, how, job.github)  # which asks anew: much has been written since
    try:
        hold = back.back(commit)
    except (ConfigurationError, StaysError) as error:
        return replace(failed, message=f"{failed.message}; not rolled back: {error}")
    progress(Step(f"rolling back, since {why}"))
    returned = back.carry_out(commit, progress, lambda: None, hold)
    result = replace(returned.result, outcome="failed", message=returned.message)
    return replace(returned, result=result, before=failed.before)


def _telling(status: CommitStatus, progress: Progress) -> Progress:
    """Progress that tells the commit, too, what holds it up."""

    def tell(step: Step) -> None:
        progress(step)
        if step.reason:
            status.held_up(step.reason)

    return tell
