"""What a commit holds: listed in one request, or folder by folder where it is too large for one."""

import posixpath
import threading
from dataclasses import replace

from deployer.errors import SourceError
from deployer.github.answer import Answer
from deployer.github.client import GitHub
from deployer.repository import Repository
from deployer.tree import Entry

MAX_ENTRIES = 200_000
"""Files and folders that are held; reading so many takes 200 MB. One answer of GitHub has 100,000 at the most."""

MAX_LISTINGS = 100
"""Requests for folders, of the 5,000 an hour that GitHub grants; one after the other, or memory would not suffice."""


class Listing:
    """What a commit holds; shared by threads.

    GitHub cuts a list short at 100,000 entries or 7 MB (https://docs.github.com/rest/git/trees#get-a-tree): then each
    folder that matters is asked for by itself, and half a list is never taken for the whole.
    """

    def __init__(self, github: GitHub, repository: Repository, commit: str) -> None:
        """Ask for all of a commit. Raises SourceError, as each method does, where GitHub cannot give the list."""
        self.where = f"{repository.full_name} at {commit[:7]}"
        self._github = github
        self._trees = f"/repos/{repository.full_name}/git/trees"
        self._lock = threading.Lock()
        self._asked = 0
        self._entries = {"": Entry("040000", commit, 0)}
        self._unlisted = {""}
        self._list("", recursive=True)

    def entry(self, path: str) -> Entry | None:
        """What is at a path below the root; no link on the way is followed."""
        with self._lock:
            self._reach(posixpath.dirname(path))
            return self._entries.get(path)

    def below(self, folder: str, *, recurse: bool) -> dict[str, Entry]:
        """What is in a folder, by path relative to it; in the folders below, too, where `recurse` says so."""
        root = f"{folder}/" if folder else ""
        with self._lock:
            self._reach(posixpath.dirname(folder) if recurse else folder)
            while recurse and (todo := [one for one in self._unlisted if f"{one}/".startswith(root)]):
                self._list(todo[0], recursive=True)
            inside = {path.removeprefix(root): entry for path, entry in self._entries.items() if path.startswith(root)}
        return {path: entry for path, entry in inside.items() if path and (recurse or "/" not in path)}

    def _reach(self, folder: str) -> None:
        """List each folder on the way to one, and that itself."""
        parts = folder.split("/") if folder else []
        for number in range(len(parts) + 1):
            at = "/".join(parts[:number])
            if at in self._unlisted:
                self._list(at, recursive=False)

    def _list(self, folder: str, *, recursive: bool) -> None:
        """List a folder: with all below if it is wanted and GitHub can, else without."""
        answer = self._ask(folder, recursive=recursive)
        if recursive and answer.flag("truncated"):
            recursive = False
            answer = self._ask(folder, recursive=False)
        if answer.flag("truncated"):
            raise SourceError(f"{self.where}: GitHub cannot list all of the folder {folder or '.'}: split it")
        found = answer.objects("tree")
        if len(self._entries) + len(found) > MAX_ENTRIES:
            raise SourceError(
                f"{self.where} has more than {MAX_ENTRIES:,} files and folders around {folder or '.'}: "
                "point the application's `path` at a smaller folder"
            )
        entries = {posixpath.join(folder, one.text("path")): read_entry(one) for one in found}
        self._entries |= entries
        self._unlisted.remove(folder)
        if not recursive:
            self._unlisted |= {path for path, entry in entries.items() if entry.is_folder}

    def _ask(self, folder: str, *, recursive: bool) -> Answer:
        self._asked += 1
        if self._asked > MAX_LISTINGS:
            raise SourceError(
                f"{self.where} is so large that more than {MAX_LISTINGS} requests would be needed to list it: "
                "point the application's `path` at a smaller folder"
            )
        address = f"{self._trees}/{self._entries[folder].sha}"
        return self._github.request("GET", f"{address}?recursive=1" if recursive else address)


def read_entry(found: Answer) -> Entry:
    """Read an entry of a list of GitHub's. Raises SourceError where it is none."""
    mode = found.text("mode")
    entry = Entry(mode, found.sha("sha"), 0)
    return replace(entry, size=found.number("size")) if entry.is_file or entry.is_link else entry
