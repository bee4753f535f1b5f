"""Waiting for health, with pods that fare as `local/stages.yaml` says."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from deployer.cluster.connection import Cluster
from deployer.sync.owner import not_moved
from deployer.sync.result import Step
from deployer.sync.rollout import Rollout, await_end, await_health
from tests.sync.helpers import by_name, manifest, written
from tests.world import config_map, deployment

PROMPT = 10.0
"""Seconds within which `at once` must be, with pods, controllers and looks that each take some."""


class Wait:
    """One wait from writing to its end: `rollout`, `steps`, `seconds`, and the requests that waiting took."""

    rollout: Rollout
    seconds: float
    requests: int

    def __init__(self, cluster: Cluster, namespace: str, react: Callable[[Step], None]) -> None:
        self.steps: list[Step] = []
        self._cluster, self._namespace, self._react = cluster, namespace, react

    def __call__(
        self,
        *documents: str | dict[str, Any],
        timeout: float,
        waited: float = 0,
        leave: float | None = None,
        moved: Callable[[], str] = not_moved,
    ) -> "Wait":
        """Write and wait; a rollout that is under way is left after so many seconds."""
        writing = written(self._cluster, self._namespace, *documents)
        start, requests = time.monotonic(), self._cluster.requests
        until = None if leave is None else start + leave
        self.rollout = await_health(
            self._cluster,
            writing.plan.targets,
            writing.live,
            timeout,
            self._told,
            waited=waited,
            until=until,
            moved=moved,
        )
        self.seconds, self.requests = time.monotonic() - start, self._cluster.requests - requests
        return self

    def _told(self, step: Step) -> None:
        self.steps.append(step)
        self._react(step)

    @property
    def healths(self) -> dict[str, str]:
        return {name: str(one.status) for name, one in by_name(dict(self.rollout.healths)).items()}

    @property
    def reasons(self) -> list[str]:
        return [step.reason for step in self.steps if step.reason]


@pytest.fixture
def wait(staging: Cluster, namespace: str) -> Wait:
    """Writes documents and waits for their health."""
    return Wait(staging, namespace, lambda step: None)


def job(name: str, image: str = "busybox:1.37", **spec: Any) -> dict[str, Any]:
    pod = {"restartPolicy": "Never", "containers": [{"name": "main", "image": image}]}
    return manifest("batch/v1", "Job", name, spec={"template": {"spec": pod}, **spec})


def with_env(text: str, source: dict[str, Any]) -> dict[str, Any]:
    """A Deployment whose container reads a variable from somewhere."""
    body: dict[str, Any] = json.loads(text)
    body["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "X", "valueFrom": source}]
    return body


def test_all_is_well(wait: Wait) -> None:
    service = {"type": "LoadBalancer", "selector": {"app": "web"}, "ports": [{"port": 80}]}
    documents = (config_map("a"), deployment("web"), job("once"), manifest("v1", "Service", "web", spec=service))
    wait(*documents, timeout=30)
    assert wait.rollout.problem == ""
    assert wait.healths == dict.fromkeys(("ConfigMap/a", "Deployment/web", "Job/once", "Service/web"), "Healthy")
    assert wait.reasons == []
    assert "healthy]: " in wait.steps[0].message


def test_what_is_healthy_is_not_asked_for_again(wait: Wait) -> None:
    wait(config_map("a"), timeout=30)
    assert wait.rollout.problem == ""
    assert wait.requests == 0
    assert wait.steps == []


def test_an_image_that_cannot_be_pulled_is_told_early_and_fails_in_the_end(wait: Wait) -> None:
    wait(config_map("a"), deployment("web", "nginx:does-not-exist"), timeout=3)
    assert wait.healths == {"ConfigMap/a": "Healthy", "Deployment/web": "Progressing"}
    problem = wait.rollout.problem
    assert problem.startswith("1 of 2 objects not healthy after 3 s: Deployment/web: "), problem
    assert "container web: ErrImagePull" in problem or "container web: ImagePullBackOff" in problem
    assert "nginx:does-not-exist" in problem
    assert by_name(dict(wait.rollout.healths))["Deployment/web"].message in problem
    assert wait.reasons[0].startswith("Deployment/web: ")
    assert "Pod/web-" in wait.reasons[0]
    assert "[1/2 healthy]" in wait.steps[-1].message
    assert 3 <= wait.seconds < 5
    assert wait.requests < 30, "the pauses grow"


def test_pods_are_left_alone_while_a_rollout_is_young(wait: Wait) -> None:
    wait(deployment("web", "nginx:does-not-exist"), timeout=0.9)
    assert wait.reasons == [], "most rollouts need no more"
    assert "nginx:does-not-exist" in wait.rollout.problem, "but at the end it is told"


MISSING_KEY = with_env(deployment("web"), {"configMapKeyRef": {"name": "a", "key": "does-not-exist"}})
BAD_NAME = deployment("web", "INVALID//image")
NEVER_DONE = deployment("web", "nginx:never", progressDeadlineSeconds=1)


@pytest.mark.parametrize(
    ("document", "named", "reason"),
    [
        (MISSING_KEY, "Deployment/web", "CreateContainerConfigError: couldn't find key does-not-exist in ConfigMap"),
        (BAD_NAME, "Deployment/web", "InvalidImageName"),
        (NEVER_DONE, "Deployment/web", "ProgressDeadlineExceeded"),
        (job("once", "busybox:exit-1", backoffLimit=0), "Job/once", "BackoffLimitExceeded"),
    ],
)
def test_what_waiting_cannot_help_fails_at_once(
    wait: Wait, document: str | dict[str, Any], named: str, reason: str
) -> None:
    wait(config_map("a"), document, timeout=60)
    assert wait.seconds < PROMPT
    assert wait.rollout.problem.startswith(f"{named}: "), "not how many, after how long"
    assert reason in wait.rollout.problem or reason in json.dumps([step.reason for step in wait.steps])
    assert wait.healths["ConfigMap/a"] == "Healthy"


def test_the_hopeless_one_is_the_one_that_is_told(wait: Wait) -> None:
    wait(deployment("a", "nginx:never"), deployment("b", "INVALID//image"), timeout=60)
    assert wait.seconds < PROMPT
    assert wait.rollout.problem.startswith("Deployment/b: ")


def test_what_is_suspended_ends_the_wait(wait: Wait) -> None:
    wait(job("later", suspend=True), deployment("held", paused=True), timeout=30)
    assert wait.rollout.problem == ""
    assert wait.healths == {"Job/later": "Suspended", "Deployment/held": "Suspended"}
    assert wait.seconds < PROMPT


def test_what_is_deleted_meanwhile_is_missing(staging: Cluster, namespace: str) -> None:
    there = True

    def delete(step: Step) -> None:
        nonlocal there
        if there:
            there = False
            staging.request("DELETE", f"/apis/apps/v1/namespaces/{namespace}/deployments/web")

    wait = Wait(staging, namespace, delete)
    wait(deployment("web", "nginx:never"), timeout=1.5)
    assert wait.healths == {"Deployment/web": "Missing"}
    expected = "1 of 1 objects not healthy after 1.5 s: Deployment/web: it is not in the cluster"
    assert wait.rollout.problem == expected


def test_a_quota_that_is_full_is_named_and_waited_for(wait: Wait) -> None:
    quota = manifest("v1", "ResourceQuota", "no-pods", spec={"hard": {"pods": "0"}})
    wait(quota, deployment("web"), timeout=3)
    assert "exceeded quota: no-pods" in wait.rollout.problem
    assert "exceeded quota: no-pods" in wait.reasons[0]
    assert wait.rollout.problem.startswith("1 of 2 objects not healthy after 3 s")


def test_a_crash_loop_is_told_and_gets_its_time(wait: Wait) -> None:
    wait(deployment("web", "nginx:crash"), timeout=3)
    assert "CrashLoopBackOff" in wait.rollout.problem
    assert "exit code 1" in wait.rollout.problem
    assert wait.seconds >= 3


def test_several_that_are_not_healthy_are_counted(wait: Wait) -> None:
    broken = [deployment(name, "nginx:never") for name in ("b", "c")]
    wait(deployment("a"), *broken, config_map("d"), timeout=2)
    assert wait.rollout.problem.startswith("2 of 4 objects not healthy after 2 s: Deployment/b: ")
    assert wait.healths == {
        "Deployment/a": "Healthy",
        "Deployment/b": "Progressing",
        "Deployment/c": "Progressing",
        "ConfigMap/d": "Healthy",
    }


def test_a_bare_pod_speaks_for_itself(wait: Wait) -> None:
    pod = manifest("v1", "Pod", "p", spec={"containers": [{"name": "main", "image": "INVALID//image"}]})
    wait(pod, timeout=60)
    assert wait.seconds < PROMPT
    assert wait.rollout.problem.startswith("Pod/p: ")
    assert "container main: InvalidImageName" in wait.rollout.problem


def test_what_is_mended_in_time_is_well(staging: Cluster, namespace: str) -> None:
    def mend(step: Step) -> None:
        if step.reason:  # as `kubectl set image` does
            path = f"/apis/apps/v1/namespaces/{namespace}/deployments/web"
            good = {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "nginx:1.29.3"}]}}}}
            query = {"fieldManager": "kubectl-set"}
            staging.request(
                "PATCH", path, query=query, body=good, content_type="application/strategic-merge-patch+json"
            )

    wait = Wait(staging, namespace, mend)
    wait(deployment("web", "nginx:does-not-exist"), timeout=30)
    assert wait.reasons
    assert wait.rollout.problem == ""
    assert wait.healths == {"Deployment/web": "Healthy"}


def test_a_newer_sync_ends_the_wait_of_an_older_one(staging: Cluster, namespace: str) -> None:
    def overtake(step: Step) -> None:
        if step.reason:
            written(staging, namespace, deployment("web"))

    wait = Wait(staging, namespace, overtake)
    wait(deployment("web", "nginx:does-not-exist"), timeout=30)
    assert wait.rollout.problem == "superseded: a newer sync has written Deployment/web while this one waited"


def test_a_rollout_that_is_under_way_is_left_in_time(wait: Wait) -> None:
    wait(config_map("a"), deployment("web", "nginx:never"), timeout=60, leave=0.4)
    assert wait.rollout.problem == ""
    assert wait.rollout.under_way.startswith("still rolling out [1/2 healthy]: Deployment/web: ")
    assert wait.healths == {"ConfigMap/a": "Healthy", "Deployment/web": "Progressing"}
    assert 0.4 <= wait.seconds < 3
    assert wait.steps, "it has waited until then"


def test_what_holds_a_rollout_up_is_told_when_it_is_left(wait: Wait) -> None:
    wait(deployment("web", "nginx:does-not-exist"), timeout=60, leave=2)
    assert wait.rollout.under_way.startswith("still rolling out [0/1 healthy]: Deployment/web: ")
    assert "nginx:does-not-exist" in wait.rollout.under_way
    assert (wait.rollout.problem, wait.seconds < 5) == ("", True)


def test_what_is_to_be_left_at_once_is_not_asked_for(wait: Wait) -> None:
    wait(deployment("web", "nginx:never"), timeout=60, leave=0)
    assert wait.rollout.under_way.startswith("still rolling out [0/1 healthy]")
    assert (wait.requests, wait.steps) == (0, [])


def test_what_is_healthy_in_time_is_not_left(wait: Wait) -> None:
    wait(config_map("a"), timeout=60, leave=0)
    assert wait.rollout == Rollout(wait.rollout.healths, live=wait.rollout.live)
    wait(config_map("a"), deployment("web"), timeout=60, leave=30)
    assert wait.rollout == Rollout(wait.rollout.healths, live=wait.rollout.live)
    assert wait.healths["Deployment/web"] == "Healthy"


def test_what_waiting_cannot_help_is_not_left_but_fails(wait: Wait) -> None:
    wait(BAD_NAME, timeout=60, leave=30)
    assert wait.seconds < PROMPT
    assert (wait.rollout.problem[:16], wait.rollout.under_way) == ("Deployment/web: ", "")


@pytest.mark.parametrize("leave", [None, 30])
def test_what_was_waited_before_counts(wait: Wait, leave: float | None) -> None:
    wait(deployment("web", "nginx:never"), timeout=60, waited=59.5, leave=leave)
    assert 0.5 <= wait.seconds < 3
    assert wait.rollout.problem.startswith("1 of 1 objects not healthy after 60 s: Deployment/web: ")


def test_once_the_time_is_over_one_look_is_all(wait: Wait) -> None:
    wait(deployment("web", "nginx:never"), timeout=60, waited=99, leave=0)
    assert wait.seconds < 3
    assert wait.rollout.problem.startswith("1 of 1 objects not healthy after 60 s: Deployment/web: ")
    wait(config_map("a"), timeout=60, waited=99)
    assert wait.rollout.problem == "", "what is healthy is healthy, however late"


def after(times: int) -> Callable[[], str]:
    """What says that the ref has moved after it was asked so many times."""
    asked = iter([""] * times)
    return lambda: next(asked, "superseded by 2222222")


@pytest.mark.parametrize("times", [0, 3])
def test_a_ref_that_has_moved_ends_the_wait(wait: Wait, times: int) -> None:
    wait(config_map("a"), deployment("web", "nginx:never"), timeout=60, leave=50, moved=after(times))
    assert wait.seconds < PROMPT
    assert (wait.rollout.problem, wait.rollout.fault) == ("superseded by 2222222", "overtaken")
    assert wait.healths == {"ConfigMap/a": "Healthy", "Deployment/web": "Progressing"}
    assert len(wait.steps) == times, "each wait is told after it was asked"


def test_what_ends_anyway_is_not_asked_about(wait: Wait) -> None:
    for documents in ((config_map("a"),), (BAD_NAME,)):
        wait(*documents, timeout=60, moved=after(10**3))
        assert wait.rollout.fault in ("", "health")
    wait(deployment("web", "nginx:never"), timeout=60, leave=0, moved=after(0))
    assert wait.rollout.under_way, "whoever goes on with it asks"
    wait(deployment("web", "nginx:never"), timeout=60, waited=99, moved=after(0))
    assert wait.rollout.fault == "health"


def test_a_wait_for_an_end_is_ended_by_a_ref_that_has_moved_too() -> None:
    told: list[str] = []

    def progress(step: Step) -> None:
        told.append(step.message)

    def wait(held_up: Callable[[], str], **options: Any) -> Rollout:
        return await_end(held_up, 5, progress, **options)

    superseded = Rollout(problem="superseded by 2222222", fault="overtaken")
    assert wait(lambda: "Job/a has not ended", moved=after(2)) == superseded
    assert told == ["waiting: Job/a has not ended"] * 2
    assert wait(lambda: "", moved=after(0)) == Rollout()
    late = wait(lambda: "Job/a has not ended", until=time.monotonic(), moved=after(0))
    assert late == Rollout(under_way="Job/a has not ended")
    assert await_end(lambda: "x", 0, progress, moved=after(0), fault="hook") == Rollout(problem="x", fault="hook")
