"""How two commits stand to each other, as GitHub's three dots compare them: from where they parted.

https://docs.github.com/en/rest/commits/commits#compare-two-commits
"""

from typing import NamedTuple

from local.github.git import git
from local.github.repository import Repository

MOST_COMMITS = 250  # of an answer without pages: the newest
MOST_FILES = 300

_STATUS = {"A": "added", "D": "removed"}


class ChangedFile(NamedTuple):
    """A file that differs; `sha` is its blob, the old one if it was removed. A binary file has no lines."""

    path: str
    status: str
    sha: str
    additions: int
    deletions: int


class Comparison(NamedTuple):
    """What `head` has that `base` has not: `commits`, the oldest first, and `files`; `behind` counts the reverse."""

    base: str
    head: str
    merge_base: str
    commits: list[str]
    behind: int
    files: list[ChangedFile]

    @property
    def status(self) -> str:
        """How head stands to base, in GitHub's words."""
        if self.commits:
            return "diverged" if self.behind else "ahead"
        return "behind" if self.behind else "identical"


def compare(repository: Repository, base: str, head: str) -> Comparison | None:
    """Compare two commits by their SHAs; None if they have no history in common."""
    merge_base = git(repository.path, "merge-base", base, head, check=False).decode().strip()
    if not merge_base:
        return None
    commits = repository.commits_between(head, [base], -1)
    behind = len(repository.commits_between(base, [head], -1))
    return Comparison(base, head, merge_base, commits, behind, _files(repository, merge_base, head)[:MOST_FILES])


def _files(repository: Repository, old: str, new: str) -> list[ChangedFile]:
    """Read git's two listings: `:modes old new letter`, path; then `additions<tab>deletions<tab>path`."""
    command = ("diff-tree", "-r", "-z", "--no-renames", "--raw", "--numstat", old, new)
    words = iter(git(repository.path, *command).decode(errors="replace").split("\0")[:-1])
    blobs: dict[str, tuple[str, str]] = {}
    files = []
    for word in words:
        if word.startswith(":"):
            *_, before, after, letter = word.split(" ")
            blobs[next(words)] = letter, before if letter == "D" else after
        else:
            added, deleted, path = word.split("\t", 2)
            letter, sha = blobs[path]
            counts = (0 if count == "-" else int(count) for count in (added, deleted))
            files.append(ChangedFile(path, _STATUS.get(letter, "modified"), sha, *counts))
    return files
