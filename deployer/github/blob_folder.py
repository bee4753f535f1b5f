"""The content of files, kept in a folder of this disk: what one process has fetched, the next one need not."""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock

from deployer.github.blobs import is_blob

MOST = 200_000_000
"""Bytes that the folder may hold; beyond, what was wanted least of late goes, down to `_LEFT` of it."""

_LEFT = 0.8


class BlobFolder:
    """Blobs in files that are named by their ids; shared by threads, and by processes.

    Each repository has a folder of its own, since who may read one need not be allowed to read another; nobody but this
    user may read any. What is damaged is not there. Whatever is wrong with the disk, nothing is raised: then content is
    fetched.
    """

    def __init__(self, folder: Path, on_error: Callable[[OSError], None], most: int = MOST) -> None:
        """Take the folder, which is made when it is needed.

        Args:
            folder: where.
            on_error: told the first time that something is wrong with the disk.
            most: bytes that it may hold.
        """
        self.folder = folder
        self._on_error = on_error
        self._most = most
        self._lock = Lock()
        self._bytes: int | None = None
        self._told = False

    def read(self, host: str, full_name: str, shas: Iterable[str]) -> dict[str, bytes]:
        """Return the content of those blobs of a repository that are there, by id."""
        found = {}
        with self._forgiving():
            home = self._home(host, full_name)
            for sha in shas:
                path = home / sha[:2] / sha[2:]
                with suppress(FileNotFoundError):
                    content = path.read_bytes()
                    if is_blob(content, sha):
                        found[sha] = content
                        os.utime(path)
        return found

    def write(self, host: str, full_name: str, contents: Mapping[str, bytes]) -> None:
        """Keep blobs of a repository, by id."""
        with self._forgiving():
            home = self._home(host, full_name)
            for sha, content in contents.items():
                folder = home / sha[:2]
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                _write(folder / sha[2:], content)
            with self._lock:
                self._bound(sum(map(len, contents.values())))

    def _home(self, host: str, full_name: str) -> Path:
        """The folder of a repository, which is made; what it is called is no part of any path."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        home = self.folder / hashlib.sha256(f"{host}/{full_name}".encode()).hexdigest()[:40]
        home.mkdir(mode=0o700, exist_ok=True)
        return home

    def _bound(self, more: int) -> None:
        """Count what has come; once that is too much, look what there is, and delete what was wanted least of late."""
        self._bytes = None if self._bytes is None else self._bytes + more
        if self._bytes is not None and self._bytes <= self._most:
            return
        files = sorted(_files(self.folder))
        self._bytes = sum(size for _, size, _ in files)
        if self._bytes <= self._most:
            return
        for _, size, path in files:
            if self._bytes <= self._most * _LEFT:
                break
            path.unlink(missing_ok=True)  # another process may have done it
            self._bytes -= size

    @contextmanager
    def _forgiving(self) -> Iterator[None]:
        """Tell of the first error of the disk, and go on without it."""
        try:
            yield
        except OSError as error:
            with self._lock:
                told, self._told = self._told, True
            if not told:
                self._on_error(error)


def _write(path: Path, content: bytes) -> None:
    """Write a file that only this user may read; it is there whole, or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def _files(folder: Path) -> Iterator[tuple[float, int, Path]]:
    """When each file was wanted last, its bytes, and where it is; those that a process has left half written, too."""
    for path in folder.glob("*/*/*"):
        with suppress(FileNotFoundError):
            found = path.stat()
            yield found.st_mtime, found.st_size, path
