"""What a check found, and the section of checks that it belongs to."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from deployer.errors import DeployerError

Status = Literal["ok", "warning", "failed", "skipped"]

_T = TypeVar("_T")

# Where hints say to read more: a heading of the README, and a step below it.
CONFIGURATION = "README, Configuration"
LIMITS = "README, Limits"
WEBHOOK = "README, Your first deployment"
ACCOUNT, KUBECONFIG, TOKEN, SECRET = (f"{WEBHOOK}, step {number}" for number in (1, 2, 3, 4))


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

    def _add(self, name: str, status: Status, message: str, hint: str) -> None:
        self.checks.append(Check(self.title, name, status, message, hint))
