"""The REST API of a GitHub that is a little behind: for a while after a push it shows the refs as they were."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from local.github.repository import Ref, Repository


@dataclass(frozen=True)
class _Earlier(Repository):
    """A repository with the refs that it once had."""

    shown: Mapping[str, Ref] = field(default_factory=dict)

    def refs(self) -> dict[str, Ref]:
        return dict(self.shown)


@dataclass
class _Behind:
    """What is still shown of one repository, until when (on the monotonic clock), and for how many requests more."""

    refs: Mapping[str, Ref]
    end: float
    requests: int


class Lag:
    """After each push, the old refs are shown for `seconds`, and to the next `requests` requests for the repository.

    Both may be changed at any time, and hold from the next push on; 0 and 0, as at first, is no lag.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self.requests = 0
        self._lock = threading.Lock()
        self._behind: dict[str, _Behind] = {}

    def begin(self, repository: Repository, refs: Mapping[str, Ref]) -> None:
        """Note the refs that a repository had before a push."""
        with self._lock:
            self._behind[repository.full_name] = _Behind(refs, time.monotonic() + self.seconds, self.requests)

    def view(self, repository: Repository) -> Repository:
        """Return the repository as a request for it is shown it now."""
        with self._lock:
            behind = self._behind.get(repository.full_name)
            if not behind or (behind.requests == 0 and behind.end <= time.monotonic()):
                self._behind.pop(repository.full_name, None)
                return repository
            behind.requests = max(behind.requests - 1, 0)
        return _Earlier(repository.owner, repository.name, repository.path, repository.lock, behind.refs)
