"""How much one process has GitHub create: no more than GitHub takes of a token, and most of it for what matters.

GitHub takes 80 content-creating requests a minute and 500 an hour, of all together who have the token
(https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits). Others who
have it are not seen from here, until GitHub refuses a request.
"""

import hashlib
import math
import threading
from collections import deque

from cachetools import LRUCache

from deployer.errors import SourceError

CREATIONS = ((80, 60.0), (500, 3_600.0))
"""How many requests GitHub takes within so many seconds."""

WAIT = 5.0
"""Seconds that a request waits for its turn."""

_MARGIN = 2.0  # seconds: GitHub counts by a clock of its own, and what was sent first may have arrived late


class LeftOutError(SourceError):
    """A request that can be done without was not sent, or not again: what GitHub takes is for others."""


class Budget:
    """What may be created with one token; shared by threads. Times are in seconds, by a clock that never goes back."""

    def __init__(self, share: int = 100) -> None:
        """Say how many percent of what GitHub takes are for this process."""
        self._limits = [(max(most * share // 100, 1), seconds + _MARGIN) for most, seconds in CREATIONS]
        self._halves = [(most // 2 + 1, seconds) for most, seconds in self._limits]
        self._times: deque[float] = deque()  # of what was sent, or has its turn: the newest last
        self._closed = -math.inf
        self._lock = threading.Lock()

    def take(self, what: str, now: float, *, dispensable: bool) -> float:
        """Take a turn.

        Args:
            what: the request as a person is told of it.
            now: the time.
            dispensable: it can be done without: it gets no turn once more than half is used, nor while GitHub refuses.

        Returns:
            Seconds to wait before the request is sent, at most `WAIT`; whoever came before goes first.

        Raises:
            LeftOutError: there is no turn for what can be done without.
            SourceError: it would have to wait for longer; with the seconds.
        """
        with self._lock:
            while self._times and self._times[0] <= now - self._limits[-1][1]:
                self._times.popleft()
            if dispensable and self._turn(now, self._halves) > now:
                raise LeftOutError(f"{what} was left out: GitHub takes only so much")
            turn = self._turn(now, self._limits)
            if turn - now > WAIT:
                raise SourceError(self._refusal(what, turn - now, now), transient=True, retry_after=turn - now)
            self._times.append(turn)
            return turn - now

    def close(self, until: float) -> None:
        """Give no turn before a time, since GitHub refuses."""
        with self._lock:
            self._closed = max(self._closed, until)

    def _turn(self, now: float, limits: list[tuple[int, float]]) -> float:
        """When there is room within limits."""
        ends = (self._times[-most] + seconds for most, seconds in limits if len(self._times) >= most)
        return max(now, self._closed, *ends)

    def _refusal(self, what: str, wait: float, now: float) -> str:
        if self._closed - now >= wait:
            why = "GitHub has refused the last one, as too many came in a short time"
        else:
            limits = " and ".join(f"{most} in {seconds:,.0f} s" for most, seconds in self._limits)
            why = f"this process may send {limits}, so as to keep within GitHub's limits"
        return f"{what} was not sent: {why}; try again in {math.ceil(wait)} s"


_BUDGETS: LRUCache[tuple[str, bytes, int], Budget] = LRUCache(1_000)
_LOCK = threading.Lock()


def budget_of(api_url: str, account: str, share: int) -> Budget:
    """Return this process's budget for a token, or an App's installation, at a GitHub: so many percent of the whole."""
    key = (api_url, hashlib.sha256(account.encode()).digest(), share)
    with _LOCK:
        return _BUDGETS.setdefault(key, Budget(share))
