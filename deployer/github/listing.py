"""What a commit holds: listed in one request, or folder by folder where it is too large for one."""

import posixpath
import threading

from cachetools import TTLCache

from deployer.errors import SourceError
from deployer.github.client import GitHub
from deployer.github.trees import MAX_ENTRIES, Folder, Listed, list_tree
from deployer.repository import Repository
from deployer.tree import Entry

MAX_LISTINGS = 100
"""Requests for folders, of the 5,000 an hour that GitHub grants; one after the other, or memory would not suffice."""

# Repositories whose list was cut short, by host and name. They are as large at most other commits: for an hour, they
# are asked for without what is below, and only where that has taken `_FEW` requests, with it.
CUT: TTLCache[tuple[str, str], bool] = TTLCache(10_000, 3_600.0)
_FEW = 5
_LOCK = threading.Lock()

_NOTHING: Folder = {}


class Listing:
    """What a commit holds, as far as one application asks; shared by threads.

    GitHub cuts a list short at 100,000 entries or 7 MB (https://docs.github.com/rest/git/trees#get-a-tree): then each
    folder that matters is asked for by itself, those on the way to it without what is below, and half a list is never
    taken for the whole.
    """

    def __init__(self, github: GitHub, repository: Repository, commit: str) -> None:
        """Ask for all of a commit. Raises SourceError, as each method does, where GitHub cannot give the list."""
        self.where = f"{repository.full_name} at {commit[:7]}"
        self._github = github
        self._repository = repository
        self._lock = threading.Lock()
        self._asked = 0
        self._folders: dict[str, Folder] = {}
        self._commit = commit
        self._place = (github.host, repository.full_name)
        with _LOCK:
            self._is_spared = self._place in CUT
        self._list("", commit, recursive=not self._is_spared)

    def entry(self, path: str) -> Entry | None:
        """What is at a path below the root; no link on the way is followed."""
        folder, name = posixpath.split(path)
        with self._lock:
            return self._reach(folder).get(name)

    def below(self, folder: str, *, recurse: bool) -> dict[str, Entry]:
        """What is in a folder, by path relative to it; in the folders below, too, where `recurse` says so."""
        with self._lock:
            if not recurse:
                return dict(self._reach(folder))
            inside: dict[str, Entry] = {}
            parent, name = posixpath.split(folder)
            todo = [(folder, "", self._reach(parent).get(name))]
            while todo:
                path, relative, entry = todo.pop()
                for name, one in self._all(path, entry).items():
                    at = posixpath.join(relative, name)
                    inside[at] = one
                    if one.is_folder:
                        todo.append((posixpath.join(path, name), at, one))
            return inside

    def _all(self, folder: str, entry: Entry | None) -> Folder:
        """What a folder holds; where that, or what a folder in it holds, is not listed yet, it is, with all below."""
        holds = self._folders.get(folder)
        if holds is None or any(
            one.is_folder and posixpath.join(folder, name) not in self._folders for name, one in holds.items()
        ):
            if entry is None or not entry.is_folder:
                return holds or _NOTHING
            self._list(folder, entry.sha, recursive=True)
        return self._folders[folder]

    def _reach(self, folder: str) -> Folder:
        """List each folder on the way to one, and that itself; returns what it holds, nothing if there is none."""
        at, holds = "", self._folders[""]
        for name in folder.split("/") if folder else []:
            entry = holds.get(name)
            if entry is None or not entry.is_folder:
                return _NOTHING
            at = posixpath.join(at, name)
            if at not in self._folders:
                self._list(at, entry.sha, recursive=False)
            holds = self._folders[at]
        return holds

    def _list(self, folder: str, sha: str, *, recursive: bool) -> None:
        """List a folder: with all below if it is wanted and GitHub can, else without."""
        if self._is_spared and self._asked >= _FEW:
            self._is_spared = False
            whole = self._ask(self._commit, recursive=True)
            if not whole.is_cut:
                self._take("", whole)
                return
        found = self._ask(sha, recursive=recursive)
        if recursive and found.is_cut:
            if not folder:
                with _LOCK:
                    CUT[self._place] = True
            found = self._ask(sha, recursive=False)
        if found.is_cut:
            raise SourceError(f"{self.where}: GitHub cannot list all of the folder {folder or '.'}: split it")
        self._take(folder, found)

    def _take(self, folder: str, found: Listed) -> None:
        """Know what a folder holds from now on; raises SourceError where that makes too much."""
        folders = self._folders | {f"{folder}/{below}".strip("/"): holds for below, holds in found.folders.items()}
        if max(found.entries, sum(map(len, folders.values()))) > MAX_ENTRIES:
            raise SourceError(
                f"{self.where} has more than {MAX_ENTRIES:,} files and folders around {folder or '.'}: "
                "point the application's `path` at a smaller folder"
            )
        self._folders = folders

    def _ask(self, sha: str, *, recursive: bool) -> Listed:
        return list_tree(self._github, self._repository, sha, recursive=recursive, count=self._count)

    def _count(self) -> None:
        self._asked += 1
        if self._asked > MAX_LISTINGS:
            raise SourceError(
                f"{self.where} is so large that more than {MAX_LISTINGS} requests would be needed to list it: "
                "point the application's `path` at a smaller folder"
            )
