"""The manifests of an application at a commit: GitHub → files → manifests."""

from collections.abc import Mapping

from deployer.application import Application, Directory
from deployer.errors import RenderError
from deployer.github.client import GitHub
from deployer.github.files import read_tree
from deployer.limits import Limits
from deployer.manifest import Manifest
from deployer.rendering.directory import manifest_paths, refuse_other_tools
from deployer.rendering.files import paths_at, read_files
from deployer.rendering.render import render


def render_some(
    files: Mapping[str, bytes], directory: Directory, where: str, limits: Limits, *, allow_empty: bool = False
) -> list[Manifest]:
    """Render files that must hold manifests.

    Args:
        files: content by path.
        directory: which of them count.
        where: what they are, for the error.
        limits: how much they may ask for.
        allow_empty: whether there may be none.

    Raises:
        RenderError: they are not valid, or there is none: an empty source is more likely a mistake than a wish.
    """
    manifests = render(files, directory, limits)
    if not manifests and not allow_empty:
        raise RenderError(f"there are no manifests at {where}: check `path`, and `directory.recurse` for folders below")
    return manifests


def render_fetched(files: Mapping[str, bytes], application: Application, limits: Limits) -> list[Manifest]:
    """Render what `fetch` has read, as `render_some` does."""
    source = application.source
    where = f"{source.path} in {source.repository.full_name}"
    return render_some(files, source.directory, where, limits, allow_empty=application.allow_empty)


def fetch(github: GitHub, application: Application, commit: str, limits: Limits) -> dict[str, bytes]:
    """Read the files of an application that may be manifests.

    Args:
        github: where from.
        application: whose source says repository, path, and which files count.
        commit: at which commit.
        limits: how many files, and how many bytes, there may be; held before anything is fetched.

    Returns:
        Their content by path, relative to the source's path.

    Raises:
        SourceError: the path is not there, a file cannot be read.
        RenderError: the folder is for a tool that is not supported, or has too many files.
    """
    source = application.source
    tree = read_tree(github, source.repository, commit)
    paths = paths_at(tree, source.path, recurse=source.directory.recurse)
    refuse_other_tools(paths, application=application.name, explicit_directory=source.explicit_directory)
    manifests = manifest_paths(paths, source.directory, limits)
    return read_files(tree, source.path, manifests, max_bytes=limits.total_bytes)
