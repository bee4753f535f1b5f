"""Which files of an application's path are read, and which paths are another tool's."""

from collections.abc import Iterable

from deployer.application import Directory
from deployer.errors import RenderError
from deployer.glob import matches
from deployer.limits import DEFAULT_LIMITS, Limits, exceeded

# Argo CD evaluates Jsonnet; here such a file is wanted so that it can be refused by its name.
JSONNET = ".jsonnet"
_EXTENSIONS = (".yaml", ".yml", ".json", JSONNET)
_TOOLS = {
    "Chart.yaml": "a Helm chart",
    "kustomization.yaml": "a Kustomize folder",
    "kustomization.yml": "a Kustomize folder",
    "Kustomization": "a Kustomize folder",
}


def wanted(path: str, directory: Directory) -> bool:
    """Tell whether a file may hold manifests; `path` is relative to the application's path.

    The rules are Argo CD's (`getPotentiallyValidManifests` in reposerver/repository/repository.go): the extension,
    `recurse`, and globs over the whole relative path, where `exclude` wins. Raises ConfigurationError where a glob is
    not valid.
    """
    if not path.endswith(_EXTENSIONS) or ("/" in path and not directory.recurse):
        return False
    if directory.exclude and matches(directory.exclude, path):
        return False
    return not directory.include or matches(directory.include, path)


def manifest_paths(paths: Iterable[str], directory: Directory, limits: Limits = DEFAULT_LIMITS) -> list[str]:
    """Give the sorted paths of the files that may hold manifests; all are relative to the application's path.

    Raises RenderError where there are more than the limits allow, ConfigurationError where a glob is not valid.
    """
    found = sorted(path for path in paths if wanted(path, directory))
    if len(found) > limits.files:
        raise RenderError(exceeded(f"{len(found):,} manifest files, where {limits.files:,} are allowed", "FILES"))
    return found


def refuse_other_tools(paths: Iterable[str], *, application: str = "", explicit_directory: bool = False) -> None:
    """Refuse what makes a path more than plain manifests; `paths` are relative to it, and folders below do not count.

    As in Argo CD, a `directory` in the Application that sets something (`explicit_directory`) makes the path plain
    manifests whatever stands there, but `.argocd-source.yaml` and `.argocd-source-<application>.yaml` change the
    settings of every tool. Raises RenderError.
    """
    overrides = {".argocd-source.yaml", f".argocd-source-{application}.yaml"}
    for path in sorted(paths):
        if path in overrides:
            raise RenderError(f"{path} overrides the Application's source, which is not supported yet; remove the file")
        if path in _TOOLS and not explicit_directory:
            raise RenderError(
                f"{path} makes this {_TOOLS[path]}, which is not supported yet; point `path` at plain manifests"
            )
