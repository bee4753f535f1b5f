"""The configuration as a request finds it, and the jobs that an event is in it."""

from typing import Any

from deployer.configuration import Configuration, load_configuration
from deployer.errors import ConfigurationError
from deployer.report import log
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
        settings.require_github_token()
    except ConfigurationError as error:
        log.error(f"nothing is {undone}: {error}", **about)
        return None
    return configuration


def routed_jobs(event: Event, configuration: Configuration) -> Routed:
    """Return the jobs of an event; the log says which applications it leaves out, and why."""
    routed = route(event, configuration.applications)
    if routed.reason:
        log.info(f"ignored because {routed.reason}", delivery=event.delivery)
    return routed
