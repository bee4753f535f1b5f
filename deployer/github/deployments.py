"""GitHub Deployments: how a CI job asks for a commit to be deployed, and learns what became of it.

https://docs.github.com/rest/deployments/deployments
"""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlencode

from deployer.github.client import GitHub
from deployer.github.statuses import State, shortened
from deployer.repository import Repository

DeploymentState = Literal["error", "failure", "inactive", "in_progress", "queued", "pending", "success"]

# The ends; and what GitHub Actions sets on a Deployment of its own, for a job with `environment`, until it is approved.
_ASKS_NOTHING = ("error", "failure", "inactive", "success", "waiting")

_MOST = 10
"""Deployments of one commit and environment that are looked at: each time that a CI job is repeated makes one."""


@dataclass(frozen=True)
class Deployment:
    """A Deployment as it stands on GitHub: of which commit, for which environment, and its last state, `""` if none."""

    number: int
    sha: str
    environment: str
    task: str
    state: str = ""

    @property
    def asks(self) -> bool:
        """Whether it still asks for something. Once told an end, it never does, however often its event comes again."""
        return self.state not in _ASKS_NOTHING


def read_deployment(github: GitHub, repository: Repository, number: int) -> Deployment:
    """Read a Deployment anew: what an event says of it is only a hint.

    Args:
        github: where to ask.
        repository: where it was made.
        number: its number there.

    Raises:
        SourceError: GitHub cannot be reached, or refuses, or there is no such Deployment.
    """
    address = f"/repos/{repository.full_name}/deployments/{number}"
    found = github.request("GET", address)
    newest = github.request_list(f"{address}/statuses?per_page=1")
    state = newest[0].text("state") if newest else ""
    return Deployment(number, found.sha("sha"), found.text("environment"), found.text("task"), state)


def find_deployments(github: GitHub, repository: Repository, sha: str, environment: str) -> tuple[int, ...]:
    """Find who has asked for a commit in an environment: the numbers of its newest Deployments, `_MOST` at the most.

    Raises:
        SourceError: GitHub cannot be reached, or refuses.
    """
    query = urlencode({"sha": sha, "environment": environment, "per_page": _MOST})
    found = github.request_list(f"/repos/{repository.full_name}/deployments?{query}")
    return tuple(one.number("id") for one in found)


def set_deployment_status(
    github: GitHub, repository: Repository, number: int, state: DeploymentState, description: str, log_url: str = ""
) -> None:
    """Tell a Deployment what becomes of it (https://docs.github.com/rest/deployments/statuses).

    With `success`, GitHub makes earlier ones of the same environment inactive by itself.

    Args:
        github: where.
        repository: where it was made.
        number: its number there.
        state: `failure` is the source's or the rollout's, `error` is ours or a neighbour's.
        description: one sentence; cut to GitHub's 140 characters.
        log_url: where more is said, `""` for nowhere.

    Raises:
        SourceError: GitHub cannot be reached, or refuses.
    """
    body = {"state": state, "description": shortened(description), **({"log_url": log_url} if log_url else {})}
    github.request("POST", f"/repos/{repository.full_name}/deployments/{number}/statuses", body)


def outcome_of(
    deployment: Deployment, watched: str, tip: str, told: tuple[State, str], *, contained: bool
) -> tuple[DeploymentState, str]:
    """Say what a Deployment is told. What is deployed is always what the watched ref points at, never another commit.

    Where the answer is not that of the commit, the Deployment asks for nothing: neither its own commit is deployed for
    its sake, nor the newer one.

    Args:
        deployment: which asked.
        watched: the ref that the application watches, for people.
        tip: the commit that it points at.
        told: what that commit is told: `pending` while its job is under way.
        contained: whether the tip has the Deployment's commit among its ancestors, or is that one.

    Returns:
        State and description: those of the commit; `inactive` for one that was overtaken; `error` for one that the
        ref has not, such as that of a fork.
    """
    if deployment.sha == tip:
        state, description = told
        return ("in_progress" if state == "pending" else state), description
    if not contained:
        return "error", f"{deployment.sha[:7]} is no commit of {watched}"
    return "inactive", f"superseded by {tip[:7]}"
