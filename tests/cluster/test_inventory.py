import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer import __version__
from deployer.cluster.history import Entry
from deployer.cluster.hold import Hold
from deployer.cluster.inventory import (
    GROUP_KINDS,
    NAMESPACES,
    PARENT,
    TOOLING,
    GroupKind,
    Inventory,
    applyset_id,
    begun,
    document,
    empty,
    held,
    narrowed,
    parent_name,
    parse,
    recorded,
    widened,
)
from deployer.cluster.operation import Operation
from deployer.errors import ClusterError

NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)
DEPLOYMENT, CONFIG_MAP = GroupKind("apps", "Deployment"), GroupKind("", "ConfigMap")
ENTRY = Entry("a" * 40, NOON, "push", "alice", "succeeded", {"created": 2}, {"apply": 0.5})
OPERATION = Operation("b" * 40, NOON, "host-1", "push", id="0a1b2c3d")
HOLD = Hold("c" * 40, "a" * 40, NOON, "alice", "rollback")
FULL = Inventory(
    *("web", "shop", frozenset({DEPLOYMENT, CONFIG_MAP}), frozenset({"b", "a"}), (ENTRY,), OPERATION, "17"), hold=HOLD
)


def live(**annotations: str | None) -> dict[str, Any]:
    """The document of `FULL`, with other annotations; None removes one."""
    found = document(FULL)
    changed = {**found["metadata"]["annotations"], **{f"applyset.kubernetes.io/{k}": v for k, v in annotations.items()}}
    found["metadata"]["annotations"] = {name: value for name, value in changed.items() if value is not None}
    return found


def test_the_document_is_an_applyset_parent() -> None:
    found = document(FULL)
    assert found["metadata"] == {
        "name": "deployer-web",
        "namespace": "shop",
        # sha256("deployer-web.shop.ConfigMap."), taken with openssl
        "labels": {PARENT: "applyset-y2Z43opsxzalukucyFHb1GCjWweaTh-_9v5hvGFpeNA-v1"},
        "annotations": {
            TOOLING: f"deployer/{__version__}",
            GROUP_KINDS: "ConfigMap,Deployment.apps",
            NAMESPACES: "a,b",
        },
        "resourceVersion": "17",
    }
    assert found["data"]["application"] == "web"
    assert json.loads(found["data"]["operation"]) == {
        "revision": "b" * 40,
        "since": "2026-10-01T12:00:00Z",
        "holder": "host-1",
        "why": "push",
        "id": "0a1b2c3d",
        "hooks": {},
        "paused": None,
        "waited": 0.0,
        "counts": {},
        "error": "",
        "fault": "",
        "who": "",
    }


def test_the_first_document_names_no_version() -> None:
    found = document(empty("web", ""))
    assert "resourceVersion" not in found["metadata"]
    assert found["metadata"]["namespace"] == "deployer"
    assert found["data"] == {"application": "web", "history": "[]", "operation": "", "hold": ""}


@pytest.mark.parametrize(
    ("application", "length"),
    [("web", 12), ("a.b-c", 14), ("a" * 228, 237), ("a" * 229, 253), ("a" * 228 + ".a", 253), ("a" * 246, 253)],
)
def test_every_application_has_a_name_for_its_inventory(application: str, length: int) -> None:
    name = parent_name(application)
    assert len(name) == length
    assert name.startswith(f"deployer-{application[:228]}")
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*", name)
    assert len(applyset_id(name, "shop")) <= 63


@pytest.mark.parametrize("end", [".", "-", "a"])
def test_no_two_applications_share_one(end: str) -> None:
    long = "a" * 227 + end + "b" * 10
    names = [parent_name(one) for one in (long, long + "b", parent_name(long).removeprefix("deployer-"), long[:227])]
    assert len(set(names)) == 4
    assert all(re.fullmatch("[a-z0-9.-]*[a-z0-9]", name) and ".-" not in name for name in names)


segments = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
group_kinds = st.builds(
    GroupKind,
    st.lists(segments, max_size=3).map(".".join),
    st.from_regex("[A-Z][A-Za-z0-9]{0,20}", fullmatch=True),
)


@given(segments, segments, st.frozensets(group_kinds), st.frozensets(segments))
def test_what_was_written_is_read(
    application: str, namespace: str, kinds: frozenset[GroupKind], others: frozenset[str]
) -> None:
    wanted = narrowed(empty(application, namespace), kinds, others)
    body = document(wanted)
    body["metadata"]["resourceVersion"] = "1"
    assert parse(body) == wanted
    assert parse(body).resource_version == "1"
    assert parse(body).warnings == ()


def test_history_operation_and_hold_are_read_too() -> None:
    assert parse(document(FULL)) == FULL
    assert parse(document(FULL)).resource_version == "17"


@pytest.mark.parametrize(
    ("annotations", "problem"),
    [
        ({"tooling": "kubectl/v1.37"}, r"is an ApplySet of 'kubectl/v1.37': rename the application, or remove it"),
        ({"tooling": "deployer"}, "is an ApplySet of 'deployer'"),
        ({"tooling": "acme/deployer/1.0"}, "is an ApplySet of 'acme/deployer/1.0'"),
        ({"tooling": "deployer-2/1.0"}, "is an ApplySet of 'deployer-2/1.0'"),
        ({"tooling": ""}, "is an ApplySet of ''"),
        ({"tooling": None}, "is no inventory of ours: rename the application, or remove it"),
        ({"contains-group-kinds": None}, "contains-group-kinds is missing; mend it, or remove the ConfigMap"),
        ({"contains-group-kinds": ","}, "names '', which is no kind"),
        ({"contains-group-kinds": "ConfigMap,"}, "names '', which is no kind"),
        ({"contains-group-kinds": "ConfigMap, Secret"}, "names ' Secret', which is no kind"),
        ({"contains-group-kinds": "ConfigMap."}, "names 'ConfigMap.', which is no kind"),
        ({"contains-group-kinds": "Deployment.apps\n"}, r"names 'Deployment.apps\\n', which is no kind"),
        ({"contains-group-kinds": "../secrets"}, "names '../secrets', which is no kind"),
        ({"contains-group-kinds": "Deployment.Apps"}, "names 'Deployment.Apps', which is no kind"),
        ({"contains-group-kinds": "*"}, "which is no kind"),
        ({"additional-namespaces": "a,,b"}, "names '', which is no namespace"),
        ({"additional-namespaces": "a, b"}, "names ' b', which is no namespace"),
        ({"additional-namespaces": "kube-system\n"}, r"names 'kube-system\\n', which is no namespace"),
        ({"additional-namespaces": "a/../b"}, "which is no namespace"),
        ({"additional-namespaces": "a" * 64}, "which is no namespace"),
        ({"additional-namespaces": "*"}, "which is no namespace"),
    ],
    ids=str,
)
def test_what_is_not_ours_or_malformed_is_refused(annotations: dict[str, str | None], problem: str) -> None:
    with pytest.raises(ClusterError, match=rf"^ConfigMap deployer-web in namespace shop\b.*{problem}"):
        parse(live(**annotations))


@pytest.mark.parametrize(
    "label", [None, "", applyset_id("deployer-web", "other"), applyset_id("deployer-api", "shop"), "applyset-x-v1"]
)
def test_the_id_of_another_object_is_refused(label: str | None) -> None:
    found = document(FULL)
    found["metadata"]["labels"] = {PARENT: label} if label is not None else None
    with pytest.raises(ClusterError, match=r"label applyset.kubernetes.io/id is not the one that belongs to its name"):
        parse(found)


@pytest.mark.parametrize("data", [None, {}, {"application": ""}, {"application": "api"}], ids=str)
def test_the_name_of_another_application_is_refused(data: dict[str, str] | None) -> None:
    with pytest.raises(ClusterError, match=r"its application does not belong to its name; mend it"):
        parse({**document(FULL), "data": data})


def test_a_copy_in_another_namespace_is_refused() -> None:
    found = document(FULL)
    found["metadata"]["namespace"] = "elsewhere"
    with pytest.raises(ClusterError, match="it may be a copy"):
        parse(found)


def test_a_history_that_cannot_be_read_is_a_warning_and_no_more() -> None:
    found = document(FULL)
    found["data"].update(history="{", operation="[", hold="{}")
    inventory = parse(found)
    assert inventory == replace(FULL, history=(), operation=None, hold=None)
    assert inventory.warnings == (
        "ConfigMap deployer-web in namespace shop: its history cannot be read, and the next sync begins a new one",
        "ConfigMap deployer-web in namespace shop: the operation under way cannot be read; the next sync removes it",
        "ConfigMap deployer-web in namespace shop: what holds it at another revision cannot be read, so nothing does; "
        "the next sync removes it",
    )
    del found["data"]["history"], found["data"]["operation"], found["data"]["hold"]
    assert parse(found).warnings == ()


def test_no_namespaces_and_no_kinds_is_an_empty_set() -> None:
    inventory = parse(live(**{"contains-group-kinds": "", "additional-namespaces": None}))
    assert (inventory.group_kinds, inventory.namespaces) == (frozenset(), frozenset())


def test_its_own_namespace_is_no_additional_one() -> None:
    assert parse(live(**{"additional-namespaces": "other,shop"})).namespaces == {"other"}


def test_widened_covers_what_was_and_what_comes() -> None:
    wider = widened(FULL, [GroupKind("batch", "Job"), DEPLOYMENT], ["shop", "", "c"])
    assert wider.group_kinds == {DEPLOYMENT, CONFIG_MAP, GroupKind("batch", "Job")}
    assert wider.namespaces == {"a", "b", "c"}
    assert widened(FULL, [DEPLOYMENT], ["a", "shop"]) == FULL


def test_narrowed_covers_what_is_left() -> None:
    left = narrowed(FULL, [DEPLOYMENT], ["shop", "", "b"])
    assert left.group_kinds == {DEPLOYMENT}
    assert left.namespaces == {"b"}
    assert left.history == FULL.history


def test_a_sync_begins_and_is_recorded() -> None:
    idle = replace(FULL, operation=None)
    under_way = begun(idle, replace(OPERATION, since=NOON.replace(microsecond=5), why="w" * 999))
    assert under_way.operation == replace(OPERATION, why="w" * 199 + "…")
    done = recorded(under_way, replace(ENTRY, revision="c"), 10)
    assert [one.revision for one in done.history] == ["c", "a" * 40]
    assert done.operation is None
    assert recorded(done, replace(ENTRY, revision="c", counts={}), 10) == done
    assert recorded(done, replace(ENTRY, revision="d"), 0).history == ()
    assert done.resource_version == "17"


def test_what_holds_it_stays_whatever_else_is_done() -> None:
    for after in (
        begun(FULL, OPERATION),
        recorded(FULL, replace(ENTRY, revision="c"), 10),
        widened(FULL, [GroupKind("batch", "Job")], ["c"]),
        narrowed(FULL, (), ()),
    ):
        assert after.hold == HOLD
    assert held(FULL, None) == replace(FULL, hold=None)
    again = held(FULL, replace(HOLD, why="w" * 999, since=NOON.replace(microsecond=5)))
    assert again.hold == replace(HOLD, why="w" * 199 + "…")
    assert parse(document(again)) == again
