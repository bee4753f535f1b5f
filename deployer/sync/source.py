"""The manifests of an application: a tree → the files of each source → manifests."""

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deployer.application import Application
from deployer.errors import ConfigurationError, RenderError
from deployer.github.client import GitHub
from deployer.github.files import read_tree
from deployer.kustomize import build_environment, fill
from deployer.limits import Limits
from deployer.manifest import Manifest
from deployer.rendering.directory import OVERRIDES, is_kustomize, manifest_paths
from deployer.rendering.documents import decode, read
from deployer.rendering.files import paths_at, read_files
from deployer.rendering.kustomize.build import build
from deployer.rendering.kustomize.reach import Reached, reach
from deployer.rendering.loader import Budget
from deployer.rendering.render import Rendering
from deployer.source import Source, overridden
from deployer.tree import Tree, check_content, follow

_NONE: Mapping[str, str] = {}


@dataclass(frozen=True)
class Fetched:
    """What one source's rendering may read: its manifest files by path relative to it, or what Kustomize reaches.

    `where` is the source for people, such as `k8s in acme/shop at 1a2b3c4`.
    """

    source: Source
    where: str
    files: Mapping[str, bytes] | Reached


def fetch(github: GitHub, application: Application, commit: str, limits: Limits) -> list[Fetched]:
    """Read the files of an application at a commit.

    Args:
        github: where from.
        application: whose sources say repository, path, and how files are read.
        commit: at which commit.
        limits: how many files, and how many bytes, there may be; held before anything is fetched.

    Raises:
        SourceError: a path is not there, a file cannot be read.
        RenderError: a source is for a tool that is not supported, or reaches for what it must not.
        ConfigurationError: what a file beside the manifests says of how they are read is not valid.
    """
    tree = read_tree(github, application.source.repository, commit)
    return [fetch_source(tree, one, limits, _variables(application, one, commit)) for one in application.sources]


def fetch_source(tree: Tree, source: Source, limits: Limits, variables: Mapping[str, str] = _NONE) -> Fetched:
    """Read the files of one source from a tree; as `fetch` does.

    Args:
        tree: where they are.
        source: its path, and how files are read.
        limits: as for `fetch`.
        variables: Argo CD's build environment, the application's name among them; a path on a disk has none.
    """
    source = _overridden(tree, source, variables.get("ARGOCD_APP_NAME", ""), limits)
    paths = paths_at(tree, source.path, recurse=source.directory.recurse)
    where = f"{source.path} in {tree.where}"
    if is_kustomize(paths, source):
        return Fetched(source, where, reach(tree, source.path, fill(source.kustomize, variables), limits))
    manifests = manifest_paths(paths, source.directory, limits)
    return Fetched(source, where, read_files(tree, source.path, manifests, max_bytes=limits.total_bytes))


def render_fetched(fetched: Sequence[Fetched], limits: Limits, *, allow_empty: bool = False) -> list[Manifest]:
    """Render what was read, in the order of the sources.

    Args:
        fetched: the sources of one application.
        limits: how much they may ask for, all together.
        allow_empty: whether there may be no manifests.

    Raises:
        RenderError: they are not valid, or there are none: an empty source is more likely a mistake than a wish.
    """
    rendering = Rendering(limits)
    for one in fetched:
        path, files = one.source.path, one.files
        if isinstance(files, Reached):
            rendering.add_built(f"the Kustomize build of {path}", build(files, limits))
        else:
            # With one source, its path is known to whoever reads an error.
            rendering.add_files(files, one.source.directory, path if len(fetched) > 1 else "")
    manifests = rendering.manifests
    if not manifests and not allow_empty:
        where = " and ".join(one.where for one in fetched)
        raise RenderError(f"there are no manifests at {where}: check `path`, and `directory.recurse` for folders below")
    return manifests


def _variables(application: Application, source: Source, commit: str) -> dict[str, str]:
    return build_environment(
        name=application.name,
        namespace=application.destination.namespace,
        project=application.project,
        revision=commit,
        path=source.path,
        repo_url=source.repo_url,
        target_revision=source.target_revision,
    )


def _overridden(tree: Tree, source: Source, application: str, limits: Limits) -> Source:
    """The source as the files beside its manifests change it, the one for all applications first.

    A link among them that leads nowhere is an error; Argo CD passes it by, and then renders something else.
    """
    folder, entry = follow(tree, source.path)
    if not entry.is_folder:
        return source
    names = [posixpath.join(folder, name.format(application)) for name in OVERRIDES[: 2 if application else 1]]
    there = {name: follow(tree, name) for name in names if tree.entry(name)}
    files = {name: real for name, (real, found) in there.items() if found.is_file}
    size = sum(there[name][1].size for name in files)
    if size > limits.total_bytes:
        allowed = f"where {limits.total_bytes:,} are allowed; it says how the files beside it are read, and no more"
        raise RenderError(f"{tree.where}: {' and '.join(files)}: {size:,} bytes, {allowed}")
    contents = tree.read(set(files.values())) if files else {}
    for name, real in files.items():
        check_content(tree, name, contents[real])
        source = overridden(source, _changes(name, contents[real], tree.where, limits), f"{tree.where}: {name}")
    return source


def _changes(name: str, content: bytes, where: str, limits: Limits) -> Mapping[str, Any]:
    documents, problem = read(name, decode(name, content), Budget(limits))
    if problem:
        raise problem
    found = [changes for _, changes in documents if changes is not None]
    if len(found) > 1:
        raise ConfigurationError(f"{where}: {name} holds {len(found)} documents, and one is read; leave one")
    if found and not isinstance(found[0], dict):
        raise ConfigurationError(f"{where}: {name}: must be a mapping, such as `kustomize: {{…}}`")
    return found[0] if found else {}
