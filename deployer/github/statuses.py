"""Commit statuses: how a commit learns what became of it, and what it has been told."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from deployer.github.client import GitHub
from deployer.repository import Repository

State = Literal["pending", "success", "failure", "error"]

_MAX_DESCRIPTION = 140


@dataclass(frozen=True)
class Status:
    """A status that a commit was given, and when, in UTC."""

    state: State
    description: str
    when: datetime


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


def read_statuses(github: GitHub, repository: Repository, commit: str, context: str) -> tuple[Status, ...]:
    """Read what a commit has been told about something, the newest first.

    It is one request: of all statuses of the commit, whatever they are about, only the newest 100 count.

    Raises:
        SourceError: GitHub cannot be reached, or refuses.
    """
    found = github.request_list(f"/repos/{repository.full_name}/commits/{commit}/statuses?per_page=100")
    return tuple(
        # Whoever set it need not have described it.
        Status(
            one.one_of("state", get_args(State)),
            "" if one.fields.get("description") is None else one.text("description"),
            one.time("created_at"),
        )
        for one in found
        if one.text("context") == context
    )
