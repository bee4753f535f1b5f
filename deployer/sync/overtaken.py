"""A rollout that nobody waits for any more: its commit learns that a newer one has taken its place."""

from collections.abc import Sequence

from deployer.application import Application
from deployer.cluster.history import Entry
from deployer.errors import SourceError
from deployer.github.client import GitHub
from deployer.github.statuses import context_of, read_statuses
from deployer.report import log
from deployer.report.commit import CommitStatus
from deployer.repository import is_commit


def tell_overtaken(github: GitHub, application: Application, commit: str, history: Sequence[Entry]) -> None:
    """Tell the commit before that it was overtaken, if its rollout had not ended; it would be pending for ever.

    Args:
        github: where.
        application: whose status it is.
        commit: the one that was deployed now.
        history: the application's syncs, the newest first. Anybody may have written it: a commit that is none is left.
    """
    before = next((one for one in history if one.revision != commit), None)
    if not before or before.result != "unfinished" or not is_commit(before.revision):
        return
    repository = application.source.repository
    try:
        told = read_statuses(github, repository, before.revision, context_of(application.name))
    except SourceError as error:
        message = f"whether the commit before was told an end is not known: {error}"
        log.warning(message, application=application.name, revision=before.revision)
        return
    if told and told[0].state == "pending":
        with CommitStatus(github, repository, before.revision, application.name) as status:
            status.end("failure", f"overtaken by {commit[:7]} before its rollout had ended")
