"""Sets of fields, as `managedFields` keeps them."""

from typing import Any

import pytest

from deployer.sync.field_set import (
    MISSING,
    FieldSet,
    at,
    below,
    difference,
    entry,
    holds,
    intersection,
    item_key,
    key_names,
    leaves,
    owned,
    present,
    pruned,
    union,
)

WEB = 'k:{"name":"web"}'
PORT = 'k:{"containerPort":80,"protocol":"TCP"}'


def test_the_entry_of_a_manager() -> None:
    ours = {"manager": "deployer", "operation": "Apply", "fieldsV1": {"f:data": {"f:a": {}}}}
    edit = {"manager": "kubectl-edit", "operation": "Update", "fieldsV1": {"f:data": {"f:b": {}}}}
    others = [
        {**ours, "operation": "Update", "fieldsV1": {}},
        {**ours, "subresource": "status", "fieldsV1": {}},
        edit,
    ]
    live = {"metadata": {"managedFields": [*others, ours]}}
    assert entry(live) == ours
    assert owned(live) == {"f:data": {"f:a": {}}}
    assert owned(live, "kubectl-edit", "Update") == {"f:data": {"f:b": {}}}
    assert owned({"metadata": {"managedFields": others}}) == {}
    assert owned({"metadata": {}}) == {}


@pytest.mark.parametrize(
    ("value", "element", "found"),
    [
        ({"a": 1}, "f:a", 1),
        ({"a": None}, "f:a", None),
        ({"a": 1}, "f:b", MISSING),
        ([1], "f:a", MISSING),
        ([{"name": "db"}, {"name": "web", "x": 1}], WEB, {"name": "web", "x": 1}),
        ([{"name": "db"}], WEB, MISSING),
        ({"name": "web"}, WEB, MISSING),
        ([{"containerPort": 80}], PORT, {"containerPort": 80}),
        ([{"containerPort": 80, "protocol": "UDP"}], PORT, MISSING),
        (["a", "b"], 'v:"b"', "b"),
        ([1, True], "v:true", True),
        (["a"], 'v:"b"', MISSING),
        (["a"], "i:0", "a"),
        (["a"], "i:1", MISSING),
        ({"a": 1}, "i:0", MISSING),
        (["a"], "x:0", MISSING),
    ],
)
def test_what_an_element_leads_to(value: Any, element: str, found: Any) -> None:
    assert at(value, element) is found or at(value, element) == found


@pytest.mark.parametrize(
    ("item", "elements", "key"),
    [
        ({"name": "web", "image": "x"}, [WEB], '{"name":"web"}'),
        ({"containerPort": 80}, [PORT], '{"containerPort":80,"protocol":"TCP"}'),
        ({"port": 80, "protocol": "UDP"}, ['k:{"port":1,"protocol":"TCP"}'], '{"port":80,"protocol":"UDP"}'),
        ({"port": 80}, ['k:{"port":1}'], '{"port":80}'),
        ({"name": "a"}, ['k:{"name":"x","protocol":"TCP"}'], '{"name":"a"}'),
        ({"name": "a", "b": 1}, [WEB, 'k:{"b":1}'], '{"b":1,"name":"a"}'),
        ({"image": "x"}, [WEB], None),
        ("web", [WEB], None),
        ("ä", ['v:"a"'], '"ä"'),
        ({"a": 1}, ['v:"a"'], None),
        (None, ['v:"a"'], None),
    ],
)
def test_keys_of_items(item: Any, elements: list[str], key: str | None) -> None:
    assert item_key(item, key_names(elements)) == key


LABELS: FieldSet = {"f:metadata": {"f:labels": {".": {}, "f:a": {}, "f:b": {}}}}


@pytest.mark.parametrize(
    ("one", "path", "held"),
    [
        (LABELS, ("f:metadata", "f:labels", "f:a"), True),
        (LABELS, ("f:metadata", "f:labels"), True),
        (LABELS, ("f:metadata",), False),
        (LABELS, ("f:metadata", "f:labels", "f:c"), False),
        ({"f:spec": {"f:selector": {}}}, ("f:spec", "f:selector", "f:app"), True),
        ({}, (), True),
    ],
)
def test_what_a_set_holds(one: FieldSet, path: tuple[str, ...], held: bool) -> None:
    assert holds(one, path) is held


def test_below() -> None:
    assert below(LABELS, ("f:metadata", "f:labels")) == {".": {}, "f:a": {}, "f:b": {}}
    assert below(LABELS, ("f:metadata", "f:x", "f:y")) == {}


@pytest.mark.parametrize(
    ("one", "other", "both", "shared"),
    [
        ({"f:a": {}}, {"f:b": {}}, {"f:a": {}, "f:b": {}}, None),
        ({"f:a": {}}, {"f:a": {}}, {"f:a": {}}, {"f:a": {}}),
        ({"f:a": {}}, {"f:a": {"f:b": {}}}, {"f:a": {".": {}, "f:b": {}}}, None),
        ({"f:a": {"f:b": {}}}, {"f:a": {}}, {"f:a": {".": {}, "f:b": {}}}, None),
        ({"f:a": {}}, {"f:a": {".": {}, "f:b": {}}}, {"f:a": {".": {}, "f:b": {}}}, {"f:a": {}}),
        ({"f:a": {".": {}, "f:b": {}}}, {"f:a": {".": {}, "f:c": {}}}, {"f:a": {".": {}, "f:b": {}, "f:c": {}}}, None),
        (
            {"f:c": {WEB: {".": {}, "f:name": {}, "f:args": {}}}},
            {"f:c": {WEB: {".": {}, "f:name": {}}}},
            {"f:c": {WEB: {".": {}, "f:name": {}, "f:args": {}}}},
            {"f:c": {WEB: {".": {}, "f:name": {}, "f:args": {}}}},
        ),
        (
            {"f:c": {WEB: {"f:args": {}}}},
            {"f:c": {WEB: {".": {}, "f:name": {}}}},
            {"f:c": {WEB: {".": {}, "f:name": {}, "f:args": {}}}},
            None,
        ),
    ],
)
def test_union_and_intersection(one: FieldSet, other: FieldSet, both: FieldSet, shared: FieldSet | None) -> None:
    assert union(one, other) == both
    assert union(other, one) == both
    assert intersection(one, other) == shared


@pytest.mark.parametrize(
    ("value", "there"),
    [
        ({"metadata": {"labels": {"a": "1"}}}, {"f:metadata": {"f:labels": {".": {}, "f:a": {}}}}),
        ({"metadata": {"labels": {}}}, None),
        ({"spec": {}}, None),
        ({"metadata": {"labels": {"a": None, "b": "", "c": 1}}}, LABELS),
    ],
)
def test_what_of_a_set_a_value_has(value: Any, there: FieldSet | None) -> None:
    assert present(LABELS, value) == there


def test_an_item_is_there_with_all_of_it() -> None:
    whole: FieldSet = {"f:c": {WEB: {".": {}, "f:name": {}, "f:args": {}}}}
    assert present(whole, {"c": [{"name": "web"}]}) == whole
    assert present({"f:c": {WEB: {"f:args": {}, "f:image": {}}}}, {"c": [{"name": "web", "image": 1}]}) == {
        "f:c": {WEB: {"f:image": {}}}
    }


@pytest.mark.parametrize(
    ("other", "left"),
    [
        ({"f:metadata": {"f:labels": {".": {}, "f:a": {}}}}, {"f:metadata": {"f:labels": {".": {}, "f:b": {}}}}),
        ({"f:metadata": {"f:labels": {"f:a": {}, "f:b": {}}}}, None),
        ({"f:spec": {}}, LABELS),
    ],
)
def test_difference(other: FieldSet, left: FieldSet | None) -> None:
    assert difference(LABELS, other) == left


@pytest.mark.parametrize(
    ("kept", "left"),
    [
        ({}, {"b": 1}),
        ({"f:a": {"f:x": {}}}, {"b": 1, "a": {"x": 1}}),
        ({"f:a": {}}, {"b": 1, "a": {}}),  # one that is now written empty
        ({"f:whole": {}}, {"b": 1, "whole": {"x": 1}}),
        ({"f:items": {WEB: {".": {}, "f:name": {}}}}, {"b": 1, "items": [{"name": "web"}]}),
        ({"f:items": {WEB: {"f:args": {}}}}, {"b": 1, "items": []}),  # without its key it could not stand
        ({"f:set": {'v:"y"': {}}}, {"b": 1, "set": ["y"]}),
        ({"f:b": {}, "f:gone": {}}, {"b": 1}),
    ],
)
def test_pruned(kept: FieldSet, left: dict[str, Any]) -> None:
    value = {
        "a": {"x": 1, "y": 1, "z": 1},
        "b": 1,
        "whole": {"x": 1},
        "items": [{"name": "web", "args": [], "unowned": 1}],
        "set": ["x", "y"],
    }
    owned = {
        "f:a": {".": {}, "f:x": {}, "f:y": {}, "f:z": {}},
        "f:whole": {},
        "f:items": {".": {}, WEB: {".": {}, "f:name": {}, "f:args": {}, "f:unowned": {}}},
        "f:set": {'v:"x"': {}, 'v:"y"': {}},
        "f:gone": {"f:x": {}},
    }
    assert pruned(value, owned, kept) == left


def test_of_an_item_that_is_not_owned_itself_only_parts_leave() -> None:
    value = {"items": [{"name": "web", "args": [], "image": "a"}]}
    assert pruned(value, {"f:items": {WEB: {"f:args": {}}}}, {}) == {}
    assert pruned(value, {"f:items": {WEB: {"f:args": {}}}}, {"f:items": {WEB: {"f:image": {}}}}) == {
        "items": [{"name": "web", "image": "a"}]
    }


def test_leaves() -> None:
    one = {"f:a": {"f:b": {}}, "f:c": {WEB: {".": {}, "f:name": {}}}}
    assert list(leaves(one)) == [("f:a", "f:b"), ("f:c", WEB)]
    assert list(leaves({})) == [()]
