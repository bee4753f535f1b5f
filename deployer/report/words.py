"""A sync's outcome in words and in JSON."""

from collections.abc import Mapping
from typing import Any

from deployer.sync.result import ObjectResult, SyncResult


def headline(result: SyncResult, cluster: str, seconds: float) -> str:
    """Say in one sentence what became of a sync.

    Args:
        result: of a sync.
        cluster: its name.
        seconds: how long all of it took.

    Returns:
        Such as `12 objects in production: 3 created, 1 changed, healthy in 4.2 s`; where it failed, the reason.
    """
    if result.outcome == "failed":
        return result.message
    words = {"created": "created", "updated": "changed"}
    counts = [(result.count(action), word) for action, word in words.items()]  # type: ignore[arg-type]
    changes = ", ".join(f"{count} {word}" for count, word in counts if count) or "nothing to change"
    end = f"healthy in {seconds:.1f} s" if result.outcome == "succeeded" else "health not waited for"
    return f"{plural(len(result.objects), 'object')} in {cluster}: {changes}, {end}"


def plural(count: int, noun: str) -> str:
    """Such as `1 object` and `2 objects`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def as_json(
    result: SyncResult, *, application: str, cluster: str, revision: str, requests: Mapping[str, int]
) -> dict[str, Any]:
    """The document that `deployer sync -o json` prints.

    Args:
        result: of a sync.
        application: its name, or what stands for it.
        cluster: its name.
        revision: the commit, `""` for files from a disk.
        requests: how many were sent, by neighbour.

    Returns:
        JSON values: what happened, each object, seconds by step, requests.
    """
    return {
        "application": application,
        "cluster": cluster,
        "revision": revision,
        "outcome": result.outcome,
        "health": result.health,
        "message": result.message,
        "objects": [_object(one) for one in result.objects],
        "durations": {step: round(seconds, 3) for step, seconds in result.durations.items()},
        "requests": dict(requests),
    }


def _object(one: ObjectResult) -> dict[str, Any]:
    return {
        "group": one.key.group,
        "version": one.version,
        "kind": one.key.kind,
        "namespace": one.key.namespace,
        "name": one.key.name,
        "action": one.action,
        "health": one.health.status if one.health else None,
        "message": one.message or (one.health.message if one.health else ""),
    }
