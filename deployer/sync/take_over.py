"""Takes fields over from the tools that an object was written with before. Pure.

A value that another manager owns as well stays in the cluster when it leaves the source. So before the first apply
these managers' fields become ours, as kubectl does it for itself when people move from client-side to server-side
apply (client-go, util/csaupgrade).
"""

from collections.abc import Mapping
from typing import Any

from deployer.cluster.objects import FIELD_MANAGER
from deployer.sync.diff import NOISE
from deployer.sync.field_set import (
    MISSING,
    FieldSet,
    difference,
    entries,
    entry,
    fields,
    intersection,
    present,
    pruned,
    union,
    without,
)

_OTHER_TOOLS = ("argocd-controller", "argocd-application-controller", "helm", "kustomize-controller")
_DECLARATIVE = {
    ("kubectl-client-side-apply", "Update"),
    ("kubectl", "Apply"),
    *((manager, operation) for manager in _OTHER_TOOLS for operation in ("Apply", "Update")),
}
"""Managers that write whole manifests, by manager and operation: what they own stood in one."""

_REPLACED = (FIELD_MANAGER, "Update")
"""Our own manager, where it has put a whole object in another's place, or created one so."""

_BY_HAND = "kubectl"
"""How the names of managers begin that change single fields, such as `kubectl-edit`."""

_FORMER = "before-first-apply"
"""The manager that the server makes up for all that nobody owned when an object was first applied."""

_NAME: FieldSet = {"f:metadata": {"f:name": {}}}
"""What each apply says, though `managedFields` does not: without it, all of `metadata` might go."""

_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def take_over(live: Mapping[str, Any], body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Say how an object's fields become ours, so that one that later leaves the source leaves the cluster.

    All fields of a tool that writes whole manifests are taken over, where it owns one that we want or own: what is not
    in the source any more goes with the apply that follows. Of those changed by hand it is only the fields that we
    want or own; others stay as they are.

    Args:
        live: the object as the cluster has it, with `managedFields`.
        body: the desired object.

    Returns:
        A merge patch (RFC 7386) that changes nobody's values; the annotation that `kubectl apply` leaves goes as well.
        It names the object's resourceVersion, so that a server refuses it with 409 where the object has changed in
        between. None where there is nothing to do.
    """
    ours = entry(live)
    taken, kept, times = fields(ours), [], [str(ours.get("time") or "")]
    version = ours.get("apiVersion")
    for one in entries(live):
        part = None if one is ours or version not in (None, one.get("apiVersion")) else _part(one, body, fields(ours))
        if part is None:
            if one is not ours:
                kept.append(one)
            continue
        version = one.get("apiVersion")
        taken = union(taken, part) if taken else part
        times.append(str(one.get("time") or ""))
        if rest := difference(fields(one), part):
            kept.append({**one, "fieldsV1": rest})
    patch: dict[str, Any] = {}
    if len(times) > 1:
        mine = {"manager": FIELD_MANAGER, "operation": "Apply", "apiVersion": version, "fieldsType": "FieldsV1"}
        when = {"time": max(times)} if max(times) else {}
        patch["managedFields"] = [*kept, {**mine, **when, "fieldsV1": taken}]
    if _LAST_APPLIED in (live["metadata"].get("annotations") or {}):
        patch["annotations"] = {_LAST_APPLIED: None}
    if not patch:
        return None
    name = {key: live["metadata"][key] for key in ("name", "namespace", "resourceVersion") if key in live["metadata"]}
    return {"apiVersion": body["apiVersion"], "kind": body["kind"], "metadata": {**name, **patch}}


def taken_over(live: Mapping[str, Any], body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a live object with its fields' owners as `take_over` leaves them; itself where there is nothing to do."""
    patch = take_over(live, body)
    if not patch:
        return live
    owners = patch["metadata"].get("managedFields", entries(live))
    return {**live, "metadata": {**live["metadata"], "managedFields": owners}}


def as_taken_over(tried: Mapping[str, Any], body: Mapping[str, Any], live: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a dry-run says, without the fields that go because they become ours first, of which it cannot know.

    Defaults go with them: who created an object other than by a server-side apply owns these, too.

    Args:
        tried: what the server says that an apply would make of the object.
        body: the desired object.
        live: the object as the cluster has it.
    """
    taken = taken_over(live, body)
    ours, kept = entry(taken), union(fields(entry(tried)), _NAME)
    for one in entries(taken):
        kept = kept if one is ours else union(kept, fields(one))
    left: Mapping[str, Any] = without(
        pruned(tried, fields(ours), kept), ("f:metadata", "f:annotations", f"f:{_LAST_APPLIED}")
    )
    return left


def defaulting(left: Mapping[str, Any], tried: Mapping[str, Any], live: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Say what to ask the server, so that it fills in again the defaults that have gone from an object.

    Args:
        left: the object as `as_taken_over` returns it.
        tried: what that was given.
        live: the object as the cluster has it.

    Returns:
        A merge patch (RFC 7386) that makes the live object the one that is left; a dry-run of it needs no
        resourceVersion. None where only metadata has gone: it has no defaults.
    """
    if {**left, "metadata": None} == {**tried, "metadata": None}:
        return None
    patch = _merging(live, left)
    metadata = {key: one for key, one in patch.get("metadata", {}).items() if key not in NOISE}
    name = {key: live["metadata"][key] for key in ("name", "namespace") if key in live["metadata"]}
    return {**patch, "apiVersion": left["apiVersion"], "kind": left["kind"], "metadata": {**metadata, **name}}


def _merging(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The merge patch that makes one mapping the other."""
    changed: dict[str, Any] = {key: None for key in before if key not in after}
    for key, new in after.items():
        old = before.get(key, MISSING)
        if old != new:
            changed[key] = _merging(old, new) if isinstance(old, Mapping) and isinstance(new, Mapping) else new
    return changed


def _part(one: Mapping[str, Any], body: Mapping[str, Any], ours: FieldSet) -> FieldSet | None:
    """The fields of an entry that become ours; None where none do."""
    manager, operation = str(one.get("manager")), str(one.get("operation"))
    if (manager, operation) == _REPLACED and not one.get("subresource"):
        return fields(one) or None
    wanted, owned = present(fields(one), body), intersection(fields(one), ours) if ours else None
    shared = union(wanted, owned) if wanted and owned else wanted or owned
    if (manager, operation) in _DECLARATIVE and not one.get("subresource"):
        return fields(one) if shared else None
    return shared if manager.startswith(_BY_HAND) or manager == _FORMER else None
