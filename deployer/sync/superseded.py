"""A commit that nobody waits for any more learns that a newer one has taken its place; it would be pending for ever."""

from collections.abc import Iterable, Iterator
from itertools import takewhile

from deployer.cluster.inventory import Inventory
from deployer.configuration import Placement
from deployer.errors import SourceError
from deployer.github.client import GitHub
from deployer.github.revision import contains
from deployer.github.statuses import context_of, read_statuses, set_status
from deployer.report import log
from deployer.report.commit import commit_status
from deployer.repository import is_commit
from deployer.sync.how import How
from deployer.sync.owner import superseded_by
from deployer.webhook import NO_COMMIT


def unended(inventory: Inventory | None) -> tuple[str, ...]:
    """Return the commits whose syncs have begun and not ended, as an inventory says: those since the last success."""
    if not inventory:
        return ()
    since = takewhile(lambda one: one.result != "succeeded", inventory.history)
    begun = [inventory.operation.revision] if inventory.operation else []
    found = [*begun, *(one.revision for one in since if one.result == "unfinished")]
    return tuple(dict.fromkeys(found))


def tell_superseded(github: GitHub, placement: Placement, commit: str, how: How, before: Inventory | None) -> None:
    """Tell the commits before that they were superseded, if they still wait for their end.

    Args:
        github: where.
        placement: the application whose statuses these are.
        commit: the one that has taken their place.
        how: what a push has said, if one has: also its commit is told, which nobody may have looked at before.
        before: the inventory as it was before that commit; None where it is not known.
    """
    _tell_all(github, placement, commit, how, (*unended(before), *_hints(how, before)))


def tell_passed_over(github: GitHub, placement: Placement, commit: str, how: How, before: Inventory | None) -> None:
    """Tell the commits that a push has left behind, where that of the push is not deployed itself, or not yet.

    What is deployed stays, and goes on to its own end. The arguments are those of `tell_superseded`.
    """
    goes_on = unended(before)
    _tell_all(github, placement, commit, how, (one for one in _hints(how, before) if one not in goes_on))


def _hints(how: How, before: Inventory | None) -> Iterator[str]:
    """The commits that a push names, but for one that is known to have ended."""
    if not how.after:
        return
    yield how.after
    history = before.history if before else ()
    if not any(one.revision == how.before and one.result != "unfinished" for one in history):
        yield how.before


def others(commit: str, revisions: Iterable[str]) -> list[str]:
    """Return those that are other commits, each once: anybody may have written them, and a new ref has zeros before."""
    found = dict.fromkeys(revisions)
    return [one for one in found if one not in (commit, NO_COMMIT) and is_commit(one)]


def _tell_all(github: GitHub, placement: Placement, commit: str, how: How, revisions: Iterable[str]) -> None:
    if placement.together:
        return
    for revision in others(commit, revisions):
        try:
            _tell(github, placement, revision, commit, pushed=revision == how.after)
        except SourceError as error:
            told = f"whether a commit before was told an end is not known: {error}"
            log.warning(told, application=placement.application.name, revision=revision)


def _tell(github: GitHub, placement: Placement, revision: str, commit: str, *, pushed: bool) -> None:
    application = placement.application
    repository = application.source.repository
    told = read_statuses(github, repository, revision, context_of(application.name))
    if told and told[0].state == "pending":
        with commit_status(github, placement, revision) as status:
            status.end("failure", superseded_by(commit))
    # Of no status: a fork's commit, or one that GitHub's answer is too old to know, was not superseded.
    elif not told and pushed and contains(github, repository, commit, revision):
        # It waits for nothing: where GitHub takes only so many, others are told their end.
        context, words = context_of(application.name), superseded_by(commit)
        set_status(github, repository, revision, "failure", context, words, dispensable=True)
