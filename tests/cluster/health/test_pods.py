from typing import Any

import pytest

from deployer.cluster.health.pods import current, selector


def workload(kind: str, api_version: str = "apps/v1", **status: Any) -> dict[str, Any]:
    metadata = {"name": "web", "uid": "u1", "generation": 2}
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": metadata,
        "status": {"observedGeneration": 2, **status},
    }


def pod(name: str, second: int, owner: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    made = f"2026-11-24T08:00:{second:02}Z"
    return {"metadata": {"name": name, "creationTimestamp": made, "ownerReferences": [owner], **metadata}}


def of_deployment(name: str, second: int, hash_: str, replica_set: str = "", **metadata: Any) -> dict[str, Any]:
    owner = {"kind": "ReplicaSet", "name": replica_set or f"web-{hash_}", "uid": "r1", "controller": True}
    return pod(name, second, owner, labels={"pod-template-hash": hash_}, **metadata)


def of(name: str, second: int, revision: str = "", uid: str = "u1", **metadata: Any) -> dict[str, Any]:
    owner = {"kind": "Any", "name": "web", "uid": uid, "controller": True}
    return pod(name, second, owner, labels={"controller-revision-hash": revision}, **metadata)


def names(pods: list[Any]) -> list[str]:
    return [one["metadata"]["name"] for one in pods]


@pytest.mark.parametrize(
    ("api_version", "kind"),
    [
        *(("apps/v1", "Deployment"), ("apps/v1", "StatefulSet"), ("apps/v1", "DaemonSet"), ("apps/v1", "ReplicaSet")),
        ("batch/v1", "Job"),
    ],
)
def test_selector(api_version: str, kind: str) -> None:
    matches = {
        "matchLabels": {"app": "web", "example.com/tier": ""},
        "matchExpressions": [
            {"key": "a", "operator": "In", "values": ["x", "y"]},
            {"key": "b", "operator": "NotIn", "values": ["z"]},
            {"key": "c", "operator": "Exists"},
            {"key": "d", "operator": "DoesNotExist"},
        ],
    }
    obj = {"apiVersion": api_version, "kind": kind, "spec": {"selector": matches}}
    assert selector(obj) == "app=web,example.com/tier=,a in (x,y),b notin (z),c,!d"


@pytest.mark.parametrize(
    ("api_version", "kind", "matches"),
    [
        ("v1", "Service", {"app": "web"}),
        ("batch/v1", "CronJob", None),
        ("example.com/v1", "Deployment", {"matchLabels": {"app": "web"}}),
        ("apps/v1", "Deployment", {}),
        ("apps/v1", "Deployment", None),
    ],
)
def test_no_selector(api_version: str, kind: str, matches: object) -> None:
    assert selector({"apiVersion": api_version, "kind": kind, "spec": {"selector": matches}}) is None


def test_pods_of_a_deployment() -> None:
    pods = [
        of_deployment("old", 1, "aaa"),
        of_deployment("new-1", 2, "bbb"),
        of_deployment("new-2", 3, "bbb"),
        of_deployment("going", 4, "bbb", deletionTimestamp="2026-11-24T08:01:00Z"),
        of_deployment("somebody-else", 5, "ccc", replica_set="other-ccc"),
        of("of-a-stateful-set", 6),
        {"metadata": {"name": "nobodys", "creationTimestamp": "2026-11-24T08:00:07Z"}},
    ]
    assert names(current(workload("Deployment", updatedReplicas=2), pods)) == ["new-2", "new-1"]


def test_before_a_deployment_has_a_new_pod_none_speaks() -> None:
    pods = [of_deployment("old", 1, "aaa")]
    assert current(workload("Deployment", updatedReplicas=0), pods) == []
    assert current(workload("Deployment", observedGeneration=1, updatedReplicas=1), pods) == []
    assert names(current(workload("Deployment", updatedReplicas=1), pods)) == ["old"]


def test_pods_of_a_stateful_set() -> None:
    pods = [of("web-0", 3, "old"), of("web-1", 2, "new"), of("web-1", 9, "new", uid="u2")]
    made = workload("StatefulSet", updatedReplicas=1, updateRevision="new", currentRevision="old")
    assert current(made, pods) == [pods[1]]
    assert current(workload("StatefulSet", updateRevision="new"), pods) == []


def test_pods_of_a_daemon_set() -> None:
    pods = [of("a", 1, "old"), of("b", 2, "new"), of("c", 1, "new")]
    assert names(current(workload("DaemonSet", updatedNumberScheduled=2), pods)) == ["b", "c"]
    assert current(workload("DaemonSet", updatedNumberScheduled=0), pods) == []


@pytest.mark.parametrize(("api_version", "kind"), [("batch/v1", "Job"), ("apps/v1", "ReplicaSet")])
def test_pods_of_what_has_no_revisions(api_version: str, kind: str) -> None:
    pods = [of("a", 1), of("b", 2), of("c", 3, uid="u2"), of("d", 4, deletionTimestamp="2026-11-24T08:01:00Z")]
    assert names(current(workload(kind, api_version), pods)) == ["b", "a"]


def test_no_pods() -> None:
    assert current(workload("Deployment", updatedReplicas=1), []) == []
