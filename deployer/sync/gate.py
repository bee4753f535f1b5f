"""Whether a commit may be deployed, as far as the checks and the signature say that its application requires. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from deployer.github.checks import Check
from deployer.github.statuses import MAX_DESCRIPTION, State
from deployer.github.verified import VERIFIED, Signature


@dataclass(frozen=True)
class Gate:
    """What is to be done about a commit: only where it is `open`, it is deployed; `message` tells it why not."""

    state: Literal["open", "waiting", "failed"]
    message: str = ""

    @property
    def is_open(self) -> bool:
        """Whether the commit may be deployed."""
        return self.state == "open"

    @property
    def told(self) -> State:
        """The state of the status that tells the commit so."""
        return "failure" if self.state == "failed" else "pending"


OPEN = Gate("open")

_FAILED, _WAITING = "not deployed: ", "waiting for "


def is_of_gate(description: str) -> bool:
    """Say whether a commit was told that it may not be deployed: of a sync that says nothing."""
    return description.startswith((_FAILED, _WAITING))


def gate(names: Sequence[str], checks: Mapping[str, Check], signature: Signature = VERIFIED) -> Gate:
    """Say whether a commit may be deployed.

    Args:
        names: the checks that the application requires.
        checks: how they stand; one that is missing has not begun.
        signature: how it is signed, where the application requires that.

    Returns:
        Failed, where any of them has; else waiting, where any is not green. The message says what is missing, as much
        as a status' description has room for.
    """
    stand = {name: checks.get(name, Check("waiting")) for name in names}
    failed = [signature.words] if signature.state == "refused" else []
    failed += [f"{name} {_word(check)}" for name, check in stand.items() if check.state == "failed"]
    if failed:
        return Gate("failed", _fitting(_FAILED, failed))
    waiting = [signature.words] if signature.state == "waiting" else []
    waiting += [name for name, check in stand.items() if check.state == "waiting"]
    if waiting:
        return Gate("waiting", _fitting(_WAITING, waiting))
    return OPEN


def _word(check: Check) -> str:
    """Such as `failed`, `cancelled` and `timed out`."""
    return "failed" if check.conclusion in ("", "failure", "error") else check.conclusion.replace("_", " ")


def _fitting(begin: str, items: Sequence[str]) -> str:
    """All items, or the first ones and how many more there are; one that is too long is cut where it is shown."""
    for count in range(len(items), 1, -1):
        text = begin + _some(items, count)
        if len(text) <= MAX_DESCRIPTION:
            return text
    return begin + _some(items, 1)


def _some(items: Sequence[str], count: int) -> str:
    more = f" and {len(items) - count} more" if count < len(items) else ""
    return ", ".join(items[:count]) + more
