"""Runs jobs, and says in the log what became of them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from deployer.annotations import SKIP_RECONCILE
from deployer.configuration import Placement
from deployer.errors import (
    AnswerError,
    BusyError,
    DeletedError,
    DeployerError,
    HeldBackError,
    StaysError,
    SupersededError,
)
from deployer.github.revision import resolve
from deployer.github.statuses import State
from deployer.job import Job
from deployer.queue import asked, commanded
from deployer.report import log
from deployer.report.command import nothing_of
from deployer.report.commit import commit_status
from deployer.report.drift import drift_in_words, find_drift
from deployer.settings import Settings
from deployer.sync.by_hand import by_hand
from deployer.sync.connections import open_github
from deployer.sync.decision import Decision, decide
from deployer.sync.delete import delete_application
from deployer.sync.deploy import deploy, state_of
from deployer.sync.how import Deployed, How
from deployer.sync.look import Seen, look
from deployer.sync.result import Progress, Step
from deployer.sync.superseded import tell_superseded

PARALLEL = 8
"""Jobs under way at once: an event may concern many applications."""

# Within one process, the jobs of an application take turns: an older one must not write after a newer one.
_TURNS: dict[str, Lock] = {}

_QUIET: dict[type[DeployerError], str] = {
    BusyError: "under way",
    HeldBackError: "out of sync",
    DeletedError: "held",
    StaysError: "stays",
    SupersededError: "superseded",
}
"""What is no fault, and how the application stands then."""


@dataclass(frozen=True)
class Ended:
    """What became of a job.

    `kept` says that the next reconcile knows of it all the same, or that repeating it would not mend it: without, it is
    for the queue to repeat the job.
    """

    outcome: str
    kept: bool = True


def run(job: Job, placement: Placement, settings: Settings, until: float, asked_at: datetime | None = None) -> Ended:
    """Run a job. Whatever happens is told, and raises nothing.

    Args:
        job: what is to be done.
        placement: the application, and where it goes.
        settings: GitHub and Secret Manager.
        until: when to leave what goes on to the next reconcile (`time.monotonic()`).
        asked_at: when somebody has asked for it, where it has travelled.
    """
    about: dict[str, Any] = {"application": job.application, "delivery": job.delivery}
    if job.action != "reconcile":
        log.info(f"looking, because of a {job.reason}", **about)
    by_itself = job.action in ("push", "reconcile")
    if by_itself and placement.application.skip_reconcile:
        told = f"nothing is done, as {SKIP_RECONCILE} says"
        log.info(told, **about)
        asked.tell_end(job.deployment, placement, settings, "failure", told)
        return Ended("skipped")

    how = How(
        why=job.reason,
        who=job.actor or (f"delivery {job.delivery}" if job.delivery else "reconcile"),
        before=job.before,
        after=job.after,
        until=until,
        timeout=job.options.timeout,
        asked_at=asked_at,
    )

    def act() -> str:
        return commanded.carry_out(job, placement, settings, lambda: _done(job, placement, settings, how, about))

    ended = _logged(about, act)
    # The schedule itself repeats what it asks for.
    return replace(ended, kept=True) if job.action == "reconcile" else ended


def _done(job: Job, placement: Placement, settings: Settings, how: How, about: dict[str, Any]) -> str:
    match job.action:
        case "push" if job.deployment:
            if not asked.is_wanted(job.deployment, placement, settings):
                return "superseded"
            how = replace(how, asked=True)
            return _sync(placement, settings, how, about, manual=True, deployment=job.deployment)
        case "push" if placement.application.automated and not placement.held_back(datetime.now(UTC)):
            return _sync(placement, settings, replace(how, pushed=True), about)
        case "push" | "reconcile":
            return _reconcile(placement, settings, how, job.at, about, pushed=job.action == "push")
        case "sync" | "rollback":
            if job.action == "rollback":
                _refuse_late(job, placement, settings)
            asked_for = by_hand(job.action, job.options, how.who)
            how = replace(asked_for, until=how.until, asked_at=how.asked_at)
            return _sync(placement, settings, how, about, manual=True)
        case "delete":
            _refuse_late(job, placement, settings)
            return _delete(job, placement, settings, how, about)


def _refuse_late(job: Job, placement: Placement, settings: Settings) -> None:
    """Refuse what a person has asked for who has not seen what came after: a message may come days later, or again."""
    if job.at:
        source = placement.application.source
        with open_github(settings) as github:
            now = resolve(github, *source.ref)
        if now != job.at:
            raise StaysError(f"{source.target_revision} has moved to {now[:7]} since this was asked for: ask once more")


def _logged(about: dict[str, Any], act: Callable[[], str]) -> Ended:
    """Act, and return the outcome; what keeps that from one is logged, and is an outcome, too."""
    try:
        return Ended(act())
    except tuple(_QUIET) as told:
        log.info(str(told), **about)
        return Ended(_QUIET[type(told)])
    except DeployerError as error:
        log.error(str(error), **about)
        passes = isinstance(error, AnswerError) and error.transient
        return Ended("failed", kept=error.kept or not passes)
    except Exception:
        log.error("the deployer failed in a way it should not", trace=True, **about)
    return Ended("failed", kept=False)


def _sync(
    placement: Placement,
    settings: Settings,
    how: How,
    about: dict[str, Any],
    *,
    manual: bool = False,
    deployment: int = 0,
) -> str:
    """Sync; `manual` is whether somebody asks for it, which a sync window may not allow."""
    turn = _TURNS.setdefault(placement.application.name, Lock())
    try:
        if manual:
            _refuse_held_back(placement)
        deployed = deploy(placement, settings, how, _reason_logger(about), turn)
    except BusyError:
        raise  # whoever keeps this sync out deploys the same, or else the next reconcile: they tell its end
    except DeployerError as error:
        asked.tell_end(deployment, placement, settings, state_of(error), str(error))
        raise
    asked.tell_end(deployment, placement, settings, deployed.state, deployed.message)
    asked.tell_left(deployed.before, placement, settings, deployed.revision, deployed.state, deployed.message)
    _say_outcome(deployed, about)
    return "superseded" if deployed.result.fault == "overtaken" else deployed.result.outcome


def _delete(job: Job, placement: Placement, settings: Settings, how: How, about: dict[str, Any]) -> str:
    hooks, told = job.options.hooks, _reason_logger(about)
    deployed = delete_application(placement, settings, how, told, lambda plan: True, hooks=hooks)
    if deployed is None:
        nothing = nothing_of(job.application, placement.cluster.name)
        log.info(nothing, **about)
        commanded.tell_end(job, placement, settings, nothing)
        return "succeeded"
    if deployed.result.outcome == "failed":
        commanded.tell_end(job, placement, settings, deployed.message, "failure")
    _say_outcome(deployed, about)
    return deployed.result.outcome


def _say_outcome(deployed: Deployed, about: dict[str, Any]) -> None:
    result = deployed.result
    say = log.error if result.outcome == "failed" and result.fault != "overtaken" else log.info
    durations = {step: round(seconds, 3) for step, seconds in result.durations.items()}
    say(deployed.message, revision=deployed.revision, duration=round(deployed.seconds, 3), durations=durations, **about)


def _refuse_held_back(placement: Placement) -> None:
    if held_back := placement.held_back(datetime.now(UTC), manual=True):
        raise HeldBackError(f"application {placement.application.name} is {held_back}")


def _reconcile(
    placement: Placement, settings: Settings, how: How, at: str, about: dict[str, Any], *, pushed: bool
) -> str:
    seen = look(placement, settings, replace(how, pushed=pushed), at)
    now = datetime.now(UTC)
    held_back = placement.held_back(now)
    decision = decide(placement.application, placement.cluster.name, seen, now, held_back)
    _say(seen, decision, about)
    if decision.tell or pushed:
        _tell(placement, settings, how, seen, decision.tell, at)
    if decision.sync is None:
        return decision.standing
    return _sync(
        placement,
        settings,
        replace(
            decision.sync,
            revision=seen.revision,
            who=how.who,
            before=how.before,
            after=how.after,
            until=how.until,
            held_back=held_back,
        ),
        about,
    )


def _tell(
    placement: Placement, settings: Settings, how: How, seen: Seen, tell: tuple[State, str] | None, at: str
) -> None:
    """Tell a commit how its application stands; not one that the ref has left behind since it was seen there (`at`)."""
    source = placement.application.source
    with open_github(settings) as github:
        if at and resolve(github, *source.ref) != at:
            return
        if tell:
            with commit_status(github, placement, seen.revision) as status:
                status.end(*tell)
        tell_superseded(github, placement, seen.revision, how, seen.before)
    if tell:
        asked.tell_left(seen.before, placement, settings, seen.revision, *tell)


def _say(seen: Seen, decision: Decision, about: dict[str, Any]) -> None:
    """Log what was found, if anything is to be told: who changed what, for one."""
    result = seen.planned.result if seen.planned else None
    if seen.planned and result and result.inventory:
        for one in find_drift(result.inventory, seen.planned.revision, result):
            log.warning(f"drift: {drift_in_words(one, datetime.now(UTC))}", revision=seen.revision, **about)
    if decision.standing == "failed":
        log.error(decision.why, revision=seen.revision, **about)
    elif decision.why:
        log.info(decision.why, revision=seen.revision, **about)


def _reason_logger(about: dict[str, Any]) -> Progress:
    """Progress that logs each reason why a rollout is held up, once; the steps before are told by the outcome."""
    told: set[str] = set()

    def tell(step: Step) -> None:
        if step.reason and step.reason not in told:
            told.add(step.reason)
            log.warning(step.reason, **about)

    return tell
