"""The past syncs of an application, and the one under way, as cells of a table and as JSON. Pure."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from deployer.cluster.history import Entry, Operation
from deployer.cluster.inventory import Inventory

COLUMNS = ("id", "revision", "when (UTC)", "result", "changes", "took", "why", "by")

_SIGNS = {"created": "+", "updated": "~", "pruned": "-"}


def entry_cells(entry: Entry) -> tuple[str, ...]:
    """Return the cells of a past sync, by `COLUMNS`; its error, which may be long, is not among them."""
    seconds = sum(entry.durations.values())
    return (
        str(entry.id),
        short(entry.revision),
        f"{entry.when:%Y-%m-%d %H:%M}",
        entry.result,
        signs(entry.counts),
        f"{seconds:.1f} s",
        entry.why or "-",
        entry.who or "-",
    )


def operation_cells(operation: Operation) -> tuple[str, ...]:
    """Return the cells of the sync that is under way, by `COLUMNS`."""
    since = f"{operation.since:%Y-%m-%d %H:%M}"
    return "-", short(operation.revision), since, "under way", "-", "-", operation.why or "-", operation.holder or "-"


def signs(counts: Mapping[str, int]) -> str:
    """Such as `+3 ~1 -2` for three objects that were created, one that was updated, two that were pruned; else `-`."""
    return " ".join(f"{sign}{counts[action]}" for action, sign in _SIGNS.items() if counts.get(action)) or "-"


def short(revision: str) -> str:
    """The first seven characters of a commit, as GitHub shows it; `-` where there is none."""
    return revision[:7] or "-"


def as_json(cluster: str, inventory: Inventory, *, orphaned: bool, message: str = "") -> dict[str, Any]:
    """The document that `deployer history -o json` prints.

    Args:
        cluster: its name.
        inventory: the application's, `empty` where it has none.
        orphaned: whether the application is not in the configuration.
        message: what went wrong, where nothing could be read.

    Returns:
        JSON values; the newest sync comes first, and times are in UTC.
    """
    return {
        "application": inventory.application,
        "cluster": cluster,
        "namespace": inventory.namespace,
        "orphaned": orphaned,
        "operation": operation_json(inventory.operation),
        "history": [entry_json(one) for one in inventory.history],
        "message": message,
    }


def entry_json(entry: Entry) -> dict[str, Any]:
    """A past sync as JSON values."""
    return {**asdict(entry), "when": _utc(entry.when)}


def operation_json(operation: Operation | None) -> dict[str, Any] | None:
    """The sync under way as JSON values; None where there is none."""
    return {**asdict(operation), "since": _utc(operation.since)} if operation else None


def _utc(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")
