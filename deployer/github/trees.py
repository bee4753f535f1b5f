"""A list of what a folder holds, as GitHub answers it (https://docs.github.com/rest/git/trees#get-a-tree)."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deployer.errors import SourceError
from deployer.github.answer import Answer, parse_answer
from deployer.github.client import GitHub
from deployer.github.lasting import Lasting
from deployer.repository import Repository, is_commit
from deployer.tree import Entry

MAX_ENTRIES = 200_000
"""Files and folders of one list, or of one application's lists, which take 55 MB. GitHub lists 100,000 at the most."""

Folder = Mapping[str, Entry]
"""What one folder holds, by name."""


@dataclass(frozen=True, slots=True)
class Listed:
    """What a folder holds, which is the folder `""`, and what those below it hold, if they are listed, too.

    `entries` says how many all hold together. Where GitHub has cut the list short, `is_cut` says so, and nothing is
    here: half a list is never taken for the whole.
    """

    folders: Mapping[str, Folder]
    entries: int
    is_cut: bool


_NOTHING: Folder = {}
_CUT = Listed({"": _NOTHING}, 0, is_cut=True)

# Git names a tree by all that it holds: the next application of a push has the same trees, and the next push most of
# the same folders. A list is kept by repository, as blobs are: host, name, and which list of which tree.
TREES: Lasting[tuple[str, str, str], Listed] = Lasting(
    150_000, lambda listed: listed.entries + 2 * len(listed.folders) + 3
)  # 42 MB


def list_tree(
    github: GitHub, repository: Repository, sha: str, *, recursive: bool, count: Callable[[], None]
) -> Listed:
    """What a folder holds; GitHub is asked unless this is known from another application, or another commit.

    Args:
        github: where to ask.
        repository: whose folder.
        sha: the folder's id, or a commit's.
        recursive: whether what is below it is wanted, too.
        count: called before GitHub is asked; what it raises is raised.

    Raises:
        SourceError: GitHub cannot give the list.
    """
    tree = f"{sha}?recursive=1" if recursive else sha
    key = (github.host, repository.full_name, tree)
    path = f"/repos/{repository.full_name}/git/trees/{tree}"

    def ask(keys: Sequence[tuple[str, str, str]]) -> Mapping[tuple[str, str, str], Listed]:
        count()
        return {key: read_list(github.request_text(path), f"GET {path}", recursive=recursive)}

    return TREES.get([key], ask)[key]


def read_list(text: str, what: str, *, recursive: bool) -> Listed:
    """Read an answer of GitHub's; 50,000 entries take 0.1 s, and 14 MB besides the text.

    Args:
        text: its body.
        what: the request.
        recursive: whether it was asked for the folders below, too.

    Returns:
        What is listed; of more than `MAX_ENTRIES`, no more than that is there, though all are counted.

    Raises:
        SourceError: it is no list, or two things in it have the same path.
    """
    folders: dict[str, dict[str, Entry]] = {"": {}}
    entries = 0

    def take(found: dict[str, Any]) -> dict[str, Any] | None:
        """Put an entry into its folder as soon as it is read; its other fields are three times as large."""
        nonlocal entries
        path = found.get("path")
        if not isinstance(path, str):
            return found
        entry = read_entry(found, what)
        entries += 1
        if entries <= MAX_ENTRIES:
            folder, _, name = path.rpartition("/")
            holds = folders.setdefault(folder, {})
            if name in holds:
                raise SourceError(
                    f"GitHub's answer to {what} has {path!r} twice, as where names are not UTF-8 it cannot tell them "
                    "apart: rename one of them"
                )
            holds[name] = entry
            if recursive and entry.is_folder:
                folders.setdefault(path, {})
        return None

    answer = parse_answer(text, what, take)
    is_cut, left = answer.flag("truncated"), answer.fields.get("tree")
    if not isinstance(left, list) or len(left) != entries or any(one is not None for one in left):
        raise answer.unexpected("tree")
    return _CUT if is_cut else Listed(folders, entries, is_cut=False)


def read_entry(found: Mapping[str, Any], what: str) -> Entry:
    """Read an entry of a list that a request was answered with. Raises SourceError where it is none."""
    mode, sha, size = found.get("mode"), found.get("sha"), found.get("size")
    if not (isinstance(mode, str) and isinstance(sha, str) and is_commit(sha)):
        raise Answer(what, found).unexpected("tree")
    entry = Entry(sys.intern(mode), sha, size if isinstance(size, int) else 0)
    if (entry.is_file or entry.is_link) and not isinstance(size, int):
        raise Answer(what, found).unexpected("size")
    return entry
