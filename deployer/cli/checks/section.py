"""What a check found, and the section of checks that it belongs to."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

from deployer.errors import DeployerError

Status = Literal["ok", "warning", "failed", "skipped"]

_T = TypeVar("_T")

# Where hints say to read more: pages of this repository.
APP = "docs/how-to/github-app.md"
CLUSTER = "docs/how-to/clusters-by-kubeconfig.md"
DOCUMENTS = "docs/reference/documents.md"
GITHUB = "docs/how-to/connect-github.md"
GKE = "docs/how-to/gke.md"
QUEUES = "docs/explanation/queues.md"
SETTINGS_PAGE = "docs/reference/settings.md"
SIGNATURES = "docs/how-to/deploy-when.md"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at: what, how it is, and what to do about it (`""` where nothing is to be done)."""

    section: str
    name: str
    status: Status
    message: str
    hint: str = ""


@dataclass
class Section:
    """Checks that belong together, in the order in which they were made."""

    title: str
    checks: list[Check] = field(default_factory=list)

    def ok(self, name: str, message: str) -> None:
        """All is well."""
        self._add(name, "ok", message, "")

    def warn(self, name: str, message: str, hint: str) -> None:
        """It works, and a person should know."""
        self._add(name, "warning", message, hint)

    def fail(self, name: str, message: str, hint: str) -> None:
        """It does not work."""
        self._add(name, "failed", message, hint)

    def skip(self, name: str, reason: str, hint: str = "") -> None:
        """It could not be looked at."""
        self._add(name, "skipped", reason, hint)

    def attempt(self, name: str, ask: Callable[[], _T], hint: str) -> _T | None:
        """Return what `ask` gives; where it raises a DeployerError, that is a failed check, and None is returned."""
        try:
            return ask()
        except DeployerError as error:
            self.fail(name, str(error), hint)
            return None

    def finish(self, look: Callable[[], _T]) -> _T | None:
        """Return what `look` gives, which makes checks; where it comes to grief, that is one more, which failed.

        So an answer that nobody expected, such as `{}` where a document is promised, ends this section and no other.
        """
        try:
            return look()
        except Exception as error:
            # Neither quoted nor printed: an error that nobody expected may quote anything.
            frame = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{type(error).__name__} in {Path(frame.filename).name}, line {frame.lineno}"
            self.fail(
                "answers",
                f"one was not as it is documented ({place}); what comes after it was not looked at",
                "find out whether something else answers in the neighbour's place; if not, report this, with the line",
            )
            return None

    def _add(self, name: str, status: Status, message: str, hint: str) -> None:
        self.checks.append(Check(self.title, name, status, message, hint))
