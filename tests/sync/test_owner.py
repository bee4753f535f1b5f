"""Whose object it is."""

from dataclasses import replace
from typing import Any

import pytest

from deployer.cluster.connection import Cluster
from deployer.cluster.discovery import Resource
from deployer.cluster.inventory import MEMBER, empty, widened
from deployer.cluster.inventory_store import find, write
from deployer.manifest import Manifest, ObjectKey
from deployer.sync.owner import Claim, Owner, claim, label, labelled, reserved, strangers
from deployer.sync.targets import Target

OTHER = empty("blog", "web")
OWNER = Owner("shop", "web", neighbours=(OTHER, empty("loose", "")))
ORPHAN = empty("old", "web")


@pytest.mark.parametrize(
    ("key", "of"),
    [
        (ObjectKey("", "ConfigMap", "web", "deployer-shop"), "shop"),
        (ObjectKey("coordination.k8s.io", "Lease", "web", "deployer-shop"), "shop"),
        (ObjectKey("", "ConfigMap", "web", "deployer-blog"), "blog"),
        (ObjectKey("", "ConfigMap", "deployer", "deployer-loose"), "loose"),
        (ObjectKey("", "ConfigMap", "other", "deployer-shop"), ""),
        (ObjectKey("", "Secret", "web", "deployer-shop"), ""),
        (ObjectKey("", "ConfigMap", "web", "deployer-shop2"), ""),
    ],
)
def test_the_places_of_inventories_and_leases_are_taken(key: ObjectKey, of: str) -> None:
    said = reserved(OWNER, key)
    assert said == (of and f"has the name of what the deployer itself keeps for application {of}: rename it")


def live(**labels: Any) -> dict[str, Any]:
    return {"metadata": {"name": "a", "labels": labels}}


@pytest.mark.parametrize(
    ("theirs", "said"),
    [
        ("", Claim()),
        (OWNER.id, Claim()),
        (OTHER.id, Claim("belongs to application blog: leave it out of one of the two")),
        (
            ORPHAN.id,
            Claim(
                warning="taken over from application old, which is no application of this configuration and has left "
                "ConfigMap deployer-old in namespace web"
            ),
        ),
        (
            "applyset-x-v1",
            Claim(
                "belongs to applyset-x-v1, which is no application of this configuration, and no inventory of it is "
                f"known; to take it over, remove its label {MEMBER} with kubectl"
            ),
        ),
    ],
)
def test_an_object_is_refused_or_taken_over(theirs: str, said: Claim) -> None:
    # The inventories of those that are in the configuration are found as well.
    inventories = {one.id: one for one in (empty("shop", "web"), OTHER, ORPHAN)}
    assert claim(OWNER, theirs, inventories) == said


def test_without_its_inventory_an_orphan_is_nobody_who_is_known() -> None:
    assert claim(OWNER, ORPHAN.id, {}).refused.startswith(f"belongs to {ORPHAN.id}, which is no application of this")


def test_only_ids_of_nobody_that_is_known_are_looked_up() -> None:
    known = ["", OWNER.id, OTHER.id, empty("loose", "").id]
    assert strangers(OWNER, known) == frozenset()
    assert strangers(OWNER, [*known, "a", ORPHAN.id, "a"]) == {"a", ORPHAN.id}


def test_an_object_is_taken_over_from_an_application_that_left_the_configuration(
    staging: Cluster, namespace: str
) -> None:
    staging.request("POST", "/api/v1/namespaces", body={"metadata": {"name": namespace}})
    old, neighbour = empty("old", namespace), empty("blog", namespace)
    for one in (old, neighbour):
        write(staging, one, widened(one, [], [f"{namespace}-more"]))
    owner = Owner("shop", namespace, neighbours=(neighbour,))
    lives = {name: live(**{MEMBER: id}) for name, id in (("a", old.id), ("b", neighbour.id), ("c", "applyset-x-v1"))}  # noqa: A001
    found = find(staging, [], strangers(owner, map(label, lives.values())))
    assert found.warnings == ()
    claims = {name: claim(owner, label(one), found.inventories) for name, one in lives.items()}
    assert {name for name, one in claims.items() if one.refused} == {"b", "c"}
    assert claims["a"].warning == (
        "taken over from application old, which is no application of this configuration and has left "
        f"ConfigMap deployer-old in namespace {namespace}"
    )


def test_the_id_is_made_once() -> None:
    assert OWNER.id is OWNER.id
    assert replace(OWNER, namespace="other").id != OWNER.id


def test_the_id_is_that_of_the_inventory() -> None:
    assert OWNER.id == empty("shop", "web").id
    assert Owner("shop").id == empty("shop", "deployer").id


@pytest.mark.parametrize("labels", [None, {}, {"app": "a"}])
def test_a_target_gets_the_label_and_its_manifest_does_not(labels: dict[str, str] | None) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "labels": labels}, "data": {"k": "v"}}
    target = Target(Manifest(body, "a.yaml"), Resource("", "v1", "ConfigMap", "configmaps", True))
    made = labelled(target, OWNER)
    assert made.manifest.body["metadata"]["labels"] == {**(labels or {}), MEMBER: OWNER.id}
    assert label(made.manifest.body) == OWNER.id
    assert made.manifest.body["data"] == {"k": "v"}
    assert body["metadata"] == {"name": "a", "labels": labels}


def test_labels_that_are_none_are_left_to_the_server() -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "labels": "text"}}
    target = Target(Manifest(body, "a.yaml"), Resource("", "v1", "ConfigMap", "configmaps", True))
    assert labelled(target, OWNER) is target
