"""Commit statuses: how a commit learns what became of it, and what it has been told."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from deployer.github.answer import Answer
from deployer.github.client import GitHub
from deployer.repository import Repository

State = Literal["pending", "success", "failure", "error"]

_MAX_DESCRIPTION = 140
_PER_PAGE, _MAX_PAGES = 100, 10


def context_of(application: str) -> str:
    """What an application's statuses are called."""
    return f"deployer/{application}"


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

    GitHub lists all statuses of the commit, whatever they are about: a hundred a request, until there is a success of
    this one, before which nothing matters any more, or ten requests were sent.

    Raises:
        SourceError: GitHub cannot be reached, or refuses.
    """
    told: list[Status] = []
    for page in range(1, _MAX_PAGES + 1):
        address = f"/repos/{repository.full_name}/commits/{commit}/statuses?per_page={_PER_PAGE}&page={page}"
        found = github.request_list(address)
        told += [_status(one) for one in found if one.text("context") == context]
        if len(found) < _PER_PAGE or any(status.state == "success" for status in told):
            break
    return tuple(told)


def _status(one: Answer) -> Status:
    # Whoever set it need not have described it.
    description = "" if one.fields.get("description") is None else one.text("description")
    return Status(one.one_of("state", get_args(State)), description, one.time("created_at"))
