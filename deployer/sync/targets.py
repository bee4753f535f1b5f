"""From manifests to targets: which resource each is, in which namespace, and what must come first. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from deployer.cluster.discovery import Discovery, Resource
from deployer.hooks import Hook, Phase, parse_hook, parse_wave
from deployer.manifest import Manifest, ObjectKey
from deployer.namespace_metadata import NamespaceMetadata
from deployer.object_options import DEFAULTS, ObjectOptions, parse_object_options

_NAMESPACES = Resource("", "v1", "Namespace", "namespaces", namespaced=False)


Forbidden = Callable[[ObjectKey, bool], str]
"""Says why the project does not allow an object, `""` where it does; the flag tells whether its kind has namespaces."""


def nothing_forbidden(key: ObjectKey, namespaced: bool) -> str:
    """Allow every object: of files on a person's own disk, no project tells what they may be."""
    return ""


@dataclass(frozen=True)
class Target:
    """A manifest that knows how its object is addressed; its namespace is filled in.

    `promised` says that the cluster does not know the kind yet: a CustomResourceDefinition of the same sync brings it.
    `late` says the same of a kind that whatever is applied before it brings, with `SkipDryRunOnMissingResource=true`.
    `phase` and `wave` say when its turn is; `hook` is what makes it one, None for an object that stays.
    """

    manifest: Manifest
    resource: Resource
    promised: bool = False
    late: bool = False
    phase: Phase = "Sync"
    wave: int = 0
    hook: Hook | None = None
    options: ObjectOptions = DEFAULTS

    @property
    def key(self) -> ObjectKey:
        """The identity of the object in the cluster."""
        return self.manifest.key


def hook_name(hook: Target) -> str:
    """Return what the operation in the inventory calls a hook, which is another one in each phase."""
    kind = ".".join(filter(None, (hook.key.kind, hook.key.group)))
    return f"{hook.phase} {kind} {hook.key.namespace}/{hook.key.name}"


@dataclass(frozen=True)
class Refusal:
    """An object that cannot be synced, and why."""

    manifest: Manifest
    reason: str


@dataclass(frozen=True)
class Resolved:
    """The targets among manifests, the hooks (one for each of their phases), and what cannot be synced.

    `skipped` are hooks without a phase, which are never applied.
    """

    targets: tuple[Target, ...] = ()
    hooks: tuple[Target, ...] = ()
    skipped: tuple[Target, ...] = ()
    refusals: tuple[Refusal, ...] = ()


def resolve(
    manifests: Sequence[Manifest],
    discovery: Discovery,
    namespace: str,
    forbidden: Forbidden = nothing_forbidden,
    defaults: ObjectOptions = DEFAULTS,
) -> Resolved:
    """Find out how each manifest's object is addressed.

    Args:
        manifests: the desired objects.
        discovery: what the cluster knows.
        namespace: `destination.namespace`; fills only namespaced objects that have none. A cluster-scoped object
            loses its namespace, as in Argo CD.
        forbidden: what the application's project says.
        defaults: the application's options, for objects that do not say otherwise.
    """
    promised = promised_kinds(manifests)
    targets: list[Target] = []
    hooks: list[Target] = []
    skipped, refusals = [], []
    seen: dict[ObjectKey, Manifest] = {}
    for manifest in manifests:
        options = parse_object_options(manifest, defaults)
        kind = (manifest.group, manifest.version, manifest.kind)
        known = discovery.find(*kind)
        resource = known or promised.get(kind)
        late = resource is None and options.skip_dry_run_on_missing
        if late:
            resource = Resource(*kind, plural="", namespaced=bool(manifest.namespace or namespace))
        if resource is None:
            refusals.append(Refusal(manifest, _unknown(manifest, discovery)))
            continue
        placed = placed_in(manifest, resource, namespace)
        if reason := misplaced(placed, resource, forbidden):
            refusals.append(Refusal(placed, reason))
        elif placed.key in seen:
            places = f"in {seen[placed.key].place} and in {placed.place}"
            refusals.append(Refusal(placed, f"stands twice in the source: {places}"))
        else:
            seen[placed.key] = manifest
            wave, hook = parse_wave(manifest), parse_hook(manifest)
            one = Target(placed, resource, known is None and not late, late, "Sync", wave, hook, options)
            if hook is None:
                targets.append(one)
            elif hook.phases:
                hooks += [replace(one, phase=phase) for phase in hook.phases]
            else:
                skipped.append(one)
    return Resolved(tuple(targets), tuple(hooks), tuple(skipped), tuple(refusals))


def placed_in(manifest: Manifest, resource: Resource, namespace: str) -> Manifest:
    """Return a manifest whose namespace is filled in, where its kind has one, and left out where it has none."""
    return _placed(manifest, (manifest.namespace or namespace) if resource.namespaced else "")


def misplaced(manifest: Manifest, resource: Resource, forbidden: Forbidden) -> str:
    """Say why an object cannot be where it is to be; `""` where it can."""
    if resource.namespaced and not manifest.namespace:
        return "needs a namespace: set it in the manifest, or `destination.namespace` for all"
    return forbidden(manifest.key, resource.namespaced)


def promised_kinds(manifests: Sequence[Manifest]) -> Mapping[tuple[str, str, str], Resource]:
    """The kinds that CustomResourceDefinitions among the manifests bring, by (group, version, kind)."""
    kinds = {}
    for manifest in manifests:
        if not is_definition(manifest):
            continue
        spec = manifest.body.get("spec")
        spec = spec if isinstance(spec, Mapping) else {}
        names, versions = spec.get("names"), spec.get("versions")
        if not isinstance(names, Mapping) or not isinstance(versions, list):
            continue  # it brings nothing; the server's dry-run says what is wrong with it
        for version in versions:
            if isinstance(version, Mapping) and version.get("served"):
                resource = Resource(
                    str(spec.get("group")),
                    str(version.get("name")),
                    str(names.get("kind")),
                    str(names.get("plural")),
                    spec.get("scope") == "Namespaced",
                )
                kinds[resource.group, resource.version, resource.kind] = resource
    return kinds


def is_definition(manifest: Manifest) -> bool:
    """Whether a manifest is a CustomResourceDefinition."""
    return (manifest.group, manifest.kind) == ("apiextensions.k8s.io", "CustomResourceDefinition")


def goes_ahead(manifest: Manifest) -> bool:
    """Whether a manifest, where its object does not exist, is written before the rest is tried.

    A dry-run into a Namespace that does not exist is a 404, and a kind without its definition is unknown.
    """
    return is_definition(manifest) or (manifest.group, manifest.kind) == ("", "Namespace")


def needs(target: Target, ahead: Sequence[Target]) -> bool:
    """Whether a target cannot be tried before those that go ahead are there."""
    home = ObjectKey("", "Namespace", "", target.key.namespace)
    return target.promised or any(first.key == home for first in ahead)


def namespace_target(name: str, metadata: NamespaceMetadata | None = None) -> Target:
    """The target for the Namespace that `CreateNamespace=true` makes, with what it is to bear."""
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, **(metadata or {})}}
    return Target(Manifest(body, "CreateNamespace=true"), _NAMESPACES)


def _placed(manifest: Manifest, namespace: str) -> Manifest:
    if manifest.namespace == namespace:
        return manifest
    metadata: dict[str, Any] = {**manifest.body["metadata"], "namespace": namespace}
    if not namespace:
        del metadata["namespace"]
    return Manifest({**manifest.body, "metadata": metadata}, manifest.place)


def _unknown(manifest: Manifest, discovery: Discovery) -> str:
    if (manifest.group, manifest.version) in discovery.stale:
        return f"its API {manifest.api_version} does not answer: look at its APIService"
    return (
        f"the cluster does not know the kind {manifest.kind} of {manifest.api_version}: "
        "install its CustomResourceDefinition first, or put it into this application"
    )
