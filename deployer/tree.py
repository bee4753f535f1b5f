"""What a source holds, wherever it is: files, folders and links as Git has them; and where a path in it leads.

Links are followed as an operating system would, and never out of the source.
"""

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from deployer.errors import SourceError

MAX_LINKS = 10

_LINK = "120000"
_SUBMODULE = "160000"
_FOLDER = "040000"
_MAX_TARGET = 4_096  # bytes that a link may have, as on Linux
# https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a tree, with Git's mode (https://git-scm.com/book/en/v2/Git-Internals-Git-Objects), id and bytes."""

    mode: str
    sha: str
    size: int

    @property
    def is_link(self) -> bool:
        """Whether it is a symbolic link."""
        return self.mode == _LINK

    @property
    def is_submodule(self) -> bool:
        """Whether it is a commit of another repository."""
        return self.mode == _SUBMODULE

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return self.mode.startswith("100")

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return self.mode == _FOLDER


ROOT = Entry(_FOLDER, "", 0)
_NOTHING = Entry("", "", 0)


class Tree(Protocol):
    """What a commit, or a folder on this disk, holds; shared by threads.

    Paths are relative to its root, which is `""`, without `.` and `..`. Each method raises SourceError where what it is
    asked for cannot be had.
    """

    @property
    def where(self) -> str:
        """What it is, for people, such as `acme/shop at 1a2b3c4`."""

    def entry(self, path: str) -> Entry | None:
        """What is at a path; no link on the way is followed."""

    def below(self, folder: str, *, recurse: bool) -> Mapping[str, Entry]:
        """What is in a folder, by path relative to it; in the folders below, too, where `recurse` says so."""

    def read(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        """The content of files, and where links lead, by path; all that are wanted are best asked for at once."""


def foresee(tree: Tree, paths: Iterable[str], inside: Sequence[str] = ()) -> None:
    """Have the tree read the links on many paths in few requests: what it has read, it knows.

    Args:
        tree: what is asked.
        paths: from the root, which is `""`.
        inside: names that matter, too, in each folder that a path leads to.
    """
    left = set(paths)
    seen: set[str] = set()
    for _ in range(MAX_LINKS):
        left = {path for path in left - seen if not path.startswith(("../", "/")) and path != ".."}
        seen |= left
        first = {path: _first(tree, path) for path in left}
        links = {path: at for path, (at, entry) in first.items() if entry.is_link and entry.size <= _MAX_TARGET}
        targets = tree.read(set(links.values())) if links else {}
        left = {posixpath.join(path, name) for path, (_, entry) in first.items() if entry.is_folder for name in inside}
        for path, at in links.items():
            target = posixpath.join(posixpath.dirname(at), targets[at].decode(errors="replace"), path[len(at) + 1 :])
            left.add(posixpath.normpath(target))
        if not left:
            return


def _first(tree: Tree, path: str) -> tuple[str, Entry]:
    """The first link on a path, or what is at its end; an entry of no kind where there is nothing."""
    parts = path.split("/")
    for number in range(1, len(parts) + 1 if path else 0):
        at = "/".join(parts[:number])
        entry = tree.entry(at)
        if entry is None or not entry.is_folder:
            return at, entry or _NOTHING
    return path, ROOT


class MissingError(SourceError):
    """A path leads to nothing."""


def follow(tree: Tree, path: str, passed: dict[str, Entry] | None = None) -> tuple[str, Entry]:
    """Find the place that a path leads to, whichever of its parts are links.

    Args:
        tree: what is asked.
        path: from the root, which is `.`; `..` is taken at its word.
        passed: is told each place on the way, links and the end among them.

    Returns:
        A path without links (the root is `""`), and what is there.

    Raises:
        MissingError: there is nothing.
        SourceError: a link leads out of the source, into a submodule, or in circles.
    """
    found: list[tuple[str, Entry]] = []
    left = path.split("/")[::-1]
    links = 0
    first = link = ""
    while left:
        part = left.pop()
        if part in ("", "."):
            continue
        if part == "..":
            if not found:
                raise _outside(link, tree.where) if link else _out_of(path, tree.where)
            found.pop()
            continue
        at = posixpath.join(found[-1][0] if found else "", part)
        entry = _entry(tree, at, link, is_end=not left)
        if passed is not None:
            passed[at] = entry
        if not entry.is_link:
            found.append((at, entry))
            continue
        links += 1
        first = first or at
        if links > MAX_LINKS:
            raise SourceError(f"{tree.where}: {first} leads through more than {MAX_LINKS} links: name where they end")
        link, target = at, read_link(tree, at, entry)
        if target.startswith("/"):
            raise _outside(link, tree.where)
        left += target.split("/")[::-1]
    return found[-1] if found else ("", ROOT)


def _entry(tree: Tree, at: str, link: str, *, is_end: bool) -> Entry:
    entry = tree.entry(at)
    if entry is None or (entry.is_file and not is_end):
        raise _nothing(at, link, tree.where)
    if entry.is_submodule:
        raise SourceError(f"{tree.where}: {at} is a submodule, which is not supported: copy its files")
    return entry


def read_link(tree: Tree, path: str, entry: Entry) -> str:
    """Where the link at a path says that it leads. Raises SourceError where that is too long for a link."""
    if entry.size > _MAX_TARGET:
        raise SourceError(f"{tree.where}: {path} is a link of {entry.size:,} bytes: make it a file")
    return tree.read([path])[path].decode(errors="replace")


def check_content(tree: Tree, path: str, content: bytes) -> None:
    """Raise SourceError where a file is not the content itself, but a pointer of Git LFS to it."""
    if content.startswith(_LFS_POINTER):
        raise SourceError(
            f"{tree.where}: {path} is kept in Git LFS, and the repository has only a pointer to it, which is not "
            "supported: commit the file itself (`git lfs untrack`)"
        )


def _outside(link: str, where: str) -> SourceError:
    return SourceError(f"{where}: the link {link} leaves the repository: put what it names into the repository")


def _out_of(path: str, where: str) -> SourceError:
    return SourceError(f"{where}: {path} leaves the repository: put what it names into the repository")


def _nothing(at: str, link: str, where: str) -> MissingError:
    if link:
        text = f"{where} has no path {at!r}, where the link {link} leads: correct the link, or what goes through it"
        return MissingError(text, status=404)
    return MissingError(f"{where} has no path {at!r}: check the application's `path`", status=404)
