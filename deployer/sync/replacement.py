"""Whether a replacement would change an object, told from the server's dry-run of it. Pure.

A PUT takes away whatever the manifest does not say, also what controllers have written: the revision of a Deployment,
the replicas that an autoscaler has set. They write it again, so that this alone must not make an object differ in each
sync. What counts is what the source says, and what we have written.
"""

from collections.abc import Mapping
from typing import Any

from deployer.cluster.objects import FIELD_MANAGER
from deployer.sync.field_set import SELF, FieldSet, at, entries, fields


def would_change(body: Mapping[str, Any], live: Mapping[str, Any], tried: Mapping[str, Any]) -> bool:
    """Say whether a replacement changes a field that the source says, or that we have written.

    Args:
        body: the desired object.
        live: the object as the cluster has it, with `managedFields`.
        tried: what the server's dry-run makes of the replacement, from the same resourceVersion.
    """
    metadata = {key: one for key, one in body["metadata"].items() if key not in ("name", "namespace")}
    if _differs({**body, "metadata": metadata}, live, tried):
        return True
    ours = (fields(one) for one in entries(live) if one.get("manager") == FIELD_MANAGER and not one.get("subresource"))
    return any(_lost(owned, live, tried) for owned in ours if owned)


def _differs(desired: Any, live: Any, tried: Any) -> bool:
    """Whether a field that the source says is another in the live object than it is to be."""
    if isinstance(desired, Mapping) and isinstance(live, Mapping) and isinstance(tried, Mapping):
        return any(_differs(one, live.get(key), tried.get(key)) for key, one in desired.items())
    if _alike(desired, live, tried):
        return any(map(_differs, desired, live, tried))
    return bool(live != tried)


def _alike(*values: Any) -> bool:
    return all(isinstance(one, list) and len(one) == len(values[0]) for one in values)


def _lost(ours: FieldSet, live: Any, tried: Any) -> bool:
    """Whether a field that we own would have another value, or none."""
    if not ours:
        return bool(live != tried)
    parts = ((at(live, element), at(tried, element), inner) for element, inner in ours.items() if element != SELF)
    return any(_lost(inner, one, other) for one, other, inner in parts)
