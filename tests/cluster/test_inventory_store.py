import json
import os
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deployer.cluster.connection import Cluster
from deployer.cluster.discovery import Resource
from deployer.cluster.history import Entry
from deployer.cluster.inventory import MEMBER, GroupKind, Inventory, begun, empty, narrowed, recorded, widened
from deployer.cluster.inventory_store import read, write
from deployer.cluster.objects import apply
from deployer.cluster.operation import Operation
from deployer.errors import ClusterError
from local.kubectl import KUBECTL
from local.world import World
from tests.cluster.helpers import make_namespace, narrow, through_proxy
from tests.faults.proxy import Answer, Cut

NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)
CONFIG_MAP = GroupKind("", "ConfigMap")
ENTRY = Entry("a" * 40, NOON, "push to main", "alice", "succeeded", {"created": 1}, {"apply": 0.5})
OPERATION = Operation("a" * 40, NOON, "host-1", "push to main")


def written(cluster: Cluster, namespace: str) -> Inventory:
    """The inventory of application `web` after its first sync."""
    make_namespace(cluster, namespace)
    return write(cluster, empty("web", namespace), recorded(empty("web", namespace), ENTRY, 10))


def test_a_sync_is_kept_from_its_beginning_to_its_end(staging: Cluster, namespace: str) -> None:
    make_namespace(staging, namespace)
    first = read(staging, "web", namespace)
    assert first == empty("web", namespace)

    sent = staging.requests
    under_way = write(staging, first, begun(widened(first, [CONFIG_MAP], [namespace, "other"]), OPERATION))
    assert under_way == read(staging, "web", namespace)
    assert under_way.operation == OPERATION
    assert under_way.namespaces == {"other"}
    done = write(staging, under_way, recorded(narrowed(under_way, [CONFIG_MAP], [namespace]), ENTRY, 10))
    assert done == read(staging, "web", namespace)
    assert staging.requests == sent + 4  # two to write, two to read
    assert (done.operation, done.namespaces, done.history) == (None, frozenset(), (replace(ENTRY, id=1),))


def test_a_commit_that_changes_nothing_is_one_request_and_none_when_it_is_known(
    staging: Cluster, namespace: str
) -> None:
    before = written(staging, namespace)
    sent = staging.requests
    after = write(staging, before, recorded(before, replace(ENTRY, revision="b", counts={"unchanged": 1}), 10))
    assert staging.requests == sent + 1
    again = recorded(after, replace(ENTRY, revision="b", counts={"unchanged": 1}, when=datetime.now(UTC)), 10)
    assert write(staging, after, again) is after
    assert staging.requests == sent + 1
    assert [one.revision for one in read(staging, "web", namespace).history] == ["b", "a" * 40]


def test_a_write_over_somebody_elses_is_refused_at_once(staging: Cluster, namespace: str) -> None:
    before = written(staging, namespace)
    theirs = write(staging, before, begun(before, OPERATION))
    sent = staging.requests
    with pytest.raises(
        ClusterError, match=rf"somebody else wrote ConfigMap deployer-web in namespace {namespace}"
    ) as e:
        write(staging, before, recorded(before, replace(ENTRY, revision="b"), 10))
    assert (e.value.status, e.value.transient) == (409, False)
    assert staging.requests == sent + 2  # one to look whether it was ourselves
    assert read(staging, "web", namespace) == theirs


def test_a_write_over_one_that_was_removed_is_refused(staging: Cluster, namespace: str) -> None:
    before = written(staging, namespace)
    staging.request("DELETE", f"/api/v1/namespaces/{namespace}/configmaps/deployer-web")
    with pytest.raises(ClusterError, match="somebody else wrote") as error:
        write(staging, before, begun(before, OPERATION))
    assert error.value.status == 409
    assert read(staging, "web", namespace).resource_version == ""


def test_the_second_of_two_first_syncs_is_refused(staging: Cluster, namespace: str) -> None:
    written(staging, namespace)
    with pytest.raises(ClusterError, match="somebody else wrote") as error:
        write(staging, empty("web", namespace), begun(empty("web", namespace), OPERATION))
    assert error.value.status == 409


def test_one_of_another_tool_is_neither_read_nor_written_over(staging: Cluster, namespace: str) -> None:
    make_namespace(staging, namespace)
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    staging.request("POST", path, body={"metadata": {"name": "deployer-web"}, "data": {"a": "1"}})
    for act in (lambda: read(staging, "web", namespace), lambda: written_over(staging, namespace)):
        with pytest.raises(ClusterError, match="is no inventory of ours: rename the application"):
            act()
    assert staging.request("GET", f"{path}/deployer-web")["data"] == {"a": "1"}


def written_over(cluster: Cluster, namespace: str) -> None:
    write(cluster, empty("web", namespace), begun(empty("web", namespace), OPERATION))


def test_a_namespace_that_is_not_there_is_told(staging: Cluster, namespace: str) -> None:
    with pytest.raises(ClusterError, match=f'namespaces "{namespace}" not found') as error:
        written_over(staging, namespace)
    assert error.value.status == 404


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_lost_answer_is_no_conflict(
    world: World, staging: Cluster, namespace: str, tmp_path: Path, method: str
) -> None:
    make_namespace(staging, namespace)
    before = empty("web", namespace)
    if method == "PATCH":
        before = write(staging, before, recorded(before, ENTRY, 10))
    with through_proxy(world.clusters["staging"], tmp_path) as (proxy, cluster):
        proxy.play(f"^{method} ", Cut(after=0), Answer(503))
        after = write(cluster, before, begun(before, OPERATION))
        assert [one.method for one in proxy.seen] == [method, method, method, "GET"]
    assert after == read(staging, "web", namespace)
    assert write(staging, after, recorded(after, ENTRY, 10)).operation is None


def test_what_others_put_there_stays(staging: Cluster, namespace: str) -> None:
    written(staging, namespace)
    path = f"/api/v1/namespaces/{namespace}/configmaps/deployer-web"
    theirs = {"metadata": {"labels": {"team": "a"}}, "data": {"note": "1"}}
    staging.request("PATCH", path, body=theirs, content_type="application/merge-patch+json")
    before = read(staging, "web", namespace)
    write(staging, before, begun(before, OPERATION))
    found = staging.request("GET", path)
    assert found["metadata"]["labels"]["team"] == "a"
    assert found["data"]["note"] == "1"


def test_get_create_and_patch_are_enough(world: World, staging: Cluster, namespace: str) -> None:
    make_namespace(staging, namespace)
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "create", "patch"]}]
    with narrow(world.clusters["staging"], staging, namespace, rules) as cluster:
        before = read(cluster, "web", namespace)
        between = write(cluster, before, begun(before, OPERATION))
        write(cluster, between, recorded(between, ENTRY, 10))


def test_the_longest_history_fits(staging: Cluster, namespace: str) -> None:
    before = written(staging, namespace)
    worst = replace(ENTRY, why="\U0001f600" * 200, who="\x01" * 200, error='"\\' * 250)
    after = before
    for number in range(500):
        after = recorded(after, replace(worst, revision=f"{number}"), 1000)
    found = write(staging, before, after)
    assert 100 < len(found.history) < 500
    assert found.history == after.history[: len(found.history)]


def kubectl(world: World, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    config = world.exports["DEPLOYER_LOCAL_KUBECONFIG_STAGING"]
    return subprocess.run(
        [KUBECTL, "--kubeconfig", config, *arguments],
        env={**os.environ, "KUBECTL_APPLYSET": "true"},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_kubectl_finds_the_members_and_leaves_them_alone(world: World, staging: Cluster, namespace: str) -> None:
    before = written(staging, namespace)
    inventory = write(staging, before, widened(before, [CONFIG_MAP], [namespace]))
    metadata = {"name": "member", "namespace": namespace, "labels": {MEMBER: inventory.id}}
    member = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
    apply(staging, Resource("", "v1", "ConfigMap", "configmaps", namespaced=True), member, dry_run=False)

    found = kubectl(world, "get", "configmaps", "-A", "-l", f"{MEMBER}={inventory.id}", "-o", "name")
    assert found.stdout.split() == ["configmap/member"]

    other = json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "other"}})
    tried = kubectl(
        world,
        *("apply", "--applyset=configmap/deployer-web", "-n", namespace, "--prune", "-f", "-"),
        stdin=other,
    )
    assert tried.returncode == 1
    assert 'already exists and is managed by tooling "deployer" instead of "kubectl"' in tried.stderr
    left = kubectl(world, "get", "configmaps", "-n", namespace, "-o", "name").stdout
    assert {"configmap/member", "configmap/deployer-web"} <= set(left.split())
    assert "configmap/other" not in left
    assert read(staging, "web", namespace) == inventory


def test_an_applyset_of_kubectl_is_refused(world: World, staging: Cluster, namespace: str) -> None:
    make_namespace(staging, namespace)
    other = json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "other"}})
    made = kubectl(
        world,
        *("apply", "--applyset=configmap/deployer-web", "-n", namespace, "--prune", "-f", "-"),
        stdin=other,
    )
    assert made.returncode == 0, made.stderr
    with pytest.raises(ClusterError, match=r"is an ApplySet of 'kubectl/v1\.37.*': rename the application"):
        read(staging, "web", namespace)
