"""What a replacement keeps of the object that it is put in the place of. Pure."""

from collections.abc import Mapping
from typing import Any

from deployer.cluster.discovery import Resource
from deployer.cluster.objects import Live

_BOUND = {
    ("", "PersistentVolumeClaim"): ("volumeName", "storageClassName"),
    ("", "PersistentVolume"): ("claimRef",),
}
"""Fields of `spec` that bind a claim and its volume to each other."""

_JOB_LABELS = ("controller-uid", "job-name", "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name")
"""What a Job's template is labelled with as it is created (kubernetes, pkg/registry/batch/job, `generateSelector`)."""


def carried_over(resource: Resource, body: Mapping[str, Any], live: Live) -> Mapping[str, Any]:
    """Say what is put in an object's place.

    What the object does not say is gone, whoever wrote it, with three exceptions. Finalizers and owner references
    stay: without them, what somebody has still to clean up would be lost. So does what binds a claim and its volume to
    each other, and the selector of a Job: the cluster has filled them in, and a manifest cannot know them. What the
    server fills in of a Service, it keeps by itself.

    Args:
        resource: the object's kind.
        body: the whole desired object.
        live: the object as it was read.

    Returns:
        The whole object, with the live one's uid and resourceVersion: the server refuses it where these are others.
    """
    there, metadata = live["metadata"], dict(body["metadata"])
    metadata |= {key: there[key] for key in ("uid", "resourceVersion")}
    for field in ("finalizers", "ownerReferences"):
        wanted = metadata.get(field) or []
        named = [_identity(one) for one in wanted]
        if kept := [*wanted, *(one for one in there.get(field) or [] if _identity(one) not in named)]:
            metadata[field] = kept
    whole = {**body, "metadata": metadata}
    spec, kind = body.get("spec"), (resource.group, resource.kind)
    if kind in _BOUND and isinstance(spec, Mapping):
        bound = {key: live["spec"][key] for key in _BOUND[kind] if key in live["spec"]}
        return {**whole, "spec": {**bound, **spec}}
    if kind == ("batch", "Job") and isinstance(spec, Mapping) and not spec.get("manualSelector"):
        return {**whole, "spec": _selecting(spec, live["spec"])}
    return whole


def _identity(one: Any) -> Any:
    """What an owner reference, or a finalizer, goes by."""
    return one.get("uid") if isinstance(one, Mapping) else one


def _selecting(spec: Mapping[str, Any], there: Mapping[str, Any]) -> Mapping[str, Any]:
    """A Job's `spec` with the selector that was made for the live one, and the labels that it selects."""
    template = spec.get("template")
    if not isinstance(template, Mapping):
        return spec  # the server says what is wrong with it
    metadata = template.get("metadata") or {}
    labels = {key: one for key, one in there["template"]["metadata"]["labels"].items() if key in _JOB_LABELS}
    metadata = {**metadata, "labels": {**labels, **(metadata.get("labels") or {})}}
    return {"selector": there["selector"], **spec, "template": {**template, "metadata": metadata}}
