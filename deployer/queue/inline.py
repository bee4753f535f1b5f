"""The inline queue: the request that brought an event runs its jobs, or the schedule's those of all applications.

It joins the public door and the credentials in one process: for one machine and very small set-ups.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from deployer.configuration import Configuration, load_configuration
from deployer.errors import ConfigurationError
from deployer.queue import jobs
from deployer.report import log
from deployer.routing import Job, route
from deployer.settings import Settings
from deployer.sync.deploy import How
from deployer.webhook import Event


def run(event: Event, settings: Settings) -> tuple[dict[str, Any], int]:
    """Run the jobs of an event to their end.

    Args:
        event: from a verified delivery.
        settings: where the configuration, GitHub and Secret Manager are.

    Returns:
        The answer to the delivery, as JSON values, and its HTTP status. It names applications and outcomes; reasons
        are for the commit and the log, not for whoever reads GitHub's list of deliveries.
    """
    try:
        configuration = load_configuration(settings.require_config())
        settings.require_github_token()
    except ConfigurationError as error:
        log.error(f"nothing is deployed: {error}", delivery=event.delivery)
        return {"error": "the deployer's configuration is not valid; its log says where"}, 500
    routed = route(event, configuration.applications)
    if routed.reason:
        log.info(f"ignored because {routed.reason}", delivery=event.delivery)
        return {"ignored": f"ignored because {routed.reason}"}, 200
    with ThreadPoolExecutor(jobs.PARALLEL) as pool:
        outcomes = list(pool.map(partial(_run, configuration, settings), routed.jobs))
    return _answer([job.application for job in routed.jobs], outcomes), 200


def _answer(names: Sequence[str], outcomes: Sequence[str]) -> dict[str, Any]:
    both = zip(names, outcomes, strict=True)
    return {"applications": [{"application": name, "outcome": outcome} for name, outcome in both]}


def _run(configuration: Configuration, settings: Settings, job: Job) -> str:
    """Run one job; returns its outcome."""
    placement = configuration.placement(job.application)
    about: dict[str, Any] = {"application": job.application, "delivery": job.delivery}
    log.info(f"looking, because of a {job.reason}", **about)
    if not placement.application.automated:
        return jobs.reconcile(placement, settings, about, job.before)
    until = time.monotonic() + jobs.BUDGET
    how = How(why=job.reason, who=f"delivery {job.delivery}", before=job.before, until=until)
    return jobs.sync(placement, settings, how, about)


def reconcile(settings: Settings) -> tuple[dict[str, Any], int]:
    """Look at every application, and do what is to be done about it.

    Args:
        settings: where the configuration, GitHub and Secret Manager are.

    Returns:
        The answer to the schedule, as JSON values, and its HTTP status: how each application stands.
    """
    try:
        configuration = load_configuration(settings.require_config())
        settings.require_github_token()
    except ConfigurationError as error:
        log.error(f"nothing is reconciled: {error}")
        return {"error": "the deployer's configuration is not valid; its log says where"}, 500
    names = [application.name for application in configuration.applications]

    def look(name: str) -> str:
        return jobs.reconcile(configuration.placement(name), settings, {"application": name})

    with ThreadPoolExecutor(jobs.PARALLEL) as pool:
        outcomes = list(pool.map(look, names))
    return _answer(names, outcomes), 200
