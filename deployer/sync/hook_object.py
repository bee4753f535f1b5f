"""A hook's object: what it is applied as, and what it says of the sync that it is part of. Pure."""

import re
from collections.abc import Mapping
from typing import Any

from deployer.cluster.finalizer import FINALIZER

HOOK_OF = "deployer/hook-of"
"""The label of each hook; its value is the id of the application that it belongs to."""

_GENERATED = re.compile(r"(?P<prefix>.*)[0-9a-f]{7}-(?P<phase>[a-z]+)-[0-9]+")

OPERATION = "deployer/operation"
"""The label of each hook that says of which operation it is part."""


def hook_body(
    target_body: Mapping[str, Any], *, owner_id: str, operation_id: str, name: str, keep: bool = True
) -> dict[str, Any]:
    """Say what is applied for a hook.

    A Job that goes by itself once it has finished is kept by a finalizer, until its end was seen: `release` takes it
    off.

    Args:
        target_body: the manifest, its namespace filled in.
        owner_id: the application's.
        operation_id: the operation's; both are values of labels.
        name: the object's; one that the manifest has only the beginning of is from `generated_name`.
        keep: whether the finalizer is to be there: not where nobody goes on with the operation if it is killed.
    """
    metadata = {key: value for key, value in target_body["metadata"].items() if key != "generateName"}
    labels = {**(metadata.get("labels") or {}), HOOK_OF: owner_id, OPERATION: operation_id}
    metadata |= {"name": name, "labels": labels}
    spec = target_body.get("spec")
    group, kind = str(target_body["apiVersion"]).rpartition("/")[0], target_body["kind"]
    goes = keep and isinstance(spec, Mapping) and spec.get("ttlSecondsAfterFinished") is not None
    if (group, kind) == ("batch", "Job") and goes:
        finalizers = metadata.get("finalizers") or []
        metadata["finalizers"] = [*(one for one in finalizers if one != FINALIZER), FINALIZER]
    return {**target_body, "metadata": metadata}


def generated_name(prefix: str, revision: str, phase: str, since: float) -> str:
    """Name a hook that has only the beginning of a name, as Argo CD does (gitops-engine, pkg/sync, `generateName`).

    Args:
        prefix: `metadata.generateName`.
        revision: the commit.
        phase: such as `PreSync`.
        since: when the operation began, in seconds since 1970: an operation that goes on later gives the same name.

    Returns:
        Such as `migrate-1a2b3c4-presync-1760000000`.
    """
    return f"{prefix}{revision[:7]}-{phase.lower()}-{int(since)}"


def same_hook(name: str, other: str) -> bool:
    """Whether two names are those of one hook: they are the same, or were made for it by `generated_name`."""
    ours, theirs = _GENERATED.fullmatch(name), _GENERATED.fullmatch(other)
    return name == other or bool(ours and theirs and ours.groups() == theirs.groups())


def hook_owner(live: Mapping[str, Any]) -> str:
    """The id of the application that a hook belongs to; `""` where it is no hook."""
    return _label(live, HOOK_OF)


def operation_of(live: Mapping[str, Any]) -> str:
    """The id of the operation that a hook is part of; `""` where it is no hook."""
    return _label(live, OPERATION)


def _label(live: Mapping[str, Any], name: str) -> str:
    return str((live["metadata"].get("labels") or {}).get(name) or "")
