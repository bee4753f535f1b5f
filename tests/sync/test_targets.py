"""From manifests to targets."""

from dataclasses import replace
from typing import Any

import pytest

from deployer.cluster.discovery import Discovery, Resource
from deployer.hooks import HELM_HOOK, HOOK, HOOK_POLICY, WAVE, Hook
from deployer.manifest import Manifest, ObjectKey
from deployer.object_options import SYNC_OPTIONS, ObjectOptions
from deployer.sync.targets import (
    Refusal,
    Target,
    goes_ahead,
    hook_name,
    namespace_target,
    needs,
    nothing_forbidden,
    resolve,
)

CONFIG_MAP = Resource("", "v1", "ConfigMap", "configmaps", namespaced=True)
NAMESPACE = Resource("", "v1", "Namespace", "namespaces", namespaced=False)
CRD = Resource("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", namespaced=False)
DISCOVERY = Discovery(
    {(one.group, one.version, one.kind): one for one in (CONFIG_MAP, NAMESPACE, CRD)},
    stale=frozenset({("metrics.k8s.io", "v1beta1")}),
)


def resolved(*args: Any) -> tuple[tuple[Target, ...], tuple[Refusal, ...]]:
    found = resolve(*args)
    return found.targets, found.refusals


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
    targets, refusals = resolved(given, DISCOVERY, "shop")
    assert [target.key.namespace for target in targets] == ["shop", "own", ""]
    assert [target.manifest.body["metadata"].get("namespace") for target in targets] == ["shop", "own", None]
    assert not refusals
    assert given[0].namespace == "", "what was rendered is not changed"


def test_a_cluster_scoped_object_loses_its_namespace() -> None:
    (target,), _ = resolved([manifest("Namespace", "c", "shop")], DISCOVERY, "")
    assert target.manifest.body["metadata"] == {"name": "c"}


def test_a_namespaced_object_without_a_namespace_is_refused() -> None:
    _, (refusal,) = resolved([manifest("ConfigMap", "a")], DISCOVERY, "")
    assert "needs a namespace" in refusal.reason


def test_two_objects_that_become_one_by_the_namespace_are_refused() -> None:
    given = [manifest("ConfigMap", "a", "shop"), manifest("ConfigMap", "a")]
    targets, (refusal,) = resolved(given, DISCOVERY, "shop")
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
    targets, (refusal,) = resolved([manifest("ConfigMap", "a"), unknown], DISCOVERY, "shop")
    assert [target.key.name for target in targets] == ["a"]
    assert refusal.manifest is unknown
    assert reason in refusal.reason


@pytest.mark.parametrize(("scope", "namespace"), [("Namespaced", "shop"), ("Cluster", "")])
def test_a_kind_is_known_once_its_definition_is_in_the_same_sync(scope: str, namespace: str) -> None:
    widget = manifest("Widget", "w", api_version="example.com/v1")
    targets, refusals = resolved([widget, definition(scope=scope)], DISCOVERY, "shop")
    assert not refusals
    assert targets[0].promised
    assert targets[0].key == ObjectKey("example.com", "Widget", namespace, "w")
    assert targets[0].resource.plural == "widgets"
    assert not targets[1].promised


def test_a_version_that_is_not_served_is_not_promised() -> None:
    _, refusals = resolved(
        [manifest("Widget", "w", api_version="example.com/v1"), definition(served=False)], DISCOVERY, "shop"
    )
    assert len(refusals) == 1


@pytest.mark.parametrize(
    "spec", [None, "text", {"names": ["a"], "versions": []}, {"names": {}, "versions": {"v1": {}}}]
)
def test_a_malformed_definition_promises_nothing(spec: Any) -> None:
    broken = manifest("CustomResourceDefinition", "w", api_version="apiextensions.k8s.io/v1", spec=spec)
    targets, refusals = resolved([broken], DISCOVERY, "shop")
    assert len(targets) == 1, "the server is the one to say what is wrong with it"
    assert not refusals


def test_namespaces_and_definitions_go_ahead() -> None:
    assert goes_ahead(manifest("Namespace", "a"))
    assert goes_ahead(definition())
    assert not goes_ahead(manifest("ConfigMap", "a"))
    assert not goes_ahead(manifest("Namespace", "a", api_version="example.com/v1"))


def test_what_needs_those_that_go_ahead() -> None:
    targets, _ = resolved(
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


def job(name: str, annotations: dict[str, str], namespace: str = "") -> Manifest:
    found = manifest("ConfigMap", name, namespace)
    return replace(found, body={**found.body, "metadata": {**found.body["metadata"], "annotations": annotations}})


def test_hooks_are_apart_and_one_for_each_of_their_phases() -> None:
    given = [
        job("plain", {WAVE: "-3"}),
        job("both", {HOOK: "PostSync,PreSync", HOOK_POLICY: "HookSucceeded", WAVE: "5"}),
        job("never", {HOOK: "Skip"}),
        job("test", {HELM_HOOK: "test"}),
        job("fail", {HOOK: "SyncFail"}),
    ]
    found = resolve(given, DISCOVERY, "shop")
    assert [(one.key.name, one.phase, one.wave, one.hook) for one in found.targets] == [("plain", "Sync", -3, None)]
    assert [(one.key.name, one.phase, one.wave) for one in found.hooks] == [
        ("both", "PreSync", 5),
        ("both", "PostSync", 5),
        ("fail", "SyncFail", 0),
    ]
    assert {one.key.namespace for one in (*found.hooks, *found.skipped)} == {"shop"}
    assert found.hooks[0].hook == Hook(("PreSync", "PostSync"), frozenset({"HookSucceeded"}))
    assert [one.key.name for one in found.skipped] == ["never", "test"]
    assert not found.refusals


@pytest.mark.parametrize("other", [{}, {HOOK: "PreSync"}, {HOOK: "Skip"}])
def test_a_hook_that_stands_twice_is_refused(other: dict[str, str]) -> None:
    (refusal,) = resolve([job("a", {HOOK: "PostSync"}), job("a", other, "shop")], DISCOVERY, "shop").refusals
    assert refusal.reason.startswith("stands twice in the source")


def test_a_hook_is_the_projects_to_allow_too() -> None:
    def forbidden(key: ObjectKey, namespaced: bool) -> str:
        return f"{key.name} is not allowed"

    found = resolve([job("a", {HOOK: "PreSync"}), job("b", {HOOK: "Skip"})], DISCOVERY, "shop", forbidden)
    assert [one.reason for one in found.refusals] == ["a is not allowed", "b is not allowed"]
    assert found.hooks == found.skipped == ()


def test_each_phase_of_a_hook_has_a_name_of_its_own() -> None:
    found = resolve([job("a", {HOOK: "PreSync,PostSync"})], DISCOVERY, "shop")
    assert [hook_name(one) for one in found.hooks] == ["PreSync ConfigMap shop/a", "PostSync ConfigMap shop/a"]
    brought = replace(found.hooks[0], manifest=manifest("Job", "b", "shop", "batch/v1"))
    assert hook_name(brought) == "PreSync Job.batch shop/b"


LATE = {SYNC_OPTIONS: "SkipDryRunOnMissingResource=true"}


def gizmo(name: str, annotations: dict[str, str]) -> Manifest:
    return replace(job(name, annotations), body={**job(name, annotations).body, **GIZMO})


GIZMO = {"apiVersion": "example.org/v1", "kind": "Gizmo"}


@pytest.mark.parametrize(("namespace", "namespaced"), [("shop", True), ("", False)])
def test_a_kind_that_is_not_known_yet_is_late_where_an_object_says_so(namespace: str, namespaced: bool) -> None:
    found = resolve([gizmo("g", LATE), gizmo("h", {})], DISCOVERY, namespace)
    (one,) = found.targets
    assert (one.late, one.promised) == (True, False)
    assert one.resource == Resource("example.org", "v1", "Gizmo", "", namespaced)
    assert one.key.namespace == namespace
    assert [refusal.manifest.key.name for refusal in found.refusals] == ["h"]


def test_it_is_late_where_its_application_says_so_unless_it_speaks_for_itself() -> None:
    defaults = ObjectOptions(skip_dry_run_on_missing=True)
    no = {SYNC_OPTIONS: "SkipDryRunOnMissingResource=false"}
    found = resolve([gizmo("g", {}), gizmo("h", no)], DISCOVERY, "shop", nothing_forbidden, defaults)
    assert [one.key.name for one in found.targets] == ["g"]
    assert [one.manifest.key.name for one in found.refusals] == ["h"]


def test_what_is_known_or_promised_is_not_late() -> None:
    widget = replace(gizmo("w", LATE), body={**gizmo("w", LATE).body, "apiVersion": "example.com/v1", "kind": "Widget"})
    found = resolve([job("a", LATE), widget, definition()], DISCOVERY, "shop")
    assert [(one.key.name, one.late, one.promised) for one in found.targets[:2]] == [
        ("a", False, False),
        ("w", False, True),
    ]
