"""The files of a repository at a commit: the tree, then the blobs that are wanted, each checked against its id."""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock

from cachetools import LRUCache

from deployer.errors import SourceError
from deployer.github.client import GitHub
from deployer.github.listing import Listing
from deployer.github.transport import PARALLEL
from deployer.repository import Repository
from deployer.tree import Entry

# A blob is named by what it holds, so what was read once need never be read again: a push changes few files, and a
# reconcile none. It is kept by repository: who may read one need not be allowed to read another.
BLOBS: LRUCache[tuple[str, str, str], bytes] = LRUCache(32_000_000, getsizeof=len)
_LOCK = Lock()


@dataclass(frozen=True)
class CommitTree:
    """What a commit holds (a `Tree`), and who to ask for the content."""

    github: GitHub
    repository: Repository
    listing: Listing

    @property
    def where(self) -> str:
        """Repository and commit, for people."""
        return self.listing.where

    def entry(self, path: str) -> Entry | None:
        """What is at a path; no link on the way is followed."""
        return self.listing.entry(path)

    def below(self, folder: str, *, recurse: bool) -> Mapping[str, Entry]:
        """What is in a folder, by path relative to it; in the folders below, too, where `recurse` says so."""
        return self.listing.below(folder, recurse=recurse)

    def read(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        """The content of files, and where links lead, by path; `PARALLEL` at once.

        Raises:
            SourceError: there is no such file, or GitHub cannot give it.
        """
        names = list(paths)
        with ThreadPoolExecutor(PARALLEL) as pool:
            return dict(zip(names, pool.map(self._read, names), strict=True))

    def _read(self, path: str) -> bytes:
        entry = self.entry(path)
        if entry is None or not (entry.is_file or entry.is_link):
            raise SourceError(f"{self.where} has no file {path!r}", status=404)
        return self._blob(path, entry)

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


def read_tree(github: GitHub, repository: Repository, commit: str) -> CommitTree:
    """List what a commit holds; in one request, unless it is too large for one.

    Raises:
        SourceError: GitHub cannot give the list.
    """
    return CommitTree(github, repository, Listing(github, repository, commit))
