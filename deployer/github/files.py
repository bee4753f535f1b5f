"""The files of a repository at a commit: the tree, then the blobs that are wanted, each checked against its id."""

import base64
import hashlib
import posixpath
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock

from cachetools import LRUCache

from deployer.errors import SourceError
from deployer.github.client import GitHub
from deployer.github.links import follow
from deployer.github.listing import Entry, Listing
from deployer.github.transport import PARALLEL
from deployer.repository import Repository

# A blob is named by what it holds, so what was read once need never be read again: a push changes few files, and a
# reconcile none. It is kept by repository: who may read one need not be allowed to read another.
BLOBS: LRUCache[tuple[str, str, str], bytes] = LRUCache(32_000_000, getsizeof=len)
_LOCK = Lock()

_MAX_TARGET = 4_096  # bytes that a link may have, as on Linux


@dataclass(frozen=True)
class Tree:
    """What a commit holds, and who to ask for the content."""

    github: GitHub
    repository: Repository
    listing: Listing
    _targets: dict[str, str] = field(default_factory=dict, repr=False)

    def paths(self, path: str, *, recurse: bool) -> list[str]:
        """The files at a path of the repository, relative to it.

        Args:
            path: a folder or a file, without `..`; `.` is the root. Links are followed, inside the repository only.
            recurse: whether the folders below count too; those behind links do not.

        Returns:
            Sorted file paths, links among them; for a path that is one file, just its own name.

        Raises:
            SourceError: the path does not exist at this commit, leads into a submodule, or out of the repository.
        """
        real, root = self._follow(path)
        if root.is_file:
            return [posixpath.basename(posixpath.normpath(path))]
        inside = self.listing.below(real, recurse=recurse)
        for name, entry in inside.items():
            if entry.is_submodule and recurse:
                at = posixpath.join(real, name)
                raise SourceError(f"{self.listing.where}: {at} is a submodule, which is not supported: copy its files")
        return sorted(name for name, entry in inside.items() if entry.is_file or entry.is_link)

    def read(self, path: str, names: list[str], *, max_bytes: int) -> dict[str, bytes]:
        """Read files, `PARALLEL` at once.

        Args:
            path: the folder that the names are relative to, or the file that is the only name.
            names: from `paths`.
            max_bytes: how much they may hold together; the tree says so before anything is fetched.

        Returns:
            Their content by name. Links are followed, inside the repository only.

        Raises:
            SourceError: the files are too large, one cannot be read, a link leads nowhere or out of the repository.
        """
        folder = posixpath.dirname(path) if self._follow(path)[1].is_file else path
        with ThreadPoolExecutor(PARALLEL) as pool:
            found = list(pool.map(lambda name: self._file(posixpath.join(folder, name)), names))
            size = sum(entry.size for _, entry in found)
            if size > max_bytes:
                raise SourceError(
                    f"{self.listing.where}: the manifest files have {size:,} bytes, and {max_bytes:,} are allowed; "
                    "split the application, or leave files out with `directory.exclude`"
                )
            contents = list(pool.map(lambda one: self._blob(*one), found))
        return dict(zip(names, contents, strict=True))

    def _file(self, path: str) -> tuple[str, Entry]:
        path = posixpath.normpath(path)
        real, entry = self._follow(path)
        if not entry.is_file:
            raise SourceError(f"{self.listing.where}: the link {path} leads to {real!r}, which is no file: correct it")
        return real, entry

    def _follow(self, path: str) -> tuple[str, Entry]:
        """Where a path leads, and what is there."""
        return follow(path, self.listing.entry, self._target, self.listing.where)

    def _target(self, path: str, entry: Entry) -> str:
        """Where the link at a path leads; asked for once."""
        if entry.size > _MAX_TARGET:
            raise SourceError(f"{self.listing.where}: {path} is a link of {entry.size:,} bytes: make it a file")
        if path not in self._targets:
            self._targets[path] = self._blob(path, entry).decode(errors="replace")
        return self._targets[path]

    def _blob(self, path: str, entry: Entry) -> bytes:
        key = (self.github.host, self.repository.full_name, entry.sha)
        with _LOCK:
            known = BLOBS.get(key)
        if known is not None:
            return known
        answer = self.github.request("GET", f"/repos/{self.repository.full_name}/git/blobs/{entry.sha}")
        try:
            content = base64.b64decode(answer.text("content"))
        except ValueError:
            content = b""
        # https://git-scm.com/book/en/v2/Git-Internals-Git-Objects
        if hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest() != entry.sha:
            raise SourceError(
                f"{self.listing.where}: what GitHub sent for {path} is not that file: its id does not match; try again"
            )
        if len(content) <= BLOBS.maxsize:
            with _LOCK:
                BLOBS[key] = content
        return content


def read_tree(github: GitHub, repository: Repository, commit: str) -> Tree:
    """List what a commit holds; in one request, unless it is too large for one.

    Raises:
        SourceError: GitHub cannot give the list.
    """
    return Tree(github, repository, Listing(github, repository, commit))
