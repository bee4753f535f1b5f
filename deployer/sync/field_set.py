"""Sets of fields, as `metadata.managedFields` keeps them for each manager. Pure.

In the format FieldsV1 (https://kubernetes.io/docs/reference/using-api/server-side-apply/; sigs.k8s.io/
structured-merge-diff, fieldpath) a set is a tree of nested mappings. An element of a path is `f:<name>` for a field,
`k:{"name":"web"}` for the item of a list that has these keys, `v:"x"` for a value in a set, `i:0` for a position. `{}`
is a field in the set; `"."` says of a field with others below it that it is in the set, too.
"""

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from deployer.cluster.objects import FIELD_MANAGER

FieldSet = Mapping[str, Any]

MISSING: Any = object()
"""What is not there; None is a JSON null."""

SELF = "."


def entry(live: Mapping[str, Any], manager: str = FIELD_MANAGER, operation: str = "Apply") -> Mapping[str, Any]:
    """The entry in `managedFields` of a manager's own writes, not those to a subresource; `{}` where there is none."""
    for one in entries(live):
        if (one.get("manager"), one.get("operation"), one.get("subresource")) == (manager, operation, None):
            return one
    return {}


def entries(live: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """All entries of `managedFields`."""
    return live["metadata"].get("managedFields") or []


def owned(live: Mapping[str, Any], manager: str = FIELD_MANAGER, operation: str = "Apply") -> FieldSet:
    """The fields that a manager owns; empty where it owns none."""
    return fields(entry(live, manager, operation))


def fields(one: Mapping[str, Any]) -> FieldSet:
    """The fields of an entry in `managedFields`."""
    return one.get("fieldsV1") or {}


def at(value: Any, element: str) -> Any:
    """The value that an element of a path leads to, such as a field or an item; MISSING where there is none."""
    place = _place(value, element)
    return MISSING if place is None else value[place]


def at_path(value: Any, path: tuple[str, ...]) -> Any:
    """The value that a path leads to; MISSING where there is none."""
    for element in path:
        value = at(value, element)
    return value


def without(value: Any, path: tuple[str, ...]) -> Any:
    """A JSON value without the field or item that a path leads to; the value itself where there is none."""
    element, *rest = path
    there = at(value, element)
    return value if there is MISSING else put(value, element, without(there, tuple(rest)) if rest else MISSING)


def put(value: Any, element: str, new: Any) -> Any:
    """A JSON value with another one where an element leads to; without it where that is MISSING.

    A field that is not there is added, an item is not.
    """
    if isinstance(value, Mapping):
        kept = {key: one for key, one in value.items() if new is not MISSING or key != element[2:]}
        return kept if new is MISSING else {**kept, element[2:]: new}
    place = _place(value, element)
    return [
        new if number == place else one for number, one in enumerate(value) if number != place or new is not MISSING
    ]


def position(items: Any, element: str) -> int | None:
    """Where in a list an element of a path leads; None where it leads nowhere."""
    place = _place(items, element)
    return place if isinstance(place, int) else None


def _place(value: Any, element: str) -> str | int | None:
    """The key or the index that an element leads to; None where it leads nowhere."""
    kind, name = element[:2], element[2:]
    if isinstance(value, Mapping):
        return name if kind == "f:" and name in value else None
    if not isinstance(value, list):
        return None
    if kind == "i:":
        return int(name) if int(name) < len(value) else None
    if kind not in ("k:", "v:"):
        return None
    names, key = key_names([element]), _canonical(name)
    return next((number for number, item in enumerate(value) if item_key(item, names) == key), None)


def key_names(elements: list[str]) -> tuple[str, ...]:
    """The fields by which items of a list are told apart, from the elements that address some of them.

    There are none for the elements `v:` of a set.
    """
    return tuple(sorted({name for element in elements if element[:2] == "k:" for name in _parsed(element[2:])}))


def item_key(item: Any, names: tuple[str, ...]) -> str | None:
    """The key of a list's item as canonical JSON; None where it has none.

    A key that is not written has its default; the only one in Kubernetes' own types that is not empty is the protocol
    of a port (`x-kubernetes-list-map-keys` in kubernetes, api/openapi-spec).

    Args:
        item: a JSON value.
        names: the fields that are its key; none for an item of a set, which is its own.
    """
    if not names:
        return None if item is None or isinstance(item, Mapping | list) else _text(item)
    if not isinstance(item, Mapping):
        return None
    key = {name: item[name] for name in names if name in item}
    if names in (("containerPort", "protocol"), ("port", "protocol")):
        key.setdefault("protocol", "TCP")
    return _text(key) if key else None


def by_key(elements: list[str]) -> dict[str, str]:
    """Elements `k:` and `v:` by their keys or values as canonical JSON."""
    return {_canonical(element[2:]): element for element in elements}


def holds(one: FieldSet, path: tuple[str, ...]) -> bool:
    """Whether a field is in a set: itself, or in what is owned as a whole."""
    for element in path:
        if not one:
            return True
        if element not in one:
            return False
        one = one[element]
    return not one or SELF in one


def below(one: FieldSet, path: tuple[str, ...]) -> FieldSet:
    """What a set holds below a path; empty where that is nothing."""
    for element in path:
        one = one.get(element) or {}
    return one


def union(one: FieldSet, other: FieldSet) -> FieldSet:
    """The fields of either set."""
    if not one or not other:
        return {SELF: {}, **one, **other} if one or other else {}
    shared = one.keys() & other.keys()
    return {**one, **other, **{element: union(one[element], other[element]) for element in shared}}


def intersection(one: FieldSet, other: FieldSet) -> FieldSet | None:
    """The fields of both sets; None where there are none. An item that both own is so with all that the first owns."""
    if not one:
        return {} if not other or SELF in other else None
    both = {
        element: inner if _is_item(element, inner) and SELF in other[element] else intersection(inner, other[element])
        for element, inner in one.items()
        if element in other
    }
    return _members(both)


def present(one: FieldSet, value: Any) -> FieldSet | None:
    """The fields of a set that a value has; None where there are none. An item is so with all that the set has of it.

    Args:
        one: a set, seen from where the value stands.
        value: a JSON value, such as an object.
    """
    if not one:
        return {}
    there = {
        element: inner if _is_item(element, inner) else present(inner, found)
        for element, inner in one.items()
        if element != SELF and (found := at(value, element)) is not MISSING
    }
    return _members({SELF: {}, **there} if SELF in one else there)


def difference(one: FieldSet, other: FieldSet) -> FieldSet | None:
    """The fields of a set that are not in another, which is a part of it; None where there are none."""
    if not one:
        return None
    return _members(
        {
            element: difference(inner, other[element]) if element in other and element != SELF else inner
            for element, inner in one.items()
        }
    )


def pruned(value: Any, owned: FieldSet, kept: FieldSet) -> Any:
    """A JSON value without the fields that leave it, as an apply prunes them (structured-merge-diff, merge/update.go).

    Args:
        value: such as an object.
        owned: the fields that the one who applies has owned so far.
        kept: those that are applied now, and those of others. A mapping stays with any field in it, an item only where
            it is itself in the set.
    """
    for element, inner in owned.items():
        left = kept.get(element)
        if element == SELF:
            continue
        if _stands(element, inner) and (left is None or not _stands(element, left)):
            value = without(value, (element,))
        elif (there := at(value, element)) is not MISSING:
            value = put(value, element, pruned(there, inner, left or {}))
    return value


def _stands(element: str, inner: FieldSet) -> bool:
    """Whether what an element of a set leads to is in the set: of an item of a list, there may be only parts."""
    return element[:2] != "k:" or not inner or SELF in inner


def _is_item(element: str, inner: FieldSet) -> bool:
    """Whether an item of a list is itself in a set. Without its key, which is in it too, it could not stand."""
    return element[:2] == "k:" and SELF in inner


def _members(tree: Mapping[str, FieldSet | None]) -> FieldSet | None:
    """A tree without what holds nothing; a mapping or an item counts only with something in it."""
    kept = {element: inner for element, inner in tree.items() if inner is not None}
    return kept if kept.keys() - {SELF} else None


def leaves(one: FieldSet, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The topmost fields of a set below a path."""
    if not one or SELF in one:
        yield path
        return
    for element, inner in one.items():
        yield from leaves(inner, (*path, element))


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


@lru_cache(maxsize=4096)  # the same few names again and again
def _canonical(text: str) -> str:
    return _text(json.loads(text))


@lru_cache(maxsize=4096)
def _parsed(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))
