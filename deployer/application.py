"""The `Application` document: Argo CD's own, field by field.

What Argo CD knows and this project does not support yet is refused by its name, never ignored: an ignored field
would deploy something else than the file says. Fields, defaults and meanings are those of Argo CD's
`pkg/apis/application/v1alpha1/types.go`.
"""

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from deployer.annotations import GENERATE_PATHS, parse_annotations
from deployer.errors import ConfigurationError
from deployer.fields import Fields, parse_metadata
from deployer.generate_paths import parse_generate_paths
from deployer.glob import matches
from deployer.ignore_differences import IgnoreRule, parse_ignore_differences
from deployer.namespace_metadata import NamespaceMetadata, parse_namespace_metadata
from deployer.object_options import DEFAULTS, ObjectOptions, with_options
from deployer.repository import Repository, is_ref_name, parse_repository
from deployer.retry_policy import RetryPolicy, parse_retry
from deployer.sync_options import PruneOption, parse_sync_options
from deployer.versions import parse_range

HEAD = "HEAD"
_DNS_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
# GitHub cuts the context of a commit status at 255 characters, and ours is `deployer/<application>`.
_MAX_NAME = 255 - len("deployer/")

_COMMIT = re.compile(r"[0-9a-f]{40}", re.IGNORECASE)

_ONLY_DIRECTORY = "only plain directories of manifests are; remove the field"
_LATER_IN_SPEC = {
    "sources": "several sources are not supported yet; name one in spec.source",
    "sourceHydrator": "the source hydrator is not supported; name the rendered manifests in spec.source",
}
_LATER_IN_SOURCE = {
    "chart": f"Helm charts from a registry are not supported yet; {_ONLY_DIRECTORY}",
    "ref": "several sources, and references between them, are not supported yet; remove the field",
    "name": "several sources, and names for them, are not supported yet; remove the field",
    "helm": f"Helm is not supported yet; {_ONLY_DIRECTORY}",
    "kustomize": f"Kustomize is not supported yet; {_ONLY_DIRECTORY}",
    "plugin": f"plugins are not supported; {_ONLY_DIRECTORY}",
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
    (see `deployer.versions`), which is the newest tag that fits.
    """

    repo_url: str
    repository: Repository
    path: str
    target_revision: str
    directory: Directory = Directory()
    explicit_directory: bool = False

    @property
    def ref(self) -> Ref:
        """What is watched."""
        return self.repository, self.target_revision


@dataclass(frozen=True)
class Destination:
    """Where the objects go: a cluster by `name` or `server` (the other is `""`), and a namespace for those without."""

    name: str
    server: str
    namespace: str

    @property
    def cluster(self) -> str:
        """What the document calls the cluster."""
        return self.name or self.server


@dataclass(frozen=True)
class Application:
    """One `Application` document. `timeout` is in seconds; `place` tells a person where the document stands.

    `namespace_metadata` is what the Namespace bears that `create_namespace` makes. `revision_history_limit` is how many
    syncs its history keeps; `prune_propagation` is the API's policy for what a pruned object owns. `prune_option` and
    `delete_option` are for objects whose own annotation says nothing of `Prune` and `Delete`, as `object_defaults` is
    for what else it may say. `rollback` goes back by itself where a rollout fails; with `skip_reconcile`, nothing is
    done by itself. `require_checks` are the checks and statuses that must be green on a commit.
    """

    name: str
    project: str
    source: Source
    destination: Destination
    automated: bool
    prune: bool
    self_heal: bool
    allow_empty: bool
    create_namespace: bool
    timeout: float
    place: str
    revision_history_limit: int = 10
    max_prune_percentage: int = 50
    prune_propagation: str = "Background"
    prune_option: PruneOption = "true"
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    namespace_metadata: NamespaceMetadata = field(default_factory=dict)
    object_defaults: ObjectOptions = DEFAULTS
    delete_option: PruneOption = "true"
    ignore_differences: tuple[IgnoreRule, ...] = ()
    respect_ignore_differences: bool = False
    rollback: bool = False
    skip_reconcile: bool = False
    generate_paths: tuple[str, ...] = ()
    require_checks: tuple[str, ...] = ()


def parse_application(document: Mapping[str, Any], place: str) -> Application:
    """Read the application that a document describes; `place` is the file and the document's number, for errors.

    `status` is what Argo CD once wrote there, and says nothing about what is wanted.
    Raises ConfigurationError, at the first field that is wrong.
    """
    top = Fields(document, place)
    top.allow(
        "apiVersion",
        "kind",
        "metadata",
        "spec",
        "status",
        unsupported={"operation": "an operation in a document is not supported; run `deployer sync` instead"},
    )
    name = parse_metadata(top.section("metadata"), _MAX_NAME)
    annotations = parse_annotations(top.section("metadata"))
    spec = top.section("spec")
    # `info` is for people.
    spec.allow(
        *("project", "source", "destination", "syncPolicy", "ignoreDifferences", "info", "revisionHistoryLimit"),
        unsupported=_LATER_IN_SPEC,
    )
    destination = _parse_destination(spec.section("destination"))
    policy = spec.section("syncPolicy")
    policy.allow("automated", "syncOptions", "retry", "managedNamespaceMetadata")
    options = parse_sync_options(policy)
    create_namespace = options.get("CreateNamespace") == "true"
    if create_namespace and not destination.namespace:
        raise spec.section("destination").error("namespace", "is missing, and CreateNamespace=true needs it")
    source = _parse_source(spec.section("source"))
    automated = policy.section("automated")
    automated.allow("enabled", "prune", "selfHeal", "allowEmpty")
    return Application(
        name=name,
        project=spec.text("project") or "default",
        source=source,
        destination=destination,
        # `automated: {}` is automated; only leaving it out (or null) and `enabled: false` are manual.
        automated=policy.values.get("automated") is not None and automated.flag("enabled", True),
        prune=automated.flag("prune"),
        self_heal=automated.flag("selfHeal"),
        allow_empty=automated.flag("allowEmpty"),
        create_namespace=create_namespace,
        timeout=annotations.timeout,
        place=place,
        revision_history_limit=spec.count("revisionHistoryLimit", 10),
        max_prune_percentage=annotations.max_prune_percentage,
        prune_propagation=options.get("PrunePropagationPolicy", "background").capitalize(),
        prune_option=cast("PruneOption", options.get("Prune", "true")),
        retry=parse_retry(policy),
        namespace_metadata=parse_namespace_metadata(policy, create_namespace=create_namespace),
        object_defaults=with_options(options),
        delete_option=cast("PruneOption", options.get("Delete", "true")),
        ignore_differences=parse_ignore_differences(spec),
        respect_ignore_differences=options.get("RespectIgnoreDifferences") == "true",
        rollback=annotations.rollback,
        skip_reconcile=annotations.skip_reconcile,
        generate_paths=_parse_generate_paths(top.section("metadata"), annotations.generate_paths, source.path),
        require_checks=annotations.require_checks,
    )


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


def _parse_source(source: Fields) -> Source:
    source.allow("repoURL", "path", "targetRevision", "directory", unsupported=_LATER_IN_SOURCE)
    directory = source.section("directory")
    directory.allow(
        *("recurse", "include", "exclude"), unsupported={"jsonnet": "Jsonnet is not supported; remove the field"}
    )
    read = Directory(directory.flag("recurse"), _glob(directory, "include"), _glob(directory, "exclude"))
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
    return Source(
        repo_url=repo_url,
        repository=repository,
        path=_parse_path(source),
        target_revision=target_revision,
        directory=read,
        # Argo CD drops a `directory` that sets nothing (NormalizeSource) and then looks for Helm and Kustomize files.
        explicit_directory=read != Directory(),
    )


def _parse_generate_paths(metadata: Fields, text: str, source_path: str) -> tuple[str, ...]:
    try:
        return parse_generate_paths(text, source_path)
    except ConfigurationError as error:
        raise metadata.section("annotations").error(GENERATE_PATHS, str(error)) from None


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


def _parse_destination(destination: Fields) -> Destination:
    destination.allow("name", "server", "namespace")
    found = Destination(destination.text("name"), destination.text("server"), destination.text("namespace"))
    if bool(found.name) == bool(found.server):
        raise destination.error(
            "name", "name the cluster in either destination.name or destination.server, not in both"
        )
    if found.namespace and not _DNS_LABEL.fullmatch(found.namespace):
        raise destination.error(
            "namespace",
            f"{found.namespace[:80]!r} is no namespace; allowed: a-z, 0-9 and '-', at most 63 characters",
        )
    return found
