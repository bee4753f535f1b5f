"""Check runs and the suites that they make up: what GitHub accepts, keeps, and makes of several.

https://docs.github.com/en/rest/checks
"""

import itertools
import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from local.github import documents
from local.github.body import Body, check_choice, check_given, check_kind, check_length, malformed, time_of

STATUSES = ("queued", "in_progress", "completed")
CONCLUSIONS = ("action_required", "cancelled", "failure", "neutral", "success", "skipped", "timed_out")
LONGEST_TEXT = 65_535  # of an output's summary, and of its text

# The first of these that any of its runs has is the conclusion of a suite; GitHub does not say so, but does so.
_WORST_FIRST = ("failure", "timed_out", "action_required", "cancelled", "success", "neutral", "skipped")


@dataclass(frozen=True)
class CheckRun:
    """One run of a check on a commit; `conclusion` and `completed` are known once its `status` is completed."""

    number: int
    sha: str
    name: str
    status: str
    conclusion: str | None
    started: datetime
    completed: datetime | None
    details_url: str | None
    external_id: str
    title: str | None
    summary: str | None
    text: str | None

    @property
    def state(self) -> str:
        """What it comes to, in the words of commit statuses: its conclusion, or pending."""
        return self.conclusion or "pending"


@dataclass(frozen=True)
class Suite:
    """All runs of the one App on a commit, the oldest first; there is at least one."""

    repository: str
    sha: str
    runs: tuple[CheckRun, ...]

    @property
    def number(self) -> int:
        """The suite's number."""
        return documents.number("suite", self.repository, self.sha)

    @property
    def latest(self) -> list[CheckRun]:
        """The last run of each check."""
        return list({run.name: run for run in self.runs}.values())

    @property
    def status(self) -> str:
        """Completed when every check is, and queued while none has begun."""
        found = {run.status for run in self.latest}
        return found.pop() if len(found) == 1 else "in_progress"

    @property
    def conclusion(self) -> str | None:
        """What the checks come to, once they are all completed."""
        if self.status != "completed":
            return None
        found = {run.conclusion for run in self.latest}
        return next(conclusion for conclusion in _WORST_FIRST if conclusion in found)

    @property
    def created(self) -> datetime:
        """When the first run began."""
        return min(run.started for run in self.runs)

    @property
    def updated(self) -> datetime:
        """When something last happened."""
        return max(run.completed or run.started for run in self.runs)


def check(wanted: Body) -> None:
    """Refuse what GitHub would not make, or change, a check run to.

    Raises:
        RefusedError: a field is not as it must be.
    """
    check_kind(wanted, str, "name", "head_sha", "details_url", "external_id", "status", "conclusion")
    check_kind(wanted, dict, "output")
    check_choice(wanted, "status", STATUSES)
    check_choice(wanted, "conclusion", CONCLUSIONS)
    if wanted.get("output"):
        check_given(wanted["output"], "summary")
        check_kind(wanted["output"], str, "title", "summary", "text")
        check_length(wanted["output"], LONGEST_TEXT, "summary", "text")


def changed(run: CheckRun, wanted: Body) -> CheckRun:
    """Return a run with what a request wants of it; a conclusion completes it, and another status takes it away.

    Raises:
        RefusedError: it would be completed without a conclusion, or a time is none.
    """
    output = wanted.get("output") or {}
    texts = {field: output[field] for field in ("title", "summary", "text") if field in output}
    given = {field: wanted[field] for field in ("name", "details_url", "external_id") if wanted.get(field) is not None}
    run = replace(run, **given, **texts, started=time_of(wanted, "started_at") or run.started)
    completed = time_of(wanted, "completed_at")
    if wanted.get("conclusion"):
        return replace(
            run,
            status="completed",
            conclusion=wanted["conclusion"],
            completed=completed or datetime.now(UTC),
        )
    if wanted.get("status") == "completed" and not run.conclusion:
        raise malformed('"conclusion" wasn\'t supplied.')
    if wanted.get("status") in (None, "completed"):
        return run
    return replace(run, status=wanted["status"], conclusion=None, completed=None)


class Checks:
    """The check runs of every commit of every repository, in memory."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, int], CheckRun] = {}

    def suite(self, repository: str, sha: str) -> Suite | None:
        """Return the suite of a commit, or None if nothing has run."""
        with self._lock:
            runs = tuple(run for (home, _), run in self._kept.items() if (home, run.sha) == (repository, sha))
        return Suite(repository, sha, runs) if runs else None

    def suite_of(self, repository: str, run: CheckRun) -> Suite:
        """Return the suite that a run is in."""
        suite = self.suite(repository, run.sha)
        if not suite:
            raise LookupError(f"no check has run on {run.sha} in {repository}; keep the run first")
        return suite

    def find(self, repository: str, number: int) -> CheckRun | None:
        """Return a run by its number, or None if there is none."""
        with self._lock:
            return self._kept.get((repository, number))

    def add(self, repository: str, sha: str, wanted: dict[str, Any]) -> CheckRun:
        """Keep a new run.

        Raises:
            RefusedError: it would be completed without a conclusion, or a time is none.
        """
        now = datetime.now(UTC)
        new = CheckRun(0, sha, wanted["name"], "queued", None, now, None, None, "", None, None, None)
        run = replace(changed(new, wanted), number=next(self._numbers))
        with self._lock:
            self._kept[repository, run.number] = run
        return run

    def rename(self, before: str, after: str) -> None:
        """Keep what was said of a repository under its new name."""
        with self._lock:
            self._kept = {
                (after if home == before else home, number): one for (home, number), one in self._kept.items()
            }

    def change(self, repository: str, run: CheckRun, wanted: dict[str, Any]) -> CheckRun:
        """Keep what a request makes of a run.

        Raises:
            RefusedError: it would be completed without a conclusion, or a time is none.
        """
        after = changed(run, wanted)
        with self._lock:
            self._kept[repository, run.number] = after
        return after
