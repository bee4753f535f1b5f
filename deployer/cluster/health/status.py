"""What health is, and how it is read from a live object."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Object = Mapping[str, Any]
"""A live object, or a part of one, as parsed JSON."""


class Status(StrEnum):
    """The statuses of Argo CD, from the best to the worst."""

    HEALTHY = "Healthy"
    SUSPENDED = "Suspended"
    PROGRESSING = "Progressing"
    MISSING = "Missing"
    DEGRADED = "Degraded"
    UNKNOWN = "Unknown"


WELL = (Status.HEALTHY, Status.SUSPENDED)
"""The statuses that need nobody's attention: a wait ends with them."""

_SEVERITY = {status: severity for severity, status in enumerate(Status)}


@dataclass(frozen=True)
class Health:
    """How an object is, and why, in words that a person can act on."""

    status: Status
    message: str


def worst(healths: Iterable[Health]) -> Health:
    """Return the worst of all, the first one of several; Healthy where there is none."""
    return max(healths, key=lambda health: _SEVERITY[health.status], default=Health(Status.HEALTHY, "no objects"))


def healthy(message: str) -> Health:
    """Make a Healthy one."""
    return Health(Status.HEALTHY, message)


def progressing(message: str) -> Health:
    """Make a Progressing one."""
    return Health(Status.PROGRESSING, message)


def degraded(message: str) -> Health:
    """Make a Degraded one."""
    return Health(Status.DEGRADED, message)


def dig(obj: Any, *path: str) -> Any:
    """Return what stands at a path of keys; None where it ends earlier (custom resources may hold anything)."""
    for key in path:
        obj = obj.get(key) if isinstance(obj, Mapping) else None
    return obj


def text(obj: Any, *path: str) -> str:
    """Return the text at a path; `""` where there is none."""
    value = dig(obj, *path)
    return value if isinstance(value, str) else ""


def number(obj: Any, *path: str, default: int = 0) -> int:
    """Return the whole number at a path; `default` where there is none (the API leaves zeros out)."""
    value = dig(obj, *path)
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def objects(obj: Any, *path: str) -> list[Object]:
    """Return the objects in the list at a path; empty where there are none."""
    value = dig(obj, *path)
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def condition(obj: Object, kind: str) -> Object:
    """Return `status.conditions`' entry of a type; empty where there is none."""
    return next((one for one in objects(obj, "status", "conditions") if one.get("type") == kind), {})


def is_true(obj: Object, kind: str) -> bool:
    """Say whether a condition of a type is there and `True`."""
    return condition(obj, kind).get("status") == "True"


def said(one: Object) -> str:
    """Return what a condition says, as `Reason: message`; the part that is there where one is missing."""
    return ": ".join(part for part in (text(one, "reason"), text(one, "message")) if part)


def unobserved(obj: Object) -> bool:
    """Say whether the controller has not seen the latest change yet."""
    return number(obj, "metadata", "generation") > number(obj, "status", "observedGeneration")
