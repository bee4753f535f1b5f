"""Whether an apply of an object would change anything, told without asking the server. Pure.

An apply leaves an object as it is when each desired field has its value already, and the fields that we own are
exactly the desired ones: no more, since a field that left the source is to leave the cluster; no fewer, since a value
that somebody else has set, be it the same, is theirs. How the server addresses the items of a list, and what is owned
as a whole, is read from the object's own `managedFields`, so no schema is needed. Where that cannot tell, the answer
is "not unchanged", and the server says what is true.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from deployer.sync.builtin import ATOMIC, GRANULAR, LISTS, Where, is_builtin, same_value
from deployer.sync.field_set import (
    MISSING,
    SELF,
    FieldSet,
    at,
    below,
    by_key,
    entries,
    entry,
    fields,
    holds,
    item_key,
    key_names,
    leaves,
)

_IDENTITY = ("name", "namespace", "creationTimestamp", "generation", "selfLink")
"""Fields of `metadata` that nobody owns and the server keeps (apimachinery, managedfields, `stripMetaManager`)."""

_Path = tuple[str, ...]


@dataclass(frozen=True)
class Mismatch:
    """A field that an apply would, or might, change.

    `path` are elements as in `managedFields`; `live` and `desired` JSON values or MISSING. They are equal where only
    the owners would change.
    """

    path: _Path
    live: Any
    desired: Any


def unchanged(body: Mapping[str, Any], live: Mapping[str, Any]) -> bool:
    """Whether an apply of an object is certain to leave the live one as it is, owners included.

    Args:
        body: the desired object, as it would be applied.
        live: the same object as the cluster has it, with `managedFields`, in any version.

    Returns:
        True only where that is certain. One exception loses nothing: where a custom resource's default is now written
        as it is, the owner may not be told.
    """
    return next(mismatches(body, live), None) is None


def mismatches(body: Mapping[str, Any], live: Mapping[str, Any]) -> Iterator[Mismatch]:
    """Find the fields that an apply of an object would, or might, change: see `unchanged`."""
    ours = entry(live)
    for one in (live, ours):
        if one.get("apiVersion", body["apiVersion"]) != body["apiVersion"]:
            yield Mismatch(("f:apiVersion",), one["apiVersion"], body["apiVersion"])
    if not entries(live):
        # An apply records a manager for all that is there (apimachinery, managedfields, "before-first-apply").
        yield Mismatch(("f:metadata", "f:managedFields"), MISSING, MISSING)
    builtin = is_builtin(str(body["apiVersion"]).rpartition("/")[0])
    others = [one for one in entries(live) if one is not ours]
    metadata = {name: value for name, value in body["metadata"].items() if name not in _IDENTITY}
    rest = {name: value for name, value in body.items() if name not in ("apiVersion", "kind", "metadata")}
    if "f:status" not in fields(ours) and (builtin or any(one.get("subresource") == "status" for one in others)):
        # Where status is a subresource, the server takes it from no other request.
        rest.pop("status", None)
    desired = {**({"metadata": metadata} if metadata else {}), **rest}
    walk = _Walk([fields(one) for one in others])
    yield from walk.mapping((), desired, live, fields(ours), str(body["kind"]), builtin)
    # What we have written by other means than an apply becomes an apply's, and goes where the source has it not.
    yield from _unwanted((), body, live, fields(entry(live, operation="Update")))


class _Walk:
    """Goes through an object and the fields of it that we own, at the same time.

    `owned` is what we own at a place, None where that is nothing at all.
    """

    def __init__(self, others: list[FieldSet]) -> None:
        self._others = others

    def mapping(
        self,
        path: _Path,
        desired: Mapping[str, Any],
        live: Mapping[str, Any],
        owned: FieldSet | None,
        name: str,
        builtin: bool,
    ) -> Iterator[Mismatch]:
        """Compare two mappings that are owned field by field; `name` is that of the field they stand in."""
        mine = owned or {}
        elements = {f"f:{key}" for key in desired}
        for key, value in desired.items():
            element = f"f:{key}"
            known = builtin or (path == () and key == "metadata")  # which is the same in every kind
            there = live.get(key, MISSING)
            yield from self._field((*path, element), value, there, mine.get(element), (name, key), known)
        for element, inner in mine.items():
            if element not in elements and element != SELF:
                yield from _left((*path, element), at(live, element), inner)

    def _field(
        self, path: _Path, desired: Any, live: Any, owned: FieldSet | None, where: Where, builtin: bool
    ) -> Iterator[Mismatch]:
        if owned == {}:
            if not self._same_whole(path, desired, live, where, builtin):
                yield Mismatch(path, live, desired)
        elif isinstance(desired, Mapping) and isinstance(live, Mapping) and (desired or owned):
            yield from self.mapping(path, desired, live, owned, where[1], builtin)
        elif isinstance(desired, list) and (shape := self._shape(path, owned)):
            if desired or owned:
                yield from self._items(path, desired, live, owned or {}, shape, where, builtin)
        elif desired == {} and isinstance(live, Mapping) and owned is None and self._parts(path):
            return  # the server forgets that we wrote an empty mapping once somebody else has written into it
        elif owned or desired != [] or not self._unowned(path, live, where, builtin):
            same = not owned and same_value(desired, live, where, builtin=builtin)
            yield Mismatch(path, live, live if same else desired)

    def _items(
        self,
        path: _Path,
        desired: list[Any],
        live: Any,
        owned: FieldSet,
        shape: list[str],
        where: Where,
        builtin: bool,
    ) -> Iterator[Mismatch]:
        """Compare two lists whose items are owned one by one."""
        names, elements = key_names(shape), by_key(shape)
        keys = [item_key(item, names) for item in (live if isinstance(live, list) else ())]
        wanted = [item_key(item, names) for item in desired]
        positions = {key: number for number, key in enumerate(keys)}
        shared = [positions[key] for key in wanted if key in positions]
        counts = Counter(keys)
        if None in wanted or len(set(wanted)) < len(wanted) or any(counts[key] > 1 for key in wanted):
            yield Mismatch(path, live, desired)
            return
        if shared != sorted(shared):
            yield Mismatch(path, live, desired)
        for key, item in zip(wanted, desired, strict=True):
            element = elements.get(str(key), f"{'k' if names else 'v'}:{key}")
            mine = owned.get(element)
            mine = mine if mine == {} or (mine and SELF in mine) else None
            there = live[positions[key]] if key in positions else MISSING
            yield from self._field((*path, element), item, there, mine, where, builtin)
        kept = {SELF, *(elements.get(str(key)) for key in wanted)}
        for element, inner in owned.items():
            if element not in kept:
                yield from _left((*path, element), at(live, element), inner)

    def _same_whole(self, path: _Path, desired: Any, live: Any, where: Where, builtin: bool) -> bool:
        """Whether a field that we own as a whole would stay as it is, and we its owner.

        We own as a whole what its type says, and what we wrote as `{}` or null. Of the latter the parts may be
        somebody else's, or defaults.
        """
        if isinstance(desired, Mapping | list):
            parts = self._parts(path)
            if desired == {} and isinstance(live, Mapping) and live:
                return parts or (builtin and where[1] in GRANULAR)
            if desired and (parts or (builtin and isinstance(desired, Mapping) and where[1] not in ATOMIC)):
                return False
        return same_value(desired, live, where, builtin=builtin)

    def _parts(self, path: _Path) -> bool:
        """Whether somebody else owns parts of a field."""
        return any(below(other, path).keys() - {SELF} for other in self._others)

    def _unowned(self, path: _Path, live: Any, where: Where, builtin: bool) -> bool:
        """Whether an empty list is one whose items are owned one by one, so that nothing of it is to be owned.

        One that is owned as a whole would be so by whoever wrote it, unless it is a default.
        """
        empty = where in LISTS if builtin else live == []
        return empty and not any(holds(other, path) for other in self._others)

    def _shape(self, path: _Path, owned: FieldSet | None) -> list[str]:
        """The elements that address items of a list; none where it is owned as a whole, or that cannot be told."""
        for one in (owned or {}, *(below(other, path) for other in self._others)):
            elements = [element for element in one if element != SELF]
            if elements and {element[:2] for element in elements} in ({"k:"}, {"v:"}):
                return elements
        return []


def _left(path: _Path, live: Any, owned: FieldSet) -> Iterator[Mismatch]:
    """What we own and do not want any more."""
    for leaf in leaves(owned):
        value = live
        for element in leaf:
            value = at(value, element)
        yield Mismatch(path + leaf, value, MISSING)


def _unwanted(path: _Path, desired: Any, live: Any, owned: FieldSet) -> Iterator[Mismatch]:
    """What is in a set and not in the source."""
    for element, inner in owned.items():
        there = at(desired, element)
        if element == SELF:
            continue
        if there is MISSING:
            yield from _left((*path, element), at(live, element), inner)
        else:
            yield from _unwanted((*path, element), there, at(live, element), inner)
