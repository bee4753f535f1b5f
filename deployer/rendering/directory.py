"""Which files of an application's path are read, and which paths are another tool's."""

from collections.abc import Iterable

from deployer.errors import RenderError
from deployer.glob import matches
from deployer.limits import DEFAULT_LIMITS, Limits, exceeded
from deployer.source import Directory, Source

# Argo CD evaluates Jsonnet; here such a file is wanted so that it can be refused by its name.
JSONNET = ".jsonnet"
_EXTENSIONS = (".yaml", ".yml", ".json", JSONNET)
OVERRIDES = (".argocd-source.yaml", ".argocd-source-{}.yaml")
"""Files beside the manifests that change how they are read: of every application of the path, and of the named one."""

KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
"""Files of which one makes a folder Kustomize's."""

_CHART = "Chart.yaml"


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


def is_kustomize(paths: Iterable[str], source: Source) -> bool:
    """Tell whether Kustomize is to render a source, or its files are the manifests.

    The rules are Argo CD's (`ExplicitType` in its types.go, then `AppType` in util/app/discovery): the tool whose
    settings the source has; without any, the one whose file stands in the path.

    Args:
        paths: the files at the source's path, relative to it; those in folders below do not count.
        source: its settings, with those of the files beside it.

    Raises:
        RenderError: it is a Helm chart.
    """
    if source.kustomize.is_set or source.explicit_directory:
        return source.kustomize.is_set
    present = set(paths)
    if _CHART in present:
        raise RenderError(
            f"{_CHART} makes this a Helm chart, which is not supported yet; point `path` at plain manifests, or at a "
            "Kustomize folder"
        )
    return bool(present.intersection(KUSTOMIZATIONS))
