"""A source in memory, for tests: what a commit would hold, and how often it was asked."""

import posixpath
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from deployer.errors import SourceError
from deployer.tree import Entry


class MemoryTree:
    """Files, links and submodules by path (a `Tree`).

    `reads` is which files were asked for, call by call; `link_reads` the same of links, which are known afterwards.
    """

    where = "acme/web at 1234567"

    def __init__(
        self,
        files: Mapping[str, str | bytes],
        links: Mapping[str, str] | None = None,
        submodules: Collection[str] = (),
    ) -> None:
        self._files = {path: one.encode() if isinstance(one, str) else one for path, one in files.items()}
        self._links = {path: target.encode() for path, target in (links or {}).items()}
        self._submodules = set(submodules)
        self._folders = {parent for path in self._paths for parent in _parents(path)}
        self.reads: list[set[str]] = []
        self.link_reads: list[set[str]] = []

    @property
    def _paths(self) -> set[str]:
        return {*self._files, *self._links, *self._submodules}

    def entry(self, path: str) -> Entry | None:
        if path in self._files:
            return Entry("100644", "0" * 40, len(self._files[path]))
        if path in self._links:
            return Entry("120000", "0" * 40, len(self._links[path]))
        if path in self._submodules:
            return Entry("160000", "0" * 40, 0)
        return Entry("040000", "0" * 40, 0) if path in self._folders else None

    def below(self, folder: str, *, recurse: bool) -> Mapping[str, Entry]:
        found = {}
        for path in {*self._paths, *self._folders} - {""}:
            inside = path.removeprefix(f"{folder}/" if folder else "")
            if (inside != path or not folder) and (recurse or "/" not in inside) and (entry := self.entry(path)):
                found[inside] = entry
        return found

    def read(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        wanted = set(paths)
        if missing := wanted - self._files.keys() - self._links.keys():
            raise SourceError(f"{self.where} has no {missing}", status=404)
        if wanted - self._links.keys():
            self.reads.append(wanted)
        if new := wanted & self._links.keys() - set().union(*self.link_reads):
            self.link_reads.append(new)
        return {path: {**self._files, **self._links}[path] for path in wanted}

    def write(self, root: Path) -> None:
        """Lay it out on this disk; submodules are empty folders, as in a clone without them."""
        for path, content in self._files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content)
        for path in self._submodules:
            (root / path).mkdir(parents=True, exist_ok=True)
        for path, target in self._links.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).symlink_to(target.decode())


def _parents(path: str) -> set[str]:
    parents = set()
    while path:
        path = posixpath.dirname(path)
        parents.add(path)
    return parents
