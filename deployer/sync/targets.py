"""From manifests to targets: which resource each is, in which namespace, and what must come first. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deployer.cluster.discovery import Discovery, Resource
from deployer.manifest import Manifest, ObjectKey

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
    """

    manifest: Manifest
    resource: Resource
    promised: bool = False

    @property
    def key(self) -> ObjectKey:
        """The identity of the object in the cluster."""
        return self.manifest.key


@dataclass(frozen=True)
class Refusal:
    """An object that cannot be synced, and why."""

    manifest: Manifest
    reason: str


def resolve(
    manifests: Sequence[Manifest], discovery: Discovery, namespace: str, forbidden: Forbidden = nothing_forbidden
) -> tuple[tuple[Target, ...], tuple[Refusal, ...]]:
    """Find out how each manifest's object is addressed.

    Args:
        manifests: the desired objects.
        discovery: what the cluster knows.
        namespace: `destination.namespace`; fills only namespaced objects that have none. A cluster-scoped object
            loses its namespace, as in Argo CD.
        forbidden: what the application's project says.

    Returns:
        A target for each manifest that can be synced, and a refusal for each that cannot.
    """
    promised = promised_kinds(manifests)
    targets, refusals = [], []
    seen: dict[ObjectKey, Manifest] = {}
    for manifest in manifests:
        kind = (manifest.group, manifest.version, manifest.kind)
        known = discovery.find(*kind)
        resource = known or promised.get(kind)
        if resource is None:
            refusals.append(Refusal(manifest, _unknown(manifest, discovery)))
            continue
        placed = _placed(manifest, (manifest.namespace or namespace) if resource.namespaced else "")
        if resource.namespaced and not placed.namespace:
            refusals.append(
                Refusal(manifest, "needs a namespace: set it in the manifest, or `destination.namespace` for all")
            )
        elif placed.key in seen:
            places = f"in {seen[placed.key].place} and in {placed.place}"
            refusals.append(Refusal(placed, f"stands twice in the source: {places}"))
        elif reason := forbidden(placed.key, resource.namespaced):
            refusals.append(Refusal(placed, reason))
        else:
            seen[placed.key] = manifest
            targets.append(Target(placed, resource, promised=known is None))
    return tuple(targets), tuple(refusals)


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
    return target.promised or any(first.key == namespace_target(target.key.namespace).key for first in ahead)


def namespace_target(name: str) -> Target:
    """The target for the Namespace that `CreateNamespace=true` makes."""
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
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
