"""A sync's outcome in words and in JSON."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from deployer.cluster.history import CHANGES
from deployer.sync.result import ObjectResult, SyncResult

_NO_NAMESPACE = re.compile(r'namespaces "(.+)" not found')
"""How an API server refuses an object of a namespace that does not exist."""


def headline(result: SyncResult, cluster: str, seconds: float, *, dry_run: bool = False) -> str:
    """Say in one sentence what became of a sync.

    Args:
        result: of a sync.
        cluster: its name.
        seconds: how long all of it took.
        dry_run: whether it only asked what would happen.

    Returns:
        Such as `12 objects in production: 3 created, 1 changed, healthy in 4.2 s`; where it failed, the reason.
    """
    if result.outcome == "failed":
        return result.message
    changes = changes_in_words(result, dry_run=dry_run) or "nothing to change"
    end = f"healthy in {seconds:.1f} s" if result.outcome == "succeeded" else result.message or "health not waited for"
    if dry_run:
        end = "nothing written (dry-run)"
    kept = f", {result.kept} left Git but not pruned" if result.kept else ""
    ran = sum(one.action == "created" for one in result.hooks)
    kept += f", {plural(ran, 'hook')} {'to run' if dry_run else 'ran'}" if ran else ""
    return f"{plural(len(result.objects) - result.count('pruned'), 'object')} in {cluster}: {changes}{kept}, {end}"


def deleted_in_words(result: SyncResult, cluster: str, seconds: float, *, dry_run: bool = False) -> str:
    """Say in one sentence what became of a deletion; the arguments are those of `headline`.

    Such as `12 objects deleted from production, 1 stays, in 4.2 s`; where it failed, the reason.
    """
    if result.outcome == "failed":
        return result.message
    gone = f"{plural(result.count('pruned'), 'object')} {'to delete from' if dry_run else 'deleted from'} {cluster}"
    ran = f", {plural(len(result.hooks), 'hook')} {'to run' if dry_run else 'ran'}" if result.hooks else ""
    stays = f", {result.kept} {'stays' if result.kept == 1 else 'stay'}" if result.kept else ""
    return f"{gone}{ran}{stays}, " + ("nothing written (dry-run)" if dry_run else f"in {seconds:.1f} s")


def changes_in_words(result: SyncResult, *, dry_run: bool = False) -> str:
    """Such as `3 created, 1 changed`, or after a dry-run `3 to create, 1 to change`; `""` where nothing changes."""
    words = ("to create", "to change", "to prune") if dry_run else ("created", "changed", "pruned")
    counts = zip(map(result.count, CHANGES), words, strict=True)
    return ", ".join(f"{count} {word}" for count, word in counts if count)


def next_step(result: SyncResult, *, dry_run: bool = False) -> str:
    """Say in one sentence how things stand after a sync that failed, and what to do next."""
    if hint := namespace_hint(result):
        return hint
    done = sum(result.count(action) for action in ("created", "updated", "unchanged", "pruned"))
    if dry_run or not (done or result.hooks):
        return "nothing was changed in the cluster: mend this, and sync again"
    if result.health == "Progressing":
        return "all is applied and may still get healthy: sync again to go on waiting, longer with --timeout"
    return "what is applied stays: mend this, and sync again"


def namespace_hint(result: SyncResult) -> str:
    """Say what to do about a Namespace that does not exist; `""` where none is missing."""
    missing = next(
        (found[1] for one in (*result.objects, *result.hooks) if (found := _NO_NAMESPACE.fullmatch(one.message))), ""
    )
    return f"create it with `kubectl create namespace {missing}`, or add it to the manifests" if missing else ""


def plural(count: int, noun: str) -> str:
    """Such as `1 object` and `2 objects`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def in_short(names: Sequence[str], most: int = 10) -> str:
    """Such as `cart, shop`; of more than so many names, the first, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


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
        "objects": [_object(one) for one in (*result.objects, *result.hooks)],
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
        **({"hook": one.phase} if one.phase else {}),
    }
