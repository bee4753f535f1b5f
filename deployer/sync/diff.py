"""What would change in an object: as a unified diff of YAML for people, as paths and values for scripts. Pure."""

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deployer.masking import mask_objects
from deployer.sync.text import as_text

NOISE = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink")
"""Fields of `metadata` that the server keeps for itself: they differ with every write and tell nothing."""

_Object = Mapping[str, Any]


@dataclass(frozen=True)
class Difference:
    """An object before and after a sync, ready to be shown: values of Secrets are masked, the server's own fields gone.

    `live` is None for an object that would be created, `desired` for one that would be pruned.
    """

    live: _Object | None
    desired: _Object | None


@dataclass(frozen=True)
class Change:
    """A field that would change: its path, and its JSON values, None where it is absent."""

    path: str
    live: Any
    desired: Any


def difference(live: _Object | None, desired: _Object | None, *, status: bool = False) -> Difference:
    """Compare an object before and after.

    Args:
        live: as the cluster has it; None where it has none.
        desired: as the server's dry-run says it would be, or as the source wants it where the server was not asked;
            None where it would be gone.
        status: whether the source sets `status`; else it is a controller's, and left out.
    """
    before, after = (None if one is None else _without_noise(one, status) for one in (live, desired))
    return Difference(*mask_objects(before, after))


def unified(one: Difference) -> list[str]:
    """Write a difference as the lines of a unified diff of YAML, three lines of context around each change.

    Every character of a line is printable, or a tab. There are no lines where the two are equal: where an object would
    change all the same, it is the owners of its fields that do.
    """
    before, after = ([] if side is None else as_text(side) for side in (one.live, one.desired))
    return list(difflib.unified_diff(before, after, "live", "desired", lineterm=""))


def changes(live: Any, desired: Any, path: str = "") -> Iterator[Change]:
    """Find the fields in which two JSON values differ.

    Args:
        live: the value before.
        desired: the value after.
        path: where they stand.

    Returns:
        The changes, with paths such as `spec.template.spec.containers[name=web].image` and `spec.ports[0].port`; a key
        that is more than letters, digits, `_` and `-` is quoted as in JSON: `metadata.annotations["a.b/c"]`. Items of a
        list go by their names where all have one and the order stays, else by their numbers; where there are more or
        fewer of them than before, the list is shown whole. `""` is the whole object: one that would be created, or
        pruned.
    """
    if isinstance(live, Mapping) and isinstance(desired, Mapping):
        for key in dict.fromkeys([*live, *desired]):
            yield from changes(live.get(key), desired.get(key), (path + step(key)).removeprefix("."))
    elif isinstance(live, list) and isinstance(desired, list) and (pairs := _pairs(live, desired)) is not None:
        for item, before, after in pairs:
            yield from changes(before, after, path + item)
    elif live != desired or isinstance(live, bool) != isinstance(desired, bool):  # True is 1 to Python
        yield Change(path, live, desired)


def _pairs(live: Sequence[Any], desired: Sequence[Any]) -> list[tuple[str, Any, Any]] | None:
    """The items of two lists that belong together, each with its part of the path; None where that is not clear."""
    before, after = _by_name(live), _by_name(desired)
    if before is not None and after is not None:
        if [name for name in before if name in after] != [name for name in after if name in before]:
            return None
        return [(f"[name={name}]", before.get(name), after.get(name)) for name in dict.fromkeys([*before, *after])]
    if len(live) != len(desired):
        return None
    return [(f"[{number}]", *pair) for number, pair in enumerate(zip(live, desired, strict=True))]


def _by_name(items: Sequence[Any]) -> dict[str, Any] | None:
    """The items of a list by their names; None where one has none, or two have the same."""
    names = [item.get("name") if isinstance(item, Mapping) else None for item in items]
    if len(set(map(str, names))) < len(items) or not all(isinstance(name, str) for name in names):
        return None
    return dict(zip(map(str, names), items, strict=True))


def step(key: str) -> str:
    """Write a key as a step of a path: `.spec`, or as in JSON where it is more than letters, digits, `_` and `-`."""
    return f".{key}" if re.fullmatch(r"[A-Za-z0-9_-]+", key) else f"[{json.dumps(key)}]"


def _without_noise(one: _Object, status: bool) -> _Object:
    metadata = {key: value for key, value in one["metadata"].items() if key not in NOISE}
    kept = {key: value for key, value in one.items() if status or key != "status"}
    # What says which object it is comes first, as people write it.
    return {"apiVersion": one["apiVersion"], "kind": one["kind"], **kept, "metadata": metadata}
