"""The files of a repository at a commit: the tree, then the blobs that are wanted, each checked against its id."""

import base64
import hashlib
import posixpath
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from deployer.errors import SourceError
from deployer.github.client import PARALLEL, GitHub
from deployer.repository import Repository

_LINK = "120000"
_SUBMODULE = "160000"
_MAX_LINKS = 10


@dataclass(frozen=True)
class Tree:
    """What a commit holds: `entries` by path from the repository's root, and who to ask for their content."""

    github: GitHub
    repository: Repository
    commit: str
    entries: Mapping[str, Mapping[str, Any]]

    def paths(self, path: str, *, recurse: bool) -> list[str]:
        """The files at a path of the repository, relative to it.

        Args:
            path: a folder or a file, without `..`; `.` is the root.
            recurse: whether the folders below count too.

        Returns:
            Sorted file paths, links among them; for a path that is one file, just its own name.

        Raises:
            SourceError: the path does not exist at this commit, or leads into a submodule.
        """
        path = _normal(path)
        if path and path not in self.entries:
            raise SourceError(f"{self._where()} has no path {path!r}: check the application's `path`", status=404)
        root = self.entries.get(path, {"type": "tree"})
        if root["type"] == "blob":
            return [posixpath.basename(path)]
        below = f"{path}/" if path else ""
        inside = {
            name.removeprefix(below): entry
            for name, entry in self.entries.items()
            if name.startswith(below) and (recurse or "/" not in name.removeprefix(below))
        }
        for name, entry in (*inside.items(), (path, root)):
            if entry.get("mode") == _SUBMODULE and (recurse or name == path):
                raise SourceError(f"{self._where()}: {name} is a submodule, which is not supported: copy its files")
        return sorted(name for name, entry in inside.items() if entry["type"] == "blob")

    def read(self, path: str, names: list[str], *, max_bytes: int) -> dict[str, bytes]:
        """Read files.

        Args:
            path: the folder that the names are relative to, or the file that is the only name.
            names: from `paths`.
            max_bytes: how much they may hold together; the tree says so before anything is fetched.

        Returns:
            Their content by name. Links are followed, inside the repository only.

        Raises:
            SourceError: the files are too large, one cannot be read, a link leads nowhere or out of the repository.
        """
        path = _normal(path)
        folder = posixpath.dirname(path) if self.entries.get(path, {}).get("type") == "blob" else path
        paths = [posixpath.join(folder, name) for name in names]
        size = sum(self.entries.get(one, {}).get("size", 0) for one in paths)
        if size > max_bytes:
            raise SourceError(
                f"{self._where()}: the manifest files have {size:,} bytes, and {max_bytes:,} are allowed; "
                "split the application, or leave files out with `directory.exclude`"
            )
        with ThreadPoolExecutor(PARALLEL) as pool:
            contents = list(pool.map(self._content, paths))
        return dict(zip(names, contents, strict=True))

    def _content(self, path: str) -> bytes:
        at = path
        for _ in range(_MAX_LINKS):
            entry = self.entries.get(at, {})
            if entry.get("type") != "blob":
                raise SourceError(f"{self._where()}: the link {path} leads to {at!r}, which is no file there")
            content = self._blob(str(entry["sha"]), at)
            if entry["mode"] != _LINK:
                return content
            at = posixpath.normpath(posixpath.join(posixpath.dirname(at), content.decode(errors="replace")))
            if at.startswith(("/", "../")):
                raise SourceError(f"{self._where()}: the link {path} leaves the repository")
        raise SourceError(f"{self._where()}: the link {path} goes through more than {_MAX_LINKS} others")

    def _blob(self, sha: str, path: str) -> bytes:
        answer = self.github.request("GET", f"/repos/{self.repository.full_name}/git/blobs/{sha}")
        content = base64.b64decode(answer["content"])
        # https://git-scm.com/book/en/v2/Git-Internals-Git-Objects
        if hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest() != sha:
            raise SourceError(f"{self._where()}: what GitHub sent for {path} is not that file: its id does not match")
        return content

    def _where(self) -> str:
        return f"{self.repository.full_name} at {self.commit[:7]}"


def read_tree(github: GitHub, repository: Repository, commit: str) -> Tree:
    """List everything that a commit holds, in one request.

    Raises:
        SourceError: GitHub cannot give the tree, or not all of it: half a tree is never taken for the whole.
    """
    answer = github.request("GET", f"/repos/{repository.full_name}/git/trees/{commit}?recursive=1")
    if answer.get("truncated"):
        raise SourceError(
            f"{repository.full_name} at {commit[:7]} is too large for one tree (100,000 entries or 7 MB), "
            "which is not supported yet"
        )
    return Tree(github, repository, commit, {entry["path"]: entry for entry in answer["tree"]})


def _normal(path: str) -> str:
    """A path from the repository's root, which is `""`."""
    normal = posixpath.normpath(path)
    return "" if normal == "." else normal
