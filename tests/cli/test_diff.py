"""`deployer diff`: what a sync would change, and nothing written."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import yaml

from deployer.cluster.connection import Cluster
from tests.cli.conftest import DEPLOYER, Run, on_terminal, outcome
from tests.end_to_end.staged import job, turn
from tests.sync.helpers import definition
from tests.world import Bench, config_map, deployment

Done = subprocess.CompletedProcess[str]

SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData: {{password: {}, token: t0ken-value}}\n"
VALUES = ("hunter1", "hunter2", "aHVudGVyMQ", "aHVudGVyMg", "t0ken-value", "dDBrZW4tdmFsdWU")


def everything(cluster: Cluster, namespace: str) -> dict[str, str]:
    """The resourceVersion of each object that a test could make in a namespace; it moves when somebody writes."""
    kinds = ("api/v1", "configmaps"), ("api/v1", "secrets"), ("apis/apps/v1", "deployments")
    lists = [cluster.request("GET", f"/{api}/namespaces/{namespace}/{kind}")["items"] for api, kind in kinds]
    return {one["metadata"]["uid"]: one["metadata"]["resourceVersion"] for items in lists for one in items}


def test_each_object_that_would_change_is_shown_and_nothing_is_written(
    sync: Run, diff: Run, k8s: Path, staging: Cluster, made: str
) -> None:
    (k8s / "a.yaml").write_text("---\n".join([config_map("a"), config_map("same"), SECRET.format("hunter1")]))
    (k8s / "web.json").write_text(deployment("web", replicas=0))
    assert sync("k8s", "--no-wait").returncode == 0
    same = diff("k8s")
    assert (same.returncode, same.stdout) == (0, "4 objects in staging: nothing to change\n")
    staging.request(
        "PATCH",
        f"/api/v1/namespaces/{made}/configmaps/a",
        query={"fieldManager": "somebody"},
        body={"data": {"theirs": "1"}},
        content_type="application/merge-patch+json",
    )

    changed = [config_map("a", "2"), config_map("same"), config_map("new"), SECRET.format("hunter2")]
    (k8s / "a.yaml").write_text("---\n".join(changed))
    (k8s / "web.json").write_text(deployment("web", "nginx:1.29.4", replicas=0))
    before = everything(staging, made)
    done = diff("k8s")
    assert done.returncode == 1, done.stderr
    assert (
        done.stdout
        == f"""\
► Secret/s (namespace {made}) changed
--- live
+++ desired
@@ -4,6 +4,6 @@
   name: s
   namespace: {made}
 data:
-  password: '*** (1)'
+  password: '*** (3)'
   token: '*** (2)'
 type: Opaque

► ConfigMap/a (namespace {made}) changed
--- live
+++ desired
@@ -4,5 +4,5 @@
   name: a
   namespace: {made}
 data:
-  key: "1"
+  key: "2"
   theirs: "1"

► ConfigMap/new (namespace {made}) created
--- live
+++ desired
@@ -0,0 +1,7 @@
+apiVersion: v1
+kind: ConfigMap
+metadata:
+  name: new
+  namespace: {made}
+data:
+  key: "1"

► Deployment/web (namespace {made}) changed
--- live
+++ desired
@@ -17,7 +17,7 @@
     spec:
       containers:
       - name: web
-        image: nginx:1.29.3
+        image: nginx:1.29.4
         resources: {{}}
         terminationMessagePath: /dev/termination-log
         terminationMessagePolicy: File

5 objects in staging: 1 to create, 3 to change
"""
    )
    assert "dry-run of 4 objects" in done.stderr
    in_json = diff("k8s", "-o", "json", "--name", "shop")
    assert in_json.returncode == 1
    found = outcome(in_json)
    assert (found["application"], found["cluster"], found["outcome"]) == ("shop", "staging", "unfinished")
    assert found["message"] == "5 objects in staging: 1 to create, 3 to change"
    metadata = {"name": "new", "namespace": made}
    new = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"key": "1"}}
    image = "spec.template.spec.containers[name=web].image"
    assert [(one["kind"], one["name"], one["action"], one["changes"]) for one in found["objects"]] == [
        ("Secret", "s", "updated", [{"path": "data.password", "live": "*** (1)", "desired": "*** (3)"}]),
        ("ConfigMap", "a", "updated", [{"path": "data.key", "live": "1", "desired": "2"}]),
        ("ConfigMap", "new", "created", [{"path": "", "live": None, "desired": new}]),
        ("ConfigMap", "same", "unchanged", []),
        ("Deployment", "web", "updated", [{"path": image, "live": "nginx:1.29.3", "desired": "nginx:1.29.4"}]),
    ]
    for text in (done.stdout, done.stderr, in_json.stdout, in_json.stderr):
        assert not any(value in text for value in VALUES)
    assert everything(staging, made) == before


def test_no_value_of_a_secret_shows_wherever_it_stands(
    diff: Run, k8s: Path, staging: Cluster, made: str, tmp_path: Path
) -> None:
    # What kubectl has applied carries a copy of itself (CVE-2023-40029), and comes back from the dry-run
    # (CVE-2026-42880).
    body = yaml.safe_load(SECRET.format("hunter1"))
    body["data"] = {"theirs": "dGhlaXJz", "password": "aHVudGVyMQ=="}
    copy = json.dumps(body)
    body["metadata"]["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": copy}
    staging.request("POST", f"/api/v1/namespaces/{made}/secrets", body=body)
    (k8s / "a.yaml").write_text(SECRET.format("hunter2"))
    for done in (diff("k8s"), diff("k8s", "-o", "json")):
        assert done.returncode == 1
        assert not any(value in done.stdout + done.stderr for value in (*VALUES, "theirs-value", "dGhlaXJz"))
    lines = diff("k8s").stdout.splitlines()
    assert {"-  password: '*** (1)'", "+  password: '*** (4)'"} <= set(lines)


def test_who_owns_the_fields_is_a_change_too(diff: Run, k8s: Path, staging: Cluster, made: str) -> None:
    (k8s / "a.yaml").write_text(config_map("a"))
    staging.request("POST", f"/api/v1/namespaces/{made}/configmaps", body=yaml.safe_load(config_map("a")))
    done = diff("k8s")
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        f"► ConfigMap/a (namespace {made}) changed: only the owners of its fields",
        "",
        "1 object in staging: 1 to change",
    ]


def test_what_cannot_be_checked_says_so(
    run: Run, k8s: Path, kubeconfig: Path, namespace: str, staging: Cluster
) -> None:
    group = f"{namespace}.example.com"
    metadata = {"name": namespace}
    new = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata},
        definition(group),
        {"apiVersion": f"{group}/v1", "kind": "Widget", "metadata": {"name": "w", "namespace": "default"}},
        yaml.safe_load(SECRET.format("hunter2")),
    ]
    (k8s / "a.yaml").write_text(yaml.safe_dump_all(new))
    done = run("diff", "k8s", "-n", namespace, "--kubeconfig", kubeconfig)
    assert done.returncode == 1, done.stderr
    assert [line for line in done.stdout.splitlines() if line.startswith("►")] == [
        f"► Namespace/{namespace} created",
        f"► Secret/s (namespace {namespace}) created: not checked by the server: its Namespace {namespace} is new",
        f"► CustomResourceDefinition/widgets.{group} created",
        "► Widget/w (namespace default) created: not checked by the server: its definition is new",
    ]
    assert "+data:\n+  password: '*** (1)'\n+  token: '*** (2)'\n" in done.stdout
    assert done.stdout.endswith("4 objects in staging: 4 to create\n")
    assert [one["metadata"]["name"] for one in staging.request("GET", "/api/v1/namespaces")["items"]].count(
        namespace
    ) == 0


def test_a_terminal_gets_colour_and_nothing_that_steers_it(
    k8s: Path, kubeconfig: Path, made: str, staging: Cluster
) -> None:
    live = {"metadata": {"name": "a"}, "data": {"key": "1", "theirs": "\x1b[2J\u202e", "more": "\x1b]0;title\x07\n"}}
    staging.request(
        "POST", f"/api/v1/namespaces/{made}/configmaps", body=live, query={"fieldManager": "kubectl-create"}
    )
    (k8s / "a.yaml").write_text(config_map("a", "2") + f"  long: {'word ' * 40}\n")
    command = [*DEPLOYER, "diff", "k8s", "--kubeconfig", str(kubeconfig), "-n", made]
    screen = on_terminal(command, k8s.parent)
    assert screen.status == 1
    for coloured in ("\x1b[31m-  key:", "\x1b[32m+  key:", "\x1b[36m@@ -", "\x1b[33m► ConfigMap/a"):
        assert coloured in screen.raw
    start = screen.lines.index("--- live")
    assert screen.lines[start + 5 :] == [
        " data:",
        '-  key: "1"',
        '+  key: "2"',
        f"+  long: {'word ' * 40}".rstrip(),
        r'   more: "\x1B]0;title\x07\n\\'[:-1],
        '     "',
        r'   theirs: "\x1B[2J\U0000202E"',
        "",
        "1 object in staging: 1 to change",
    ]
    plain = on_terminal(command, k8s.parent, {"NO_COLOR": "1"})
    assert (plain.status, "\x1b" in plain.raw) == (1, False)
    assert plain.lines[-9:] == screen.lines[-9:]


def test_of_an_application_the_commit_of_the_watched_ref_is_compared(
    bench: Bench, deployer: Callable[..., Done]
) -> None:
    bench.configure(automated=False)
    bench.world.github.wait_for_delivery(bench.push({"a.yaml": config_map("a"), "b.yaml": config_map("b")}))
    assert deployer("sync", bench.name).returncode == 0
    assert deployer("diff", bench.name).returncode == 0
    commit = bench.push({"a.yaml": config_map("a", "2")})
    bench.world.github.wait_for_delivery(commit)
    before, told = bench.versions(), bench.statuses(commit)
    done = deployer("diff", bench.name, "-o", "json")
    assert done.returncode == 1, done.stderr
    found = outcome(done)
    assert (found["application"], found["cluster"], found["revision"]) == (bench.name, "staging", commit)
    changes = {one["name"]: one["changes"] for one in found["objects"]}
    assert changes == {"a": [{"path": "data.key", "live": "1", "desired": "2"}], "b": []}
    assert bench.statuses(commit) == told, "a diff tells the commit nothing"
    assert bench.versions() == before


def test_hooks_are_no_difference(diff: Run, sync: Run, k8s: Path) -> None:
    (k8s / "a.yaml").write_text(config_map("a"))
    (k8s / "migrate.json").write_text(turn(job("migrate"), hook="PreSync"))
    tried = sync("k8s", "--dry-run")
    assert (tried.returncode, "Job/migrate (PreSync)" in tried.stdout) == (0, True), tried.stderr
    assert "1 to create, 1 hook to run, nothing written" in tried.stdout
    assert sync("k8s").returncode == 0
    done = diff("k8s", "-o", "json")
    assert done.returncode == 0, done.stderr
    assert [one["name"] for one in json.loads(done.stdout)["objects"]] == ["a"]
    assert "migrate" not in diff("k8s").stdout
