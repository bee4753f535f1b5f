"""A person's command that travels through the queue: published as a job, and followed to its end."""

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from deployer.cli.following import CommitWatch, Watch, watch_inventory
from deployer.cli.outcome import person
from deployer.cli.terminal import progress_printer, say
from deployer.configuration import Placement
from deployer.errors import AnswerError, QueueError
from deployer.github.revision import resolve
from deployer.job import Job, JobOptions
from deployer.queue.message import of_job
from deployer.queue.publisher import publisher_of
from deployer.report.command import Action, Asked, Followed
from deployer.settings import Settings
from deployer.sync.by_hand import WHY
from deployer.sync.connections import open_github
from deployer.sync.how import Deployed
from deployer.sync.result import Progress, Step, SyncResult

QUEUE = 300.0
"""Seconds that a job may wait for its turn, and for the schedule that ends its rollout, besides its own time-out."""

_FIRST_PAUSE, _LAST_PAUSE, _GROWTH = 0.5, 5.0, 1.3
_INTERRUPTED = 130


def travels(settings: Settings, *, local: bool, dry_run: bool) -> bool:
    """Say whether a command goes through the queue; a dry-run never does."""
    return settings.queue == "pubsub" and not local and not dry_run


def ask(action: Action, options: JobOptions, placement: Placement, settings: Settings) -> Deployed:
    """Publish a person's command, and follow it to its end, showing its progress.

    Args:
        action: which command it is.
        options: what it asks for, besides.
        placement: the application that it is about.
        settings: GitHub, Pub/Sub and Secret Manager.

    Returns:
        What became of it, without what is not told where it is followed, such as its objects. It is `unfinished`, and
        its result has a message, where no end was told in time.

    Raises:
        QueueError: Pub/Sub does not take it.
        DeployerError: GitHub cannot be asked for the commit; nothing was published.
    """
    application, cluster = placement.application, placement.cluster.name
    command, progress, start = Asked(action, person(), cluster), progress_printer(), time.monotonic()
    with open_github(settings) as github, ExitStack() as stack:
        source = application.source
        commit = resolve(github, *source.ref)
        job = Job(application.name, WHY[action], action, actor=person(), at=commit, options=options)
        watch: Watch
        if placement.together:
            watch = watch_inventory(stack, command, placement, settings, commit)
        else:
            watch = CommitWatch(command, application, github)
        _publish(job, placement, settings)
        progress(Step(f"queued for {cluster}: {action} of {job.application}"))
        with _leaving(job):
            found = followed(watch, _limit(job, placement), progress)
        # As with a sync that runs here: without a message, nobody wanted to wait.
        unwaited = job.options.timeout == 0 and found.result == "succeeded"
        result = SyncResult("unfinished", "") if unwaited else SyncResult(found.result or "unfinished", found.message)
        seconds, requests = time.monotonic() - start, {"github": github.requests}
        revision = found.revision or watch.commit
        return Deployed(job.application, cluster, revision, result, found.message, seconds, requests)


def _publish(job: Job, placement: Placement, settings: Settings) -> None:
    try:
        publisher_of(settings).publish([of_job(job, placement.cluster.name)])
    except QueueError as error:
        told = f"{error}; or run it here, with your own access to {placement.cluster.name}: --local"
        raise QueueError(told, status=error.status, transient=error.transient) from error


def _limit(job: Job, placement: Placement) -> float:
    """Seconds after which its end is waited for no more; where health is not waited for, all else takes its time."""
    return (job.options.timeout or placement.application.timeout) + QUEUE


def followed(watch: Watch, limit: float, progress: Progress) -> Followed:
    """Look again and again until there is an end, or for so many seconds.

    Raises:
        AnswerError: whoever is asked refuses; a fault that may pass is progress, too.
    """
    end, pause = time.monotonic() + limit, _FIRST_PAUSE
    while True:
        try:
            found = watch.look(progress)
            if found.result:
                return found
        except AnswerError as error:
            if not error.transient:
                raise
            progress(Step(f"how it goes on is not known: {error}", reason=str(error)))
        left = end - time.monotonic()
        if left <= 0:
            return Followed("unfinished", f"no end was told in {limit:.0f} s, and what was queued is still to be done")
        time.sleep(min(pause, left))
        pause = min(pause * _GROWTH, _LAST_PAUSE)


@contextmanager
def _leaving(job: Job) -> Iterator[None]:
    """Let Ctrl-C end the watching: the job is on its way."""
    try:
        yield
    except KeyboardInterrupt:
        told = f"the {job.action} of {job.application} goes on without you; `deployer history {job.application}` has it"
        say("interrupted:", told, "yellow")
        sys.exit(_INTERRUPTED)
