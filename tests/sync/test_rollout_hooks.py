"""Waiting for hooks, for what an earlier sync runs, and for what was deleted."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from deployer.cluster.connection import Cluster
from deployer.cluster.objects import get
from deployer.hooks import Hook
from deployer.manifest import Manifest
from deployer.sync.result import Step
from deployer.sync.rollout import Rollout, await_end, await_health, still_there
from deployer.sync.targets import Target
from tests.sync.helpers import by_name, ignore, manifest, written
from tests.world import config_map, deployment

PROMPT = 10.0
"""Seconds within which `at once` must be, with pods and controllers that each take some."""

HELD = "example.com/held"


def job(name: str, image: str = "busybox:1.37", **spec: Any) -> dict[str, Any]:
    pod = {"restartPolicy": "Never", "containers": [{"name": "main", "image": image}]}
    return manifest("batch/v1", "Job", name, spec={"template": {"spec": pod}, **spec})


def hook(one: Target) -> Target:
    return replace(one, phase="PreSync", hook=Hook(("PreSync",), frozenset({"HookFailed"})))


class Hooks:
    """Writes documents, and waits for them as for hooks; the last `ordinary` of them are none."""

    seconds: float

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster, self.namespace = cluster, namespace
        self.steps: list[Step] = []

    def __call__(
        self,
        *documents: str | dict[str, Any],
        timeout: float = 30,
        leave: float | None = None,
        react: Callable[[], None] = lambda: None,
        ordinary: int = 0,
    ) -> Rollout:
        writing = written(self.cluster, self.namespace, *documents)
        count = len(documents) - ordinary
        targets = [*map(hook, writing.plan.targets[:count]), *writing.plan.targets[count:]]
        start = time.monotonic()
        until = None if leave is None else start + leave

        def told(step: Step) -> None:
            self.steps.append(step)
            react()

        try:
            return await_health(self.cluster, targets, writing.live, timeout, told, until=until)
        finally:
            self.seconds = time.monotonic() - start

    def path(self, name: str) -> str:
        return f"/apis/batch/v1/namespaces/{self.namespace}/jobs/{name}"

    def delete(self, name: str) -> None:
        self.cluster.request("DELETE", self.path(name), body={"propagationPolicy": "Background"})


@pytest.fixture
def hooks(staging: Cluster, namespace: str) -> Hooks:
    return Hooks(staging, namespace)


@pytest.fixture
def held(hooks: Hooks) -> Iterator[dict[str, Any]]:
    """The metadata of a Job that stays when it is deleted, until the test is over."""
    yield {"name": "held", "finalizers": [HELD]}
    patch = {"metadata": {"finalizers": None}}
    hooks.cluster.request("PATCH", hooks.path("held"), body=patch, content_type="application/merge-patch+json")


def test_a_hook_that_ends_well_is_waited_for(hooks: Hooks) -> None:
    rollout = hooks(job("once"), config_map("a"))
    assert (rollout.well, rollout.problem, rollout.fault) == (True, "", "")
    assert {name: str(one.status) for name, one in by_name(dict(rollout.healths)).items()} == {
        "Job/once": "Healthy",
        "ConfigMap/a": "Healthy",
    }
    assert "PreSync hook Job/once: " in hooks.steps[0].message


def test_a_hook_that_fails_fails_at_once(hooks: Hooks) -> None:
    rollout = hooks(deployment("web", "nginx:never"), job("once", "busybox:exit-1", backoffLimit=0))
    assert hooks.seconds < PROMPT
    assert rollout.problem.startswith("PreSync hook Job/once: ")
    assert "BackoffLimitExceeded" in rollout.problem
    assert (rollout.fault, rollout.well) == ("hook", False)


def test_a_hook_that_is_deleted_meanwhile_fails_at_once(hooks: Hooks) -> None:
    there = True

    def delete() -> None:
        nonlocal there
        if there:
            there = False
            hooks.delete("once")

    rollout = hooks(job("once", "busybox:never"), react=delete)
    assert hooks.seconds < PROMPT
    assert (rollout.problem, rollout.fault) == ("PreSync hook Job/once: it is not in the cluster", "hook")


def test_a_hook_that_is_being_deleted_before_its_end_fails_at_once(hooks: Hooks, held: dict[str, Any]) -> None:
    there = True

    def delete() -> None:
        nonlocal there
        if there:
            there = False
            hooks.delete("held")

    rollout = hooks({**job("held", "busybox:never"), "metadata": held}, react=delete)
    assert hooks.seconds < PROMPT
    said = "PreSync hook Job/held: it was deleted before it had ended"
    assert (rollout.problem, rollout.fault) == (said, "hook")


def test_a_hook_that_is_being_deleted_after_its_end_has_ended_so(hooks: Hooks, held: dict[str, Any]) -> None:
    document = {**job("held"), "metadata": held}
    assert hooks(document).well
    hooks.delete("held")
    (one,) = map(hook, written(hooks.cluster, hooks.namespace, document, dry_run=True).plan.targets)
    live = get(hooks.cluster, one.resource, hooks.namespace, "held")
    assert live
    assert live["metadata"]["deletionTimestamp"]
    assert await_health(hooks.cluster, [one], {one.key: live}, 5, ignore).well


def test_a_hook_that_is_suspended_has_not_ended(hooks: Hooks) -> None:
    rollout = hooks(job("later", suspend=True), timeout=0.4)
    assert hooks.seconds >= 0.4
    assert rollout.problem.startswith("1 of 1 objects not healthy after 0.4 s: PreSync hook Job/later: ")
    assert rollout.fault == "hook"
    left = hooks(job("later", suspend=True), leave=0.2)
    assert left.under_way.startswith("still rolling out [0/1 healthy]: PreSync hook Job/later: ")
    assert (left.problem, left.fault, left.well) == ("", "", False)


def test_what_an_object_gets_well_from_is_waited_for_beside_a_hook(hooks: Hooks) -> None:
    rollout = hooks(job("once"), deployment("web", "nginx:never"), job("later", suspend=True), timeout=3, ordinary=2)
    assert rollout.problem.startswith("1 of 3 objects not healthy after 3 s: Deployment/web: ")
    assert rollout.fault == "health"


def test_where_all_is_well_the_objects_are_as_they_were_seen_last(hooks: Hooks) -> None:
    (live,) = hooks(job("once")).live.values()
    assert live
    assert live["status"]["succeeded"] == 1


class Waiting:
    """Something that is held up for so many looks."""

    def __init__(self, looks: int) -> None:
        self.left, self.told, self.waits = looks, list[str](), 0

    def held_up(self) -> str:
        self.left -= 1
        return f"{self.left + 1} to go" if self.left >= 0 else ""

    def on_wait(self) -> None:
        self.waits += 1

    def end(self, timeout: float, until: float | None = None) -> Rollout:
        def progress(step: Step) -> None:
            self.told.append(step.message)

        return await_end(self.held_up, timeout, progress, until=until, on_wait=self.on_wait, fault="hook")


@pytest.mark.parametrize("timeout", [-1, 0, 60])
@pytest.mark.parametrize("until", [None, 0.0])
def test_where_there_is_nothing_to_wait_for_the_wait_is_over(timeout: float, until: float | None) -> None:
    waiting = Waiting(0)
    assert waiting.end(timeout, until) == Rollout()
    assert (waiting.told, waiting.waits) == ([], 0)


def test_what_ends_in_time_is_well() -> None:
    waiting = Waiting(2)
    assert waiting.end(60) == Rollout()
    assert waiting.told == ["waiting: 2 to go", "waiting: 1 to go"]
    assert waiting.waits > 0


@pytest.mark.parametrize("timeout", [-99, 0, 0.2])
@pytest.mark.parametrize("until", [None, 0.0])
def test_once_the_time_is_over_it_is_a_problem(timeout: float, until: float | None) -> None:
    if timeout > 0 and until is not None:
        return  # it is left before
    rollout = Waiting(999).end(timeout, until)
    assert (rollout.problem.endswith(" to go"), rollout.under_way, rollout.fault) == (True, "", "hook")


def test_it_is_left_to_the_next_reconcile() -> None:
    waiting, start = Waiting(999), time.monotonic()
    rollout = waiting.end(60, start + 0.3)
    assert (rollout.under_way.endswith(" to go"), rollout.problem, rollout.fault) == (True, "", "")
    assert 0.3 <= time.monotonic() - start < 2
    assert waiting.told


def test_what_is_to_be_left_at_once_is_told_and_not_waited_for() -> None:
    waiting = Waiting(999)
    assert waiting.end(60, 0.0) == Rollout(under_way="999 to go")
    assert (waiting.told, waiting.waits) == ([], 0)


def test_what_was_deleted_is_there_until_its_finalizers_are_gone(hooks: Hooks, held: dict[str, Any]) -> None:
    written(hooks.cluster, hooks.namespace, {**job("held", suspend=True), "metadata": held}, config_map("a"))
    again = written(hooks.cluster, hooks.namespace, {**job("held"), "metadata": held}, config_map("a"), dry_run=True)
    found = [replace(one, manifest=Manifest(again.live[one.key], "the cluster")) for one in again.plan.targets]
    hooks.delete("held")
    path = f"/api/v1/namespaces/{hooks.namespace}/configmaps"
    hooks.cluster.request("DELETE", f"{path}/a")
    with ThreadPoolExecutor(2) as pool:
        said = still_there(hooks.cluster, pool, found)
        assert said.startswith("Job/held is deleted and still there, held by ")
        assert HELD in said
        gone = [one for one in found if one.key.kind == "ConfigMap"]
        assert still_there(hooks.cluster, pool, gone) == ""
        body = manifest("v1", "ConfigMap", "a", hooks.namespace)
        hooks.cluster.request("POST", path, body=body)
        assert still_there(hooks.cluster, pool, gone) == "", "another one of its name is not the one"
        assert still_there(hooks.cluster, pool, []) == ""
