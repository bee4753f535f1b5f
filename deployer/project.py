"""The `AppProject` document: which sources, destinations and kinds its applications may use.

Fields and meanings are those of Argo CD's `pkg/apis/application/v1alpha1/app_project_types.go`, with one difference:
there, an entry with `!` allows all that it does not deny, whatever the other entries say (its issues 21264 and 26743).
Here it does so only where every entry of the list has a `!`, as its issue 9464 proposed; else it only takes away from
what the others allow, as the documentation has it (https://argo-cd.readthedocs.io/en/stable/user-guide/projects/).
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deployer.annotations import REQUIRE_VERIFIED
from deployer.errors import ConfigurationError
from deployer.fields import Fields, parse_metadata
from deployer.glob import matches
from deployer.impersonation import AccountRule, parse_account_rules
from deployer.manifest import ObjectKey
from deployer.repository import Repository, repository_glob
from deployer.sync_windows import SyncWindow, parse_sync_windows

_WHITELISTS = ("clusterResourceWhitelist", "namespaceResourceWhitelist")
_BLACKLISTS = ("clusterResourceBlacklist", "namespaceResourceBlacklist")
# Roles say who may use Argo CD itself; sourceNamespaces, from which namespaces it reads Applications, which are files
# here; orphanedResources only makes it warn. None of them changes what is deployed.
_IGNORED = ("description", "roles", "sourceNamespaces", "orphanedResources")
_SIGNED = (
    "GitHub, which knows its users' keys, says who has signed a commit: remove the field, and annotate its "
    f'applications with {REQUIRE_VERIFIED}: "true"'
)
# Each of these forbids something, so ignoring it would allow that.
_LATER = {"signatureKeys": _SIGNED, "sourceIntegrity": _SIGNED}


@dataclass(frozen=True)
class Rule:
    """A glob as it is `written`, and the `pattern` that is matched; `denies` says that it begins with `!`."""

    written: str
    pattern: str
    denies: bool

    def hits(self, texts: Iterable[str], separator: str = "") -> bool:
        """Whether one of the texts matches, `!` or not."""
        return any(matches(self.pattern, text, separator) for text in texts)


@dataclass(frozen=True)
class DestinationRule:
    """One entry of `spec.destinations`. Of `name` and `server`, each that is written must fit the cluster."""

    clusters: tuple[Rule, ...]
    namespace: Rule
    written: str

    @property
    def denies(self) -> bool:
        """Whether there is a `!` in it."""
        return any(rule.denies for rule in (*self.clusters, self.namespace))


@dataclass(frozen=True)
class KindRule:
    """One entry of a list of kinds: globs of `*` and `?`. An empty `name` is every name."""

    group: str
    kind: str
    name: str

    def hits(self, key: ObjectKey) -> bool:
        """Whether an object is of this kind, and has this name."""
        return (
            matches(self.kind, key.kind)
            and matches(self.group, key.group)
            and (not self.name or matches(self.name, key.name))
        )

    def __str__(self) -> str:
        """`Namespace team-*` or `ClusterRole.rbac.authorization.k8s.io`, as kubectl writes a kind."""
        return _kind(self.kind, self.group) + (f" {self.name}" if self.name else "")


@dataclass(frozen=True)
class Project:
    """One `AppProject` document; what its lists do not name is denied. `namespace_whitelist` None is every kind."""

    name: str
    source_repos: tuple[Rule, ...]
    destinations: tuple[DestinationRule, ...]
    cluster_whitelist: tuple[KindRule, ...]
    cluster_blacklist: tuple[KindRule, ...]
    namespace_whitelist: tuple[KindRule, ...] | None
    namespace_blacklist: tuple[KindRule, ...]
    sync_windows: tuple[SyncWindow, ...]
    account_rules: tuple[AccountRule, ...]
    place: str


def parse_project(document: Mapping[str, Any], place: str) -> Project:
    """Read the project that a document describes; `place` is the file and the document's number, for errors.

    `status` is Argo CD's own. Raises ConfigurationError, at the first field that is wrong.
    """
    top = Fields(document, place)
    top.allow("apiVersion", "kind", "metadata", "spec", "status")
    name = parse_metadata(top.section("metadata"))
    spec = top.section("spec")
    spec.allow(
        *("sourceRepos", "destinations", *_WHITELISTS, *_BLACKLISTS, "permitOnlyProjectScopedClusters", *_IGNORED),
        *("syncWindows", "destinationServiceAccounts"),
        unsupported=_LATER,
    )
    if spec.flag("permitOnlyProjectScopedClusters"):
        raise spec.error("permitOnlyProjectScopedClusters", "clusters belong to no project here; remove the field")
    return Project(
        name=name,
        source_repos=tuple(
            _rule(spec, f"sourceRepos[{number}]", text, repository_glob)
            for number, text in enumerate(spec.texts("sourceRepos"))
        ),
        destinations=tuple(_destination(entry) for entry in spec.sections("destinations")),
        cluster_whitelist=_kinds(spec, "clusterResourceWhitelist", "name"),
        cluster_blacklist=_kinds(spec, "clusterResourceBlacklist", "name"),
        # An absent list allows every kind, an empty one none.
        namespace_whitelist=None
        if spec.values.get("namespaceResourceWhitelist") is None
        else _kinds(spec, "namespaceResourceWhitelist"),
        namespace_blacklist=_kinds(spec, "namespaceResourceBlacklist"),
        sync_windows=parse_sync_windows(spec),
        account_rules=parse_account_rules(spec),
        place=place,
    )


def source_problem(project: Project, repository: Repository) -> str:
    """Say why a project does not allow a repository, however its address is spelled; `""` where it does."""
    name = f"{repository.host}/{repository.full_name}"
    found = [
        (rule.written, rule.denies, _verdict([(rule, rule.hits((name, f"{name}.git"), "/"))]))
        for rule in project.source_repos
    ]
    return _problem(project, f"the repository {name}", "sourceRepos", found)


def destination_problem(project: Project, cluster_names: Sequence[str], namespace: str) -> str:
    """Say why a project does not allow a namespace of a cluster; `""` where it does.

    `cluster_names` is all that destinations may call the cluster, its own name first. A rule fits where it matches any
    of them, so that another spelling opens nothing. `namespace` is `""` for an application that has none.
    """
    found = [
        (
            entry.written,
            entry.denies,
            _verdict(
                [
                    *((rule, rule.hits(cluster_names)) for rule in entry.clusters),
                    (entry.namespace, entry.namespace.hits((namespace,))),
                ]
            ),
        )
        for entry in project.destinations
    ]
    where = f"the namespace {namespace!r} of the cluster" if namespace else "to name no namespace in the cluster"
    return _problem(project, f"{where} {cluster_names[0]}", "destinations", found)


def object_problem(project: Project, cluster_names: Sequence[str], key: ObjectKey, *, namespaced: bool) -> str:
    """Say why a project allows neither to write an object nor to delete it; `""` where it does.

    Args:
        project: the application's project.
        cluster_names: all that destinations may call the cluster, its own name first.
        key: the object, with its namespace filled in.
        namespaced: whether its kind has namespaces. Then the namespace must be one of the project's destinations, too.
    """
    what = f"{_kind(key.kind, key.group)} {key.name}"
    scope = "namespace" if namespaced else "cluster"
    denied = project.namespace_blacklist if namespaced else project.cluster_blacklist
    for rule in denied:
        if rule.hits(key):
            return _denied(project, what, f"{scope}ResourceBlacklist", str(rule))
    allowed = project.namespace_whitelist if namespaced else project.cluster_whitelist
    if allowed is not None and not any(rule.hits(key) for rule in allowed):
        return _not_allowed(project, what, f"{scope}ResourceWhitelist", map(str, allowed))
    return destination_problem(project, cluster_names, key.namespace) if namespaced else ""


def idle_denials(project: Project, clusters: Iterable[Sequence[str]]) -> Iterator[str]:
    """Tell of each destination with `!` that fits no cluster: it would deny nothing, and its author thinks it does.

    `clusters` is what destinations may call each cluster.
    """
    known = list(clusters)
    for number, entry in enumerate(project.destinations):
        if entry.denies and not any(all(rule.hits(names) for rule in entry.clusters) for names in known):
            there_is = ", ".join(name for names in known for name in names)
            yield (
                f"{project.place}: spec.destinations[{number}]: denies nothing, since no Cluster fits {entry.written}; "
                f"remove it, or add what it calls the cluster to the aliases of one; there is: {there_is}"
            )


def _verdict(hits: Sequence[tuple[Rule, bool]]) -> str:
    """Say what one entry does, given whether each of its rules hit: `allows`, `denies`, `spares`, or nothing (`""`)."""
    if not all(hit for rule, hit in hits if not rule.denies):
        return ""
    denying = [hit for rule, hit in hits if rule.denies]
    return ("denies" if any(denying) else "spares") if denying else "allows"


def _problem(project: Project, what: str, field: str, found: Sequence[tuple[str, bool, str]]) -> str:
    """Judge by all entries of a list: what each says, whether it has a `!`, and its verdict. Their order is nothing."""
    verdicts = [verdict for _, _, verdict in found]
    if "denies" in verdicts:
        return _denied(project, what, field, found[verdicts.index("denies")][0])
    only_denials = all(denies for _, denies, _ in found)
    if "allows" in verdicts or (only_denials and "spares" in verdicts):
        return ""
    hint = "; beside other entries, one with `!` only takes away" if "spares" in verdicts else ""
    return _not_allowed(project, what, field, (written for written, _, _ in found)) + hint


def _denied(project: Project, what: str, field: str, by: str) -> str:
    return f"project {project.name} does not allow {what}: spec.{field} has {by}"


def _not_allowed(project: Project, what: str, field: str, entries: Iterable[str]) -> str:
    return f"project {project.name} does not allow {what}; allowed in spec.{field}: {', '.join(entries) or 'nothing'}"


def _kind(kind: str, group: str) -> str:
    return f"{kind}.{group}" if group else kind


def _rule(fields: Fields, name: str, written: str, read: Callable[[str], str] = str) -> Rule:
    denies = written.startswith("!")
    try:
        pattern = read(written.removeprefix("!"))
        if denies and (pattern in ("", "*", "**") or pattern.startswith("!")):
            raise ConfigurationError("`!` needs something to deny that is neither all nor nothing")
        matches(pattern, "")
    except ConfigurationError as error:
        raise fields.error(name, str(error)) from None
    return Rule(written, pattern, denies)


def _destination(entry: Fields) -> DestinationRule:
    entry.allow("name", "server", "namespace")
    clusters = tuple(_rule(entry, field, entry.text(field)) for field in ("name", "server") if entry.text(field))
    if not clusters:
        raise entry.error("name", "name the clusters in name or server; '*' is every cluster")
    written = ", ".join(f"{field}: {text!r}" for field, text in entry.values.items() if text)
    return DestinationRule(clusters, _rule(entry, "namespace", entry.text("namespace")), f"{{{written}}}")


def _kinds(spec: Fields, name: str, *more: str) -> tuple[KindRule, ...]:
    rules = []
    for entry in spec.sections(name):
        entry.allow("group", "kind", *more)
        if entry.values.get("group") is None:
            raise entry.error("group", "is missing; '' is the core group, '*' every group")
        rule = KindRule(entry.text("group"), entry.required_text("kind"), entry.text("name"))
        for field, text in (("group", rule.group), ("kind", rule.kind), ("name", rule.name)):
            # Argo CD reads these with Go's filepath.Match, not as its other globs, and one that is wrong as nothing.
            if re.search(r"[][{}\\!^/\s]", text):
                raise entry.error(field, f"{text!r} is no name with * and ?, the only globs here; write one entry each")
        rules.append(rule)
    return tuple(rules)


DEFAULT = parse_project(
    {
        "metadata": {"name": "default"},
        "spec": {
            "sourceRepos": ["*"],
            "destinations": [{"server": "*", "namespace": "*"}],
            "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
        },
    },
    "built in",
)
"""The project `default` where no document describes it: it allows everything."""
