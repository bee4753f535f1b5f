"""The inline queue: the request that brought an event runs its jobs, or the schedule's those of all applications.

It joins the public door and the credentials in one process: for one machine and very small set-ups.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from deployer.configuration import Configuration
from deployer.job import Job
from deployer.queue import jobs
from deployer.queue.configured import INVALID, load, routed_jobs
from deployer.queue.in_common import tell_left_behind, tell_together
from deployer.queue.survey import resolve_all
from deployer.settings import Settings
from deployer.webhook import Event

BUDGET = 8.0
"""Seconds that a job may take before it leaves a rollout to the next reconcile: GitHub waits ten for an answer."""


def run(event: Event, settings: Settings) -> tuple[dict[str, Any], int]:
    """Run the jobs of an event to their end.

    Args:
        event: from a verified delivery.
        settings: where the configuration, GitHub and Secret Manager are.

    Returns:
        The answer to the delivery, as JSON values, and its HTTP status. It names applications and outcomes; reasons
        are for the commit and the log, not for whoever reads GitHub's list of deliveries.
    """
    configuration = load(settings, "deployed", delivery=event.delivery)
    if configuration is None:
        return INVALID
    routed = routed_jobs(event, configuration, settings)
    if routed.reason:
        return {"ignored": f"ignored because {routed.reason}"}, 200
    answer = _all_at_once(configuration, settings, routed.jobs)
    tell_left_behind(event, configuration, settings, [job.application for job in routed.jobs])
    return answer


def reconcile(settings: Settings) -> tuple[dict[str, Any], int]:
    """Look at every application, and do what is to be done about it.

    Args:
        settings: where the configuration, GitHub and Secret Manager are.

    Returns:
        The answer to the schedule, as JSON values, and its HTTP status: how each application stands.
    """
    configuration = load(settings, "reconciled")
    if configuration is None:
        return INVALID
    commits = resolve_all(configuration.applications, settings)
    todo = [
        Job(one.name, "the schedule", "reconcile", at=commits.get(one.source.ref, ""))
        for one in configuration.applications
    ]
    return _all_at_once(configuration, settings, todo)


def _all_at_once(configuration: Configuration, settings: Settings, todo: Sequence[Job]) -> tuple[dict[str, Any], int]:
    """Run jobs; returns the answer that names their outcomes."""

    def act(job: Job) -> str:
        placement = configuration.placement(job.application)
        return jobs.run(job, placement, settings, time.monotonic() + BUDGET).outcome

    with ThreadPoolExecutor(jobs.PARALLEL) as pool:
        outcomes = zip(todo, pool.map(act, todo), strict=True)
        answer = [{"application": job.application, "outcome": outcome} for job, outcome in outcomes]
    tell_together(configuration, settings, [job.application for job in todo])
    return {"applications": answer}, 200
