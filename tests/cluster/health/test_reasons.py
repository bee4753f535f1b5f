from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deployer.cluster.health.reasons import Reason, pod_reason, workload_reason

START = datetime(2026, 11, 24, 8, 0, 0, tzinfo=UTC)
SOON, LATER = START + timedelta(seconds=59), START + timedelta(seconds=60)


def at(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def pod(*containers: dict[str, Any], name: str = "web-1", **status: Any) -> dict[str, Any]:
    owner = {"kind": "ReplicaSet", "name": "web-aaa", "uid": "u1", "controller": True}
    return {
        "kind": "Pod",
        "metadata": {
            "name": name,
            "creationTimestamp": at(START),
            "ownerReferences": [owner],
            "labels": {"pod-template-hash": "aaa"},
        },
        "status": {"phase": "Pending", "startTime": at(START), "containerStatuses": [*containers], **status},
    }


def waiting(reason: str, message: str = "why", name: str = "web") -> dict[str, Any]:
    return {"name": name, "state": {"waiting": {"reason": reason, "message": message}}}


def crashing(restarts: int, code: int = 1, reason: str = "Error") -> dict[str, Any]:
    ended = {"terminated": {"exitCode": code, "reason": reason}}
    return {**waiting("CrashLoopBackOff", "back-off 40s"), "restartCount": restarts, "lastState": ended}


def running(restarts: int, *, ready: bool) -> dict[str, Any]:
    ended = {"terminated": {"exitCode": 1, "reason": "Error"}} if restarts else {}
    return {"name": "web", "ready": ready, "restartCount": restarts, "state": {"running": {}}, "lastState": ended}


def condition(kind: str, status: str, reason: str, message: str = "why", **more: str) -> dict[str, Any]:
    return {"conditions": [{"type": kind, "status": status, "reason": reason, "message": message, **more}]}


def deployment(updated: int = 1, **status: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "generation": 2},
        "status": {"observedGeneration": 2, "updatedReplicas": updated, **status},
    }


def job(**status: Any) -> dict[str, Any]:
    metadata = {"name": "migrate", "uid": "u1", "generation": 1}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "status": status}


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (waiting("ImagePullBackOff"), "Pod/web-1, container web: ImagePullBackOff: why"),
        (waiting("CreateContainerError", ""), "Pod/web-1, container web: CreateContainerError"),
        (crashing(2), "Pod/web-1, container web: CrashLoopBackOff: restarted 2 times, ended with exit code 1"),
        (
            crashing(1, 0, "Completed"),
            "Pod/web-1, container web: CrashLoopBackOff: restarted 1 times, ended with exit code 0",
        ),
        (
            crashing(1, 137, "OOMKilled"),
            "Pod/web-1, container web: CrashLoopBackOff: restarted 1 times, ended with OOMKilled, exit code 137",
        ),
        (
            {"name": "web", "state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}},
            "Pod/web-1, container web: OOMKilled: ended with OOMKilled, exit code 137",
        ),
        (
            {"name": "web", "state": {"terminated": {"exitCode": 1}}},
            "Pod/web-1, container web: Error: ended with exit code 1",
        ),
        (running(2, ready=False), "Pod/web-1, container web: NotReady: restarted 2 times, ended with exit code 1"),
    ],
)
def test_what_a_container_says(status: dict[str, Any], words: str) -> None:
    assert str(pod_reason(pod(status), START, START)) == words


@pytest.mark.parametrize(
    "status",
    [
        waiting("ContainerCreating"),
        waiting("PodInitializing"),
        running(0, ready=False),
        running(2, ready=True),
        {"name": "web", "state": {"terminated": {"exitCode": 0}}, "lastState": {"terminated": {"exitCode": 1}}},
    ],
)
def test_what_says_nothing(status: dict[str, Any]) -> None:
    assert pod_reason(pod(status), LATER, START) is None


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (
            condition("PodScheduled", "False", "Unschedulable", "0/3 nodes are available"),
            "Pod/web-1: Unschedulable: 0/3 nodes are available",
        ),
        (condition("PodScheduled", "False", "SchedulingGated"), "Pod/web-1: SchedulingGated: why"),
        ({"phase": "Failed", "reason": "Evicted", "message": "low on memory"}, "Pod/web-1: Evicted: low on memory"),
        ({"phase": "Failed"}, "Pod/web-1: Failed"),
        (
            {
                "phase": "Running",
                **condition("Ready", "False", "ContainersNotReady", "containers with unready status: [web]"),
            },
            "Pod/web-1: NotReady: it runs, but containers with unready status: [web]",
        ),
        (
            {"phase": "Running", **condition("Ready", "False", "", "")},
            "Pod/web-1: NotReady: it runs, but is not ready",
        ),
    ],
)
def test_what_a_pod_says(status: dict[str, Any], words: str) -> None:
    reason = pod_reason(pod(**status), START + timedelta(hours=1), START)
    assert str(reason) == words
    assert reason
    assert not reason.hopeless


def test_a_pod_may_take_half_a_minute_to_be_ready() -> None:
    starting = pod(phase="Running", **condition("Ready", "False", "ContainersNotReady"))
    assert pod_reason(starting, START + timedelta(seconds=29), START) is None
    assert pod_reason(starting, START + timedelta(seconds=30), START)


@pytest.mark.parametrize("status", [{"phase": "Running", **condition("Ready", "True", "")}, {"phase": "Succeeded"}, {}])
def test_a_pod_that_says_nothing(status: dict[str, Any]) -> None:
    assert pod_reason(pod(**status), LATER, START) is None


def test_init_containers_speak_first() -> None:
    reason = pod_reason(
        pod(waiting("PodInitializing"), initContainerStatuses=[waiting("ErrImagePull", name="init")]), START, START
    )
    assert reason
    assert reason.container == "init"


def test_the_hopeless_container_speaks() -> None:
    reason = pod_reason(
        pod(waiting("CreateContainerError", name="a"), waiting("InvalidImageName", name="b")), START, START
    )
    assert reason
    assert (reason.container, reason.hopeless) == ("b", True)


@pytest.mark.parametrize(
    ("status", "at_once", "after_a_minute"),
    [
        (waiting("InvalidImageName"), True, True),
        (waiting("ErrImageNeverPull"), True, True),
        (waiting("CreateContainerConfigError", "couldn't find key URL in ConfigMap web/settings"), True, True),
        (waiting("CreateContainerConfigError", "couldn't find key TOKEN in Secret web/settings"), True, True),
        (waiting("CreateContainerConfigError", 'configmap "settings" not found'), False, False),
        (waiting("CreateContainerError", "couldn't find key"), False, False),
        (waiting("ErrImagePull"), False, True),
        (waiting("ImagePullBackOff"), False, True),
        (waiting("RegistryUnavailable"), False, True),
        (waiting("SignatureValidationFailed"), False, True),
        (crashing(3), False, True),
        (crashing(2), False, False),
        (running(5, ready=False), False, False),
        (waiting("RunContainerError"), False, False),
    ],
)
def test_hopeless(status: dict[str, Any], at_once: bool, after_a_minute: bool) -> None:
    soon, later = pod_reason(pod(status), SOON, START), pod_reason(pod(status), LATER, START)
    assert soon
    assert later
    assert (soon.hopeless, later.hopeless) == (at_once, after_a_minute)


@pytest.mark.parametrize(
    ("more", "since"),
    [
        ({}, LATER),
        ({"startTime": at(LATER)}, START),
        (condition("Initialized", "True", "", lastTransitionTime=at(LATER)), START),
    ],
)
def test_the_minute_counts_from_the_last_beginning(more: dict[str, Any], since: datetime) -> None:
    late = pod(crashing(3), **more)
    for seconds, hopeless in ((59, False), (60, True)):
        reason = pod_reason(late, LATER + timedelta(seconds=seconds), since)
        assert reason
        assert reason.hopeless is hopeless


def test_a_pod_that_has_not_started_counts_from_the_wait() -> None:
    reason = pod_reason({"metadata": {"name": "x"}, "status": {"containerStatuses": [crashing(3)]}}, LATER, START)
    assert reason
    assert reason.hopeless


QUOTA = condition("ReplicaFailure", "True", "FailedCreate", "exceeded quota: pods")
LATE = condition("Progressing", "False", "ProgressDeadlineExceeded", 'ReplicaSet "web-aaa" has timed out progressing.')


@pytest.mark.parametrize(
    ("status", "words", "hopeless"),
    [
        (QUOTA, "Deployment/web: FailedCreate: exceeded quota: pods", False),
        (
            LATE,
            'Deployment/web: ProgressDeadlineExceeded: ReplicaSet "web-aaa" has timed out progressing.',
            True,
        ),
    ],
)
def test_what_a_deployment_says(status: dict[str, Any], words: str, hopeless: bool) -> None:
    reason = workload_reason(deployment(**status), [], LATER, START)
    assert reason
    assert (str(reason), reason.hopeless) == (words, hopeless)


@pytest.mark.parametrize("status", [QUOTA, LATE, condition("Progressing", "True", "NewReplicaSetAvailable"), {}])
def test_a_deployment_that_says_nothing_of_its_latest_change(status: dict[str, Any]) -> None:
    unobserved = deployment(**{**status, "observedGeneration": 1})
    assert workload_reason(unobserved, [pod(waiting("InvalidImageName"))], LATER, START) is None


def test_nothing_to_say() -> None:
    assert workload_reason(deployment(), [pod(running(0, ready=True))], LATER, START) is None


def test_a_failed_job() -> None:
    failed = job(**condition("Failed", "True", "BackoffLimitExceeded"))
    assert workload_reason(failed, [], START, START) == Reason("Job/migrate", "", "BackoffLimitExceeded", "why", True)


def test_the_pods_of_a_failed_job_know_better() -> None:
    ended = {"name": "web", "state": {"terminated": {"exitCode": 3, "reason": "Error", "message": "no database"}}}
    reason = workload_reason(job(**condition("Failed", "True", "BackoffLimitExceeded")), [pod(ended)], START, START)
    assert reason == Reason("Pod/web-1", "web", "Error", "ended with exit code 3: no database", True)


def test_a_job_that_is_running_may_have_failed_pods() -> None:
    ended = {"name": "web", "state": {"terminated": {"exitCode": 3, "reason": "Error"}}}
    reason = workload_reason(job(active=1, failed=1), [pod(ended)], LATER, START)
    assert reason
    assert not reason.hopeless


def test_a_replica_set_that_may_not_make_pods() -> None:
    made = {**deployment(**QUOTA), "kind": "ReplicaSet"}
    assert str(workload_reason(made, [], LATER, START)) == "ReplicaSet/web: FailedCreate: exceeded quota: pods"


def test_the_most_hopeless_speaks() -> None:
    pods = [pod(waiting("CreateContainerError"), name="a"), pod(waiting("InvalidImageName"), name="b")]
    reason = workload_reason(deployment(**QUOTA), pods, START, START)
    assert reason
    assert (reason.about, reason.hopeless) == ("Pod/b", True)


def test_a_quota_speaks_before_a_pod_that_may_recover() -> None:
    pods = [pod(waiting("CreateContainerError"))]
    assert str(workload_reason(deployment(**QUOTA), pods, START, START)).startswith("Deployment/web: FailedCreate")
    assert str(workload_reason(deployment(), pods, START, START)).startswith("Pod/web-1")


def test_a_pod_speaks_for_itself() -> None:
    reason = workload_reason(pod(waiting("InvalidImageName")), [], START, START)
    assert reason
    assert (reason.about, reason.hopeless) == ("Pod/web-1", True)
