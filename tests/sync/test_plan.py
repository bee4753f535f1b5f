"""What a sync would do, object by object."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from deployer.cluster.discovery import Discovery
from deployer.cluster.history import Entry
from deployer.cluster.inventory import MEMBER, Inventory, empty
from deployer.ignore_differences import IgnoreRule
from deployer.manifest import Manifest, ObjectKey
from deployer.sync.drift import FieldChange
from deployer.sync.ignored import Ignored
from deployer.sync.ignoring import Ignoring
from deployer.sync.live import Members
from deployer.sync.options import Options
from deployer.sync.owner import Owner
from deployer.sync.plan import Plan, wanted
from deployer.sync.prune import APPROVED, Pruning
from deployer.sync.result import Action
from tests.sync.helpers import by_name
from tests.sync.leaving import SAYS
from tests.sync.planning import (
    NOON,
    OPERATION,
    OWNER,
    SHOP,
    WIDGET,
    discovery,
    made,
    members_of,
    planned,
    stored,
    target,
    widgets,
)

A = ObjectKey("", "ConfigMap", "web", "a")
PRUNES = replace(SHOP, pruning=Pruning(enabled=True))


def lives(*manifests: Manifest, known: Discovery | None = None) -> dict[ObjectKey, dict[str, Any]]:
    """Objects as an earlier sync of the same application left them."""
    return {
        one.key: stored(one.manifest.body)
        for one in wanted(manifests, known or discovery(), SHOP, None, OPERATION).targets
    }


def said(plan: Plan) -> dict[str, str]:
    return {name: one.kept for name, one in by_name({one.key: one for one in plan.leavers}).items()}


def edited(value: str) -> dict[str, Any]:
    """The ConfigMap `a`, whose key somebody has edited."""
    live = lives(made("ConfigMap", "a", data={"k": "1"}))[A]
    (ours,) = live["metadata"]["managedFields"]
    labels = {"f:metadata": ours["fieldsV1"]["f:metadata"]}
    theirs = {**ours, "manager": "kubectl-edit", "operation": "Update", "fieldsV1": {"f:data": {"f:k": {}}}}
    managed = [{**ours, "fieldsV1": labels}, theirs]
    return {**live, "data": {"k": value}, "metadata": {**live["metadata"], "managedFields": managed}}


@pytest.mark.parametrize(
    ("live", "action", "changes"),
    [
        (None, "created", None),
        (lives(made("ConfigMap", "a", data={"k": "1"}))[A], "unchanged", None),
        (lives(made("ConfigMap", "a", data={"k": "2"}))[A], "updated", [("data.k", "2", "1", "deployer", NOON)]),
        (lives(made("ConfigMap", "a"))[A], "updated", [("data", None, {"k": "1"}, "", "")]),
        (
            lives(made("ConfigMap", "a", data={"k": "1", "l": "2"}))[A],
            "updated",
            [("data.l", "2", None, "deployer", NOON)],
        ),
        (edited("3"), "updated", [("data.k", "3", "1", "kubectl-edit", NOON)]),
        # The value is back, and still somebody else's.
        (edited("1"), "updated", [("data.k", "1", "1", "kubectl-edit", NOON)]),
    ],
    ids=["absent", "same", "other value", "without the field", "with one more", "edited", "edited back"],
)
def test_what_becomes_of_an_object(live: Any, action: Action, changes: Any) -> None:
    found = planned([made("ConfigMap", "a", data={"k": "1"})], {A: live} if live else {})
    assert found.actions == {A: action}
    assert found.changes == ({A: tuple(FieldChange(*one) for one in changes)} if changes else {})
    assert (found.refused, found.problem, found.leavers) == ({}, "", ())


def test_what_may_differ_is_no_change() -> None:
    given = [made("ConfigMap", "a", data={"k": "1"})]
    ignoring = replace(SHOP, ignored=Ignoring((IgnoreRule("ConfigMap", json_pointers=(("data", "k"),)),)))
    paths = (("f:data", "f:k"),)
    for live in (edited("3"), edited("1"), lives(made("ConfigMap", "a"))[A]):
        found = planned(given, {A: live}, ignoring)
        assert (found.actions, found.changes) == ({A: "unchanged"}, {})
        assert found.ignored == {A: Ignored(paths, paths)}
        assert found.targets[0].manifest.body["data"] == {"k": "1"}
    found = planned(given, {A: {**edited("3"), "apiVersion": "v2"}}, ignoring)
    assert [one.path for one in found.changes[A]] == ["apiVersion"], "only what may not differ is named"
    assert planned(given, {}, ignoring).actions == {A: "created"}


def test_status_is_no_change() -> None:
    given = [made("Widget", "w", size=1, status={"ready": True})]
    key = ObjectKey("example.com", "Widget", "web", "w")
    live = lives(*given, known=discovery(WIDGET))[key]
    found = planned(given, {key: {**live, "status": {"ready": False}}}, known=discovery(WIDGET))
    assert found.actions == {key: "unchanged"}
    assert planned(given, {key: {**live, "size": 2}}, known=discovery(WIDGET)).actions == {key: "updated"}


def test_it_is_planned_as_it_will_be_applied() -> None:
    secret = made("Secret", "s", stringData={"password": "s3cret"})
    (one,) = planned([secret], {}).targets
    assert one.manifest.body["data"] == {"password": "czNjcmV0"}
    assert "stringData" not in one.manifest.body
    assert one.manifest.body["metadata"] == {"name": "s", "namespace": "web", "labels": {MEMBER: OWNER.id}}
    assert secret.body["metadata"] == {"name": "s"}, "what was rendered is not changed"
    (change,) = planned([secret], lives(made("Secret", "s", data={"password": "b3RoZXI="}))).changes.values()
    assert [(one.path, one.live, one.desired) for one in change] == [("data.password", "*** (1)", "*** (2)")]


def test_files_of_a_disk_have_no_label_and_nothing_is_pruned() -> None:
    members = members_of(lives(made("ConfigMap", "b")).values())
    found = planned([made("ConfigMap", "a")], {}, Options("web", pruning=Pruning(enabled=True)), members=members)
    assert found.leavers == ()
    assert found.targets[0].manifest.body["metadata"] == {"name": "a", "namespace": "web"}


@pytest.mark.parametrize(
    ("there", "ahead", "rest"),
    [
        ((), ["Namespace/new", "CustomResourceDefinition/widgets.example.com"], ["ConfigMap/a", "Widget/w"]),
        (
            (made("Namespace", "new"), widgets()),
            [],
            ["ConfigMap/a", "Namespace/new", "CustomResourceDefinition/widgets.example.com", "Widget/w"],
        ),
    ],
    ids=["new", "there"],
)
def test_namespaces_and_definitions_that_are_not_there_go_ahead(
    there: tuple[Manifest, ...], ahead: list[str], rest: list[str]
) -> None:
    given = [made("ConfigMap", "a"), made("Namespace", "new"), widgets(), made("Widget", "w")]
    found = planned(given, lives(*there))
    assert [str(one.key) for one in found.ahead] == ahead
    assert [str(one.key) for one in found.rest] == rest
    assert len(found.targets) == len(given)


def test_what_is_refused_does_not_go_ahead() -> None:
    options = replace(SHOP, forbidden=lambda key, namespaced: "" if namespaced else "no")
    found = planned([made("Namespace", "new"), made("ConfigMap", "a")], {}, options)
    assert found.ahead == ()
    assert by_name(dict(found.refused)) == {"Namespace/new": "no"}
    unlisted = Members(refused={ObjectKey("", "Namespace", "", "new"): "may not be listed"})
    found = planned([made("Namespace", "new"), made("ConfigMap", "a")], {}, members=unlisted)
    assert found.ahead == ()
    assert by_name(dict(found.refused)) == {"Namespace/new": "may not be listed"}


def test_a_kind_whose_definition_is_there_and_does_not_serve_it_is_refused() -> None:
    found = planned([widgets(), made("Widget", "w"), made("ConfigMap", "a")], lives(widgets()))
    (reason,) = found.refused.values()
    assert by_name(dict(found.refused)) == {"Widget/w": reason}
    assert reason.startswith("its CustomResourceDefinition is in the cluster and does not serve example.com/v1")


def test_every_sort_of_refusal_is_there_at_once() -> None:
    def forbidden(key: ObjectKey, namespaced: bool) -> str:
        return "not in this project" if key.kind == "Secret" else ""

    given = [made("ConfigMap", "a"), made("Secret", "s"), made("Widget", "w")]
    unlisted = Members(refused={A: "may not be listed"})
    found = planned(given, {}, replace(SHOP, forbidden=forbidden), members=unlisted)
    reasons = by_name(dict(found.refused))
    assert reasons.pop("Widget/w").startswith("the cluster does not know the kind Widget of example.com/v1")
    assert reasons == {"ConfigMap/a": "may not be listed", "Secret/s": "not in this project"}


NEW, THERE = empty("shop", "web"), replace(empty("shop", "web"), resource_version="1")
LOOSE = replace(OWNER, namespace="")


@pytest.mark.parametrize(
    ("options", "inventory", "source", "home"),
    [
        (replace(SHOP, create_namespace=True), NEW, [], "web"),
        (replace(SHOP, create_namespace=True), THERE, [], ""),  # so is its namespace
        (replace(SHOP, create_namespace=True), NEW, [made("Namespace", "web")], ""),
        (replace(SHOP, create_namespace=True), NEW, [made("Namespace", "other")], "web"),
        (replace(SHOP, create_namespace=True, owner=None), None, [], "web"),
        (SHOP, NEW, [], ""),
        (Options(owner=LOOSE), empty("shop", ""), [], "deployer"),
        (Options(owner=LOOSE), replace(empty("shop", ""), resource_version="1"), [], ""),
        (Options(owner=LOOSE), empty("shop", ""), [made("Namespace", "deployer")], ""),
        (Options(), None, [], ""),
    ],
)
def test_the_namespace_that_is_made_for_them(
    options: Options, inventory: Inventory | None, source: list[Manifest], home: str
) -> None:
    given = [*source, made("ConfigMap", "a", "web")]
    assert [one.key.name for one in wanted(given, discovery(), options, inventory, OPERATION).home] == [home] * bool(
        home
    )
    found = planned(given, {}, options, inventory)
    own = [one.key.name for one in found.ahead if all(one.key != mine.key for mine in found.targets)]
    assert own == [home] * bool(home)
    assert sorted(by_name(dict(found.actions))) == sorted(
        {*(f"{one.kind}/{one.name}" for one in given), *([f"Namespace/{home}"] if home else [])}
    )


def test_a_namespace_that_is_there_is_not_made_and_not_spoken_of() -> None:
    there = {ObjectKey("", "Namespace", "", "web"): stored(made("Namespace", "web").body)}
    found = planned([made("ConfigMap", "a")], there, replace(SHOP, create_namespace=True), NEW)
    assert (found.ahead, by_name(dict(found.actions))) == ((), {"ConfigMap/a": "created"})


def test_the_project_has_a_say_in_the_namespace_of_the_application_but_not_in_the_deployers_own() -> None:
    def forbidden(key: ObjectKey, namespaced: bool) -> str:
        return "no namespaces" if key.kind == "Namespace" else ""

    given = [made("ConfigMap", "a", "web")]
    mine = planned(given, {}, replace(SHOP, create_namespace=True, forbidden=forbidden), NEW)
    assert by_name(dict(mine.refused)) == {"Namespace/web": "no namespaces"}
    there = {ObjectKey("", "Namespace", "", "web"): stored(made("Namespace", "web").body)}
    assert planned(given, there, replace(SHOP, create_namespace=True, forbidden=forbidden), NEW).refused == {}
    assert planned(given, {}, Options(owner=LOOSE, forbidden=forbidden), empty("shop", "")).refused == {}


def test_what_left_git_is_a_leaver_and_what_is_wanted_is_not() -> None:
    there = lives(
        made("ConfigMap", "a"), made("ConfigMap", "b"), made("Secret", "kept", annotations={SAYS: "Prune=false"})
    )
    found = planned([made("ConfigMap", "a")], there, PRUNES)
    assert said(found) == {
        "ConfigMap/b": "",
        "Secret/kept": f"left Git; not pruned: it says {SAYS}: Prune=false",
    }
    assert by_name(dict(found.actions)) == {"ConfigMap/a": "unchanged"}
    assert said(planned([made("ConfigMap", "a")], there)) == {
        "ConfigMap/b": "left Git; not pruned: automated.prune is off",
        "Secret/kept": f"left Git; not pruned: it says {SAYS}: Prune=false",
    }


def test_the_project_has_a_say_in_what_is_pruned() -> None:
    options = replace(PRUNES, forbidden=lambda key, namespaced: "no" if key.name == "b" else "")
    assert said(planned([made("ConfigMap", "a")], lives(made("ConfigMap", "b")), options)) == {
        "ConfigMap/b": "left Git; not pruned: no"
    }


@pytest.mark.parametrize(
    ("leaving", "staying", "kept", "stopped"),
    [(6, 6, 0, ""), (6, 5, 0, "6 of 11"), (5, 0, 0, ""), (6, 0, 6, ""), (7, 0, 0, "7 of 7"), (6, 0, 5, "6 of 11")],
)
def test_the_guard_counts_what_goes_and_all_that_there_is(leaving: int, staying: int, kept: int, stopped: str) -> None:
    stay = [made("ConfigMap", f"stays-{number}") for number in range(staying)]
    gone = [made("ConfigMap", f"goes-{number}") for number in range(leaving)]
    spared = [made("Secret", f"kept-{number}", annotations={SAYS: "Prune=false"}) for number in range(kept)]
    there = lives(*stay, *gone, *spared)
    # A kind that was listed in two versions brings each of its objects twice.
    members = Members(found=[target(live) for live in [*there.values(), *there.values()]])
    found = planned(stay, there, PRUNES, members=members)
    assert bool(found.problem) is bool(stopped)
    assert found.problem.startswith(f"{stopped} objects would be pruned" if stopped else "")
    assert len(found.leavers) == leaving + kept
    approved = replace(PRUNES, pruning=Pruning(True, approved=OWNER.revision[:7]))
    assert planned(stay, there, approved, members=members).problem == ""


def entry(revision: str, hour: int) -> Entry:
    when = datetime(2026, 1, 2, hour, tzinfo=UTC)
    return Entry(revision, when, "a push", "somebody", "succeeded", {}, {})


THIS, OTHER = OWNER.revision, "f" * 40


@pytest.mark.parametrize(
    ("history", "approved", "goes"),
    [
        ([entry(THIS, 11)], "2026-01-02T11:00:00Z", True),
        ([entry(THIS, 11)], "2026-01-02T10:59:59Z", False),
        # The first sync of this commit counts, of the time that it is deployed now.
        ([entry(THIS, 15), entry(THIS, 11), entry(OTHER, 10)], "2026-01-02T12:00:00Z", True),
        ([entry(THIS, 15), entry(OTHER, 12), entry(THIS, 11)], "2026-01-02T13:00:00Z", False),
        ([entry(OTHER, 9)], "2026-01-02T12:00:00Z", False),
        ([], "2026-01-02T12:00:00Z", False),
        (None, "2026-01-02T12:00:00Z", False),
    ],
)
def test_what_is_to_be_confirmed_is_approved_after_the_first_sync_of_its_commit(
    history: list[Entry] | None, approved: str, goes: bool
) -> None:
    says: Mapping[str, str] = {SAYS: "Prune=confirm", APPROVED: approved}
    there = lives(made("ConfigMap", "b", annotations=says))
    inventory = None if history is None else replace(THERE, history=tuple(history))
    (one,) = planned([], there, PRUNES, inventory).leavers
    assert bool(one.kept) is not goes, one.kept


def test_an_object_of_another_application_is_no_leaver() -> None:
    theirs = wanted(
        [made("ConfigMap", "b")], discovery(), replace(SHOP, owner=Owner("blog", "web")), None, OPERATION
    ).targets
    members = Members(found=[target(stored(one.manifest.body)) for one in theirs])
    assert planned([], {}, PRUNES, members=members).leavers == ()
