"""The configuration as a request finds it, and the jobs that an event is in it."""

from typing import Any

from deployer.configuration import Configuration, load_configuration
from deployer.errors import ConfigurationError
from deployer.queue.survey import resolve_all
from deployer.report import log
from deployer.report.words import in_short
from deployer.routing import Routed, route
from deployer.settings import Settings
from deployer.webhook import Event

INVALID = {"error": "the deployer's configuration is not valid; its log says where"}, 500
"""The answer where it cannot be loaded."""


def load(settings: Settings, undone: str, **about: Any) -> Configuration | None:
    """Load the configuration; None where that is not possible, and then the log says why nothing is done.

    Args:
        settings: where it is.
        undone: what is not done without it, such as `deployed`.
        about: fields for the log.
    """
    try:
        configuration = load_configuration(settings.require_config())
        settings.require_github()
    except ConfigurationError as error:
        log.error(f"nothing is {undone}: {error}", **about)
        return None
    return configuration


def routed_jobs(event: Event, configuration: Configuration, settings: Settings) -> Routed:
    """Return the jobs of an event; where there are none, the log says why.

    The end of a check is for those applications whose watched ref points at its commit: there are many more checks, of
    anybody's pull requests. One that GitHub's API does not know of yet is left to the next reconcile.
    """
    routed = route(event, configuration.applications)
    if routed.jobs and event.kind not in ("push", "deployment"):
        routed = _at_the_tip(event, routed, configuration, settings)
    if routed.reason:
        log.info(f"ignored because {routed.reason}", delivery=event.delivery)
    return routed


def _at_the_tip(event: Event, routed: Routed, configuration: Configuration, settings: Settings) -> Routed:
    watching = {job.application: configuration.application(job.application) for job in routed.jobs}
    commits = resolve_all(list(watching.values()), settings)
    jobs = tuple(
        job for job in routed.jobs if commits.get(watching[job.application].source.ref, event.after) == event.after
    )
    return Routed(jobs, "" if jobs else f"{event.after[:7]} is not what they watch: {in_short(list(watching))}")
