"""The commit learns: one status for each application, kept in order, in nobody's way."""

from concurrent.futures import ThreadPoolExecutor
from types import TracebackType

from deployer.configuration import Placement
from deployer.errors import SourceError
from deployer.github.client import GitHub
from deployer.github.statuses import State, context_of, read_statuses, set_status
from deployer.ours import OURS
from deployer.report import log
from deployer.repository import Repository

_MAX_REASONS = 3
"""Reasons that one sync may show while it waits: a status is for changes of state, not for progress."""


class CommitStatus:
    """The status `deployer/<application>` of a commit.

    Written by a thread of its own: a deployment does not wait for GitHub, and a GitHub that fails does not fail it.
    Leaving the `with` block waits until all is written; `kept` says then whether the last of it was.
    """

    def __init__(
        self,
        github: GitHub,
        repository: Repository,
        commit: str,
        application: str,
        told: State | None = None,
        *,
        quiet: bool = False,
    ) -> None:
        """Say which commit; one that has been `told` a state is told nothing but an end that is another one.

        Where it is `quiet`, the commit is told nothing: one status for many applications does that.
        """
        self.kept = False
        self._quiet = quiet
        self._github = github
        self._repository = repository
        self._commit = commit
        self._application = application
        self._told = told
        self._writer = ThreadPoolExecutor(1)
        self._reasons: set[str] = set()

    def __enter__(self) -> "CommitStatus":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.shutdown(wait=True)

    def begin(self, description: str) -> None:
        """Tell that a job is under way."""
        if self._told is None:
            self._set("pending", description)

    def held_up(self, reason: str) -> None:
        """Show why a rollout is not done yet; the same reason only once."""
        if self._told is None and reason not in self._reasons and len(self._reasons) < _MAX_REASONS:
            self._reasons.add(reason)
            self._set("pending", reason)

    def end(self, state: State, description: str) -> None:
        """Tell what became of it, after all that was told before."""
        if state != self._told:
            self._set(state, description)

    def _set(self, state: State, description: str) -> None:
        if not self._quiet:
            self._writer.submit(self._write, state, description)

    def _write(self, state: State, description: str) -> None:
        try:
            context = context_of(self._application)
            pending = state == "pending"  # an end follows
            self.kept = set_status(
                self._github, self._repository, self._commit, state, context, description, dispensable=pending
            )
        except Exception as error:
            self.kept = False
            # Nobody waits for this thread's result: whatever went wrong is told here, or nowhere.
            log.warning(
                f"the commit could not be told {state!r} ({description}): {error}",
                trace=not isinstance(error, SourceError),
                application=self._application,
                revision=self._commit,
            )


def commit_status(github: GitHub, placement: Placement, commit: str, told: State | None = None) -> CommitStatus:
    """Return the status that an application has on a commit, as `CommitStatus` says."""
    application = placement.application
    return CommitStatus(github, application.source.repository, commit, application.name, told, quiet=placement.together)


def tell_once(github: GitHub, placement: Placement, commit: str, state: State, description: str) -> None:
    """Tell a commit something, unless it is the last that it has been told.

    Raises:
        SourceError: GitHub cannot be reached, or refuses to say what it has been told.
    """
    application = placement.application
    if placement.together:
        return
    told = read_statuses(github, application.source.repository, commit, context_of(application.name))
    if not told or not told[0].says(state, description):
        with commit_status(github, placement, commit) as status:
            status.end(state, description)


def tell_together_once(github: GitHub, repository: Repository, commit: str, state: State, description: str) -> bool:
    """Tell a commit how all applications stand together, unless it is the last that it has been told.

    Returns:
        Whether it is the first that it has been told.

    Raises:
        SourceError: GitHub cannot be reached, or refuses.
    """
    told = read_statuses(github, repository, commit, OURS)
    set_status(github, repository, commit, state, OURS, description, newest=told[0] if told else None)
    return not told
