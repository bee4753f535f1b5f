"""Commit statuses: how a commit learns what became of it, and what it has been told."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

from deployer.github.answer import Answer
from deployer.github.budget import LeftOutError
from deployer.github.client import GitHub
from deployer.ours import OURS, is_ours
from deployer.repository import Repository

State = Literal["pending", "success", "failure", "error"]

MAX_DESCRIPTION = 140
"""Characters that GitHub takes."""

_PER_PAGE, _MAX_PAGES = 100, 10


def context_of(application: str) -> str:
    """What an application's statuses are called."""
    return f"{OURS}/{application}"


@dataclass(frozen=True)
class Status:
    """A status that a commit was given, and when, in UTC. A later one has a higher `id`, whatever commit it is of."""

    state: State
    description: str
    when: datetime
    id: int = field(default=0, compare=False)

    def says(self, state: State, description: str) -> bool:
        """Whether it is what `set_status` would write."""
        return (self.state, self.description) == (state, shortened(description))


def set_status(
    github: GitHub,
    repository: Repository,
    commit: str,
    state: State,
    context: str,
    description: str,
    *,
    newest: Status | None = None,
    dispensable: bool = False,
) -> bool:
    """Set a status on a commit (https://docs.github.com/rest/commits/statuses), which takes 1,000 for each context.

    Args:
        github: where.
        repository: whose commit.
        commit: its SHA.
        state: `failure` is the source's or the rollout's, `error` is ours or a neighbour's.
        context: what the status is about, such as `deployer/shop`; the latest status of a context counts.
        description: one sentence; cut to GitHub's 140 characters.
        newest: the latest one, where it is known; one that says the same is not set again.
        dispensable: it is left out where GitHub takes only so many, as one that another one will follow.

    Returns:
        Whether it was set now.

    Raises:
        SourceError: GitHub cannot be reached, or refuses.
    """
    if newest and newest.says(state, description):
        return False
    body = {"state": state, "context": context, "description": shortened(description)}
    try:
        github.request("POST", f"/repos/{repository.full_name}/statuses/{commit}", body, dispensable=dispensable)
    except LeftOutError:
        return False
    return True


def shortened(description: str) -> str:
    """Cut a description to what GitHub takes."""
    return description if len(description) <= MAX_DESCRIPTION else f"{description[: MAX_DESCRIPTION - 1]}…"


def read_statuses(github: GitHub, repository: Repository, commit: str, context: str) -> tuple[Status, ...]:
    """Read what a commit has been told about something, the newest first.

    GitHub lists all statuses of the commit, whatever they are about: a hundred a request, until there is a success of
    this one, before which nothing matters any more, or ten requests were sent.

    Raises:
        SourceError: GitHub cannot be reached, or refuses.
    """
    told: list[Status] = []
    for page in _pages(github, repository, commit):
        told += [_status(one) for one in page if one.text("context") == context]
        if any(status.state == "success" for status in told):
            break
    return tuple(told)


def read_all_statuses(github: GitHub, repository: Repository, commit: str) -> Mapping[str, tuple[Status, ...]]:
    """Read what a commit has been told about every application, for many that are looked at together.

    Returns:
        By context, the newest first, as `read_statuses` does; up to ten requests are sent. What others than the
        deployer have said is not in it.

    Raises:
        SourceError: GitHub cannot be reached, or refuses.
    """
    told: dict[str, tuple[Status, ...]] = {}
    for page in _pages(github, repository, commit):
        for one in page:
            context = one.text("context")
            if is_ours(context):
                told[context] = (*told.get(context, ()), _status(one))
    return told


def _pages(github: GitHub, repository: Repository, commit: str) -> Iterator[list[Answer]]:
    before: list[Answer] = []
    for page in range(1, _MAX_PAGES + 1):
        address = f"/repos/{repository.full_name}/commits/{commit}/statuses?per_page={_PER_PAGE}&page={page}"
        found = github.request_list(address)
        # One that is set meanwhile moves the others down: the last of a page is the next one's first.
        seen = [one.fields for one in before]
        yield [one for one in found if one.fields not in seen]
        if len(found) < _PER_PAGE:
            return
        before = found


def _status(one: Answer) -> Status:
    # Whoever set it need not have described it.
    description = "" if one.fields.get("description") is None else one.text("description")
    return Status(one.one_of("state", get_args(State)), description, one.time("created_at"), one.number("id"))
