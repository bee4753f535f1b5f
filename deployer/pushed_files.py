"""Which files a push touches, as far as its payload tells. Pure."""

from collections.abc import Mapping
from typing import Any

_MOST_COMMITS = 2048
"""What a payload names at the most, without saying how many there are."""

_MOST_BYTES = 16_384
"""Of all paths together: an event that names more is no small one any more, and so many changes concern everybody."""


def changed_files(payload: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the files that the commits of a push added, modified or removed, in order.

    https://docs.github.com/en/webhooks/webhook-events-and-payloads#push

    Args:
        payload: of a push that moved a ref forward. It may be malformed.

    Returns:
        Their paths. None where they are not known: commits are left out; one of them has no files, as GitHub does it
        with very large commits and merges; or there are too many files.
    """
    commits = payload.get("commits")
    if not isinstance(commits, list) or not 0 < len(commits) < _MOST_COMMITS:
        return None
    if not isinstance(commits[-1], Mapping) or commits[-1].get("id") != payload.get("after"):
        return None
    files: set[str] = set()
    for commit in commits:
        of_commit = _files(commit)
        if not of_commit:
            return None
        files |= of_commit
    known = sum(len(file.encode(errors="replace")) for file in files) <= _MOST_BYTES
    return tuple(sorted(files)) if known else None


def _files(commit: Any) -> set[str]:
    """A commit's files; empty where any of the lists is not there, or not one of texts."""
    lists = [commit.get(name) if isinstance(commit, Mapping) else None for name in ("added", "modified", "removed")]
    if not all(isinstance(one, list) and all(isinstance(file, str) for file in one) for one in lists):
        return set()
    return {file for one in lists for file in one or ()}
