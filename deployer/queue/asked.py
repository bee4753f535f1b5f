"""A CI job has asked for a deployment with a GitHub Deployment, and learns there what becomes of it.

Where a rollout outlives its request, GitHub knows who has asked for that commit: whoever sees how it ends looks there.
"""

from deployer.cluster.inventory import Inventory
from deployer.configuration import Placement
from deployer.errors import DeployerError
from deployer.github.client import GitHub
from deployer.github.deployments import find_deployments, outcome_of, read_deployment, set_deployment_status
from deployer.github.revision import contains, resolve
from deployer.github.statuses import State
from deployer.report import log
from deployer.repository import is_commit
from deployer.settings import Settings
from deployer.sync.connections import open_github
from deployer.sync.superseded import unended


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


def tell_end(number: int, placement: Placement, settings: Settings, state: State, description: str) -> None:
    """Tell the Deployment that a sync was for, if it was for one, what has become of it.

    Args:
        number: the Deployment's; 0 where there was none.
        placement: the application that it is about.
        settings: GitHub.
        state: what the commit is told; nothing where that is pending.
        description: what the commit is told.
    """
    if not number or state == "pending":
        return
    try:
        with open_github(settings) as github:
            _tell(github, number, placement, state, description)
    except DeployerError as error:
        log.warning(f"deployment {number} could not be told {state!r} ({description}): {error}")


def tell_left(
    before: Inventory | None, placement: Placement, settings: Settings, commit: str, state: State, description: str
) -> None:
    """Tell the Deployments of syncs that were left to somebody else, or that have been superseded.

    Args:
        before: the inventory as it was: where no sync was left, nobody is asked.
        placement: the application that they are about.
        settings: GitHub.
        commit: what is to be there now.
        state: what that is told.
        description: what that is told.
    """
    left = [one for one in unended(before) if is_commit(one) and (one != commit or state != "pending")]
    repository = placement.application.source.repository
    try:
        if left:
            with open_github(settings) as github:
                for revision in left:
                    for number in find_deployments(github, repository, revision, placement.application.name):
                        _tell(github, number, placement, state, description)
    except DeployerError as error:
        log.warning(f"the deployments of {left[0][:7]} were not told {state!r} ({description}): {error}")


def _tell(github: GitHub, number: int, placement: Placement, state: State, description: str) -> str:
    """Tell a Deployment how it stands; returns its state, `""` where it asks for nothing any more."""
    source = placement.application.source
    deployment = read_deployment(github, source.repository, number)
    if not deployment.asks or deployment.environment != placement.application.name:
        return ""
    tip = resolve(github, *source.ref)
    contained = contains(github, source.repository, tip, deployment.sha)
    to_tell, words = outcome_of(deployment, source.target_revision, tip, (state, description), contained=contained)
    if to_tell != deployment.state:
        set_deployment_status(github, source.repository, number, to_tell, words)
    return to_tell
