"""What a sync needs in a cluster, and the rules that would allow it."""

import json
from typing import Any

import pytest
import yaml

from deployer.cli.checks.access import Access, attributes, needs, rules
from deployer.cluster.discovery import Discovery, Resource
from deployer.manifest import Manifest
from deployer.sync.targets import Target, resolve
from tests.world import deployment

RESOURCES = (
    Resource("", "v1", "ConfigMap", "configmaps", namespaced=True),
    Resource("", "v1", "Pod", "pods", namespaced=True),
    Resource("", "v1", "Namespace", "namespaces", namespaced=False),
    Resource("apps", "v1", "Deployment", "deployments", namespaced=True),
    Resource("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", namespaced=False),
)
DISCOVERY = Discovery({(one.group, one.version, one.kind): one for one in RESOURCES})


def targets(*bodies: dict[str, Any]) -> tuple[Target, ...]:
    found = resolve([Manifest(body, "a.yaml") for body in bodies], DISCOVERY, "shop")
    assert not found.refusals
    return found.targets


def body(api_version: str, kind: str, name: str, **metadata: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, **metadata}}


APPLY = "create get patch"
LISTED = f"{APPLY} list"


def on(group: str, resource: str, namespace: str, name: str = "", verbs: str = APPLY) -> set[Access]:
    return {Access(group, resource, namespace, name, verb) for verb in verbs.split()}


def test_an_apply_needs_its_verbs_on_each_kind_in_each_namespace() -> None:
    found = needs(
        targets(
            body("v1", "ConfigMap", "a"),
            body("v1", "ConfigMap", "b"),
            body("v1", "ConfigMap", "c", namespace="other"),
            body("rbac.authorization.k8s.io/v1", "ClusterRole", "d"),
        ),
        "",
        there=True,
    )
    roles = on("rbac.authorization.k8s.io", "clusterroles", "")
    maps = on("", "configmaps", "shop", verbs=LISTED) | on("", "configmaps", "other", verbs=LISTED)
    assert set(found.must) == maps | roles
    assert len(found.must) == 11, "each is asked for once"
    assert found.helps == ()


@pytest.mark.parametrize("workload", [json.loads(deployment("web")), body("v1", "Pod", "alone")])
def test_pods_are_listed_for_what_has_some(workload: dict[str, Any]) -> None:
    assert needs(targets(workload), "", there=True).helps == (Access("", "pods", "shop", "", "list"),)


@pytest.mark.parametrize(("there", "verbs"), [(True, "get"), (False, "create get patch")])
def test_a_namespace_is_made_only_where_it_is_not_there(there: bool, verbs: str) -> None:
    assert set(needs((), "shop", there=there).must) == on("", "namespaces", "shop", "shop", verbs)


def test_a_namespace_that_is_kept_up_is_written_too() -> None:
    for there, verbs in ((True, "get patch"), (False, APPLY)):
        found = needs((), "shop", there=there, kept_up=True)
        assert set(found.must) == on("", "namespaces", "shop", "shop", verbs)


def test_a_namespace_among_the_manifests_is_asked_for_by_name() -> None:
    """The server takes a request for a Namespace as one in that namespace, so that a Role there counts."""
    found = needs(targets(body("v1", "Namespace", "x")), "", there=True)
    assert set(found.must) == on("", "namespaces", "x", "x")


def test_the_inventory_its_lease_and_what_is_pruned() -> None:
    found = needs(targets(body("v1", "ConfigMap", "a")), "", there=True, home="home", prune=True)
    leases = on("coordination.k8s.io", "leases", "home", verbs=f"{APPLY} delete")
    maps = on("", "configmaps", "shop", verbs=f"{LISTED} delete")
    assert set(found.must) == maps | leases | on("", "configmaps", "home")


SAYS = "argocd.argoproj.io/sync-options"


@pytest.mark.parametrize(
    ("annotations", "verbs"),
    [
        ({SAYS: "Replace=true"}, f"{LISTED} update"),
        ({SAYS: "Force=true"}, f"{LISTED} delete"),
        ({SAYS: "Replace=true,Force=true"}, f"{LISTED} update delete"),
        ({"argocd.argoproj.io/hook": "PreSync"}, f"{APPLY} delete"),
        ({"helm.sh/hook": "pre-install"}, f"{APPLY} delete"),
    ],
)
def test_what_is_written_otherwise_needs_other_verbs(annotations: dict[str, str], verbs: str) -> None:
    manifest = Manifest(body("v1", "ConfigMap", "a", annotations=annotations), "a.yaml")
    found = resolve([manifest], DISCOVERY, "shop")
    needed = needs((*found.targets, *found.hooks), "", there=True)
    assert set(needed.must) == on("", "configmaps", "shop", verbs=verbs)
    assert yaml.safe_load(rules(needed.must))["a Role in namespace shop"][0]["verbs"][-1] == verbs.split()[-1]


def test_a_review_says_only_what_is_asked() -> None:
    asked = attributes(Access("", "configmaps", "shop", "", "get"))
    assert asked == {"resource": "configmaps", "namespace": "shop", "verb": "get"}
    assert attributes(Access("*", "*", "", "", "*")) == {"group": "*", "resource": "*", "verb": "*"}


CONFIG_MAPS, DEPLOYMENTS = on("", "configmaps", "shop"), on("apps", "deployments", "shop")


@pytest.mark.parametrize(
    ("missing", "written"),
    [
        (
            CONFIG_MAPS | on("", "services", "shop") | DEPLOYMENTS,
            {
                "a Role in namespace shop": [
                    {"apiGroups": [""], "resources": ["configmaps", "services"], "verbs": ["get", "create", "patch"]},
                    {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "create", "patch"]},
                ]
            },
        ),
        (
            on("", "pods", "shop", verbs="list") | on("", "configmaps", "shop", verbs="create"),
            {
                "a Role in namespace shop": [
                    {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create"]},
                    {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
                ]
            },
        ),
        (
            on("", "configmaps", "a", verbs="get") | on("", "configmaps", "b", verbs="get") | on("", "nodes", ""),
            {
                "a Role in namespace a": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}],
                "a Role in namespace b": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}],
                "a ClusterRole": [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "create", "patch"]}],
            },
        ),
        (
            on("", "namespaces", "shop", "shop", "get"),
            {
                "a Role in namespace shop": [
                    {"apiGroups": [""], "resources": ["namespaces"], "resourceNames": ["shop"], "verbs": ["get"]}
                ]
            },
        ),
        (
            on("", "namespaces", "shop", "shop"),
            {
                "a ClusterRole": [
                    {
                        "apiGroups": [""],
                        "resources": ["namespaces"],
                        "resourceNames": ["shop"],
                        "verbs": ["get", "create", "patch"],
                    }
                ]
            },
        ),
    ],
    ids=["kinds with the same verbs", "verbs apart", "places apart", "a namespace to look at", "a namespace to make"],
)
def test_the_rules_are_yaml_to_paste_into_a_role(missing: set[Access], written: dict[str, Any]) -> None:
    assert yaml.safe_load(rules(sorted(missing))) == written
