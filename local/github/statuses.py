"""Commit statuses: what GitHub accepts, keeps and makes of several.

https://docs.github.com/en/rest/commits/statuses
"""

import itertools
import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

STATES = ("error", "failure", "pending", "success")
LONGEST_DESCRIPTION = 140
LONGEST_CONTEXT = 255
MOST = 1_000  # of one commit and context


@dataclass(frozen=True)
class Status:
    """One status of a commit."""

    number: int
    state: str
    context: str
    description: str | None
    target_url: str | None
    created: datetime


def problem(wanted: dict[str, Any]) -> tuple[str, str] | None:
    """Return the field of a new status that GitHub would refuse, and why, or None."""
    for field in ("state", "description", "context", "target_url"):
        if not isinstance(wanted.get(field), str | None):
            return field, f"{field} is not a string"
    if wanted.get("state") not in STATES:
        return "state", "state is not included in the list"
    for field, longest in (("description", LONGEST_DESCRIPTION), ("context", LONGEST_CONTEXT)):
        if len(wanted.get(field) or "") > longest:
            return field, f"{field} is too long (maximum is {longest} characters)"
    if not (wanted.get("target_url") or "http://").startswith(("http://", "https://")):
        return "target_url", "target_url must use http(s) scheme"
    return None


def latest(statuses: Iterable[Status]) -> list[Status]:
    """Return the last status of each context; `statuses` come in the order in which they were made."""
    return list({status.context: status for status in statuses}.values())


def combined(statuses: Iterable[Status]) -> str:
    """Return the state of a commit: failure before pending before success; a commit without any is pending."""
    states = {status.state for status in latest(statuses)}
    if states & {"error", "failure"}:
        return "failure"
    return "success" if states == {"success"} else "pending"


class Statuses:
    """The statuses of every commit of every repository, in memory."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str], list[Status]] = {}

    def of(self, repository: str, sha: str) -> list[Status]:
        """Return the statuses of a commit, the oldest first."""
        with self._lock:
            return list(self._kept.get((repository, sha), []))

    def add(self, repository: str, sha: str, wanted: dict[str, Any]) -> Status | None:
        """Keep a new status that has no `problem`, or return None if there are too many already."""
        context = wanted.get("context") or "default"
        with self._lock:
            kept = self._kept.setdefault((repository, sha), [])
            if sum(status.context == context for status in kept) >= MOST:
                return None
            description, target_url = wanted.get("description"), wanted.get("target_url")
            status = Status(next(self._numbers), wanted["state"], context, description, target_url, datetime.now(UTC))
            kept.append(status)
        return status

    def rename(self, before: str, after: str) -> None:
        """Keep what was said of a repository under its new name."""
        with self._lock:
            self._kept = {(after if home == before else home, sha): one for (home, sha), one in self._kept.items()}

    def age(self, repository: str, sha: str, seconds: float) -> None:
        """Play that time has passed since a commit was given its statuses, for tests."""
        with self._lock:
            kept = self._kept.get((repository, sha), [])
            kept[:] = [replace(one, created=one.created - timedelta(seconds=seconds)) for one in kept]
