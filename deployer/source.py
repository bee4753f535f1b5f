"""The `source` of an Application: which repository, which ref and path in it, and how the files there are read.

Fields, defaults and meanings are those of `ApplicationSource` in Argo CD's `pkg/apis/application/v1alpha1/types.go`.
"""

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from deployer.errors import ConfigurationError
from deployer.fields import Fields
from deployer.glob import matches
from deployer.kustomize import Kustomize, parse_kustomize
from deployer.repository import Repository, is_ref_name, parse_repository
from deployer.versions import parse_range

HEAD = "HEAD"

_COMMIT = re.compile(r"[0-9a-f]{40}", re.IGNORECASE)
_ONLY = "only plain directories of manifests and Kustomize are; remove the field"
# `name` is for commands of Argo CD's.
_FIELDS = ("repoURL", "path", "targetRevision", "directory", "kustomize", "name")
_UNSUPPORTED = {
    "chart": f"Helm charts from a registry are not supported yet; {_ONLY}",
    "ref": "references between sources are for Helm's value files, which are not supported yet; remove the field",
    "helm": f"Helm is not supported yet; {_ONLY}",
    "plugin": f"plugins are not supported; {_ONLY}",
}


@dataclass(frozen=True)
class Directory:
    """How a directory source is read: whether folders below count, and which files by glob (`""` = no such rule)."""

    recurse: bool = False
    include: str = ""
    exclude: str = ""


Ref = tuple[Repository, str]
"""A repository, and a `targetRevision` in it."""


@dataclass(frozen=True)
class Source:
    """Where the manifests are. `path` is relative to the repository's root, which is `.`; it names a folder or a file.

    `target_revision` is `HEAD`, a branch, a tag, a full ref (`refs/heads/…`, `refs/tags/…`), or a range of versions
    (see `deployer.versions`), which is the newest tag that fits. `given` is what the document says, as it says it.
    """

    repo_url: str
    repository: Repository
    path: str
    target_revision: str
    directory: Directory = Directory()
    kustomize: Kustomize = field(default_factory=Kustomize)
    given: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def ref(self) -> Ref:
        """What is watched."""
        return self.repository, self.target_revision

    @property
    def explicit_directory(self) -> bool:
        """Whether it is plain manifests, whatever stands at its path.

        Argo CD drops a `directory` that sets nothing (NormalizeSource), and then looks for Helm and Kustomize files.
        It does so before it merges the files beside the manifests, where such a `directory` counts.
        """
        return self.directory != Directory() or "directory" in self.given


def parse_source(source: Fields) -> Source:
    """Read a source. Raises ConfigurationError, at the first field that is wrong."""
    source.allow(*_FIELDS, unsupported=_UNSUPPORTED)
    repo_url = source.required_text("repoURL")
    try:
        repository = parse_repository(repo_url)
    except ConfigurationError as error:
        raise source.error("repoURL", str(error)) from None
    revision = source.text("targetRevision")
    try:
        target_revision = parse_target_revision(revision)
    except ConfigurationError as error:
        raise source.error("targetRevision", str(error)) from None
    found = _with_tools(Source(repo_url, repository, _parse_path(source), target_revision), source)
    if found.directory != Directory():
        return found
    return replace(found, given={name: value for name, value in found.given.items() if name != "directory"})


def overridden(source: Source, changes: Mapping[str, Any], place: str) -> Source:
    """Change how a source is read, as a file beside the manifests says, such as `.argocd-source.yaml`.

    It is merged into what the Application says by RFC 7386, as `mergeSourceParameters` does in Argo CD's
    `reposerver/repository/repository.go`: repository, path and revision stay.

    Args:
        source: the application's.
        changes: what the file says.
        place: the file, for errors.

    Raises:
        ConfigurationError: what comes of it is not valid.
    """
    stays = {name: source.given.get(name) for name in ("repoURL", "path", "targetRevision", "chart")}
    given = {name: value for name, value in (_merged(source.given, changes) | stays).items() if value is not None}
    return _with_tools(source, Fields(given, place))


def parse_target_revision(text: str) -> str:
    """Return the revision that a text names: `HEAD`, the name of a branch, tag or ref, or a range of versions.

    Raises ConfigurationError, with what is allowed, for commits, and for what Git accepts as no name.
    """
    allowed = "allowed: HEAD, a branch, a tag, refs/heads/BRANCH, refs/tags/TAG, a range of versions such as ^1.2"
    if text in ("", HEAD):
        return HEAD
    if _COMMIT.fullmatch(text):
        raise ConfigurationError(f"a fixed commit is not supported yet; {allowed}")
    if parse_range(text):
        return " ".join(text.split())
    if not is_ref_name(text):
        raise ConfigurationError(f"{text!r} is no name of a branch or tag; {allowed}")
    if text.startswith("refs/") and not text.startswith(("refs/heads/", "refs/tags/")):
        raise ConfigurationError(f"{text!r} is neither a branch nor a tag; {allowed}")
    return text


def _with_tools(source: Source, given: Fields) -> Source:
    """The source, with the settings of tools that are given."""
    given.allow(*_FIELDS, unsupported=_UNSUPPORTED)
    directory = given.section("directory")
    directory.allow(
        *("recurse", "include", "exclude"), unsupported={"jsonnet": "Jsonnet is not supported; remove the field"}
    )
    read = Directory(directory.flag("recurse"), _glob(directory, "include"), _glob(directory, "exclude"))
    kustomize = parse_kustomize(given.section("kustomize"))
    found = replace(source, directory=read, kustomize=kustomize, given=dict(given.values))
    if found.explicit_directory and found.kustomize.is_set:
        raise given.error("kustomize", "stands beside `directory`, and only one tool can read a source; remove one")
    return found


def _merged(value: Any, changes: Any) -> Any:
    """Merge as RFC 7386 says: mappings by key, where null removes; whatever else takes the place of what was there."""
    if not isinstance(changes, Mapping):
        return changes
    merged = dict(value) if isinstance(value, Mapping) else {}
    for name, change in changes.items():
        if change is None:
            merged.pop(name, None)
        else:
            merged[name] = _merged(merged.get(name), change)
    return merged


def _glob(directory: Fields, name: str) -> str:
    pattern = directory.text(name)
    try:
        matches(pattern, "")
    except ConfigurationError as error:
        raise directory.error(name, str(error)) from None
    return pattern


def _parse_path(source: Fields) -> str:
    path = source.text("path")
    if path.startswith("/") or ".." in path.split("/") or re.search(r"[\\\x00-\x1f\x7f\ud800-\udfff]", path):
        raise source.error("path", "must be relative to the repository's root, with '/' between names and without '..'")
    return posixpath.normpath(path)
