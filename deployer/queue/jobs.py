"""Runs jobs, and says in the log what became of them."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from deployer.annotations import SKIP_RECONCILE
from deployer.configuration import Placement
from deployer.errors import BusyError, DeletedError, DeployerError, HeldBackError
from deployer.github.statuses import State
from deployer.report import log
from deployer.report.commit import CommitStatus
from deployer.report.drift import drift_in_words, find_drift
from deployer.settings import Settings
from deployer.sync.connections import open_github
from deployer.sync.decision import Decision, decide
from deployer.sync.deploy import deploy
from deployer.sync.how import How
from deployer.sync.look import Seen, look
from deployer.sync.result import Progress, Step

PARALLEL = 8
"""Jobs under way at once: an event may concern many applications."""

BUDGET = 8.0
"""Seconds that a job may take before it leaves a rollout to the next reconcile: GitHub waits ten for an answer."""

# Within one process, the jobs of an application take turns: an older one must not write after a newer one.
_TURNS: dict[str, Lock] = {}


def sync(placement: Placement, settings: Settings, how: How, about: dict[str, Any]) -> str:
    """Sync an application; returns the outcome. Whatever happens is told, and other jobs go on.

    Args:
        placement: the application, and where it goes.
        settings: GitHub and Secret Manager.
        how: why, and for how long.
        about: fields for the log.
    """
    return _logged(about, placement, lambda: _sync(placement, settings, how, about))


def reconcile(placement: Placement, settings: Settings, about: dict[str, Any], before: str = "") -> str:
    """Look at an application, and do what is to be done about it.

    Args:
        placement: the application, and where it goes.
        settings: GitHub and Secret Manager.
        about: fields for the log.
        before: what its watched ref was before the push that made somebody look; `""` where there was none.

    Returns:
        The outcome of a sync, else how the application stands.
    """
    return _logged(about, placement, lambda: _reconcile(placement, settings, about, before))


def _logged(about: dict[str, Any], placement: Placement, act: Callable[[], str]) -> str:
    """Act, and return the outcome; what keeps that from one is logged, and is an outcome, too."""
    if placement.application.skip_reconcile:
        log.info(f"nothing is done, as {SKIP_RECONCILE} says", **about)
        return "skipped"
    try:
        return act()
    except BusyError as busy:
        log.info(str(busy), **about)
        return "under way"
    except HeldBackError as held:
        log.info(str(held), **about)
        return "out of sync"
    except DeletedError as deleted:
        log.info(str(deleted), **about)
        return "held"
    except DeployerError as error:
        log.error(str(error), **about)
    except Exception:
        log.error("the deployer failed in a way it should not", trace=True, **about)
    return "failed"


def _sync(placement: Placement, settings: Settings, how: How, about: dict[str, Any]) -> str:
    turn = _TURNS.setdefault(placement.application.name, Lock())
    deployed = deploy(placement, settings, how, _reason_logger(about), turn)
    say = log.error if deployed.result.outcome == "failed" else log.info
    durations = {step: round(seconds, 3) for step, seconds in deployed.result.durations.items()}
    say(deployed.message, revision=deployed.revision, duration=round(deployed.seconds, 3), durations=durations, **about)
    return deployed.result.outcome


def _reconcile(placement: Placement, settings: Settings, about: dict[str, Any], before: str) -> str:
    until = time.monotonic() + BUDGET
    seen = look(placement, settings, before)
    now = datetime.now(UTC)
    held_back = placement.held_back(now)
    decision = decide(placement.application, placement.cluster.name, seen, now, held_back)
    _say(seen, decision, about)
    if decision.tell:
        _tell(placement, settings, seen.revision, *decision.tell)
    if decision.sync is None:
        return decision.standing
    how = replace(
        decision.sync, revision=seen.revision, who="reconcile", before=before, until=until, held_back=held_back
    )
    return _sync(placement, settings, how, about)


def _tell(placement: Placement, settings: Settings, commit: str, state: State, description: str) -> None:
    application = placement.application
    with (
        open_github(settings) as github,
        CommitStatus(github, application.source.repository, commit, application.name) as status,
    ):
        status.end(state, description)


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
