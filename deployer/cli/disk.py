"""A folder on this disk as a source: what a commit of it would hold."""

import os
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from deployer.errors import SourceError
from deployer.tree import Entry

_GIT = ".git"


@dataclass(frozen=True)
class DiskTree:
    """A folder (a `Tree`): nothing outside it is read, but for what Git itself keeps there.

    Raises SourceError where something cannot be read: half of a folder's manifests must never pass for all of them.
    """

    root: Path

    @property
    def where(self) -> str:
        """The folder, for people."""
        return str(self.root)

    def entry(self, path: str) -> Entry | None:
        """What is at a path; no link on the way is followed."""
        if any(self._is_link(parent) for parent in _parents(path)):
            return None
        return self._entry(path)

    def below(self, folder: str, *, recurse: bool) -> Mapping[str, Entry]:
        """What is in a folder, by path relative to it; in the folders below, too, where `recurse` says so."""
        found = {}
        for path in self._walk(folder, recurse=recurse):
            if entry := self._entry(posixpath.join(folder, path)):
                found[path] = entry
        return found

    def read(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        """The content of files, and where links lead, by path."""
        try:
            return {path: self._read(path) for path in paths}
        except OSError as error:
            raise _unreadable(error) from error

    def _read(self, path: str) -> bytes:
        file = self.root / path
        return os.fsencode(file.readlink()) if file.is_symlink() else file.read_bytes()

    def _entry(self, path: str) -> Entry | None:
        file = self.root / path
        try:
            size = file.lstat().st_size
            if file.is_symlink():
                return Entry("120000", "", size)
            if file.is_dir():
                return Entry("160000" if path and (file / _GIT).exists() else "040000", "", 0)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _unreadable(error) from error
        return Entry("100644", "", size) if file.is_file() else None

    def _is_link(self, path: str) -> bool:
        return (self.root / path).is_symlink()

    def _walk(self, folder: str, *, recurse: bool) -> Iterator[str]:
        top = self.root / folder
        for at, below, names in os.walk(top, onerror=_fail):
            if _GIT in below:
                below.remove(_GIT)
            inside = Path(at).relative_to(top)
            yield from ((inside / name).as_posix() for name in (*below, *names))
            if not recurse:
                return


def enclosing(path: Path) -> Path | None:
    """The working tree of Git that a path stands in; None where there is none."""
    return next((one for one in (path, *path.parents) if (one / _GIT).exists()), None)


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:number]) for number in range(1, len(parts))]


def _fail(error: OSError) -> None:
    raise _unreadable(error) from error


def _unreadable(error: OSError) -> SourceError:
    return SourceError(f"{error.filename} cannot be read: {error.strerror}")
