"""Options of applications and objects in a real cluster, through real pushes."""

import json
import socket
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from deployer.object_options import FLUX, SYNC_OPTIONS
from tests.end_to_end.staged import events, job, now, order, text, turn, wait_until, web
from tests.local.kubectl import Kubectl
from tests.sync.helpers import definition, manifest
from tests.world import Bench

Run = Callable[..., subprocess.CompletedProcess[str]]
MISSPELT = {**text("a"), "dat": {"key": "2"}}


def option(body: dict[str, Any], words: str, wave: int | None = None) -> str:
    """A manifest that has sync options of its own."""
    return turn(body, wave=wave, also={SYNC_OPTIONS: words})


def written(bench: Bench, files: dict[str, str]) -> str:
    """Push, and return what the commit is told; it is to be a success."""
    state, description = bench.settled(bench.push(files))
    assert state == "success", description
    return description


def refused(bench: Bench, files: dict[str, str]) -> str:
    """Push, and return what the log says of it; it is to be a failure that wrote nothing."""
    before = objects(bench)
    commit = bench.push(files)
    assert bench.settled(commit)[0] == "failure"
    assert objects(bench) == before
    return str(json.loads(bench.logged(commit))["message"])


def objects(bench: Bench) -> dict[str, str]:
    """What is there, but for Kubernetes' own, with its version; that of a Job that has not ended is its own to move."""
    found = bench.versions("configmaps,deployments")
    return {name: version for name, version in found.items() if name != "ConfigMap/kube-root-ca.crt"}


@pytest.mark.parametrize("of", ["object", "application"])
def test_without_validation_what_the_schema_does_not_know_is_dropped(bench: Bench, of: str) -> None:
    bench.configure()
    assert ".dat: field not declared in schema" in refused(bench, {"a.json": turn(MISSPELT)})
    bench.configure(options=["Validate=false"] if of == "application" else [])
    written(bench, {"a.json": option(MISSPELT, "Validate=false") if of == "object" else turn({**MISSPELT, "x": 1})})
    assert "dat" not in bench.live("configmap", "a")


@pytest.fixture
def kubectl(bench: Bench) -> Kubectl:
    """The administrator of the bench's cluster."""
    return Kubectl(bench.world.clusters["staging"].admin_kubeconfig)


@pytest.fixture
def group(kubectl: Kubectl) -> Iterator[str]:
    """An API group of one test; its definition is gone after it."""
    group = f"{uuid.uuid4().hex[:8]}.example.org"
    yield group
    kubectl("delete", "crd", f"widgets.{group}", f"gadgets.{group}", "--ignore-not-found")


def test_a_kind_that_an_operator_brings_is_waited_for(bench: Bench, group: str, kubectl: Kubectl) -> None:
    widget = manifest(f"{group}/v1", "Widget", "w", size=1)
    late = option(widget, "SkipDryRunOnMissingResource=true", wave=1)
    files = {"a.json": turn(job("install"), hook="PreSync"), "b.json": turn(text("b"), wave=-1)}
    bench.configure()
    assert "the cluster does not know the kind Widget" in refused(bench, {**files, "w.json": turn(widget, wave=1)})

    since = now(bench)
    commit = bench.push({"w.json": late})
    wait_until(lambda: "ConfigMap/b" in bench.versions())
    kubectl.apply(definition(group))
    state, description = bench.settled(commit)
    assert (state, "2 objects in staging: 2 created, 1 hook ran" in description) == ("success", True), description
    assert order(events(bench, since)) == ["Job/install", "ConfigMap/b"]
    assert bench.live(f"widgets.{group}", "w")["size"] == 1
    assert "2 objects in staging: nothing to change" in written(bench, {"README.md": "read me"})

    # What cannot be tried in time is refused when its turn has come, and what was written stays.
    other = {**widget, "kind": "Gadget", "metadata": {"name": "g"}, "size": "small"}
    commit = bench.push(
        {"g.json": option(other, "SkipDryRunOnMissingResource=true", wave=1), "b.json": turn(text("b", "2"))}
    )
    wait_until(lambda: bench.live("configmap", "b")["data"] == {"key": "2"})
    kubectl.apply(definition(group, "gadgets", "Gadget"))
    state, description = bench.settled(commit)
    assert (state, description.startswith("Gadget/g: ")) == ("failure", True), description


def test_a_hook_may_be_of_such_a_kind(bench: Bench, group: str, kubectl: Kubectl) -> None:
    bench.configure()
    check = {"argocd.argoproj.io/sync-options": "SkipDryRunOnMissingResource=true"}
    late = turn(manifest(f"{group}/v1", "Widget", "w", size=1), hook="PostSync", also=check)
    commit = bench.push({"a.json": turn(job("install")), "w.json": late})
    wait_until(lambda: "Job/install" in bench.versions("jobs") or "failure" in dict(bench.statuses(commit)))
    kubectl.apply(definition(group))
    state, description = bench.settled(commit)
    assert (state, "1 object in staging: 1 created, 1 hook ran" in description) == ("success", True), description
    assert bench.live(f"widgets.{group}", "w")["size"] == 1


def test_what_is_replaced_has_nothing_but_what_the_source_says(bench: Bench) -> None:
    assert bench.deploy({"a.json": option(text("a"), "Replace=true")})[0] == "success"
    uid = bench.live("configmap", "a")["metadata"]["uid"]
    patch = ("patch", "configmap", "a", "-n", bench.name, "--type=merge", "-p", '{"data": {"more": "by hand"}}')
    bench.kubectl(*patch)
    assert "1 changed" in written(bench, {"a.json": option(text("a", "2"), "Replace=true")})
    live = bench.live("configmap", "a")
    assert (live["data"], live["metadata"]["uid"]) == ({"key": "2"}, uid)
    version = live["metadata"]["resourceVersion"]
    assert "nothing to change" in written(bench, {"README.md": "read me"})
    assert bench.live("configmap", "a")["metadata"]["resourceVersion"] == version


@pytest.mark.parametrize("words", ["Force=true", "Force=true,Replace=true"])
def test_with_force_a_job_is_made_again(bench: Bench, words: str) -> None:
    assert bench.deploy({"a.json": option(job("a"), words)})[0] == "success"
    first = bench.live("job", "a")["metadata"]["uid"]
    assert "field is immutable" in refused(bench, {"a.json": turn(job("a", "busybox:1.36")), "b.json": turn(text("b"))})
    since = now(bench)
    written(bench, {"a.json": option(job("a", "busybox:1.36"), words)})
    found = events(bench, since, ["Job"])
    assert (order(found), order(found, "DELETED")) == (["Job/a"], ["Job/a"])
    assert bench.live("job", "a")["metadata"]["uid"] != first
    assert "2 objects in staging: nothing to change" in written(bench, {"README.md": "read me"})


def test_with_force_nobody_elses_job_is_deleted(bench: Bench) -> None:
    bench.kubectl("create", "namespace", bench.name)
    bench.kubectl("create", "job", "a", "-n", bench.name, "--image=busybox:1.35")
    bench.configure()
    uid = bench.live("job", "a")["metadata"]["uid"]
    told = refused(bench, {"a.json": option(job("a"), "Force=true")})
    assert "Force=true deletes only what this application has made" in told
    assert bench.live("job", "a")["metadata"]["uid"] == uid


def test_fluxs_ways_to_apply(bench: Bench) -> None:
    def files(value: str) -> dict[str, str]:
        ways = ("IfNotPresent", "Merge", "Ignore", "Override")
        found = {way: turn(text(way.lower(), value), also={f"{FLUX}ssa": way}) for way in ways}
        return {f"{way}.json": body for way, body in found.items()}

    bench.configure()
    bench.kubectl("create", "namespace", bench.name)
    apply = ("apply", "--server-side", "--field-manager=kubectl", "-n", bench.name, "-f")
    foreign = bench.clone.folder.parent / "foreign.json"
    for name in ("merge", "override"):
        foreign.write_text(json.dumps({**text(name, "theirs"), "data": {"key": "theirs", "more": "theirs"}}))
        bench.kubectl(*apply, str(foreign))
    written(bench, files("1"))
    names = {"IfNotPresent".lower(), "merge", "override"}
    assert "ConfigMap/ignore" not in bench.versions("configmaps")
    bench.kubectl(
        "patch", "configmap", "ifnotpresent", "-n", bench.name, "--type=merge", "-p", '{"data": {"by": "hand"}}'
    )
    written(bench, files("2"))
    live = {name: bench.live("configmap", name)["data"] for name in names}
    assert live == {
        "ifnotpresent": {"key": "1", "by": "hand"},
        "merge": {"key": "2", "more": "theirs"},
        "override": {"key": "2"},
    }


def test_an_autoscaler_owns_the_replicas_that_git_does_not_name(bench: Bench) -> None:
    def files(image: str, **more: Any) -> dict[str, str]:
        body = web(image=image)
        body["spec"] = {**{key: value for key, value in body["spec"].items() if key != "replicas"}, **more}
        target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
        spec = {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 5}
        return {
            "web.json": turn(body),
            "hpa.json": turn(manifest("autoscaling/v2", "HorizontalPodAutoscaler", "web", spec=spec)),
        }

    bench.configure(timeout=1)
    # Nobody here measures pods, so the autoscaler itself is not well.
    bench.settled(bench.push(files("nginx:1.29.2", replicas=1)))
    bench.kubectl("scale", "deployment", "web", "-n", bench.name, "--replicas=3")
    bench.settled(bench.push(files("nginx:1.29.3")))
    live = bench.live("deployment", "web")
    assert (live["spec"]["replicas"], "1.29.3" in json.dumps(live["spec"])) == (3, True)


@pytest.fixture
def deaf() -> Iterator[str]:
    """The address of a webhook that takes connections, and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"https://127.0.0.1:{server.getsockname()[1]}/"


def test_an_admission_webhook_that_does_not_answer(bench: Bench, kubectl: Kubectl, deaf: str) -> None:
    assert bench.deploy({"a.json": turn(text("a"))})[0] == "success"
    rule = {"apiGroups": ["apps"], "apiVersions": ["v1"], "resources": ["deployments"], "operations": ["CREATE"]}
    hook = {
        "name": "deaf.example.org",
        "clientConfig": {"url": deaf},
        "rules": [rule],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": bench.name}},
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "timeoutSeconds": 1,
    }
    body = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration"}
    kubectl.apply({**body, "metadata": {"name": bench.name}, "webhooks": [hook]})
    try:
        probe = ("create", "deployment", "probe", "-n", bench.name, "--image=x", "--dry-run=server")
        wait_until(lambda: kubectl.run(*probe).returncode)
        start = time.monotonic()
        told = refused(bench, {"a.json": turn(text("a", "2"), wave=-1), "web.json": turn(web())})
        assert time.monotonic() - start < 20
    finally:
        kubectl("delete", "validatingwebhookconfiguration", bench.name)
    assert "deaf.example.org" in told
    assert "2 objects in staging: 1 created, 1 changed" in written(bench, {"README.md": "read me"})
