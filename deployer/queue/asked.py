"""A CI job has asked for a deployment with a GitHub Deployment, and learns there what becomes of it.

Which Deployment a sync is for stands in its reason, which the history keeps: so the reconcile that sees how a rollout
ends knows whom to tell.
"""

import re

from deployer.configuration import Placement
from deployer.errors import DeployerError
from deployer.github.client import GitHub
from deployer.github.deployments import outcome_of, read_deployment, set_deployment_status
from deployer.github.revision import contains, resolve
from deployer.github.statuses import State
from deployer.report import log
from deployer.settings import Settings
from deployer.sync.connections import open_github

_REASON = re.compile(r"deployment (\d{1,18}) of ")


def number_of(why: str) -> int:
    """Return the number of the Deployment that a sync is for, 0 where it is for none."""
    found = _REASON.match(why)
    return int(found[1]) if found else 0


def is_wanted(number: int, placement: Placement, settings: Settings) -> bool:
    """Say whether a Deployment is to be carried out, and tell it that this has begun, or why it is not.

    Args:
        number: the Deployment's, in the application's repository.
        placement: the application that it is about.
        settings: GitHub.

    Raises:
        SourceError: GitHub cannot be reached, or refuses, or there is no such Deployment.
    """
    with open_github(settings) as github:
        told = f"deploying to {placement.cluster.name}"
        return _tell(github, number, placement, "pending", told) == "in_progress"


def tell_end(why: str, placement: Placement, settings: Settings, state: State, description: str) -> None:
    """Tell the Deployment that a sync was for, if it was for one, what has become of it.

    Args:
        why: the sync's reason.
        placement: the application that it is about.
        settings: GitHub.
        state: what the commit is told.
        description: what the commit is told.
    """
    number = number_of(why)
    if not number or state == "pending":
        return
    try:
        with open_github(settings) as github:
            _tell(github, number, placement, state, description)
    except DeployerError as error:
        log.warning(f"deployment {number} could not be told {state!r} ({description}): {error}")


def _tell(github: GitHub, number: int, placement: Placement, state: State, description: str) -> str:
    """Tell a Deployment how it stands; returns its state, `""` where it asks for nothing any more."""
    source = placement.application.source
    deployment = read_deployment(github, source.repository, number)
    if not deployment.asks or deployment.environment != placement.application.name:
        return ""
    tip = resolve(github, source.repository, source.target_revision)
    contained = contains(github, source.repository, tip, deployment.sha)
    to_tell, words = outcome_of(deployment, source.target_revision, tip, (state, description), contained=contained)
    if to_tell != deployment.state:
        set_deployment_status(github, source.repository, number, to_tell, words)
    return to_tell
