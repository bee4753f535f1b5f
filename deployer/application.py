"""The `Application` document: Argo CD's own, field by field.

What Argo CD knows and this project does not support yet is refused by its name, never ignored: an ignored field
would deploy something else than the file says. Fields, defaults and meanings are those of Argo CD's
`pkg/apis/application/v1alpha1/types.go`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from deployer.annotations import GENERATE_PATHS, parse_annotations
from deployer.errors import ConfigurationError
from deployer.fields import Fields, parse_metadata
from deployer.generate_paths import parse_generate_paths
from deployer.ignore_differences import IgnoreRule, parse_ignore_differences
from deployer.namespace_metadata import NamespaceMetadata, parse_namespace_metadata
from deployer.object_options import DEFAULTS, ObjectOptions, with_options
from deployer.retry_policy import RetryPolicy, parse_retry
from deployer.source import Source, parse_source
from deployer.sync_options import PruneOption, parse_sync_options

_DNS_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
# GitHub cuts the context of a commit status at 255 characters, and ours is `deployer/<application>`.
_MAX_NAME = 255 - len("deployer/")

_LATER_IN_SPEC = {
    "sourceHydrator": "the source hydrator is not supported; name the rendered manifests in spec.source",
}


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
    done by itself. `require_checks` are the checks and statuses that must be green on a commit; with
    `require_verified`, GitHub must verify its signature.
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
    require_verified: bool = False
    more_sources: tuple[Source, ...] = ()

    @property
    def sources(self) -> tuple[Source, ...]:
        """Where its manifests are; all at the same commit."""
        return self.source, *self.more_sources


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
        *("project", "source", "sources", "destination", "syncPolicy"),
        *("ignoreDifferences", "info", "revisionHistoryLimit"),
        unsupported=_LATER_IN_SPEC,
    )
    destination = _parse_destination(spec.section("destination"))
    policy = spec.section("syncPolicy")
    policy.allow("automated", "syncOptions", "retry", "managedNamespaceMetadata")
    options = parse_sync_options(policy)
    create_namespace = options.get("CreateNamespace") == "true"
    if create_namespace and not destination.namespace:
        raise spec.section("destination").error("namespace", "is missing, and CreateNamespace=true needs it")
    source, *more = _parse_sources(spec)
    automated = policy.section("automated")
    automated.allow("enabled", "prune", "selfHeal", "allowEmpty")
    return Application(
        name=name,
        project=spec.text("project") or "default",
        source=source,
        more_sources=tuple(more),
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
        generate_paths=_parse_generate_paths(top.section("metadata"), annotations.generate_paths, (source, *more)),
        require_checks=annotations.require_checks,
        require_verified=annotations.require_verified,
    )


def _parse_sources(spec: Fields) -> list[Source]:
    """Read `source`, or `sources`, beside which Argo CD takes no notice of `source`.

    All are of one repository and revision: one commit is deployed, and told what became of it.
    """
    sections = spec.sections("sources") or (spec.section("source"),)
    sources = [parse_source(section) for section in sections]
    for section, source in zip(sections, sources, strict=True):
        if source.ref != sources[0].ref:
            raise section.error(
                "repoURL",
                "sources of several repositories or revisions are not supported: name the same repoURL and "
                "targetRevision in all of them, or make an Application of each",
            )
    return sources


def _parse_generate_paths(metadata: Fields, text: str, sources: Iterable[Source]) -> tuple[str, ...]:
    try:
        paths = [path for source in sources for path in parse_generate_paths(text, source.path)]
        return tuple(dict.fromkeys(paths))
    except ConfigurationError as error:
        raise metadata.section("annotations").error(GENERATE_PATHS, str(error)) from None


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
