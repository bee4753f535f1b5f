"""What would change in an object, in lines and in paths."""

import time
from typing import Any

import pytest

from deployer.sync.diff import Change, Difference, changes, difference, unified


def config_map(data: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", **metadata}, "data": data}


OWN = {
    "managedFields": [{"manager": "x"}],
    "resourceVersion": "7",
    "generation": 2,
    "uid": "u",
    "creationTimestamp": "2026-01-01T00:00:00Z",
    "selfLink": "/x",
}


def test_what_the_server_keeps_for_itself_is_left_out() -> None:
    live = {**config_map({}, **OWN, labels={"a": "b"}), "status": {"ready": 1}}
    assert difference(live, {"status": {"ready": 2}, **config_map({})}) == Difference(
        config_map({}, labels={"a": "b"}), config_map({})
    )
    nested = config_map({"metadata": OWN})
    assert difference(None, nested) == Difference(None, nested), "only the object's own"


def test_a_status_counts_where_the_source_sets_it() -> None:
    live, desired = {**config_map({}), "status": {"ready": 1}}, {**config_map({}), "status": {"ready": 2}}
    one = difference(live, desired, status=True)
    assert list(changes(one.live, one.desired)) == [Change("status.ready", 1, 2)]


def test_secrets_are_masked_with_the_same_numbers_on_both_sides() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}
    live = {**secret, "data": {"a": "aHVudGVyMQ==", "b": "eA=="}}
    one = difference(live, {**secret, "stringData": {"a": "hunter2", "b": "x"}})
    assert unified(one)[2:] == [
        "@@ -2,6 +2,6 @@",
        " kind: Secret",
        " metadata:",
        "   name: s",
        "-data:",
        "-  a: '*** (1)'",
        "+stringData:",
        "+  a: '*** (3)'",
        "   b: '*** (2)'",
    ]


def test_a_new_object_is_everything_against_nothing() -> None:
    one = difference(None, {"kind": "ConfigMap", "apiVersion": "v1", **config_map({"a": "1\n2"}, **OWN)})
    assert unified(one) == [
        "--- live",
        "+++ desired",
        "@@ -0,0 +1,8 @@",
        "+apiVersion: v1",
        "+kind: ConfigMap",
        "+metadata:",
        "+  name: a",
        "+data:",
        "+  a: |-",
        "+    1",
        "+    2",
    ]


def test_an_object_that_goes_is_everything_against_nothing() -> None:
    one = difference({**config_map({"a": "1"}, **OWN), "status": {}}, None)
    assert one == Difference(config_map({"a": "1"}), None)
    assert unified(one)[:4] == ["--- live", "+++ desired", "@@ -1,6 +0,0 @@", "-apiVersion: v1"]
    assert list(changes(one.live, one.desired)) == [Change("", one.live, None)]


def test_one_changed_line_of_a_file_is_one_changed_line_with_three_around_it() -> None:
    lines = [f"\tline {number} \n" for number in range(20)]
    changed = [*lines[:10], "\tanother\n", *lines[11:]]
    one = difference(config_map({"f": "".join(lines)}), config_map({"f": "".join(changed)}))
    around = [f"     \tline {number} " for number in (7, 8, 9, 11, 12, 13)]
    assert unified(one)[2:] == [
        "@@ -14,7 +14,7 @@",
        *around[:3],
        "-    \tline 10 ",
        "+    \tanother",
        *around[3:],
    ]


def test_equal_objects_have_no_lines() -> None:
    one = difference(config_map({"a": "1"}, **OWN), config_map({"a": "1"}))
    assert (unified(one), list(changes(one.live, one.desired))) == ([], [])


def test_a_large_file_that_is_all_new_takes_no_age() -> None:
    before, after = ("".join(f"{word} {number}\n" for number in range(40_000)) for word in ("old", "new"))
    start = time.monotonic()
    unified(difference(config_map({"f": before}), config_map({"f": after})))
    assert time.monotonic() - start < 10


WEB, SIDE = {"name": "web", "image": "a"}, {"name": "side", "image": "s"}


@pytest.mark.parametrize(
    ("live", "desired", "found"),
    [
        ({"a": {"b": 1}}, {"a": {"b": 2}}, [("a.b", 1, 2)]),
        ({"a": 1}, {"b": 2}, [("a", 1, None), ("b", None, 2)]),
        ({"a": 1}, {"a": True}, [("a", 1, True)]),
        ({"a": 1}, {"a": "1"}, [("a", 1, "1")]),
        ({"a": None}, {}, []),
        ({"a": {}}, {"a": []}, [("a", {}, [])]),
        ({"a": {"x": 1}}, {}, [("a", {"x": 1}, None)]),
        (None, {"a": 1}, [("", None, {"a": 1})]),
        ({"m": {"a.b/c": "1"}}, {"m": {"a.b/c": "2"}}, [('m["a.b/c"]', "1", "2")]),
        ({"m": {'a"b\n': "1"}}, {"m": {}}, [('m["a\\"b\\n"]', "1", None)]),
        ({"a.b": 1}, {"a.b": 2}, [('["a.b"]', 1, 2)]),
        ({"": 1}, {"": 2}, [('[""]', 1, 2)]),
        ({"tls-key_1": 1}, {"tls-key_1": 2}, [("tls-key_1", 1, 2)]),
        ({"c": [WEB, SIDE]}, {"c": [{**WEB, "image": "b"}, SIDE]}, [("c[name=web].image", "a", "b")]),
        ({"c": [WEB]}, {"c": [SIDE, WEB]}, [("c[name=side]", None, SIDE)]),
        ({"c": [WEB, SIDE]}, {"c": [SIDE]}, [("c[name=web]", WEB, None)]),
        ({"c": [WEB]}, {"c": []}, [("c[name=web]", WEB, None)]),
        ({"c": [WEB, SIDE]}, {"c": [SIDE, WEB]}, [("c", [WEB, SIDE], [SIDE, WEB])]),
        ({"c": [WEB, WEB]}, {"c": [WEB, SIDE]}, [("c[1].name", "web", "side"), ("c[1].image", "a", "s")]),
        ({"c": [{"name": 1}]}, {"c": [{"name": "1"}]}, [("c[0].name", 1, "1")]),
        ({"p": [{"port": 80}]}, {"p": [{"port": 81}]}, [("p[0].port", 80, 81)]),
        ({"a": ["x", "y"]}, {"a": ["x", "z"]}, [("a[1]", "y", "z")]),
        ({"a": ["x"]}, {"a": ["w", "x"]}, [("a", ["x"], ["w", "x"])]),
        ({"a": [["x"]]}, {"a": [["y"]]}, [("a[0][0]", "x", "y")]),
    ],
)
def test_changes_are_named_by_paths_that_people_can_read(
    live: Any, desired: Any, found: list[tuple[str, Any, Any]]
) -> None:
    assert [(one.path, one.live, one.desired) for one in changes(live, desired)] == found
    assert list(changes(live, live)) == list(changes(desired, desired)) == []
