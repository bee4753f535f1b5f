"""The past syncs of an application, and the one under way, as cells of a table and as JSON. Pure."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from deployer.cluster.history import Entry
from deployer.cluster.hold import Hold
from deployer.cluster.inventory import Inventory
from deployer.cluster.operation import Operation
from deployer.sync.rollback import BY_ITSELF

COLUMNS = ("id", "revision", "when (UTC)", "result", "changes", "took", "why", "by")

_SIGNS = {"created": "+", "updated": "~", "pruned": "-"}


def entry_cells(entry: Entry) -> tuple[str, ...]:
    """Return the cells of a past sync, by `COLUMNS`; what may be long is told by `entry_notes`.

    A deletion is one, too: its revision is the one that was deleted.
    """
    seconds = sum(entry.durations.values())
    return (
        str(entry.id),
        short(entry.revision),
        f"{entry.when:%Y-%m-%d %H:%M}",
        entry.result,
        signs(entry.counts),
        f"{seconds:.1f} s",
        "rollback by itself" if entry.why.startswith(BY_ITSELF) else entry.why or "-",
        entry.who or "-",
    )


def entry_notes(entry: Entry) -> tuple[str, ...]:
    """Say what a person should know of a past sync besides its cells, a sentence each."""
    why = f"instead of another commit: {entry.why}" if entry.why.startswith(BY_ITSELF) else ""
    return tuple(filter(None, (why, entry.error)))


def operation_cells(operation: Operation) -> tuple[str, ...]:
    """Return the cells of the sync that is under way, by `COLUMNS`; paused is one that the next reconcile goes on with.

    The time that it took is what it has waited so far.
    """
    since = f"{operation.since:%Y-%m-%d %H:%M}"
    result = "paused" if operation.paused else "under way"
    took = f"{operation.waited:.1f} s" if operation.waited else "-"
    return "-", short(operation.revision), since, result, "-", took, operation.why or "-", operation.holder or "-"


def operation_notes(operation: Operation) -> tuple[str, ...]:
    """Say of the sync that is under way which hooks have ended, and what has failed."""
    hooks = tuple(f"{hook} {ended}" for hook, ended in operation.hooks.items())
    return (*hooks, operation.error) if operation.error else hooks


def hold_in_words(hold: Hold) -> str:
    """Say what holds an application, as far as its inventory knows: the watched ref may have moved since."""
    what = f"it is held at {short(hold.revision)}" if hold.revision else "it is deleted"
    who = f"by {hold.who or 'somebody'} since {hold.since:%Y-%m-%d %H:%M} UTC ({hold.why})"
    return f"{what} {who}, for as long as its ref points at {short(hold.instead_of)}"


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
        "held": hold_json(inventory.hold),
        "history": [entry_json(one) for one in inventory.history],
        "message": message,
    }


def entry_json(entry: Entry) -> dict[str, Any]:
    """A past sync as JSON values."""
    return {**asdict(entry), "when": _utc(entry.when)}


def operation_json(operation: Operation | None) -> dict[str, Any] | None:
    """The sync under way as JSON values; None where there is none."""
    if operation is None:
        return None
    paused = operation.paused and _utc(operation.paused)
    return {**asdict(operation), "since": _utc(operation.since), "paused": paused}


def hold_json(hold: Hold | None) -> dict[str, Any] | None:
    """What holds an application, as JSON values; None where nothing does. The revision of a deleted one is `""`."""
    return {**asdict(hold), "since": _utc(hold.since)} if hold else None


def _utc(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")
