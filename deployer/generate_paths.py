"""The annotation `argocd.argoproj.io/manifest-generate-paths`: which changes of a repository concern an application.

The rules are Argo CD's (`GetSourceRefreshPaths` and `AppFilesHaveChanged` in its `util/app/path`): the application's
own path is not implied, `.` names it.
"""

import posixpath
import re
from collections.abc import Iterable

from deployer.errors import ConfigurationError
from deployer.glob import matches

_SIGNS = re.compile(r"[*?\[{\\]")


def parse_generate_paths(text: str, source_path: str) -> tuple[str, ...]:
    """Read the annotation.

    Args:
        text: paths and globs with `;` between; absolute ones begin at the repository's root, others at the source's
            path.
        source_path: `spec.source.path`.

    Returns:
        Paths from the repository's root, which is `.`; none where every change concerns the application.

    Raises:
        ConfigurationError: a path leaves the repository, or a glob is not valid.
    """
    paths = []
    for item in filter(None, map(str.strip, text.split(";"))):
        path = posixpath.normpath(item.lstrip("/") if item.startswith("/") else posixpath.join(source_path, item))
        if path.split("/")[0] == "..":
            raise ConfigurationError(f"{item[:80]!r} leaves the repository")
        matches(path, "", "/")  # raises, where it is no glob
        paths.append(path)
    return tuple(paths)


def split_glob(path: str) -> tuple[tuple[str, ...], bool]:
    """Return the names that a path begins with before any glob, and whether there is a glob; none for the root."""
    if not (sign := _SIGNS.search(path)):
        return () if path == "." else tuple(path.split("/")), False
    return tuple(path[: sign.start()].split("/")[:-1]), True


def touched(paths: Iterable[str], changed: Iterable[str]) -> bool:
    """Say whether a changed file is one of these paths, below one, or matches one: `*` does not cross a `/`."""
    changed = tuple(changed)
    return any(
        path == "." or file == path or file.startswith(f"{path}/") or matches(path, file, "/")
        for path in paths
        for file in changed
    )
