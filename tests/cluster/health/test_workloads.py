from typing import Any

import pytest

from deployer.cluster.health import health

SEEN = {"observedGeneration": 2}


def judge(kind: str, spec: dict[str, Any], status: dict[str, Any], api_version: str = "apps/v1") -> tuple[str, str]:
    found = health(
        {
            "apiVersion": api_version,
            "kind": kind,
            "metadata": {"name": "web", "generation": 2},
            "spec": spec,
            "status": status,
        }
    )
    return found.status, found.message


def conditions(*triples: tuple[str, str, str]) -> dict[str, Any]:
    return {
        "conditions": [
            {"type": kind, "status": status, "reason": reason, "message": "why"} for kind, status, reason in triples
        ]
    }


@pytest.mark.parametrize(
    ("spec", "status", "expected", "message"),
    [
        (
            {"replicas": 3, "paused": True},
            {"observedGeneration": 1},
            "Suspended",
            "the Deployment is paused (spec.paused)",
        ),
        ({"replicas": 3}, {}, "Progressing", "the latest change has not been seen by the controller yet"),
        (
            {"replicas": 3},
            {"observedGeneration": 1, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3},
            "Progressing",
            "the latest change has not been seen by the controller yet",
        ),
        (
            {"replicas": 3},
            {**SEEN, **conditions(("Progressing", "False", "ProgressDeadlineExceeded"))},
            "Degraded",
            "ProgressDeadlineExceeded: why",
        ),
        (
            {"replicas": 3},
            {**SEEN, "replicas": 3, "updatedReplicas": 2, "availableReplicas": 3},
            "Progressing",
            "2 of 3 replicas are updated",
        ),
        (
            {"replicas": 3},
            {**SEEN, "replicas": 4, "updatedReplicas": 3, "availableReplicas": 3},
            "Progressing",
            "1 old replicas are still there",
        ),
        (
            {"replicas": 3},
            {**SEEN, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 2},
            "Progressing",
            "2 of 3 updated replicas are available",
        ),
        (
            {"replicas": 3},
            {
                **SEEN,
                "replicas": 3,
                "updatedReplicas": 3,
                "availableReplicas": 3,
                **conditions(("Progressing", "True", "NewReplicaSetAvailable")),
            },
            "Healthy",
            "3 of 3 replicas are available",
        ),
        ({"replicas": 0}, SEEN, "Healthy", "0 of 0 replicas are available"),
    ],
)
def test_deployment(spec: dict[str, Any], status: dict[str, Any], expected: str, message: str) -> None:
    assert judge("Deployment", spec, status) == (expected, message)


ROLLING = {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}}
PARTITION = {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}}
ON_DELETE = {"updateStrategy": {"type": "OnDelete"}}


@pytest.mark.parametrize(
    ("spec", "status", "expected", "message"),
    [
        ({"replicas": 0}, {}, "Progressing", "the latest change has not been seen by the controller yet"),
        ({"replicas": 3}, {"observedGeneration": 1, "readyReplicas": 3}, "Progressing", "the latest change"),
        ({"replicas": 3, **ROLLING}, {**SEEN, "readyReplicas": 2}, "Progressing", "2 of 3 replicas are ready"),
        (
            {"replicas": 3, **ROLLING},
            {**SEEN, "readyReplicas": 3, "updatedReplicas": 1},
            "Progressing",
            "1 of 3 replicas above the partition are updated",
        ),
        (
            {"replicas": 3, **ROLLING},
            {**SEEN, "readyReplicas": 3, "updatedReplicas": 3},
            "Healthy",
            "3 of 3 replicas are ready",
        ),
        (
            {"replicas": 3, **PARTITION},
            {**SEEN, "readyReplicas": 3, "updatedReplicas": 0},
            "Progressing",
            "0 of 1 replicas above the partition are updated",
        ),
        (
            {"replicas": 3, **PARTITION},
            {**SEEN, "readyReplicas": 3, "updatedReplicas": 1},
            "Healthy",
            "3 of 3 replicas are ready",
        ),
        (
            {"replicas": 3, **ON_DELETE},
            {**SEEN, "readyReplicas": 3, "updateRevision": "b", "currentRevision": "a"},
            "Healthy",
            "3 of 3 replicas are ready; each is updated when it is deleted (OnDelete)",
        ),
        (
            {"replicas": 3},
            {**SEEN, "readyReplicas": 3, "updatedReplicas": 1, "updateRevision": "b", "currentRevision": "a"},
            "Progressing",
            "1 of 3 replicas are updated",
        ),
        (
            {"replicas": 3},
            {**SEEN, "readyReplicas": 3, "updateRevision": "a", "currentRevision": "a"},
            "Healthy",
            "3 of 3 replicas are ready",
        ),
    ],
)
def test_stateful_set(spec: dict[str, Any], status: dict[str, Any], expected: str, message: str) -> None:
    found, words = judge("StatefulSet", spec, status)
    assert found == expected
    assert words.startswith(message)


def test_a_stateful_set_nobody_has_looked_at() -> None:
    """A generation of 0 is not behind an observed one of 0."""
    found = health({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {}, "spec": {"replicas": 0}})
    assert found.status == "Progressing"


@pytest.mark.parametrize(
    ("spec", "status", "expected", "message"),
    [
        ({}, {}, "Progressing", "the latest change has not been seen by the controller yet"),
        (
            ON_DELETE,
            {**SEEN, "desiredNumberScheduled": 3, "updatedNumberScheduled": 1, "numberAvailable": 3},
            "Healthy",
            "1 of 3 pods are updated; each is when it is deleted (OnDelete)",
        ),
        (
            {},
            {**SEEN, "desiredNumberScheduled": 3, "updatedNumberScheduled": 2, "numberAvailable": 3},
            "Progressing",
            "2 of 3 pods are updated",
        ),
        (
            {},
            {**SEEN, "desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 2},
            "Progressing",
            "2 of 3 pods are available",
        ),
        (
            {},
            {**SEEN, "desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 3},
            "Healthy",
            "3 of 3 pods are available",
        ),
        ({}, SEEN, "Healthy", "0 of 0 pods are available"),
    ],
)
def test_daemon_set(spec: dict[str, Any], status: dict[str, Any], expected: str, message: str) -> None:
    assert judge("DaemonSet", spec, status) == (expected, message)


@pytest.mark.parametrize(
    ("status", "expected", "message"),
    [
        ({}, "Progressing", "the latest change has not been seen by the controller yet"),
        ({**SEEN, **conditions(("ReplicaFailure", "True", "FailedCreate"))}, "Degraded", "FailedCreate: why"),
        ({**SEEN, "availableReplicas": 1}, "Progressing", "1 of 2 replicas are available"),
        (
            {**SEEN, "availableReplicas": 2, **conditions(("ReplicaFailure", "False", ""))},
            "Healthy",
            "2 of 2 replicas are available",
        ),
    ],
)
def test_replica_set(status: dict[str, Any], expected: str, message: str) -> None:
    assert judge("ReplicaSet", {"replicas": 2}, status) == (expected, message)


def waiting(reason: str, message: str = "why") -> dict[str, Any]:
    return {"name": "web", "state": {"waiting": {"reason": reason, "message": message}}}


def terminated(reason: str, code: int, message: str = "", state: str = "state") -> dict[str, Any]:
    return {"name": "web", state: {"terminated": {"reason": reason, "exitCode": code, "message": message}}}


@pytest.mark.parametrize(
    ("policy", "status", "expected", "message"),
    [
        (
            "Always",
            {"phase": "Pending", "containerStatuses": [waiting("ErrImagePull")]},
            "Degraded",
            "container web: ErrImagePull: why",
        ),
        (
            "Always",
            {"phase": "Pending", "containerStatuses": [waiting("CreateContainerConfigError")]},
            "Degraded",
            "container web: CreateContainerConfigError: why",
        ),
        (
            "Always",
            {"phase": "Running", "containerStatuses": [waiting("CrashLoopBackOff"), waiting("ImagePullBackOff")]},
            "Degraded",
            "container web: CrashLoopBackOff: why; container web: ImagePullBackOff: why",
        ),
        (
            "Always",
            {"phase": "Pending", "initContainerStatuses": [waiting("CrashLoopBackOff")]},
            "Progressing",
            "the pod is not running yet",
        ),
        (
            "Never",
            {"phase": "Pending", "containerStatuses": [waiting("ErrImagePull")]},
            "Progressing",
            "container web: ErrImagePull: why",
        ),
        (
            "Always",
            {"phase": "Pending", "containerStatuses": [waiting("ContainerCreating", "")]},
            "Progressing",
            "container web: ContainerCreating",
        ),
        (
            "Always",
            {"phase": "Pending", **conditions(("PodScheduled", "False", "Unschedulable"))},
            "Progressing",
            "Unschedulable: why",
        ),
        ("Never", {"phase": "Succeeded"}, "Healthy", "the pod has run to its end"),
        (
            "Always",
            {"phase": "Failed", "message": "The node was low on memory."},
            "Degraded",
            "The node was low on memory.",
        ),
        (
            "Never",
            {
                "phase": "Failed",
                "initContainerStatuses": [terminated("Completed", 0)],
                "containerStatuses": [terminated("Error", 1, "no database")],
            },
            "Degraded",
            "container web: exit code 1: no database",
        ),
        (
            "Never",
            {"phase": "Failed", "containerStatuses": [terminated("OOMKilled", 137)]},
            "Degraded",
            "container web: OOMKilled, exit code 137",
        ),
        ("Never", {"phase": "Failed"}, "Degraded", "the pod failed"),
        ("Always", {"phase": "Running", **conditions(("Ready", "True", ""))}, "Healthy", "the pod is ready"),
        (
            "Always",
            {"phase": "Running", "containerStatuses": [terminated("Error", 2, state="lastState")]},
            "Degraded",
            "container web is not ready after a restart; it ended with exit code 2",
        ),
        (
            "Always",
            {"phase": "Running", "containerStatuses": [terminated("Completed", 0, state="lastState")]},
            "Degraded",
            "container web is not ready after a restart; it ended with exit code 0",
        ),
        (
            "Always",
            {"phase": "Running", "containerStatuses": [{}], **conditions(("Ready", "False", "ContainersNotReady"))},
            "Progressing",
            "ContainersNotReady: why",
        ),
        ("Always", {"phase": "Running"}, "Progressing", "the pod is not ready yet"),
        (
            "OnFailure",
            {"phase": "Running", **conditions(("Ready", "True", ""))},
            "Progressing",
            "the pod has not run to its end yet",
        ),
        ("Always", {"phase": "Unknown"}, "Unknown", "the pod's phase is Unknown: its node may be lost"),
        ("Always", {}, "Unknown", "the pod's phase is not known: its node may be lost"),
    ],
)
def test_pod(policy: str, status: dict[str, Any], expected: str, message: str) -> None:
    assert judge("Pod", {"restartPolicy": policy}, status, "v1") == (expected, message)


@pytest.mark.parametrize(
    ("spec", "status", "expected", "message"),
    [
        ({"completions": 3}, {}, "Progressing", "0 of 3 pods succeeded, 0 run, 0 failed"),
        ({}, {"active": 1, "failed": 2}, "Progressing", "0 of 1 pods succeeded, 1 run, 2 failed"),
        ({}, conditions(("Failed", "True", "BackoffLimitExceeded")), "Degraded", "BackoffLimitExceeded: why"),
        (
            {},
            {"succeeded": 1, **conditions(("SuccessCriteriaMet", "True", ""), ("Complete", "True", ""))},
            "Healthy",
            "complete: 1 pods succeeded",
        ),
        ({}, conditions(("Suspended", "True", "JobSuspended")), "Suspended", "the Job is suspended (spec.suspend)"),
        ({}, conditions(("Suspended", "False", "JobResumed")), "Progressing", "0 of 1 pods succeeded, 0 run, 0 failed"),
        ({}, conditions(("Failed", "False", "")), "Progressing", "0 of 1 pods succeeded, 0 run, 0 failed"),
    ],
)
def test_job(spec: dict[str, Any], status: dict[str, Any], expected: str, message: str) -> None:
    assert judge("Job", spec, status, "batch/v1") == (expected, message)


EARLY, LATE = "2026-11-24T08:00:00Z", "2026-11-24T09:00:00Z"


@pytest.mark.parametrize(
    ("spec", "status", "expected", "message"),
    [
        ({}, {}, "Healthy", "it has not been due yet"),
        ({"suspend": True}, {}, "Healthy", "the CronJob is suspended (spec.suspend)"),
        ({}, {"lastScheduleTime": LATE, "active": [{"name": "x"}]}, "Healthy", "a Job of it is running"),
        (
            {},
            {"lastScheduleTime": LATE, "lastSuccessfulTime": EARLY, "active": [{"name": "x"}]},
            "Healthy",
            "a Job of it is running",
        ),
        ({}, {"lastScheduleTime": LATE}, "Healthy", "no run has succeeded yet"),
        (
            {},
            {"lastScheduleTime": EARLY, "lastSuccessfulTime": LATE},
            "Healthy",
            f"the last run succeeded at {LATE}",
        ),
        (
            {},
            {"lastScheduleTime": LATE, "lastSuccessfulTime": EARLY},
            "Degraded",
            f"the run of {LATE} did not succeed; the last that did ended at {EARLY}",
        ),
    ],
)
def test_cron_job(spec: dict[str, Any], status: dict[str, Any], expected: str, message: str) -> None:
    assert judge("CronJob", spec, status, "batch/v1") == (expected, message)
