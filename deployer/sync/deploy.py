"""One job: an application's watched ref → its commit → files → manifests → cluster → commit status."""

from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace

from deployer.configuration import Placement
from deployer.errors import BusyError, ConfigurationError, DeletedError, DeployerError, HeldBackError, RenderError
from deployer.github.client import GitHub
from deployer.github.statuses import State
from deployer.report.commit import CommitStatus
from deployer.settings import Settings
from deployer.sync.connections import open_github
from deployer.sync.how import Deployed, How
from deployer.sync.job import Job
from deployer.sync.overtaken import tell_overtaken
from deployer.sync.result import Progress, Step
from deployer.sync.rollback import BY_ITSELF, rolls_back


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
    """
    with open_github(settings) as github, ExitStack() as held:
        job = Job(placement, settings, how, github)
        if turn:
            held.enter_context(turn)
        commit = job.resolve(how.before)
        if how.revision not in ("", commit):
            if how.held_back:
                raise HeldBackError(f"the ref has moved to {commit[:7]}, whose sync is {how.held_back}")
            how = replace(how, why="the ref has moved", waited=0.0, told=None, heals=0)
            job = Job(placement, settings, how, github)
        hold = job.back(commit) if how.rollback is not None else None
        if how.dry_run:
            return job.carry_out(commit, progress, held.close, hold)
        application = placement.application
        with CommitStatus(github, application.source.repository, commit, application.name, how.told) as status:
            status.begin(f"deploying to {placement.cluster.name}")
            try:
                deployed = job.carry_out(commit, _telling(status, progress), held.close, hold)
                if application.rollback and rolls_back(deployed):
                    deployed = _return(placement, settings, how, deployed, commit, github, progress)
            except BusyError:
                raise  # who keeps this sync out, or else the next reconcile, tells the commit
            except DeployerError as error:
                status.end("failure" if isinstance(error, RenderError | DeletedError) else "error", str(error))
                raise
            except BaseException:  # Ctrl-C, too: nobody else would end what is pending
                status.end("error", "the deployer was stopped, or failed in a way it should not; its log says more")
                raise
            status.end(_state(deployed), deployed.message)
            if (inventory := deployed.result.inventory) and not deployed.hold:
                tell_overtaken(github, application, deployed.revision, inventory.history)
            return deployed


def _return(
    placement: Placement,
    settings: Settings,
    how: How,
    failed: Deployed,
    commit: str,
    github: GitHub,
    progress: Progress,
) -> Deployed:
    """Return to the last commit that was healthy. However that ends, the one that was to be deployed has failed."""
    why = f"{BY_ITSELF}: {failed.message}"
    again = replace(how, rollback=0, why=why, waited=0.0, told=None, hooks="always", timeout=None)
    job = Job(placement, settings, again, github)
    try:
        hold = job.back(commit)
    except ConfigurationError as error:
        return replace(failed, message=f"{failed.message}; not rolled back: {error}")
    progress(Step(f"rolling back, since {why}"))
    back = job.carry_out(commit, progress, lambda: None, hold)
    return replace(back, result=replace(back.result, outcome="failed", message=back.message))


def _state(deployed: Deployed) -> State:
    result = deployed.result
    if deployed.hold:
        return "failure"  # whatever became of the other commit, this one is not what is deployed
    if result.outcome == "unfinished":
        return "pending" if result.message else "success"  # without one, nobody wanted to wait
    return "success" if result.outcome == "succeeded" else "failure"


def _telling(status: CommitStatus, progress: Progress) -> Progress:
    """Progress that tells the commit, too, what holds it up."""

    def tell(step: Step) -> None:
        progress(step)
        if step.reason:
            status.held_up(step.reason)

    return tell
