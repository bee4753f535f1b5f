"""What objects and their application say of being pruned, and who approved it."""

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deployer.cluster.connection import Cluster
from deployer.cluster.discovery import Resource
from deployer.cluster.inventory import MEMBER
from deployer.cluster.objects import apply, get
from deployer.manifest import Manifest
from deployer.sync.prune import APPROVED, Pruning, leavers
from deployer.sync.targets import Target
from deployer.sync_options import PruneOption
from local.kubectl import KUBECTL
from local.world import World
from tests.sync.leaving import KEEP, ON, OURS, SAYS, kept, live

FLUX = "kustomize.toolkit.fluxcd.io/"
SINCE = datetime(2026, 3, 1, 12, tzinfo=UTC)
SINCE_TEXT = "2026-03-01T12:00:00Z"
OLDER = "its approval of {} is from before the first sync of this commit, " + SINCE_TEXT
NO_TIME = "its " + APPROVED + " is {!r}, which is no time as RFC 3339 has it"


@pytest.mark.parametrize(
    ("kind", "annotations", "reason"),
    [
        ("ConfigMap", {}, ""),
        ("Deployment", {}, ""),
        ("ConfigMap", {SAYS: "Prune=true"}, ""),
        ("ConfigMap", {SAYS: "Replace=true"}, ""),
        ("ConfigMap", {SAYS: ""}, ""),
        ("ConfigMap", {KEEP: "delete"}, ""),
        ("ConfigMap", {SAYS: "Prune=false"}, f"it says {SAYS}: Prune=false"),
        ("ConfigMap", {SAYS: "Replace=true, Prune=false"}, f"it says {SAYS}: Prune=false"),
        ("ConfigMap", {SAYS: "Prune=false,Prune=true"}, f"it says {SAYS}: Prune=false"),
        ("ConfigMap", {SAYS: "Prune=false,Prune=confirm"}, f"it says {SAYS}: Prune=false"),
        ("ConfigMap", {SAYS: "Prune"}, f"it says {SAYS}: Prune=''; allowed: true, false, confirm"),
        ("ConfigMap", {SAYS: "Prune=True"}, f"it says {SAYS}: Prune='True'; allowed: true, false, confirm"),
        ("ConfigMap", {SAYS: "Prune=no,Prune=true"}, f"it says {SAYS}: Prune='no'; allowed: true, false, confirm"),
        ("ConfigMap", {KEEP: "keep"}, f"it says {KEEP}: keep"),
        ("ConfigMap", {KEEP: "keep", SAYS: "Prune=true"}, f"it says {KEEP}: keep"),
        ("ConfigMap", {f"{FLUX}prune": "Disabled"}, f"it says {FLUX}prune: disabled"),
        ("ConfigMap", {f"{FLUX}reconcile": "disabled", SAYS: "Prune=true"}, f"it says {FLUX}reconcile: disabled"),
        ("ConfigMap", {f"{FLUX}ssa": "ignore"}, f"it says {FLUX}ssa: Ignore"),
        ("ConfigMap", {f"{FLUX}ssa": "Merge", f"{FLUX}prune": "enabled"}, ""),
        ("Namespace", {}, f"a Namespace needs {SAYS}: Prune=true for that"),
        ("PersistentVolumeClaim", {}, f"a PersistentVolumeClaim needs {SAYS}: Prune=true for that"),
        ("CustomResourceDefinition", {}, f"a CustomResourceDefinition needs {SAYS}: Prune=true for that"),
        (
            "CustomResourceDefinition",
            {SAYS: "Replace=true"},
            f"a CustomResourceDefinition needs {SAYS}: Prune=true for that",
        ),
        ("Namespace", {SAYS: "Prune=true"}, ""),
        ("PersistentVolumeClaim", {SAYS: "Prune=true"}, ""),
        ("CustomResourceDefinition", {SAYS: "Prune=true"}, ""),
    ],
)
def test_what_an_object_says_for_itself(kind: str, annotations: dict[str, str], reason: str) -> None:
    assert kept(live(kind, annotations=annotations)) == reason


def test_fluxs_word_counts_as_a_label_too() -> None:
    assert kept(live(labels={MEMBER: OURS, f"{FLUX}prune": "disabled"})) == f"it says {FLUX}prune: disabled"


@pytest.mark.parametrize("kind", ["ConfigMap", "Namespace"])
@pytest.mark.parametrize("application", ["true", "false", "confirm"])
def test_the_word_of_an_object_overrides_that_of_its_application(kind: str, application: PruneOption) -> None:
    pruning = Pruning(True, option=application)
    assert kept(live(kind, annotations={SAYS: "Prune=true"}), pruning) == ""
    assert kept(live(kind, annotations={SAYS: "Prune=false"}), pruning) == f"it says {SAYS}: Prune=false"
    assert kept(live(kind, annotations={SAYS: "Prune=confirm"}), pruning).startswith(f"it says {SAYS}: Prune=confirm, ")


@pytest.mark.parametrize("annotations", [{}, {SAYS: "Replace=true"}])
def test_what_says_nothing_does_what_its_application_says(annotations: dict[str, str]) -> None:
    one = live(annotations=annotations)
    assert kept(one, Pruning(True, option="true")) == ""
    assert kept(one, Pruning(True, option="false")) == "the application says Prune=false"
    assert kept(one, Pruning(True, option="confirm")).startswith("the application says Prune=confirm, and nobody has ")


@pytest.mark.parametrize("kind", ["Namespace", "PersistentVolumeClaim", "CustomResourceDefinition"])
def test_what_takes_others_with_it_needs_its_own_word(kind: str) -> None:
    needs = f"a {kind} needs {SAYS}: Prune=true for that"
    approved = {APPROVED: SINCE_TEXT}
    for option in ("true", "confirm"):
        assert kept(live(kind, annotations=approved), Pruning(True, option=option, since=SINCE)) == needs
    own = {SAYS: "Prune=confirm", **approved}
    assert kept(live(kind, annotations=own), Pruning(True, since=SINCE)) == ""
    assert kept(live(kind, annotations=own), Pruning(True)) != ""


@pytest.mark.parametrize(
    ("approval", "problem"),
    [
        (SINCE_TEXT, ""),
        ("2026-03-01T13:00:00+01:00", ""),
        ("2026-03-01T11:59:59.5-00:30", ""),
        ("2026-03-01t12:00:00.123456789z", ""),
        ("9999-12-31T23:59:59-23:59", ""),
        ("", "nobody has approved it"),
        ("2026-03-01T11:59:59Z", OLDER),
        ("2026-03-01T12:59:59+01:00", OLDER),
        ("0001-01-01T00:00:00+23:59", OLDER),
        ("true", NO_TIME),
        ("2026-03-01T12:00:00", NO_TIME),
        ("2026-03-01T12:00Z", NO_TIME),
        ("2026-03-01 12:00:00Z", NO_TIME),
        ("2026-03-01", NO_TIME),
        ("20260301T120000Z", NO_TIME),
        ("2026-W09-7T12:00:00Z", NO_TIME),
        ("2026-13-01T12:00:00Z", NO_TIME),
        ("2026-03-01T12:00:00Z\n", NO_TIME),
        ("1772366400", NO_TIME),
    ],
)
def test_an_approval_is_a_time_that_is_not_older_than_the_operation(approval: str, problem: str) -> None:
    pruning = Pruning(True, option="confirm", since=SINCE)
    said = kept(live(annotations={APPROVED: approval}), pruning)
    reason, _, command = said.partition("; if meant: ")
    assert reason == (problem and f"the application says Prune=confirm, and {problem.format(approval)}")
    assert bool(command) is bool(problem)


def test_nothing_is_approved_that_has_not_been_told_yet() -> None:
    said = kept(live(annotations={SAYS: "Prune=confirm", APPROVED: "9999-01-01T00:00:00Z"}))
    assert said.startswith(
        f"it says {SAYS}: Prune=confirm, and its approval of 9999-01-01T00:00:00Z is from before the first sync of "
        "this commit; if meant: "
    )


@pytest.mark.parametrize(
    ("one", "command"),
    [
        (live(name="a"), "configmaps/a -n shop"),
        (live("Deployment", "web"), "deployments.apps/web -n shop"),
        (live("Namespace", "shop"), "namespaces/shop"),
        (live("ClusterRole", "a;$(date)"), "'clusterroles.rbac.authorization.k8s.io/a;$(date)'"),
    ],
)
def test_what_waits_for_approval_says_how_to_approve_it(one: Target, command: str) -> None:
    one.manifest.body["metadata"]["annotations"] = {SAYS: "Prune=confirm"}
    assert kept(one) == (
        f"it says {SAYS}: Prune=confirm, and nobody has approved it; if meant: "
        f"`kubectl annotate {command} --overwrite {APPROVED}=$(date -u +%FT%TZ)`, and sync again"
    )


def test_the_command_that_is_told_approves_it(world: World, staging: Cluster, namespace: str, tmp_path: Path) -> None:
    resource = Resource("", "v1", "ConfigMap", "configmaps", namespaced=True)
    metadata = {"name": "a", "namespace": namespace, "labels": {MEMBER: OURS}}
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {**metadata, "annotations": {SAYS: "Prune=confirm"}}}
    staging.request("POST", "/api/v1/namespaces", body={"metadata": {"name": namespace}})
    apply(staging, resource, body, dry_run=False)
    since = datetime.now(UTC).replace(microsecond=0)  # to the second, as a history has it

    def said() -> str:
        found = get(staging, resource, namespace, "a")
        assert found
        return kept(Target(Manifest(found, "the cluster"), resource), Pruning(True, since=since))

    (tmp_path / "kubectl").symlink_to(KUBECTL)
    env = {**os.environ, "KUBECONFIG": world.exports["DEPLOYER_LOCAL_KUBECONFIG_STAGING"]}
    env["PATH"] = f"{tmp_path}{os.pathsep}{env['PATH']}"
    subprocess.run(["sh", "-c", said().split("`")[1]], env=env, check=True, timeout=60)
    assert said() == ""


def test_approval_is_asked_for_only_where_it_is_all_that_lacks() -> None:
    one = live(annotations={SAYS: "Prune=confirm"})
    assert kept(one, Pruning()) == "automated.prune is off"
    (leaver,) = leavers([one], (), OURS, ON, lambda key, namespaced: "project shop does not allow it")
    assert leaver.kept.endswith("project shop does not allow it")
