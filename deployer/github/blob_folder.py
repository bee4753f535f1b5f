"""The content of files, kept in a folder of this disk: what one process has fetched, the next one need not."""

import errno
import hashlib
import os
import re
import stat
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from deployer.github.blobs import is_blob

MOST = 200_000_000
"""Bytes of the disk that it may take; beyond, what was wanted least of late goes, down to `_LEFT` of it."""

_LEFT, _UNSEEN = 0.8, 0.1  # so much is written before a process looks again at what all of them have written
_BLOCK = 4_096
_HALF_WRITTEN = 600.0  # seconds that a file may be under way

# What is ours, level by level: it is all that is ever deleted.
_OURS = "deployer-blobs-v1"
_NAMES = (r"[0-9a-f]{40}", r"[0-9a-f]{2}", r"[0-9a-f]{38}|tmp\w+")


class BlobFolder:
    """Blobs in files that are named by their ids; shared by threads, and by processes.

    They are in a folder of their own within the one that is given. Each repository has one of its own, since who may
    read one need not be allowed to read another; nobody but this user may read any. What is damaged is not there.
    Whatever is wrong with the disk, nothing is raised: then content is fetched.
    """

    def __init__(self, folder: Path, on_error: Callable[[OSError], None], most: int = MOST) -> None:
        """Take the folder, which is made when it is needed.

        Args:
            folder: where.
            on_error: told the first time that something is wrong with the disk.
            most: bytes that it may take.
        """
        self.folder = folder
        self._on_error = on_error
        self._most = most
        self._unseen = 0.0  # bytes that may be written before a look at the disk
        self._told = False

    def read(self, host: str, full_name: str, sizes: Mapping[str, int]) -> dict[str, bytes]:
        """Return the content of those blobs of a repository that are there, by id; their bytes must be known."""
        home = self._home(host, full_name)
        found = {}
        for sha, size in sizes.items():
            with suppress(OSError):  # where more than the file is wrong, `write` tells it
                content = _read(home / sha[:2] / sha[2:], size)
                if is_blob(content, sha):
                    found[sha] = content
        return found

    def write(self, host: str, full_name: str, contents: Mapping[str, bytes]) -> None:
        """Keep blobs of a repository, by id."""
        home = self._home(host, full_name)
        with self._forgiving():
            for folder in (self.folder, home.parent, home):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                if folder != self.folder and folder.is_symlink():
                    raise NotADirectoryError(errno.ENOTDIR, "It is a link", str(folder))
            for sha, content in contents.items():
                with self._forgiving():
                    _write(home / sha[:2], sha[2:], content)
                    self._unseen -= max(len(content), _BLOCK)
            if self._unseen < 0:
                self._unseen = self._most * _UNSEEN
                self._bound()

    def _home(self, host: str, full_name: str) -> Path:
        """The folder of a repository; what it is called is no part of any path."""
        return self.folder / _OURS / hashlib.sha256(f"{host}/{full_name}".encode()).hexdigest()[:40]

    def _bound(self) -> None:
        """Look what all processes have written, and where it is too much, delete what was wanted least of late."""
        files = sorted(_files(self.folder / _OURS))
        size = sum(size for _, size, _ in files)
        if size <= self._most:
            return
        for _, less, path in files:
            if size <= self._most * _LEFT:
                break
            path.unlink(missing_ok=True)  # another process may have done it
            size -= less

    @contextmanager
    def _forgiving(self) -> Iterator[None]:
        """Tell of the first error of the disk, and go on without it."""
        try:
            yield
        except OSError as error:
            told, self._told = self._told, True
            if not told:
                self._on_error(error)


def _read(path: Path, size: int) -> bytes:
    """Read a file if it is one, and as large as it should be, and note that it was wanted; else nothing."""
    with open(path, "rb", opener=_as_it_is) as file:  # that of a Path takes no opener
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or found.st_size != size:
            return b""
        with suppress(OSError):  # it may be another user's, or on a disk that is only read
            os.utime(file.fileno())
        return file.read()


def _as_it_is(path: str, flags: int) -> int:
    """Open a file: no link is followed, and for a pipe nobody waits."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _write(folder: Path, name: str, content: bytes) -> None:
    """Write a file that only this user may read; it is there whole, or not at all."""
    folder.mkdir(mode=0o700, exist_ok=True)
    handle, path = tempfile.mkstemp(dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(path).replace(folder / name)
    except OSError:
        Path(path).unlink(missing_ok=True)
        raise


def _files(folder: Path, names: Sequence[str] = _NAMES) -> Iterator[tuple[float, int, Path]]:
    """When each file was wanted last, its bytes on the disk, and where it is; those left half written, too."""
    with os.scandir(folder) as entries:
        for one in entries:
            if not re.fullmatch(names[0], one.name):
                continue
            if len(names) > 1 and one.is_dir(follow_symlinks=False):
                yield from _files(Path(one.path), names[1:])
            elif len(names) == 1 and one.is_file(follow_symlinks=False):
                with suppress(FileNotFoundError):
                    found = one.stat(follow_symlinks=False)
                    if not one.name.startswith("tmp") or time.time() - found.st_mtime > _HALF_WRITTEN:
                        yield found.st_mtime, max(found.st_size, found.st_blocks * 512, _BLOCK), Path(one.path)
