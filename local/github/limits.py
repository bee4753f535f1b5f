"""How many requests GitHub takes, and what it says of one too many.

https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api and
https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api
"""

import math
import re
import secrets
import threading
import time
from http import HTTPStatus
from typing import Any, Literal

from flask import Blueprint

from local.github.refusal import QueryRefusedError, RefusedError

GRAPHQL = "/graphql"  # where queries are posted to

_DOCUMENTATION = "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api"
_WRITE_POINTS = 5  # of a request that may change something; one that reads costs 1
_CREATES_NOTHING = re.compile(r"/hooks/\d+/(?:pings|deliveries)\b")


class Window:
    """Counts up to `limit`, if there is one, and anew after `seconds`; both may be changed at any time."""

    def __init__(self, limit: int | None, seconds: float) -> None:
        self.limit = limit
        self.seconds = seconds
        self._lock = threading.Lock()
        self._used = 0
        self._end = 0

    @property
    def used(self) -> int:
        """What has been counted since the window began."""
        with self._lock:
            return self._used if time.time() < self._end else 0

    @property
    def reset(self) -> int:
        """When the window ends, in seconds since 1970; GitHub knows whole seconds only."""
        with self._lock:
            return self._end if time.time() < self._end else math.ceil(time.time() + self.seconds)

    def take(self, amount: int = 1) -> bool:
        """Count, unless that would go beyond the limit; after a window's end, the next request begins another."""
        with self._lock:
            if time.time() >= self._end:
                self._used, self._end = 0, math.ceil(time.time() + self.seconds)
            if self.limit is not None and self._used + amount > self.limit:
                return False
            self._used += amount
            return True

    def give_back(self) -> None:
        """Count one less."""
        with self._lock:
            self._used = max(self._used - 1, 0)


class Limits:
    """The primary limit and the secondary ones; each may be changed at any time, and `limit` None takes it away.

    `primary` counts requests, those answered 304 or that ask for the limit itself excepted; `graphql` counts queries,
    which are no such requests (one that follows no connections costs GitHub's least, 1 point); `creations` and
    `creations_per_hour` count what makes or changes content: statuses, check runs, deployments; `points`, which is off,
    counts 1 for a request that reads and 5 for any other (GitHub's limit: 900 a minute). Of requests at once (100)
    there is no limit here. `status` is what a refused request is answered with: GitHub answers 403 or 429. A query too
    many is answered 200, with an error of the type `query_error`: GitHub has said RATE_LIMITED, and says RATE_LIMIT
    since (https://github.com/github/docs/issues/22607, https://github.com/yanyongyu/githubkit/issues/271).
    """

    def __init__(self) -> None:
        self.primary = Window(5_000, 3_600.0)
        self.points = Window(None, 60.0)
        self.creations = Window(80, 60.0)
        self.creations_per_hour = Window(500, 3_600.0)
        self.status = HTTPStatus.FORBIDDEN
        self.graphql = Window(5_000, 3_600.0)
        self.query_error: Literal["RATE_LIMIT", "RATE_LIMITED"] = "RATE_LIMIT"

    def admit(self, method: str, path: str, *, user: int) -> None:
        """Count a request of a user.

        Raises:
            RefusedError: it is one too many.
        """
        if path == GRAPHQL and not self.graphql.take():
            code = {"code": "graphql_rate_limit"} if self.query_error == "RATE_LIMIT" else {}
            message = f"API rate limit already exceeded for user ID {user}."
            raise QueryRefusedError({"type": self.query_error, **code, "message": message})
        if path not in ("/rate_limit", GRAPHQL) and not self.primary.take():
            message = f"API rate limit exceeded for user ID {user}. {_support()}"
            raise RefusedError(self.status, message, documentation=_DOCUMENTATION)
        reads = method in ("GET", "HEAD") or path == GRAPHQL  # nothing can be changed by a query here
        taken = [(self.points, 1 if reads else _WRITE_POINTS)]
        if not reads and not _CREATES_NOTHING.search(path):
            taken += [(self.creations, 1), (self.creations_per_hour, 1)]
        for window, amount in taken:
            if not window.take(amount):
                raise secondary(self.status, max(window.reset - int(time.time()), 1))

    def register(self, routes: Blueprint) -> None:
        """Add the route that asks for the limit itself to a blueprint."""

        @routes.get("/rate_limit")
        def rate_limit() -> dict[str, Any]:
            rate = _rate(self.primary)
            search = {**rate, "limit": 30, "used": 0, "remaining": 30}  # there is none here
            return {"resources": {"core": rate, "search": search, "graphql": _rate(self.graphql)}, "rate": rate}

    def headers(self, path: str) -> dict[str, str]:
        """Return the headers that tell how much is left of what a path is counted in."""
        window, resource = (self.graphql, "graphql") if path == GRAPHQL else (self.primary, "core")
        rates = {f"X-RateLimit-{name.capitalize()}": str(value) for name, value in _rate(window).items()}
        return {**rates, "X-RateLimit-Resource": resource}


def _rate(window: Window) -> dict[str, int]:
    limit, used = window.limit or 0, window.used
    return {"limit": limit, "used": used, "remaining": max(limit - used, 0), "reset": window.reset}


def secondary(status: HTTPStatus, retry_after: int) -> RefusedError:
    """Return what GitHub says of one request too many in a short time; `retry_after` is in seconds."""
    message = f"You have exceeded a secondary rate limit. Please wait a few minutes before you try again. {_support()}"
    headers = {"Retry-After": str(retry_after)}
    return RefusedError(status, message, headers=headers, documentation=f"{_DOCUMENTATION}#about-secondary-rate-limits")


def _support() -> str:
    return (
        "If you reach out to GitHub Support for help, please include the request ID "
        f"{secrets.token_hex(10).upper()} and timestamp {time.strftime('%Y-%m-%d %H:%M:%S UTC', time.gmtime())}."
    )
