"""Drift: what somebody has changed is found and named by `reconcile`, and healed where that is wanted."""

import base64
import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from deployer.cluster.inventory import MEMBER, empty
from tests.end_to_end.reconciling import history, inventory, said
from tests.world import Bench, deployment

TEAM = "example.org/team"
KEPT, NEW = "the-value-in-git", "the-value-by-hand"


def config(name: str) -> str:
    metadata = {"name": name, "labels": {"tier": "front"}, "annotations": {TEAM: "shop"}}
    return json.dumps(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"key": "1", "other": "1"}}
    )


SECRET = json.dumps(
    {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login"}, "stringData": {"password": KEPT}}
)


def merge(**fields: object) -> tuple[str, ...]:
    return "--type=merge", "-p", json.dumps(fields)


# What a person types, and what it is called afterwards.
EDITS = {
    ("edit", "configmap", "edited"): 'ConfigMap/edited data.key "1" → "2" by kubectl-edit at NOW',
    ("patch", "configmap", "patched", *merge(data={"key": "2"})): (
        'ConfigMap/patched data.key "1" → "2" by kubectl-patch at NOW'
    ),
    ("scale", "deployment", "scaled", "--replicas=2"): "Deployment/scaled spec.replicas 1 → 2 by kubectl",
    ("set", "image", "deployment/changed", "changed=nginx:1.29.4"): (
        "Deployment/changed spec.template.spec.containers[name=changed].image "
        '"nginx:1.29.3" → "nginx:1.29.4" by kubectl-set at NOW'
    ),
    ("annotate", "configmap", "annotated", f"{TEAM}=mine", "--overwrite"): (
        f'ConfigMap/annotated metadata.annotations["{TEAM}"] "shop" → "mine" by kubectl-annotate at NOW'
    ),
    ("label", "configmap", "labelled", "tier=back", "--overwrite"): (
        'ConfigMap/labelled metadata.labels.tier "front" → "back" by kubectl-label at NOW'
    ),
    ("label", "configmap", "unclaimed", f"{MEMBER}-"): (
        f'ConfigMap/unclaimed metadata.labels["{MEMBER}"] "ID → absent by unknown'
    ),
    ("patch", "configmap", "shortened", "--type=json", "-p", '[{"op": "remove", "path": "/data/key"}]'): (
        'ConfigMap/shortened data.key "1" → absent by unknown'
    ),
    ("delete", "configmap", "deleted"): "ConfigMap/deleted is missing",
    ("patch", "secret", "login", *merge(stringData={"password": NEW})): (
        'Secret/login data.password "*** (2)" → "*** (1)" by kubectl-patch at NOW'
    ),
}
FILES = {
    **{
        f"{name}.json": config(name)
        for name in ("edited", "patched", "annotated", "labelled", "unclaimed", "shortened", "deleted", "extended")
    },
    **{f"{name}.json": deployment(name) for name in ("scaled", "changed")},
    "login.json": SECRET,
}
KINDS = "deployments,configmaps,secrets"


def named(bench: Bench) -> list[str]:
    """The drift that was named so far, but for the time and the application's id."""
    lines = [line.removeprefix("drift: ") for line in said(bench, "WARNING") if line.startswith("drift: ")]
    return sorted(re.sub(r'"applyset-\S+', '"ID', re.sub(r" at \d\d:\d\d$", " at NOW", line)) for line in lines)


@pytest.fixture
def drifted(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """An application of which a person has changed all that a person can change."""
    assert bench.deploy(FILES)[0] == "success"
    monkeypatch.setenv("KUBE_EDITOR", """sed -i 's/key: "1"/key: "2"/'""")
    for command in EDITS:
        bench.kubectl(*command, "-n", bench.name)
    return bench


def test_drift_of_every_sort_is_named_and_then_healed(drifted: Bench) -> None:
    bench, commit = drifted, drifted.clone.head()
    before = (bench.versions(KINDS), inventory(bench), bench.statuses(commit))
    assert bench.reconcile() == "out of sync"
    assert named(bench) == sorted(EDITS.values())
    assert (bench.versions(KINDS), inventory(bench), bench.statuses(commit)) == before, "nobody wants it healed"
    moments = {f" at {moment:%H:%M}" for moment in (datetime.now(UTC), datetime.now(UTC) - timedelta(minutes=1))}
    assert any(line.endswith(moment) for line in said(bench) for moment in moments)
    assert "out of sync: 1 to create, 9 to change" in said(bench, "INFO")

    bench.configure(self_heal=True)
    assert bench.reconcile() == "succeeded"
    for name in ("edited", "patched", "annotated", "labelled", "unclaimed", "shortened", "deleted"):
        live = bench.live("configmap", name)
        assert live["data"] == {"key": "1", "other": "1"}, name
        assert live["metadata"]["annotations"] == {TEAM: "shop"}, name
        assert live["metadata"]["labels"] == {"tier": "front", MEMBER: empty(bench.name, bench.name).id}, name
    assert bench.live("deployment", "scaled")["spec"]["replicas"] == 1
    containers = bench.live("deployment", "changed")["spec"]["template"]["spec"]["containers"]
    assert [one["image"] for one in containers] == ["nginx:1.29.3"]
    assert base64.b64decode(bench.live("secret", "login")["data"]["password"]).decode() == KEPT
    last = history(bench)[0]
    assert (last["revision"], last["why"], last["who"], last["result"]) == (commit, "drift", "reconcile", "succeeded")
    assert last["counts"] == {"created": 1, "updated": 9, "unchanged": 1}
    assert bench.statuses(commit) == before[2], "the commit knows that it is live"

    told = named(bench)
    assert bench.reconcile() == "in sync"
    assert named(bench) == told == sorted([*EDITS.values()] * 2)
    # Of the Secret no value turns up anywhere.
    everywhere = bench.log() + (bench.world.folder / "reconcile.log").read_text() + json.dumps(inventory(bench))
    for value in (KEPT, NEW):
        assert value not in everywhere
        assert base64.b64encode(value.encode()).decode() not in everywhere


def test_what_is_not_in_git_is_no_drift(bench: Bench) -> None:
    assert bench.deploy({"a.json": config("a"), "web.json": deployment("web")}, self_heal=True)[0] == "success"
    bench.kubectl("annotate", "configmap", "a", "-n", bench.name, "example.org/seen=yes")
    bench.kubectl("label", "deployment", "web", "-n", bench.name, "seen=yes")
    bench.kubectl("patch", "configmap", "a", "-n", bench.name, *merge(data={"another": "1"}))
    bench.kubectl("set", "env", "deployment/web", "-n", bench.name, "COLOUR=red")
    bench.kubectl("create", "configmap", "theirs", "-n", bench.name)
    bench.kubectl("rollout", "status", "deployment/web", "-n", bench.name)
    assert bench.reconcile() == "in sync"
    assert said(bench) == []
    assert bench.live("configmap", "a")["data"]["another"] == "1"
    assert bench.live("deployment", "web")["spec"]["template"]["spec"]["containers"][0]["env"]


def test_what_cannot_be_healed_is_told_and_nothing_else_is_healed(bench: Bench) -> None:
    assert bench.deploy({"a.json": config("a"), "b.json": config("b")}, self_heal=True)[0] == "success"
    bench.kubectl("patch", "configmap", "a", "-n", bench.name, *merge(data={"key": "2"}, immutable=True))
    bench.kubectl("patch", "configmap", "b", "-n", bench.name, *merge(data={"key": "2"}))
    before = (bench.versions(KINDS), inventory(bench), bench.statuses(bench.clone.head()))
    assert bench.reconcile() == "failed"
    assert "ConfigMap/a" in said(bench, "ERROR")[0]
    assert "immutable" in said(bench, "ERROR")[0]
    assert (bench.versions(KINDS), inventory(bench), bench.statuses(bench.clone.head())) == before
