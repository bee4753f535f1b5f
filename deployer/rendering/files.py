"""The files of a directory source: which there are at its path, and their content within a limit."""

import posixpath
from collections.abc import Sequence

from deployer.errors import SourceError
from deployer.tree import Entry, Tree, check_content, follow, foresee


def paths_at(tree: Tree, path: str, *, recurse: bool) -> list[str]:
    """The files at a path, relative to it.

    Args:
        tree: what is asked.
        path: a folder or a file, without `..`; `.` is the root. Links are followed, inside the repository only.
        recurse: whether the folders below count too; those behind links do not.

    Returns:
        Sorted file paths, links among them; for a path that is one file, just its own name.

    Raises:
        SourceError: the path does not exist, leads into a submodule, or out of the repository.
    """
    real, root = follow(tree, path)
    if root.is_file:
        return [posixpath.basename(posixpath.normpath(path))]
    inside = tree.below(real, recurse=recurse)
    for name, entry in inside.items():
        if entry.is_submodule and recurse:
            at = posixpath.join(real, name)
            raise SourceError(f"{tree.where}: {at} is a submodule, which is not supported: copy its files")
    return sorted(name for name, entry in inside.items() if entry.is_file or entry.is_link)


def read_files(tree: Tree, path: str, names: Sequence[str], *, max_bytes: int) -> dict[str, bytes]:
    """Read files, all at once.

    Args:
        tree: where they are.
        path: the folder that the names are relative to, or the file that is the only name.
        names: from `paths_at`.
        max_bytes: how much they may hold together; the tree says so before anything is fetched.

    Returns:
        Their content by name. Links are followed, inside the repository only.

    Raises:
        SourceError: the files are too large, one cannot be read or is in Git LFS, a link leads nowhere or out of the
            repository.
    """
    folder = posixpath.dirname(path) if follow(tree, path)[1].is_file else path
    real = follow(tree, folder)[0]
    foresee(tree, [posixpath.normpath(posixpath.join(real, name)) for name in names])
    found = {name: _file(tree, posixpath.join(folder, name)) for name in names}
    size = sum(entry.size for _, entry in found.values())
    if size > max_bytes:
        raise SourceError(
            f"{tree.where}: the manifest files have {size:,} bytes, and {max_bytes:,} are allowed; "
            "split the application, leave files out with `directory.exclude`, or raise DEPLOYER_MAX_BYTES"
        )
    contents = tree.read({real for real, _ in found.values()})
    for name, (real, _) in found.items():
        check_content(tree, posixpath.join(folder, name), contents[real])
    return {name: contents[real] for name, (real, _) in found.items()}


def _file(tree: Tree, path: str) -> tuple[str, Entry]:
    path = posixpath.normpath(path)
    real, entry = follow(tree, path)
    if not entry.is_file:
        raise SourceError(f"{tree.where}: the link {path} leads to {real!r}, which is no file: correct it")
    return real, entry
