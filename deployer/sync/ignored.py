"""What it means for one object that some of its fields may differ from Git. Pure.

Such a field is neither compared nor is its owner, so that who has taken it over, as an autoscaler does with `replicas`,
is not seen as drift. Argo CD deletes the fields on both sides before it compares (`util/argo/normalizers`).
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deployer.cluster.inventory import MEMBER
from deployer.cluster.objects import Live, same
from deployer.sync.builtin import is_builtin, same_value
from deployer.sync.field_set import (
    MISSING,
    SELF,
    FieldSet,
    at,
    at_path,
    by_key,
    entries,
    fields,
    holds,
    item_key,
    key_names,
    owned,
    position,
    put,
    without,
)
from deployer.sync.jq import JsonPath
from deployer.sync.take_over import taken_over

Path = tuple[str, ...]
"""A path of elements as in `managedFields`."""

_Body = Mapping[str, Any]

_STATUS = "f:status"
_INDEX = re.compile(r"0|[1-9]\d*", re.ASCII)  # as in RFC 6901

_KEPT: tuple[Path, ...] = (
    *(("f:apiVersion",), ("f:kind",)),
    *(("f:metadata", f"f:{name}") for name in ("name", "namespace", "managedFields")),
    ("f:metadata", "f:labels", f"f:{MEMBER}"),
)
"""What says which object it is, and whose: no rule ignores that, not even one for all labels."""


@dataclass(frozen=True)
class Ignored:
    """The fields of an object that may differ: of the desired one, and of the live one.

    They are the same but for positions in lists whose items have no keys.
    """

    desired: tuple[Path, ...] = ()
    live: tuple[Path, ...] = ()

    def compared(self, body: _Body, live: Live) -> tuple[_Body, Live]:
        """Return the desired and the live object without what may differ, to be compared.

        A field that is owned as a whole, such as a list whose items have no keys, goes altogether where only what may
        differ in it does.

        Args:
            body: the desired object, or what a dry-run makes of it.
            live: as the cluster has it, with `managedFields`.
        """
        if not (self.desired or self.live):
            return body, live
        sets = _sets(live)
        wholes = {path: whole for path in {*self.desired, *self.live} if (whole := _whole(path, sets)) != path}
        left = _each_without(body, wholes.keys() & self.desired), _each_without(live, wholes.keys() & self.live)
        equal = {whole for whole in wholes.values() if _equal(*left, whole)}
        return (
            _stripped(left[0], equal.union(self.desired) - wholes.keys()),
            _stripped(left[1], equal.union(self.live) - wholes.keys()),
        )

    def same(self, live: Live, tried: Live) -> bool:
        """Whether an apply changes nothing but what may differ.

        Args:
            live: the object as it is.
            tried: what a dry-run makes of it.
        """
        if not self.live:
            return same(live, tried)
        # The generation counts changes of the specification, whatever they are.
        return same(*(_each_without(one, [("f:metadata", "f:generation")]) for one in self.compared(tried, live)))

    def kept(self, body: _Body, live: Live) -> _Body:
        """Return the desired object with what may differ as it is in the cluster: `RespectIgnoreDifferences=true`.

        What the cluster has not is left out. What Git has not is there only where it is ours, and would go with it;
        else it stays its owner's. `status` is a controller's, and as in Git.

        Args:
            body: the desired object.
            live: as the cluster has it, with `managedFields`.
        """
        sets, ours = _sets(live), owned(taken_over(live, body))
        stays = [
            path
            for path in self.live
            if path[0] != _STATUS
            and at_path(live, path) is not MISSING
            and (at_path(body, _whole(path, sets)) is not MISSING or holds(ours, path))
        ]
        # Items that have only their positions go from where they stand in Git to where they stand in the cluster; a
        # part of one is the same on both sides only if both name it, else Git's has to do.
        moving = [path for path in (*self.desired, *stays) if _by_position(path[-1:])]
        for path in stays:
            if path not in moving and (path in self.desired or not _by_position(path)):
                body = _with(body, path, live)
        for path in reversed(self.desired):
            absent = at_path(live, path) is MISSING and not _by_position(path) and path[0] != _STATUS
            if absent or path in moving:
                body = _pruned(body, path)
        for path in stays:
            if path in moving:
                body = _with(body, path, live)
        return body


def ignored(body: _Body, live: Live | None, paths: tuple[Iterable[JsonPath], ...], managers: Sequence[str]) -> Ignored:
    """Say which fields of an object may differ. `status` always may.

    Args:
        body: the desired object.
        live: as the cluster has it; None where it does not.
        paths: those that rules name in the desired object, and in the live one.
        managers: what these own of the live object may differ, where Git has it, too.
    """
    sets = _sets(live) if live else []
    status = [("status",)] if "status" in body else []
    desired, there = (
        {path for one in (*some, *status) for path in _elements(one, side or {}, sets)}
        for side, some in zip((body, live), paths, strict=True)
    )
    theirs = {
        path
        for one in (entries(live) if live else ())
        if one.get("manager") in managers
        for path in _leaves(fields(one))
        if at_path(body, path) is not MISSING and not _is_kept(path)
    }
    both = theirs | {path for path in desired | there if not _by_position(path)}
    return Ignored(_in_order(desired | both), _in_order(there | both))


def _sets(live: Live) -> list[FieldSet]:
    return [fields(one) for one in entries(live)]


def _elements(path: JsonPath, value: Any, sets: list[FieldSet]) -> Iterator[Path]:
    """A path in elements: none where it leads nowhere, many where something below it is what no rule ignores."""
    found: list[str] = []
    inner, owners = value, sets
    for step in path:
        if isinstance(inner, list):
            if not _INDEX.fullmatch(str(step)) or int(step) >= len(inner):
                return
            found.append(_item(inner, int(step), owners))
            inner = inner[int(step)]
        elif isinstance(inner, Mapping) and step in inner:
            found.append(f"f:{step}")
            inner = inner[step]
        else:
            return
        owners = [one[found[-1]] for one in owners if found[-1] in one]
    if isinstance(inner, Mapping) and any(one[: len(found)] == tuple(found) for one in _KEPT):
        for name in inner:
            yield from _elements((*path, name), value, sets)
    elif not _is_kept(tuple(found)):
        yield tuple(found)


def _is_kept(path: Path) -> bool:
    """Whether no rule ignores a field: what says which object it is, or which item of a list."""
    *_, item, name = ("", *path)
    is_key = item[:2] == "k:" and name[2:] in key_names([item])
    return is_key or any(path[: len(one)] == one for one in _KEPT)


def _item(items: Sequence[Any], index: int, owners: Iterable[FieldSet]) -> str:
    """The element of an item: by its key or its value where those who own the list have it so, else by its position."""
    for one in owners:
        elements = [element for element in one if element[:2] in ("k:", "v:")]
        if elements and (key := item_key(items[index], key_names(elements))) is not None:
            return by_key(elements).get(key, f"{elements[0][:2]}{key}")
    return f"i:{index}"


def _leaves(one: FieldSet, path: Path = ()) -> Iterator[Path]:
    """The fields of a set that have no others below them."""
    for element, inner in one.items():
        if inner:
            yield from _leaves(inner, (*path, element))
        elif element != SELF:
            yield (*path, element)


def _by_position(path: Path) -> bool:
    return any(element[:2] == "i:" for element in path)


def _in_order(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Paths with lower positions in a list before higher ones, and what holds others before these."""
    return tuple(sorted(paths, key=lambda path: [(len(one) if one[:2] == "i:" else 0, one) for one in path]))


def _whole(path: Path, sets: list[FieldSet]) -> Path:
    """The field above that somebody owns as a whole, with all that is in it; the path itself where there is none."""
    for length, element in enumerate(path[:-1], 1):
        sets = [one[element] for one in sets if element in one]
        if not all(sets):
            return path[:length]
    return path


def _equal(body: _Body, live: Live, path: Path) -> bool:
    """Whether a field is as it is wanted."""
    names = [str(body["kind"]), *(element[2:] for element in path if element[:2] == "f:")]
    builtin = is_builtin(str(body["apiVersion"]).rpartition("/")[0])
    return same_value(at_path(body, path), at_path(live, path), (names[-2], names[-1]), builtin=builtin)


def _each_without(value: Any, paths: Iterable[Path]) -> Any:
    for path in reversed(_in_order(paths)):
        value = without(value, path)
    return value


def _stripped(one: _Body, paths: Iterable[Path]) -> _Body:
    """An object without fields, and as if nobody owned them."""
    ordered = _in_order(paths)
    for path in reversed(ordered):
        one = _pruned(one, path)
    if not entries(one):
        return one
    left = []
    for each in entries(one):
        kept: FieldSet | None = fields(each)
        for path in ordered:
            kept = _outside(kept, path) if kept else kept
        left += [{**each, "fieldsV1": kept}] if kept is not None else []
    return {**one, "metadata": {**one["metadata"], "managedFields": left}}


def _pruned(value: Any, path: Path) -> Any:
    """A JSON value without a field, and without what is empty then; MISSING where that is all of it."""
    element, *rest = path
    there = at(value, element)
    if there is MISSING:
        return value
    return put(value, element, _pruned(there, tuple(rest)) if rest else MISSING) or MISSING


def _outside(one: FieldSet, path: Path) -> FieldSet | None:
    """A set without a field, and without what then holds nothing; None where that is all of it."""
    element, *rest = path
    if not one:
        return one
    inner = one.get(element)
    left = None if inner is None or not rest else _outside(inner, tuple(rest))
    kept = {key: each for key, each in one.items() if key != element} | ({} if left is None else {element: left})
    return kept if kept.keys() - {SELF} else None


def _with(value: Any, path: Path, live: Any) -> Any:
    """A JSON value with a field as it is in another one; an item that is new stands where it stands there."""
    element, *rest = path
    mine, theirs = at(value, element), at(live, element)
    if element[:2] == "f:":
        fields_of = value if isinstance(value, Mapping) else {}
        return put(fields_of, element, _with(mine, tuple(rest), theirs) if rest else theirs)
    if mine is not MISSING and (rest or element[:2] != "i:"):
        return put(value, element, _with(mine, tuple(rest), theirs) if rest else theirs)
    if rest:
        return value  # an item that Git has not does not come back for a part of it
    items = list(value) if isinstance(value, list) else []
    items.insert(position(live, element) or 0, theirs)
    return items
