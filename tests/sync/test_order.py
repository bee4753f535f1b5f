"""Argo CD's kind order, and webhook configurations last."""

from deployer.manifest import Manifest, ObjectKey
from deployer.sync.order import in_order, position


def manifest(kind: str, name: str) -> Manifest:
    return Manifest({"apiVersion": "v1", "kind": kind, "metadata": {"name": name}}, "test")


def test_kinds_follow_each_other_and_equal_kinds_stand_together() -> None:
    webhooks = ["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"]
    kinds = [
        *webhooks,
        "APIService",
        "Widget",
        "Deployment",
        "Service",
        "ConfigMap",
        "Namespace",
        "ConfigMap",
        "Gadget",
        "Secret",
    ]
    groups = in_order(manifest(kind, f"{kind.lower()}-{index}") for index, kind in enumerate(kinds))
    assert [[one.kind for one in group] for group in groups] == [
        ["Namespace"],
        ["Secret"],
        ["ConfigMap", "ConfigMap"],
        ["Service"],
        ["Deployment"],
        ["APIService"],
        ["Gadget", "Widget"],
        sorted(webhooks),
    ]


def test_the_order_within_a_group_is_by_name() -> None:
    (group,) = in_order([manifest("ConfigMap", "b"), manifest("ConfigMap", "a")])
    assert [one.name for one in group] == ["a", "b"]


def test_nothing_has_no_order() -> None:
    assert in_order([]) == []


def test_a_position_tells_apart_what_is_of_one_kind() -> None:
    keys = [
        ObjectKey("", "ConfigMap", "shop", "b"),
        ObjectKey("", "ConfigMap", "", "z"),
        ObjectKey("x", "Widget", "", "a"),
        ObjectKey("", "Secret", "shop", "c"),
        ObjectKey("", "ConfigMap", "shop", "a"),
    ]
    assert [key.name for key in sorted(keys, key=position)] == ["c", "z", "a", "b", "a"]
