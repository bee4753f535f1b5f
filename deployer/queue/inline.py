"""The inline queue: the request that brought an event runs its jobs, or the schedule's those of all applications.

It joins the public door and the credentials in one process: for one machine and very small set-ups.
"""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Any

from deployer.configuration import Configuration, load_configuration
from deployer.errors import ConfigurationError
from deployer.job import Job
from deployer.queue import jobs
from deployer.report import log
from deployer.routing import route
from deployer.settings import Settings
from deployer.sync.how import How
from deployer.webhook import Event

_INVALID = {"error": "the deployer's configuration is not valid; its log says where"}, 500


def run(event: Event, settings: Settings) -> tuple[dict[str, Any], int]:
    """Run the jobs of an event to their end.

    Args:
        event: from a verified delivery.
        settings: where the configuration, GitHub and Secret Manager are.

    Returns:
        The answer to the delivery, as JSON values, and its HTTP status. It names applications and outcomes; reasons
        are for the commit and the log, not for whoever reads GitHub's list of deliveries.
    """
    configuration = _load(settings, "deployed", delivery=event.delivery)
    if configuration is None:
        return _INVALID
    routed = route(event, configuration.applications)
    for left_out in routed.left_out if routed.jobs else ():
        log.info(f"ignored because {left_out}", delivery=event.delivery)
    if routed.reason:
        log.info(f"ignored because {routed.reason}", delivery=event.delivery)
        return {"ignored": f"ignored because {routed.reason}"}, 200
    return _all_at_once({job.application: partial(_run, configuration, settings, job) for job in routed.jobs})


def _run(configuration: Configuration, settings: Settings, job: Job) -> str:
    """Run one job; returns its outcome."""
    placement = configuration.placement(job.application)
    about: dict[str, Any] = {"application": job.application, "delivery": job.delivery}
    log.info(f"looking, because of a {job.reason}", **about)
    if not placement.application.automated or placement.held_back(datetime.now(UTC)):
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
    configuration = _load(settings, "reconciled")
    if configuration is None:
        return _INVALID

    def look(name: str) -> str:
        return jobs.reconcile(configuration.placement(name), settings, {"application": name})

    return _all_at_once({one.name: partial(look, one.name) for one in configuration.applications})


def _load(settings: Settings, undone: str, **about: Any) -> Configuration | None:
    """Load the configuration; None where that is not possible, and then the log says why nothing is done."""
    try:
        configuration = load_configuration(settings.require_config())
        settings.require_github_token()
    except ConfigurationError as error:
        log.error(f"nothing is {undone}: {error}", **about)
        return None
    return configuration


def _all_at_once(tasks: Mapping[str, Callable[[], str]]) -> tuple[dict[str, Any], int]:
    """Do something about each application; returns the answer that names the outcomes."""
    with ThreadPoolExecutor(jobs.PARALLEL) as pool:
        outcomes = zip(tasks, pool.map(lambda task: task(), tasks.values()), strict=True)
        return {"applications": [{"application": name, "outcome": outcome} for name, outcome in outcomes]}, 200
