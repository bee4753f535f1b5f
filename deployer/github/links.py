"""Symbolic links inside a repository, followed as an operating system would, and never out of it."""

import posixpath
from collections.abc import Callable

from deployer.errors import SourceError
from deployer.github.listing import Entry

MAX_LINKS = 10

_ROOT = Entry("040000", "", 0)


def follow(
    path: str, look: Callable[[str], Entry | None], read: Callable[[str, Entry], str], where: str
) -> tuple[str, Entry]:
    """Find the place that a path leads to, whichever of its parts are links.

    Args:
        path: from the repository's root, which is `.`.
        look: what is at a path without links.
        read: where the link at a path leads.
        where: the repository, for errors.

    Returns:
        A path without links (the root is `""`), and what is there.

    Raises:
        SourceError: there is nothing; or a link leads out of the repository, into a submodule, or in circles.
    """
    found: list[tuple[str, Entry]] = []
    left = path.split("/")[::-1]
    links = 0
    link = ""
    while left:
        part = left.pop()
        if part in ("", "."):
            continue
        if part == "..":
            if not found:
                raise _outside(link, where)
            found.pop()
            continue
        at = posixpath.join(found[-1][0] if found else "", part)
        entry = look(at)
        if entry is None or (left and entry.is_file):
            raise _nothing(at, link, where)
        if entry.is_submodule:
            raise SourceError(f"{where}: {at} is a submodule, which is not supported: copy its files")
        if not entry.is_link:
            found.append((at, entry))
            continue
        links += 1
        if links > MAX_LINKS:
            raise SourceError(f"{where}: {path} leads through more than {MAX_LINKS} links: name where they end")
        link, target = at, read(at, entry)
        if target.startswith("/"):
            raise _outside(link, where)
        left += target.split("/")[::-1]
    return found[-1] if found else ("", _ROOT)


def _outside(link: str, where: str) -> SourceError:
    return SourceError(f"{where}: the link {link} leaves the repository: put what it names into the repository")


def _nothing(at: str, link: str, where: str) -> SourceError:
    if link:
        text = f"{where} has no path {at!r}, where the link {link} leads: correct the link, or what goes through it"
        return SourceError(text, status=404)
    return SourceError(f"{where} has no path {at!r}: check the application's `path`", status=404)
