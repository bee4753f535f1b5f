"""Fields that may differ from Git: who has taken them over is left in peace, and all else is healed as ever."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from deployer.cluster.connection import Cluster
from deployer.ignore_differences import IgnoreRule
from deployer.sync.ignoring import Ignoring
from deployer.sync.options import Options
from deployer.sync.owner import Owner
from deployer.sync.result import Progress, Step, SyncResult
from deployer.sync.run import sync
from tests.end_to_end.reconciling import said
from tests.sync.helpers import ignore, manifest, manifests
from tests.world import Bench, config_map, deployment

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
REPLICAS = {"group": "apps", "kind": "Deployment", "jsonPointers": ["/spec/replicas"]}
FILES = {"web.json": deployment("web", replicas=3)}


def write(
    cluster: Cluster,
    namespace: str,
    change: Any,
    manager: str,
    what: str = "apps/v1/namespaces/{}/deployments/web",
    content_type: str = STRATEGIC,
) -> None:
    """Change an object as another manager does."""
    root = "/api/" if what.startswith("v1/") else "/apis/"
    path = root + what.format(namespace)
    cluster.request("PATCH", path, query={"fieldManager": manager}, body=change, content_type=content_type)


def scale(cluster: Cluster, namespace: str, replicas: int) -> None:
    """Set the replicas as an autoscaler does."""
    what = "apps/v1/namespaces/{}/deployments/web/scale"
    write(cluster, namespace, {"spec": {"replicas": replicas}}, "kube-controller-manager", what, MERGE)


def without_replicas(image: str) -> str:
    body = json.loads(deployment("web", image))
    del body["spec"]["replicas"]
    return json.dumps(body)


def replicas(bench: Bench) -> int:
    found: int = bench.live("deployment", "web")["spec"]["replicas"]
    return found


def image(one: Mapping[str, Any]) -> list[str]:
    return [container["image"] for container in one["spec"]["template"]["spec"]["containers"]]


def owners(one: Mapping[str, Any]) -> set[str]:
    """Who owns the replicas."""
    entries = one["metadata"]["managedFields"]
    return {entry["manager"] for entry in entries if "f:replicas" in entry["fieldsV1"].get("f:spec", {})}


def test_without_a_rule_an_autoscaler_is_drift(bench: Bench, staging: Cluster) -> None:
    assert bench.deploy(FILES, self_heal=True)[0] == "success"
    scale(staging, bench.name, 4)
    assert bench.reconcile() == "succeeded"
    assert replicas(bench) == 3
    assert any("spec.replicas 3 → 4 by kube-controller-manager" in line for line in said(bench))


def test_with_a_rule_whoever_sets_the_field_is_left_in_peace(bench: Bench, staging: Cluster) -> None:
    assert bench.deploy(FILES, self_heal=True, ignore_differences=[REPLICAS])[0] == "success"
    assert replicas(bench) == 3, "a new object is as in Git"
    scale(staging, bench.name, 4)
    for replicas_or_nothing in (4, 3, 5, None):  # the value of Git is still theirs; the default is nobody's
        if replicas_or_nothing != 4:
            write(staging, bench.name, {"spec": {"replicas": replicas_or_nothing}}, "kubectl-edit")
        version = bench.live("deployment", "web")["metadata"]["resourceVersion"]
        assert bench.reconcile() == "in sync"
        bench.settled(bench.push({"other.yaml": config_map("other", version)}))
        live = bench.live("deployment", "web")
        assert "deployer" not in owners(live)
    # Anything else is healed, and takes the field along, as an apply of the whole manifest does.
    scale(staging, bench.name, 4)
    bench.kubectl("set", "image", "deployment/web", "web=nginx:1.29.4", "-n", bench.name)
    assert bench.reconcile() == "succeeded"
    assert [line for line in said(bench) if "replicas" in line] == []
    assert image(bench.live("deployment", "web")) == ["nginx:1.29.3"]
    assert replicas(bench) == 3


def test_respected_the_live_value_outlives_a_change_of_the_image(bench: Bench, staging: Cluster) -> None:
    options = ["RespectIgnoreDifferences=true"]
    assert bench.deploy(FILES, ignore_differences=[REPLICAS], options=options)[0] == "success"
    assert replicas(bench) == 3, "a new object is as in Git"
    scale(staging, bench.name, 5)
    assert bench.settled(bench.push({"web.json": deployment("web", "nginx:1.29.4", replicas=3)}))[0] == "success"
    assert (replicas(bench), image(bench.live("deployment", "web"))) == (5, ["nginx:1.29.4"])
    scale(staging, bench.name, 6)
    assert bench.reconcile() == "in sync"
    assert bench.settled(bench.push({"web.json": without_replicas("nginx:1.29.5")}))[0] == "success"
    assert (replicas(bench), image(bench.live("deployment", "web"))) == (6, ["nginx:1.29.5"])


def test_respected_the_live_value_outlives_a_move_to_the_deployer(bench: Bench, staging: Cluster) -> None:
    bench.kubectl("create", "namespace", bench.name)
    body = json.loads(deployment("web", replicas=7))
    write(staging, bench.name, body, "argocd-controller", content_type="application/apply-patch+yaml")
    options = ["RespectIgnoreDifferences=true"]
    assert bench.deploy(FILES, ignore_differences=[REPLICAS], options=options)[0] == "success"
    assert replicas(bench) == 7
    assert bench.reconcile() == "in sync"


@pytest.mark.parametrize(
    ("expression", "problem"),
    [(".spec.[", "does not compile: jq: error: syntax error"), ("def f: f; f", "has not ended after 2 s")],
)
def test_an_expression_that_is_none_or_does_not_end_fails_and_nothing_is_written(
    bench: Bench, expression: str, problem: str
) -> None:
    rule = {"group": "*", "kind": "Deployment", "jqPathExpressions": [".spec.replicas", expression]}
    state, description = bench.deploy({**FILES, "other.yaml": config_map("other")}, ignore_differences=[rule])
    assert state == "error"
    line = bench.logged(f"{bench.name}.yaml")
    assert "spec.ignoreDifferences[0].jqPathExpressions[1]" in line
    assert problem in line
    assert problem[:20] in description
    assert bench.kubectl("get", "namespace", bench.name, "--ignore-not-found") == ""


class App:
    """An application of its own, whose rules may be others each time."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster, self.namespace = cluster, namespace

    def sync(
        self, *bodies: dict[str, Any], rule: IgnoreRule, respect: bool = False, progress: Progress = ignore
    ) -> dict[str, str]:
        """What became of each object."""
        options = Options(
            self.namespace,
            create_namespace=True,
            timeout=30,
            owner=Owner(self.namespace, self.namespace, "1" * 40),
            ignored=Ignoring((rule,), respect, "apps.yaml, document 1"),
        )
        result: SyncResult = sync(self.cluster, manifests(*bodies), options, progress)
        assert result.outcome == "succeeded", result.message
        return {str(one.key): str(one.action) for one in result.objects}


@pytest.fixture
def app(staging: Cluster, namespace: str) -> App:
    return App(staging, namespace)


WEB = "apps/v1/namespaces/{}/deployments/web"
CONFIG = "v1/namespaces/{}/configmaps/config"
INGRESS = "networking.k8s.io/v1/namespaces/{}/ingresses/web"
TEAM = "example.org/team"


def containers(**images: str) -> dict[str, Any]:
    """A part of a Deployment."""
    return {"spec": {"template": {"spec": {"containers": [{"name": name, "image": images[name]} for name in images]}}}}


def two_containers() -> dict[str, Any]:
    body: dict[str, Any] = json.loads(deployment("web"))
    body["spec"]["template"]["spec"] = containers(proxy="proxy:1", web="nginx:1")["spec"]["template"]["spec"]
    return body


def config() -> dict[str, Any]:
    body = manifest("v1", "ConfigMap", "config", data={"a": "1", "b": "1"})
    body["metadata"] |= {"annotations": {TEAM: "shop"}, "labels": {"tier": "front"}}
    return body


def ingress(host: str = "shop.example.org", path: str = "/") -> dict[str, Any]:
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    paths = {"paths": [{"path": path, "pathType": "Prefix", "backend": backend}]}
    return manifest("networking.k8s.io/v1", "Ingress", "web", spec={"rules": [{"host": host, "http": paths}]})


def proxy(field: str) -> IgnoreRule:
    expression = f'.spec.template.spec.containers[] | select(.name == "proxy"){field}'
    return IgnoreRule("Deployment", "apps", jq_path_expressions=(".spec.nothing[]", expression))


COUNT = IgnoreRule("Deployment", "apps", json_pointers=(("spec", "replicas"),))
HOST = IgnoreRule("Ingress", "networking.k8s.io", json_pointers=(("spec", "rules", "0", "host"),))
TEAMS = IgnoreRule("ConfigMap", json_pointers=(("metadata", "annotations", TEAM),))
ANY_LABEL = IgnoreRule("ConfigMap", json_pointers=(("metadata", "labels"),))
CONTROLLERS = IgnoreRule("*", "*", managed_fields_managers=("their-controller",))


@pytest.mark.parametrize(
    ("body", "rule", "may", "may_not", "what"),
    [
        (two_containers(), proxy(" | .image"), containers(proxy="proxy:2"), containers(web="nginx:2"), WEB),
        (two_containers(), proxy(""), containers(proxy="proxy:2"), containers(web="nginx:2"), WEB),
        (two_containers(), CONTROLLERS, containers(proxy="proxy:2"), containers(web="nginx:2"), WEB),
        (config(), CONTROLLERS, {"data": {"a": "2"}, "metadata": {"annotations": {TEAM: "x"}}}, {"data": None}, CONFIG),
        (config(), TEAMS, {"metadata": {"annotations": {TEAM: "x"}}}, {"data": {"a": "2"}}, CONFIG),
        (config(), TEAMS, {"metadata": {"annotations": None}}, {"metadata": {"labels": {"tier": "x"}}}, CONFIG),
        (config(), ANY_LABEL, {"metadata": {"labels": {"tier": None}}}, {"metadata": {"labels": None}}, CONFIG),
        (ingress(), HOST, ingress("other.example.org"), ingress(path="/x"), INGRESS),
    ],
    ids=[
        "an image",
        "an item",
        "a manager's",
        "many of a manager's",
        "annotation",
        "no annotations",
        "labels",
        "whole list",
    ],
)
def test_what_may_differ_is_left_alone_and_what_may_not_is_healed(
    app: App, body: dict[str, Any], rule: IgnoreRule, may: Any, may_not: Any, what: str
) -> None:
    (name,) = app.sync(body, rule=rule)
    write(app.cluster, app.namespace, may, "their-controller", what)
    assert app.sync(body, rule=rule) == {name: "unchanged"}
    assert app.sync(body, rule=IgnoreRule("Pod", json_pointers=(("spec",),))) == {name: "updated"}, "without the rule"
    write(app.cluster, app.namespace, may_not, "somebody", what)
    assert app.sync(body, rule=rule) == {name: "updated"}


def at(cluster: Cluster, namespace: str, what: str) -> Any:
    return cluster.request("GET", ("/api/" if what.startswith("v1/") else "/apis/") + what.format(namespace))


def test_respected_every_form_keeps_the_live_value(app: App) -> None:
    body = two_containers()
    app.sync(body, rule=proxy(" | .image"), respect=True)
    write(app.cluster, app.namespace, containers(proxy="proxy:2"), "their-controller")
    body["spec"]["template"]["spec"] |= containers(proxy="proxy:1", web="nginx:2")["spec"]["template"]["spec"]
    assert app.sync(body, rule=proxy(" | .image"), respect=True) == {"Deployment/web": "updated"}
    assert image(at(app.cluster, app.namespace, WEB)) == ["proxy:2", "nginx:2"]

    app.sync(body, ingress(), rule=HOST, respect=True)
    write(app.cluster, app.namespace, ingress("other.example.org"), "their-controller", INGRESS)
    assert app.sync(body, ingress(path="/x"), rule=HOST, respect=True)["Ingress/web"] == "updated"
    (found,) = at(app.cluster, app.namespace, INGRESS)["spec"]["rules"]
    assert (found["host"], found["http"]["paths"][0]["path"]) == ("other.example.org", "/x")
    assert app.sync(body, ingress("a.example.org", "/x"), rule=HOST, respect=True)["Ingress/web"] == "unchanged"

    app.sync(body, ingress(), config(), rule=CONTROLLERS, respect=True)
    write(app.cluster, app.namespace, {"data": {"a": "2"}}, "their-controller", CONFIG)
    changed = config() | {"data": {"a": "1", "b": "2"}}
    assert app.sync(body, ingress(), changed, rule=CONTROLLERS, respect=True)["ConfigMap/config"] == "updated"
    assert at(app.cluster, app.namespace, CONFIG)["data"] == {"a": "2", "b": "2"}


def test_respected_it_is_the_value_of_the_moment(app: App) -> None:
    def meanwhile(step: Step) -> None:
        if step.message == "applying Deployment/web":
            scale(app.cluster, app.namespace, 9)

    app.sync(json.loads(deployment("web")), rule=COUNT, respect=True)
    changed = json.loads(deployment("web", "nginx:1.29.4"))
    assert app.sync(changed, rule=COUNT, respect=True, progress=meanwhile) == {"Deployment/web": "updated"}
    live = at(app.cluster, app.namespace, WEB)
    assert (live["spec"]["replicas"], image(live)) == (9, ["nginx:1.29.4"])


def test_respected_what_only_we_own_stays_where_git_names_it_no_more(app: App) -> None:
    app.sync(json.loads(deployment("web", replicas=3)), rule=COUNT, respect=True)
    assert app.sync(json.loads(without_replicas("nginx:1.29.4")), rule=COUNT, respect=True)
    live = at(app.cluster, app.namespace, WEB)
    assert (live["spec"]["replicas"], image(live)) == (3, ["nginx:1.29.4"])


def test_respected_what_the_cluster_has_not_is_left_out(app: App) -> None:
    app.sync(config(), rule=TEAMS, respect=True)
    write(app.cluster, app.namespace, {"metadata": {"annotations": None}}, "their-controller", CONFIG)
    changed = config() | {"data": {"a": "2"}}
    assert app.sync(changed, rule=TEAMS, respect=True) == {"ConfigMap/config": "updated"}
    live = at(app.cluster, app.namespace, CONFIG)
    assert live["data"] == {"a": "2"}
    assert "annotations" not in live["metadata"]
    assert app.sync(changed, rule=TEAMS, respect=True) == {"ConfigMap/config": "unchanged"}
