"""One status for many applications: what a commit is told where one each would be too many. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from deployer.github.statuses import MAX_DESCRIPTION, State, shortened
from deployer.report.words import plural

_WORDS: dict[State, str] = {
    "success": "healthy",
    "pending": "under way",
    "failure": "failed",
    "error": "in error",
}


@dataclass(frozen=True)
class Standing:
    """How an application stands with a commit: what its own status would say."""

    application: str
    state: State
    description: str


def together(standings: Sequence[Standing]) -> tuple[State, str]:
    """Say how all applications that watch a ref stand with its commit.

    Args:
        standings: one for each, in any order.

    Returns:
        The state, pending while any is under way; and a description that GitHub takes, such as `200 applications:
        180 healthy, 18 under way, 2 failed: cart, shop-eu`, or with the reason where it is only one that failed. The
        same standings make the same, so that it is written only when it changes.
    """
    counts = Counter(one.state for one in standings)
    head = f"{plural(len(standings), 'application')}: {_counts(counts, len(standings))}"
    ill = sorted((one for one in standings if one.state in ("failure", "error")), key=_failed_first)
    return _state(counts), _with_names(head, ill)


def _state(counts: Counter[State]) -> State:
    order: tuple[State, ...] = ("pending", "failure", "error")
    return next((state for state in order if counts[state]), "success")


def _counts(counts: Counter[State], total: int) -> str:
    return ", ".join(
        f"{'all' if counts[state] == total > 1 else counts[state]} {word}"
        for state, word in _WORDS.items()
        if counts[state]
    )


def _failed_first(one: Standing) -> tuple[bool, str]:
    return one.state != "failure", one.application


def _with_names(head: str, ill: Sequence[Standing]) -> str:
    """Add as many names as there is room for, or the only one with its reason."""
    if len(ill) == 1 and ill[0].description:
        return shortened(f"{head}: {ill[0].application}: {ill[0].description}")
    names = [one.application for one in ill]
    for count in range(len(names), 0, -1):
        more = f" and {len(names) - count} more" if count < len(names) else ""
        told = f"{head}: {', '.join(names[:count])}{more}"
        if len(told) <= MAX_DESCRIPTION:
            return told
    return head
