"""From manifests to targets."""

from typing import Any

import pytest

from deployer.cluster.discovery import Discovery, Resource
from deployer.manifest import Manifest, ObjectKey
from deployer.sync.targets import goes_ahead, namespace_target, needs, resolve

CONFIG_MAP = Resource("", "v1", "ConfigMap", "configmaps", namespaced=True)
NAMESPACE = Resource("", "v1", "Namespace", "namespaces", namespaced=False)
CRD = Resource("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", namespaced=False)
DISCOVERY = Discovery(
    {(one.group, one.version, one.kind): one for one in (CONFIG_MAP, NAMESPACE, CRD)},
    stale=frozenset({("metrics.k8s.io", "v1beta1")}),
)


def manifest(kind: str, name: str, namespace: str = "", api_version: str = "v1", **more: Any) -> Manifest:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return Manifest({"apiVersion": api_version, "kind": kind, "metadata": metadata, **more}, f"{name}.yaml")


def definition(*, scope: str = "Namespaced", served: bool = True) -> Manifest:
    spec = {
        "group": "example.com",
        "scope": scope,
        "names": {"kind": "Widget", "plural": "widgets"},
        "versions": [{"name": "v1", "served": served}],
    }
    return manifest("CustomResourceDefinition", "widgets.example.com", api_version="apiextensions.k8s.io/v1", spec=spec)


def test_the_namespace_fills_only_namespaced_objects_that_have_none() -> None:
    given = [manifest("ConfigMap", "a"), manifest("ConfigMap", "b", "own"), manifest("Namespace", "c")]
    targets, refusals = resolve(given, DISCOVERY, "shop")
    assert [target.key.namespace for target in targets] == ["shop", "own", ""]
    assert [target.manifest.body["metadata"].get("namespace") for target in targets] == ["shop", "own", None]
    assert not refusals
    assert given[0].namespace == "", "what was rendered is not changed"


def test_a_cluster_scoped_object_loses_its_namespace() -> None:
    (target,), _ = resolve([manifest("Namespace", "c", "shop")], DISCOVERY, "")
    assert target.manifest.body["metadata"] == {"name": "c"}


def test_a_namespaced_object_without_a_namespace_is_refused() -> None:
    _, (refusal,) = resolve([manifest("ConfigMap", "a")], DISCOVERY, "")
    assert "needs a namespace" in refusal.reason


def test_two_objects_that_become_one_by_the_namespace_are_refused() -> None:
    given = [manifest("ConfigMap", "a", "shop"), manifest("ConfigMap", "a")]
    targets, (refusal,) = resolve(given, DISCOVERY, "shop")
    assert len(targets) == 1
    assert "stands twice in the source" in refusal.reason


@pytest.mark.parametrize(
    ("unknown", "reason"),
    [
        (manifest("Gizmo", "g"), "does not know the kind Gizmo of v1"),
        (manifest("Widget", "w", api_version="example.com/v1"), "install its CustomResourceDefinition first"),
        (manifest("NodeMetrics", "n", api_version="metrics.k8s.io/v1beta1"), "does not answer: look at its APIService"),
    ],
)
def test_an_unknown_kind_is_refused(unknown: Manifest, reason: str) -> None:
    targets, (refusal,) = resolve([manifest("ConfigMap", "a"), unknown], DISCOVERY, "shop")
    assert [target.key.name for target in targets] == ["a"]
    assert refusal.manifest is unknown
    assert reason in refusal.reason


@pytest.mark.parametrize(("scope", "namespace"), [("Namespaced", "shop"), ("Cluster", "")])
def test_a_kind_is_known_once_its_definition_is_in_the_same_sync(scope: str, namespace: str) -> None:
    widget = manifest("Widget", "w", api_version="example.com/v1")
    targets, refusals = resolve([widget, definition(scope=scope)], DISCOVERY, "shop")
    assert not refusals
    assert targets[0].promised
    assert targets[0].key == ObjectKey("example.com", "Widget", namespace, "w")
    assert targets[0].resource.plural == "widgets"
    assert not targets[1].promised


def test_a_version_that_is_not_served_is_not_promised() -> None:
    _, refusals = resolve(
        [manifest("Widget", "w", api_version="example.com/v1"), definition(served=False)], DISCOVERY, "shop"
    )
    assert len(refusals) == 1


@pytest.mark.parametrize(
    "spec", [None, "text", {"names": ["a"], "versions": []}, {"names": {}, "versions": {"v1": {}}}]
)
def test_a_malformed_definition_promises_nothing(spec: Any) -> None:
    broken = manifest("CustomResourceDefinition", "w", api_version="apiextensions.k8s.io/v1", spec=spec)
    targets, refusals = resolve([broken], DISCOVERY, "shop")
    assert len(targets) == 1, "the server is the one to say what is wrong with it"
    assert not refusals


def test_namespaces_and_definitions_go_ahead() -> None:
    assert goes_ahead(manifest("Namespace", "a"))
    assert goes_ahead(definition())
    assert not goes_ahead(manifest("ConfigMap", "a"))
    assert not goes_ahead(manifest("Namespace", "a", api_version="example.com/v1"))


def test_what_needs_those_that_go_ahead() -> None:
    targets, _ = resolve(
        [
            manifest("ConfigMap", "a", "new"),
            manifest("ConfigMap", "b", "old"),
            definition(),
            manifest("Widget", "w", "old", api_version="example.com/v1"),
        ],
        DISCOVERY,
        "",
    )
    ahead = [namespace_target("new")]
    assert [needs(target, ahead) for target in targets] == [True, False, False, True]
