"""The pubsub queue: an event becomes jobs, which travel through Pub/Sub to whoever runs them.

What is answered with 2xx is done with, as far as Pub/Sub knows; anything else comes again. So only a job of which
nothing could be written down is answered with 503: what is on the commit or in the inventory, reconcile goes on with.
"""

import itertools
import secrets
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from deployer.configuration import Configuration
from deployer.errors import ConfigurationError, DeployerError, QueueError
from deployer.job import Job
from deployer.queue import jobs
from deployer.queue.configured import INVALID, load, routed_jobs
from deployer.queue.envelope import Pushed
from deployer.queue.in_common import tell_left_behind, tell_together
from deployer.queue.message import UnreadableError, of_job, parse
from deployer.queue.publisher import publisher_of
from deployer.queue.survey import ROUNDS, Survey, due, survey
from deployer.report import log
from deployer.report.words import in_short, plural
from deployer.settings import Settings
from deployer.sync.connections import open_github
from deployer.webhook import Event

MARGIN = 20.0
"""Seconds before the end of a request at which a rollout is left to reconcile: for what is to be written then."""

_STALE = 90.0
"""Seconds after which a job of the schedule is not run any more: where it has waited for so long, there is a newer."""

Answer = tuple[dict[str, Any], int]

_CALLS = itertools.count(secrets.randbelow(ROUNDS))


def receive(pushed: Pushed, settings: Settings) -> Answer:
    """Take what Pub/Sub has pushed: turn an event into jobs, or run a job.

    Args:
        pushed: a message, whose sender is known.
        settings: where the configuration, GitHub, Secret Manager and Pub/Sub are.

    Returns:
        The answer to Pub/Sub, as JSON values, and its HTTP status.
    """
    until = time.monotonic() + settings.request_timeout - MARGIN
    about: dict[str, Any] = {"message_id": pushed.message_id}
    try:
        content = parse(pushed.data)
    except UnreadableError as unreadable:
        log.error(f"a message was thrown away: {unreadable}", **about)
        return {"ignored": "the message is neither an event nor a job"}, 200
    configuration = load(settings, "done", delivery=content.delivery, **about)
    if configuration is None:
        return INVALID
    if isinstance(content, Event):
        return _fan_out(content, configuration, settings)
    return _run(content, pushed, configuration, settings, until)


def reconcile(settings: Settings) -> Answer:
    """Publish a job for each application that is to be looked at now.

    Args:
        settings: where the configuration, GitHub, Secret Manager and Pub/Sub are.

    Returns:
        The answer to the schedule, as JSON values, and its HTTP status: which applications have a job, and why.
    """
    configuration = load(settings, "reconciled")
    if configuration is None:
        return INVALID
    now, turn = datetime.now(UTC), next(_CALLS) % ROUNDS
    try:
        with open_github(settings) as github:
            found = survey(configuration, settings, github)
    except DeployerError as error:  # its jobs find out the same, each for itself
        log.error(f"how the applications stand is not known: {error}")
        found = Survey()
    todo = [
        Job(one.name, reason, "reconcile", at=found.commit(one))
        for one in configuration.applications
        if (reason := due(one, found, now, turn, shared=one.source.ref in configuration.in_common))
    ]
    answer, status = _publish(todo, configuration, settings, {})
    tell_together(configuration, settings, [one.name for one in configuration.applications], found)
    return answer, status


def _fan_out(event: Event, configuration: Configuration, settings: Settings) -> Answer:
    """Publish the jobs of an event."""
    routed = routed_jobs(event, configuration, settings)
    if routed.reason:
        return {"ignored": f"ignored because {routed.reason}"}, 200
    answer = _publish(routed.jobs, configuration, settings, {"delivery": event.delivery})
    names = [job.application for job in routed.jobs]
    tell_left_behind(event, configuration, settings, names)
    tell_together(configuration, settings, names)
    return answer


def _publish(todo: Iterable[Job], configuration: Configuration, settings: Settings, about: dict[str, Any]) -> Answer:
    """Publish jobs, each to its cluster's subscription; 503 where Pub/Sub does not take all of them."""
    messages = [of_job(job, configuration.cluster_for(configuration.application(job.application)).name) for job in todo]
    try:
        publisher_of(settings).publish(messages)
    except QueueError as error:
        log.error(f"jobs were not queued, and are published again: {error}", **about)
        return {"error": "Pub/Sub did not take the jobs; the log says why"}, 503
    names = [message.ordering_key for message in messages]
    if names:
        log.info(f"queued {plural(len(names), 'job')}: {in_short(names)}", **about)
    return {"queued": names}, 200


def _run(job: Job, pushed: Pushed, configuration: Configuration, settings: Settings, until: float) -> Answer:
    """Run a job, as long as there is its application; 503 where it is to come again."""
    about: dict[str, Any] = {"application": job.application, "delivery": job.delivery}
    age = (datetime.now(UTC) - pushed.publish_time).total_seconds() if pushed.publish_time else 0.0
    if job.action == "reconcile" and age > _STALE:
        log.info(f"not looked at, since this job of the schedule has waited for {age:.0f} s", **about)
        return {"application": job.application, "outcome": "stale"}, 200
    try:
        placement = configuration.placement(job.application)
    except ConfigurationError as error:
        log.warning(f"nothing is done, because {error}", **about)
        return {"ignored": "there is no such application any more"}, 200
    ended = jobs.run(job, placement, settings, until, pushed.publish_time)
    return {"application": job.application, "outcome": ended.outcome}, 200 if ended.kept else 503
