"""Commit statuses: how a commit learns what became of it."""

from typing import Literal

from deployer.github.client import GitHub
from deployer.repository import Repository

State = Literal["pending", "success", "failure", "error"]

_MAX_DESCRIPTION = 140


def set_status(
    github: GitHub, repository: Repository, commit: str, state: State, context: str, description: str
) -> None:
    """Set a status on a commit (https://docs.github.com/rest/commits/statuses).

    Args:
        github: where.
        repository: whose commit.
        commit: its SHA.
        state: `failure` is the source's or the rollout's, `error` is ours or a neighbour's.
        context: what the status is about, such as `deployer/shop`; the latest status of a context counts.
        description: one sentence; cut to GitHub's 140 characters.

    Raises:
        SourceError: GitHub cannot be reached, or refuses.
    """
    if len(description) > _MAX_DESCRIPTION:
        description = description[: _MAX_DESCRIPTION - 1] + "…"
    body = {"state": state, "context": context, "description": description}
    github.request("POST", f"/repos/{repository.full_name}/statuses/{commit}", body)
