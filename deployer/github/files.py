"""The files of a repository at a commit: the tree, then the blobs that are wanted."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deployer.errors import SourceError
from deployer.github.blob_folder import BlobFolder
from deployer.github.blobs import Wanted, fetch_blobs
from deployer.github.client import GitHub
from deployer.github.lasting import Lasting
from deployer.github.listing import Listing
from deployer.repository import Repository
from deployer.tree import Entry

_OVERHEAD = 360  # bytes that a blob takes besides its content

# A blob is named by what it holds, so what was read once need never be read again: a push changes few files, and a
# reconcile none. It is kept by repository: who may read one need not be allowed to read another.
BLOBS: Lasting[tuple[str, str, str], bytes] = Lasting(32_000_000, lambda content: len(content) + _OVERHEAD)


_kept: BlobFolder | None = None
"""Where blobs are kept on this disk, if anywhere."""


def keep_in(folder: Path | None, on_error: Callable[[OSError], None]) -> None:
    """Have this process keep what it fetches in a folder, too, or in none; told again of the same, it changes nothing.

    `on_error` is told where the disk fails for the first time.
    """
    global _kept
    if folder is None:
        _kept = None
    elif _kept is None or _kept.folder != folder:
        _kept = BlobFolder(folder, on_error)


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
        """The content of files, and where links lead, by path; all that are wanted are best asked for at once.

        Raises:
            SourceError: there is no such file, or GitHub cannot give it.
        """
        files = {path: self._file(path) for path in paths}
        by_sha = {one.sha: one for one in files.values()}

        def ask(keys: Sequence[tuple[str, str, str]]) -> Mapping[tuple[str, str, str], bytes]:
            found = self._fetch([by_sha[sha] for *_, sha in keys])
            return {key: found[key[-1]] for key in keys}

        contents = BLOBS.get([self._key(sha) for sha in by_sha], ask)
        return {path: contents[self._key(one.sha)] for path, one in files.items()}

    def _fetch(self, wanted: Sequence[Wanted]) -> Mapping[str, bytes]:
        """Get what is not known to this process, by id: from the disk, and the rest from GitHub."""
        kept, place = _kept, (self.github.host, self.repository.full_name)
        found = kept.read(*place, {one.sha: one.size for one in wanted}) if kept else {}
        missing = [one for one in wanted if one.sha not in found]
        if not missing:
            return found
        fetched = fetch_blobs(self.github, self.repository, self.where, missing)
        if kept:
            kept.write(*place, fetched)
        return found | fetched

    def _file(self, path: str) -> Wanted:
        entry = self.entry(path)
        if entry is None or not (entry.is_file or entry.is_link):
            raise SourceError(f"{self.where} has no file {path!r}", status=404)
        return Wanted(path, entry.sha, entry.size)

    def _key(self, sha: str) -> tuple[str, str, str]:
        return self.github.host, self.repository.full_name, sha


def read_tree(github: GitHub, repository: Repository, commit: str) -> CommitTree:
    """List what a commit holds; in one request, unless it is too large for one.

    Raises:
        SourceError: GitHub cannot give the list.
    """
    return CommitTree(github, repository, Listing(github, repository, commit))
