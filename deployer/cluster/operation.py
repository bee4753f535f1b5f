"""The sync of an application that is under way, as its inventory keeps it: JSON, and bounded. Pure.

What is read may have been written by anybody who may write ConfigMaps there, so it is believed no more than it must be.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import get_args

from deployer.cluster.history import Fault
from deployer.cluster.stored import (
    LONGEST_ERROR,
    MALFORMED,
    count,
    dumped,
    duration,
    kept_text,
    kept_time,
    one_of,
    read_time,
)


@dataclass(frozen=True)
class Operation:
    """A sync that is under way, or was when it was killed; `holder` is who does it, and `who` has begun it.

    `id` is on the hooks that it makes, and `hooks` are those that have ended (`succeeded` or `failed`, by what
    `targets.hook_name` calls them): whoever goes on with the operation does not run them again. `paused` says when its
    process left it to the next reconcile, None while that goes on; `waited` are the seconds that it had waited for
    health by then, and `counts` the objects that it had changed, by action. `error` is what has failed, where only what
    follows on a failure is left, and `fault` is of what sort that is.
    """

    revision: str
    since: datetime
    holder: str
    why: str
    id: str = ""
    hooks: Mapping[str, str] = field(default_factory=dict)
    paused: datetime | None = None
    waited: float = 0.0
    counts: Mapping[str, int] = field(default_factory=dict)
    error: str = ""
    fault: Fault = ""
    who: str = ""


def dump_operation(operation: Operation | None) -> str:
    """Write the operation under way as JSON; `""` where there is none."""
    return dumped(asdict(operation)) if operation else ""


def parse_operation(text: str) -> tuple[Operation | None, str]:
    """Read the operation under way; the text is a warning, as with `history.parse_history`."""
    if not text:
        return None, ""
    try:
        value = json.loads(text)
        read = Operation(
            value["revision"],
            read_time(value["since"]),
            value["holder"],
            value["why"],
            value.get("id", ""),
            {hook: one_of(ended, ("succeeded", "failed")) for hook, ended in value.get("hooks", {}).items()},
            read_time(value["paused"]) if value.get("paused") else None,
            max(0.0, duration(value.get("waited", 0.0))),
            {kept_text(action): count(number) for action, number in value.get("counts", {}).items()},
            value.get("error", ""),
            one_of(value.get("fault", ""), get_args(Fault)),
            value.get("who", ""),
        )
        return bounded(read), ""
    except MALFORMED:
        return None, "the operation under way cannot be read; the next sync removes it"


def bounded(operation: Operation) -> Operation:
    """The operation as it is kept: long texts are cut, and the time is in UTC, to the second."""
    return replace(
        operation,
        revision=kept_text(operation.revision),
        since=kept_time(operation.since),
        holder=kept_text(operation.holder),
        why=kept_text(operation.why),
        who=kept_text(operation.who),
        id=kept_text(operation.id),
        paused=operation.paused and kept_time(operation.paused),
        waited=round(operation.waited, 3),
        hooks={kept_text(hook, LONGEST_ERROR): ended for hook, ended in operation.hooks.items()},
        error=kept_text(operation.error, LONGEST_ERROR),
    )
