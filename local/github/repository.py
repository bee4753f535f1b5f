"""One bare repository: its refs and its objects, read with git's plumbing."""

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from cachetools import LRUCache

from local.github.git import SHA, git

FORK = "fork"  # a file that only forks have
_SHORTEST_ABBREVIATION = 7


class GitObject(NamedTuple):
    """An object of the repository; `type` is blob, tree, commit or tag."""

    sha: str
    type: str
    data: bytes


class Ref(NamedTuple):
    """What a ref points at; an annotated tag points at an object of type tag."""

    sha: str
    type: str


class TreeEntry(NamedTuple):
    """One line of a tree; `size` is known of blobs only."""

    path: str
    mode: str
    type: str
    sha: str
    size: int | None


class Changes(NamedTuple):
    """The paths that a commit added, removed and modified."""

    added: list[str]
    removed: list[str]
    modified: list[str]


# Reading an object takes a process, and what was read once never changes.
_OBJECTS: LRUCache[tuple[Path, str], GitObject] = LRUCache(64_000_000, getsizeof=lambda one: len(one.data))
_LOCK = threading.Lock()


def forget(path: Path) -> None:
    """Forget what was read from a folder whose repository is gone."""
    with _LOCK:
        for known in [key for key in _OBJECTS if key[0] == path]:
            del _OBJECTS[known]


@dataclass(frozen=True)
class Repository:
    """A bare repository at `path`, known to the world as `owner/name`. `lock` is held while a push changes its refs."""

    owner: str
    name: str
    path: Path
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def full_name(self) -> str:
        """`owner/name`, spelt as it was created."""
        return f"{self.owner}/{self.name}"

    @property
    def is_fork(self) -> bool:
        """Whether it was made as a copy of another repository."""
        return (self.path / FORK).exists()

    def refs(self) -> dict[str, Ref]:
        """Return every ref by its full name, such as `refs/heads/main`."""
        lines = git(self.path, "for-each-ref", "--format=%(refname) %(objectname) %(objecttype)").decode().splitlines()
        return {name: Ref(sha, kind) for name, sha, kind in (line.split(" ") for line in lines)}

    def default_branch(self) -> str:
        """Return the branch that HEAD names; it need not exist."""
        return git(self.path, "symbolic-ref", "HEAD").decode().strip().removeprefix("refs/heads/")

    def adopt_default_branch(self) -> None:
        """Make a pushed branch the default one where the default branch does not exist, as GitHub does."""
        branches = [name for name in self.refs() if name.startswith("refs/heads/")]
        if branches and f"refs/heads/{self.default_branch()}" not in branches:
            git(self.path, "symbolic-ref", "HEAD", branches[0])

    def resolve(self, name: str) -> str | None:
        """Return the commit that a name stands for: HEAD, a (short) SHA, a branch, a tag, `heads/…`, `tags/…`."""
        if name == "HEAD":
            name = f"heads/{self.default_branch()}"
        refs = self.refs()
        for full in (name, f"refs/{name}", f"refs/heads/{name}", f"refs/tags/{name}"):
            if full in refs:
                return self.peel(refs[full].sha, "commit")
        return self.peel(name, "commit")

    def peel(self, sha: str, kind: str) -> str | None:
        """Return the commit or tree (`kind`) behind an object's SHA, or None if there is none."""
        if not (_SHORTEST_ABBREVIATION <= len(sha) <= 40 and SHA.fullmatch(sha.ljust(40, "0"))):
            return None
        return (
            git(self.path, "rev-parse", "--verify", "--quiet", f"{sha}^{{{kind}}}", check=False).decode().strip()
            or None
        )

    def read(self, sha: str) -> GitObject | None:
        """Return the object with that full SHA, or None if there is none."""
        with _LOCK:
            found = _OBJECTS.get((self.path, sha))
        if not found and (found := next(iter(self.read_all([sha])), None)):
            with _LOCK:
                if len(found.data) <= _OBJECTS.maxsize:
                    _OBJECTS[self.path, sha] = found
        return found

    def read_all(self, shas: Iterable[str]) -> list[GitObject]:
        """Return the objects with those full SHAs, in that order, without those that are missing."""
        wanted = [sha for sha in shas if SHA.fullmatch(sha)]
        output, found, start = git(self.path, "cat-file", "--batch", stdin="\n".join([*wanted, ""]).encode()), [], 0
        for _ in wanted:
            end = output.index(b"\n", start)
            sha, kind, *size = output[start:end].decode().split(" ")  # "<sha> missing", or "<sha> <type> <size>"
            start = end + 1
            if size:
                found.append(GitObject(sha, kind, output[start : start + int(size[0])]))
                start += int(size[0]) + 1
        return found

    def tree(self, sha: str, *, recursive: bool) -> Iterator[TreeEntry]:
        """Yield the entries of a tree (or of a commit's tree), and of all trees below it if wanted.

        Raises:
            subprocess.CalledProcessError: there is no such tree.
        """
        options = ["-r", "-t"] if recursive else []
        for line in git(self.path, "ls-tree", *options, "-l", "-z", sha).split(b"\0")[:-1]:
            facts, _, path = line.partition(b"\t")
            mode, kind, entry, length = facts.decode().split()
            bytes_long = int(length) if kind == "blob" else None
            yield TreeEntry(path.decode(errors="replace"), mode, kind, entry, bytes_long)

    def commits_between(self, newest: str, known: Iterable[str], most: int) -> list[str]:
        """Return at most `most` commits that `newest` contains and none of `known` does, the oldest first."""
        lines = "\n".join([newest, *(f"^{sha}" for sha in known), ""]).encode()
        return git(self.path, "rev-list", "--reverse", f"--max-count={most}", "--stdin", stdin=lines).decode().split()

    def branches_with(self, sha: str, most: int = 1) -> list[str]:
        """Return at most `most` of the branches that contain a commit; those that point at it come first."""
        found: list[str] = []
        for way in ("--points-at", "--contains"):
            lines = git(self.path, "for-each-ref", way, sha, "--format=%(refname)", "refs/heads").decode().splitlines()
            found += [name for line in lines if (name := line.removeprefix("refs/heads/")) not in found]
        return found[:most]

    def changes(self, commits: Iterable[str]) -> dict[str, Changes]:
        """Return what each commit changed against its parent; a merge counts as changing nothing."""
        command = ("diff-tree", "--stdin", "-r", "-z", "--root", "--no-renames", "--name-status")
        words = iter(git(self.path, *command, stdin="\n".join([*commits, ""]).encode()).split(b"\0")[:-1])
        changes: dict[str, Changes] = {}
        commit = Changes([], [], [])
        for word in words:
            if len(word) == 40:
                commit = changes[word.decode()] = Changes([], [], [])
            else:
                path = next(words).decode(errors="replace")
                {b"A": commit.added, b"D": commit.removed}.get(word, commit.modified).append(path)
        return changes
