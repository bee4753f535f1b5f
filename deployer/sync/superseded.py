"""A commit that nobody waits for any more learns that a newer one has taken its place; it would be pending for ever."""

from collections.abc import Iterator

from deployer.configuration import Placement
from deployer.errors import SourceError
from deployer.github.client import GitHub
from deployer.github.revision import contains
from deployer.github.statuses import context_of, read_statuses
from deployer.report import log
from deployer.report.commit import commit_status
from deployer.repository import is_commit
from deployer.sync.how import Deployed, How
from deployer.sync.owner import superseded_by


def tell_superseded(github: GitHub, placement: Placement, commit: str, how: How, deployed: Deployed | None) -> None:
    """Tell the commits before that they were superseded, if they still wait for their end.

    Args:
        github: where.
        placement: the application whose statuses these are.
        commit: the one that has taken their place.
        how: what a push has said, if one has: also its commit is told, which nobody may have looked at before.
        deployed: what became of the commit, with the inventory before it; None where that is not known.
    """
    if placement.together:
        return
    for revision in dict.fromkeys(_candidates(how, deployed)):
        # Anybody may have written the inventory.
        if revision == commit or not is_commit(revision) or not revision.strip("0"):
            continue
        try:
            _tell(github, placement, revision, commit, pushed=revision == how.after)
        except SourceError as error:
            told = f"whether a commit before was told an end is not known: {error}"
            log.warning(told, application=placement.application.name, revision=revision)


def _candidates(how: How, deployed: Deployed | None) -> Iterator[str]:
    inventory = deployed.before if deployed else None
    history = inventory.history if inventory else ()
    if inventory and inventory.operation:
        yield inventory.operation.revision
    if history and history[0].result == "unfinished":
        yield history[0].revision
    if how.after:
        yield how.after
        if not any(one.revision == how.before and one.result != "unfinished" for one in history):
            yield how.before


def _tell(github: GitHub, placement: Placement, revision: str, commit: str, *, pushed: bool) -> None:
    application = placement.application
    repository = application.source.repository
    told = read_statuses(github, repository, revision, context_of(application.name))
    # Of no status: a fork's commit, or one that GitHub's answer is too old to know, was not superseded.
    if told[0].state == "pending" if told else pushed and contains(github, repository, commit, revision):
        with commit_status(github, placement, revision) as status:
            status.end("failure", superseded_by(commit))
