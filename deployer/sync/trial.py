"""What the server's dry-run cannot try as it is written, because something it needs comes with the same sync. Pure."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from deployer.manifest import Manifest, ObjectKey
from deployer.sync.targets import Target

_OLD_NAME = "serviceAccount"
"""What `serviceAccountName` was called; the API still takes it."""


def trial(target: Target, targets: Iterable[Target], live: Collection[ObjectKey]) -> Mapping[str, Any]:
    """Say with which body a target is tried.

    Args:
        target: what is to be tried.
        targets: all of the sync.
        live: what is in the cluster.

    Returns:
        The manifest's own, but for a new Pod whose ServiceAccount is new, too: the ServiceAccount admission plugin
        (kubernetes, plugin/pkg/admission/serviceaccount) refuses a Pod without its account, so it is tried with the
        account `default`, which every namespace has.
    """
    body = target.manifest.body
    spec = body.get("spec")
    if (target.key.group, target.key.kind) != ("", "Pod") or target.key in live or not isinstance(spec, Mapping):
        return body
    name = spec.get("serviceAccountName") or spec.get(_OLD_NAME)
    account = ObjectKey("", "ServiceAccount", target.key.namespace, str(name))
    if account in live or all(other.key != account for other in targets):
        return body
    return {**body, "spec": {key: spec[key] for key in spec if key not in ("serviceAccountName", _OLD_NAME)}}


def as_wanted(tried: Mapping[str, Any], manifest: Manifest) -> Mapping[str, Any]:
    """Put the ServiceAccount back into a Pod that was tried without it; any other object stays as it is."""
    spec = manifest.body.get("spec")
    if (manifest.group, manifest.kind) != ("", "Pod") or not isinstance(spec, Mapping):
        return tried
    name = spec.get("serviceAccountName") or spec.get(_OLD_NAME)
    if not name:
        return tried
    return {**tried, "spec": {**tried["spec"], "serviceAccountName": name, _OLD_NAME: name}}


def unservable(targets: Iterable[Target], ahead: Iterable[Target]) -> dict[ObjectKey, str]:
    """Find the objects whose kind comes only with an update of a definition that is there already.

    Such a definition does not go ahead, so they cannot be tried before something is written.

    Args:
        targets: all of the sync.
        ahead: those that are written before the others are tried.

    Returns:
        Why they are refused, by object.
    """
    brought = {target.key.name for target in ahead}
    return {
        target.key: f"its CustomResourceDefinition is in the cluster and does not serve {target.manifest.api_version}: "
        "sync the definition first, then this object"
        for target in targets
        # A definition's name is always its plural and its group.
        if target.promised and f"{target.resource.plural}.{target.resource.group}" not in brought
    }
