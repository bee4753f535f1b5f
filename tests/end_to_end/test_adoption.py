"""Objects that kubectl made become the application's: no field is lost or doubled, and what leaves Git leaves them.

The rules are those of server-side apply (https://kubernetes.io/docs/reference/using-api/server-side-apply/) and of
kubectl's own move to it (client-go, util/csaupgrade).
"""

import json
import os
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest

from deployer.cluster.connection import APPLY, Cluster
from deployer.sync.diff import changes, difference
from local.kubectl import KUBECTL
from tests.end_to_end.adopted import (
    CONFIG,
    CONTAINER,
    LABELS,
    PORTS,
    SECRET,
    SERVICE,
    actions,
    made,
    named,
    owners,
    synced,
    web,
)
from tests.local.kubectl import Kubectl
from tests.sync.helpers import manifest
from tests.sync.managers import patch as written_by
from tests.world import Bench

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
ROLLOUTS = "deployment.kubernetes.io/revision"
CLIENT_SIDE, SERVER_SIDE = (), ("--server-side", "--force-conflicts")
BOTH_WAYS = pytest.mark.parametrize("way", [CLIENT_SIDE, SERVER_SIDE], ids=["client-side", "server-side"])


@pytest.fixture
def kubectl(bench: Bench) -> Kubectl:
    """Somebody with kubectl, in the bench's namespace, which is there."""
    found = Kubectl(bench.world.clusters["staging"].admin_kubeconfig)
    found("create", "namespace", bench.name)
    return found


def owned(live: dict[str, Any]) -> dict[str, Any]:
    """The fields that are ours."""
    (ours,) = (one for one in live["metadata"]["managedFields"] if one["manager"] == "deployer")
    fields: dict[str, Any] = ours["fieldsV1"]
    return fields


def content(live: dict[str, Any]) -> dict[str, Any]:
    """What an object says, but for its own address, what a controller counts, and what kubectl notes for itself."""
    labels, annotations = (live["metadata"].get(key) or {} for key in ("labels", "annotations"))
    notes = {key: value for key, value in annotations.items() if key not in (LAST_APPLIED, ROLLOUTS)}
    kept = {key: value for key, value in live.items() if key not in ("metadata", "status")}
    if spec := kept.get("spec"):
        kept["spec"] = {key: value for key, value in spec.items() if key not in ("clusterIP", "clusterIPs")}
    return {**kept, "labels": dict(labels), "annotations": notes}


@BOTH_WAYS
def test_what_kubectl_made_is_the_same_afterwards_and_ours(
    bench: Bench, kubectl: Kubectl, way: tuple[str, ...]
) -> None:
    bodies = {"deployment": web(replicas=2), "service": SERVICE, "configmap": CONFIG, "secret": SECRET}
    made(kubectl, bench, way, *bodies.values())
    before = {kind: bench.live(kind, body["metadata"]["name"]) for kind, body in bodies.items()}
    files = {f"{kind}.json": json.dumps(body) for kind, body in bodies.items()}
    state, description = bench.deploy(files)
    assert state == "success", description
    after = {kind: bench.live(kind, body["metadata"]["name"]) for kind, body in bodies.items()}
    for kind, live in after.items():
        assert live["metadata"]["uid"] == before[kind]["metadata"]["uid"], "it is the same object still"
        told = content(live)
        assert told["labels"].pop("applyset.kubernetes.io/part-of")
        assert told == content(before[kind])
        assert LAST_APPLIED not in live["metadata"].get("annotations", {})
        assert owners(live) == {"deployer Apply"}, kind
    assert after["deployment"]["metadata"]["annotations"][ROLLOUTS] == "1", "no pod was replaced"

    # They are owned as if kubectl had never been there.
    names = [f"{kind}/{body['metadata']['name']}" for kind, body in bodies.items()]
    kubectl("delete", "-n", bench.name, "--cascade=foreground", *names)
    state, description = bench.settled(bench.push({"README.md": "again"}))
    assert (state, "4 created" in description) == ("success", True), description
    for kind, body in bodies.items():
        new = bench.live(kind, body["metadata"]["name"])
        assert owned(new) == owned(after[kind]), kind
        assert content(new) == content(after[kind]), kind


@BOTH_WAYS
def test_what_kubectl_had_set_and_git_has_not_goes(
    staging: Cluster, bench: Bench, kubectl: Kubectl, way: tuple[str, ...]
) -> None:
    more = web(replicas=2, revisionHistoryLimit=3)
    pod = more["spec"]["template"]["spec"]
    pod["containers"] = [
        {**CONTAINER, "env": [*CONTAINER["env"], {"name": "OLD", "value": "1"}]},
        {"name": "sidecar", "image": "busybox:1.37"},
    ]
    config = named("v1", "ConfigMap", "config", data={**CONFIG["data"], "old": "1"})
    config["metadata"]["labels"]["old"] = config["metadata"]["annotations"]["example.org/old"] = "1"
    ports = [*PORTS, {"name": "old", "port": 81}]
    service = named("v1", "Service", "web", spec={"selector": {**LABELS, "old": "1"}, "ports": ports})
    made(kubectl, bench, way, more, config, service)
    synced(staging, bench, web(), CONFIG, SERVICE)

    spec = bench.live("deployment", "web")["spec"]
    assert (spec["replicas"], spec["revisionHistoryLimit"]) == (1, 10), "the defaults"
    (container,) = spec["template"]["spec"]["containers"]
    assert container["env"] == CONTAINER["env"]
    live = bench.live("configmap", "config")
    assert live["data"] == CONFIG["data"]
    assert "old" not in live["metadata"]["labels"]
    assert live["metadata"]["annotations"] == {"example.org/team": "shop"}
    live = bench.live("service", "web")
    assert live["spec"]["selector"] == LABELS
    assert [port["name"] for port in live["spec"]["ports"]] == ["dns", "dns-tcp", "http"]
    assert actions(synced(staging, bench, web(), CONFIG, SERVICE)) == {"unchanged"}


AUTOSCALED = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": 4}}
INJECTED = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "annotations": {"example.org/injected": "yes"}},
    "spec": {"template": {"spec": {"containers": [{"name": "proxy", "image": "envoy:1.36"}]}}},
}


def controller_has_seen(bench: Bench) -> None:
    """Wait until the Deployment's controller has written what it makes of it."""
    deadline = time.monotonic() + 30
    while (live := bench.live("deployment", "web"))["status"].get("observedGeneration") != live["metadata"][
        "generation"
    ]:
        assert time.monotonic() < deadline, live
        time.sleep(0.1)


CREATED = ("--field-manager=helm",)  # as other tools do: they own defaults too, and leave no annotation
LESS = [
    manifest(
        "apps/v1",
        "Deployment",
        "web",
        spec={
            "selector": {"matchLabels": LABELS},
            "template": {
                "metadata": {"labels": LABELS},
                "spec": {"containers": [{"name": "web", "image": CONTAINER["image"]}]},
            },
        },
    ),
    manifest("v1", "Service", "web", spec={"selector": LABELS, "ports": PORTS[2:]}),
    manifest("v1", "ConfigMap", "config"),
    manifest("v1", "Secret", "login", stringData={"user": "ada"}),
]


LAST_APPLIED_PATH = f'metadata.annotations["{LAST_APPLIED}"]'
PARTS = ("args", "env", "ports", "readinessProbe", "resources.limits", "resources.requests", "volumeMounts")
LEAVES = {"spec.template.spec.volumes", *(f"spec.template.spec.containers[name=web].{part}" for part in PARTS)}
"""What the former manifest of the Deployment had and LESS has not; of `replicas` the default comes back."""


@pytest.mark.parametrize("less", [False, True], ids=["as in Git", "Git has less"])
@pytest.mark.parametrize("way", [CLIENT_SIDE, SERVER_SIDE, CREATED], ids=["client-side", "server-side", "created"])
def test_what_an_adoption_would_change_is_what_it_changes(
    staging: Cluster, bench: Bench, kubectl: Kubectl, way: tuple[str, ...], less: bool
) -> None:
    bodies = [web(replicas=2), SERVICE, CONFIG, SECRET]
    made(kubectl, bench, way, *bodies, verb="create" if way == CREATED else "apply")
    # Not by kubectl, which would have the injector take over all that kubectl has applied.
    written_by(staging, manifest("apps/v1", "Deployment", "web", bench.name), INJECTED, "injector", APPLY)
    kubectl("annotate", "-n", bench.name, "deployment/web", "example.org/note=look at this")
    kubectl("set", "image", "-n", bench.name, "deployment/web", "web=nginx:1.29.2")
    controller_has_seen(bench)
    names = [(body["kind"], body["metadata"]["name"]) for body in bodies]
    before = {name: bench.live(*name) for name in names}
    wanted = LESS if less else bodies

    would = {
        (one.key.kind, one.key.name): one.difference for one in synced(staging, bench, *wanted, dry_run=True).objects
    }
    synced(staging, bench, *wanted)
    for name, shown in would.items():
        after = bench.live(*name)
        if name[0] == "Deployment":  # a new template is a new revision, to its controller
            after["metadata"]["annotations"][ROLLOUTS] = before[name]["metadata"]["annotations"][ROLLOUTS]
        assert shown == difference(before[name], after)
    shown = would["Deployment", "web"]
    assert shown
    gone = {change.path for change in changes(shown.live, shown.desired) if change.desired is None}
    gone -= {LAST_APPLIED_PATH}
    assert gone == (LEAVES if less else set())


def test_the_server_is_asked_for_defaults_only_where_some_would_go(
    staging: Cluster, bench: Bench, kubectl: Kubectl
) -> None:
    other = {**web(), "metadata": {"name": "other"}}
    made(kubectl, bench, CLIENT_SIDE, web(), CONFIG)
    made(kubectl, bench, SERVER_SIDE, other)
    asked = []
    for body in (web(), CONFIG, other):
        before = staging.requests
        synced(staging, bench, body, dry_run=True)
        asked.append(staging.requests - before)
    assert asked == [asked[1] + 1, asked[1], asked[1]]


def foreign_fields(live: dict[str, Any]) -> dict[str, Any]:
    """The fields that others than Git's authors set in the next test."""
    spec, metadata = live["spec"], live["metadata"]
    return {
        "replicas": spec["replicas"],
        "containers": {one["name"] for one in spec["template"]["spec"]["containers"]},
        "annotations": {key: value for key, value in metadata["annotations"].items() if "example.org" in key},
        "label": metadata["labels"].get("seen"),
        "paused": spec.get("paused"),
    }


@BOTH_WAYS
def test_what_others_have_set_stays(staging: Cluster, bench: Bench, kubectl: Kubectl, way: tuple[str, ...]) -> None:
    made(kubectl, bench, way, web(replicas=2), CONFIG)  # and the autoscaler takes replicas over from kubectl
    for manager, body in (("autoscaler", AUTOSCALED), ("injector", INJECTED)):
        kubectl(
            *("apply", "--server-side", "--force-conflicts", f"--field-manager={manager}", "-n", bench.name, "-f", "-"),
            stdin=json.dumps(body),
        )
    kubectl("annotate", "-n", bench.name, "deployment/web", "example.org/note=look at this")
    kubectl("label", "-n", bench.name, "deployment/web", "seen=yes")
    kubectl("patch", "-n", bench.name, "deployment/web", "--type=merge", "-p", '{"spec": {"paused": true}}')
    theirs = {
        "replicas": 4,
        "containers": {"web", "proxy"},
        "annotations": {"example.org/injected": "yes", "example.org/note": "look at this"},
        "label": "yes",
        "paused": True,
    }
    assert foreign_fields(bench.live("deployment", "web")) == theirs
    assert actions(synced(staging, bench, web(), CONFIG)) == {"updated"}
    assert foreign_fields(bench.live("deployment", "web")) == theirs
    # It is no drift either, and stays when something else changes.
    assert actions(synced(staging, bench, web(), CONFIG)) == {"unchanged"}
    synced(staging, bench, web(minReadySeconds=1), CONFIG)
    live = bench.live("deployment", "web")
    assert (foreign_fields(live), live["spec"]["minReadySeconds"]) == (theirs, 1)
    assert {"autoscaler Apply", "injector Apply"} < owners(live)


def scale(kubectl: Kubectl, bench: Bench, replicas: int) -> None:
    kubectl("scale", "-n", bench.name, "deployment/web", f"--replicas={replicas}")


def patch(kubectl: Kubectl, bench: Bench, replicas: int) -> None:
    change = json.dumps({"spec": {"replicas": replicas}})
    kubectl("patch", "-n", bench.name, "deployment/web", "--type=merge", "-p", change)


def edit(kubectl: Kubectl, bench: Bench, replicas: int) -> None:
    config = bench.world.exports["DEPLOYER_LOCAL_KUBECONFIG_STAGING"]
    editor = f"sed -i 's/^  replicas: .*/  replicas: {replicas}/'"
    done = subprocess.run(
        [KUBECTL, "--kubeconfig", config, "edit", "-n", bench.name, "deployment/web"],
        env={**os.environ, "KUBE_EDITOR": editor},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "edited" in done.stdout, done.stderr


def reapply(kubectl: Kubectl, bench: Bench, replicas: int) -> None:
    made(kubectl, bench, SERVER_SIDE, web(replicas=replicas))


Change = Callable[[Kubectl, Bench, int], None]


@pytest.mark.parametrize("change", [scale, patch, edit, reapply])
def test_a_field_leaves_with_git_though_others_had_changed_it_and_back(
    staging: Cluster, bench: Bench, kubectl: Kubectl, change: Change
) -> None:
    synced(staging, bench, CONFIG, web(replicas=3))
    for replicas in (5, 3):
        change(kubectl, bench, replicas)
        assert bench.live("deployment", "web")["spec"]["replicas"] == replicas
    assert actions(synced(staging, bench, CONFIG, web(replicas=3))) == {"unchanged", "updated"}
    live = bench.live("deployment", "web")
    assert live["spec"]["replicas"] == 3
    assert owners(live) == {"deployer Apply"}
    assert actions(synced(staging, bench, CONFIG, web(replicas=3))) == {"unchanged"}
    synced(staging, bench, CONFIG, web())
    assert bench.live("deployment", "web")["spec"]["replicas"] == 1, "the default"


@BOTH_WAYS
def test_a_field_leaves_with_git_though_kubectl_has_applied_the_same(
    staging: Cluster, bench: Bench, kubectl: Kubectl, way: tuple[str, ...]
) -> None:
    synced(staging, bench, CONFIG, web(replicas=3))
    made(kubectl, bench, way, web(replicas=3))  # by whoever does not know of the application
    assert len(owners(bench.live("deployment", "web"))) == 2
    synced(staging, bench, CONFIG, web())
    live = bench.live("deployment", "web")
    assert (live["spec"]["replicas"], owners(live)) == (1, {"deployer Apply"})
    assert LAST_APPLIED not in live["metadata"]["annotations"]


def secret(**texts: str) -> dict[str, Any]:
    return manifest("v1", "Secret", "login", stringData=texts, data={"password": "c2VjcmV0"})


@pytest.mark.parametrize("way", [None, CLIENT_SIDE, SERVER_SIDE], ids=["ours", "client-side", "server-side"])
def test_text_in_a_secret_is_written_once_and_leaves_with_git(
    staging: Cluster, bench: Bench, kubectl: Kubectl, way: tuple[str, ...] | None
) -> None:
    if way is not None:
        made(kubectl, bench, way, secret(user="ada", token="t"))
    synced(staging, bench, secret(user="ada", token="t"))
    first = bench.live("secret", "login")
    assert first["data"] == {"user": "YWRh", "token": "dA==", "password": "c2VjcmV0"}
    assert owners(first) == {"deployer Apply"}

    assert actions(synced(staging, bench, secret(user="ada", token="t"))) == {"unchanged"}
    assert bench.live("secret", "login")["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]

    assert actions(synced(staging, bench, secret(user="grace"))) == {"updated"}
    last = bench.live("secret", "login")
    assert last["data"] == {"user": "Z3JhY2U=", "password": "c2VjcmV0"}
    assert "stringData" not in last
