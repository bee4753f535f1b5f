"""Whose object it is."""

from typing import Any

import pytest

from deployer.cluster.discovery import Resource
from deployer.cluster.inventory import MEMBER, empty
from deployer.manifest import Manifest, ObjectKey
from deployer.sync.owner import Owner, foreign, label, labelled, reserved
from deployer.sync.targets import Target

OTHER = empty("blog", "web")
OWNER = Owner("shop", "web", neighbours=(OTHER, empty("loose", "")))


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


def test_an_object_of_another_application_is_foreign() -> None:
    assert foreign(OWNER, live()) == ""
    assert foreign(OWNER, {"metadata": {"labels": None}}) == ""
    assert foreign(OWNER, live(**{MEMBER: OWNER.id})) == ""
    assert foreign(OWNER, live(**{MEMBER: OTHER.id})).startswith("belongs to application blog: ")
    unknown = foreign(OWNER, live(**{MEMBER: "applyset-x-v1"}))
    assert unknown.startswith("belongs to applyset-x-v1, which is no application of this configuration")


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
