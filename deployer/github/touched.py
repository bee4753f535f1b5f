"""Whether anything at some paths of a repository differs between two commits.

Git names a folder by all that it holds (https://git-scm.com/book/en/v2/Git-Internals-Git-Objects): where the name is
the same at both commits nothing below differs, and nothing below is asked for.
"""

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

from deployer.errors import SourceError
from deployer.generate_paths import split_glob, touched
from deployer.github.client import GitHub
from deployer.github.trees import MAX_ENTRIES, list_tree
from deployer.repository import Repository
from deployer.tree import Entry

MAX_LISTS = 60
"""Requests for folders, of the 5,000 an hour that GitHub grants; beyond, a sync that may change nothing is cheaper."""

_Files = Mapping[str, Entry]  # what a folder holds, by path

_NO_FOLDER: _Files = {}
_Pair = tuple[Entry | None, Entry | None]  # what is at a path at the one commit, and at the other


class _UnsureError(Exception):
    """It cannot be told."""


class _TruncatedError(Exception):
    """GitHub has cut a list short."""


def touched_between(github: GitHub, repository: Repository, paths: Iterable[str], old: str, new: str) -> bool:
    """Say whether anything at some paths differs between two commits.

    The commits need not follow each other. A path costs two requests for each folder on its way that differs; with a
    glob, two more for all that is below its fixed part.

    Args:
        github: where to ask.
        repository: whose commits.
        paths: as `parse_generate_paths` returns them.
        old: the commit that was there.
        new: the one that is there now.

    Returns:
        False only where it is certain that nothing differs: True where a commit is gone, as after a forced push, where
        GitHub refuses or cannot list a folder, and where a path is a link or leads through one.

    Raises:
        SourceError: GitHub cannot be reached for now, or its rate limit is used up.
    """
    if old == new:
        return False
    comparison = _Comparison(github, repository)
    commits = (Entry("040000", old, 0), Entry("040000", new, 0))
    try:
        return any(comparison.differs(path, commits) for path in paths)
    except _UnsureError:
        return True
    except SourceError as error:
        if error.transient:
            raise
        return True


class _Comparison:
    """The folders of one repository at two commits; each method raises `_UnsureError` and SourceError."""

    def __init__(self, github: GitHub, repository: Repository) -> None:
        self._github = github
        self._repository = repository
        self._asked = 0
        self._lock = Lock()

    def differs(self, path: str, commits: _Pair) -> bool:
        """Whether what is at a path, or matches it, differs."""
        names, is_glob = split_glob(path)
        pair = commits
        for number, name in enumerate(names, 1):
            old, new = self._folders(pair)
            pair = old.get(name), new.get(name)
            # What is behind a link, or in another repository, is none of this folder's.
            if any(entry and entry.is_link for entry in pair):
                raise _UnsureError
            if pair[0] == pair[1]:
                return False
            if number < len(names) and any(entry and entry.is_submodule for entry in pair):
                raise _UnsureError
        if is_glob:
            return any(touched([path], [file]) for file in self._changed("/".join(names), pair))
        if names:
            return True
        old, new = self._folders(commits)  # two commits may hold the same
        return old != new

    def _changed(self, folder: str, pair: _Pair) -> Iterator[str]:
        """The files below a folder that differ."""
        try:
            both = self._folders(pair, recursive=True)
        except _TruncatedError:
            both = self._folders(pair)
            below = [name for name, one in _differing(both) if any(entry and entry.is_folder for entry in one)]
            for name in below:
                yield from self._changed(posixpath.join(folder, name), (both[0].get(name), both[1].get(name)))
        for name, one in _differing(both):
            if not all(entry is None or entry.is_folder for entry in one):
                yield posixpath.join(folder, name)

    def _folders(self, pair: _Pair, *, recursive: bool = False) -> tuple[_Files, _Files]:
        """What two folders hold; nothing where there is none."""
        with ThreadPoolExecutor(2) as pool:
            old, new = pool.map(lambda entry: self._folder(entry, recursive=recursive), pair)
        return old, new

    def _folder(self, entry: Entry | None, *, recursive: bool) -> _Files:
        if not entry or not entry.is_folder:
            return _NO_FOLDER
        listed = list_tree(self._github, self._repository, entry.sha, recursive=recursive, count=self._count)
        if listed.is_cut and recursive:
            raise _TruncatedError
        if listed.is_cut or listed.entries > MAX_ENTRIES:
            raise _UnsureError
        return {posixpath.join(at, name): one for at, holds in listed.folders.items() for name, one in holds.items()}

    def _count(self) -> None:
        with self._lock:
            self._asked += 1
            if self._asked > MAX_LISTS:  # whoever waits for the same list may be told of it
                raise SourceError(f"to compare two commits, more than {MAX_LISTS} requests would be needed")


def _differing(both: tuple[_Files, _Files]) -> Iterator[tuple[str, _Pair]]:
    old, new = both
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            yield name, (old.get(name), new.get(name))
