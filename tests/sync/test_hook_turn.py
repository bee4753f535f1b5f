"""What is next for a hook."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from deployer.cluster.discovery import Resource
from deployer.cluster.inventory import MEMBER
from deployer.cluster.operation import Operation
from deployer.hooks import DeletePolicy, Hook, Phase
from deployer.manifest import Manifest
from deployer.sync.hook_object import HOOK_OF, OPERATION
from deployer.sync.hook_turn import foreign, hook_turn, operation_label
from deployer.sync.targets import Target, hook_name

JOBS = Resource("batch", "v1", "Job", "jobs", namespaced=True)
NOW = Operation("a" * 40, datetime(2026, 1, 2, tzinfo=UTC), "host-1", "a push", id="0a1b2c3d")
RUNNING: dict[str, Any] = {"active": 1}
DONE = {"conditions": [{"type": "Complete", "status": "True"}]}
LOST = {"conditions": [{"type": "Failed", "status": "True"}]}


def job(labels: dict[str, str] | None = None, **fields: Any) -> dict[str, Any]:
    metadata = {"name": "migrate", "namespace": "shop", **({"labels": labels} if labels is not None else {})}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {}, **fields}


def hook(phase: Phase = "PreSync", policy: DeletePolicy = "BeforeHookCreation") -> Target:
    made = Hook((phase,), frozenset({policy}))
    return Target(Manifest(job(), "job.yaml"), JOBS, phase=phase, hook=made)


def live(operation: str, status: dict[str, Any]) -> dict[str, Any]:
    return job({OPERATION: operation, HOOK_OF: "ours"}, status=status)


MINE, EARLIER = "0a1b2c3d-presync", "99999999-presync"
OVER = {"PreSync Job.batch shop/migrate": "succeeded"}
FAILED = {"PreSync Job.batch shop/migrate": "failed"}


@pytest.mark.parametrize(
    ("there", "hooks", "policy", "turn"),
    [
        (None, {}, "BeforeHookCreation", "apply"),
        (None, {"PostSync Job.batch shop/migrate": "succeeded"}, "BeforeHookCreation", "apply"),
        (None, {"PreSync Job.batch shop/other": "succeeded"}, "BeforeHookCreation", "apply"),
        # What has ended is over, whatever is there: it may be gone by itself.
        (None, OVER, "BeforeHookCreation", "over"),
        (None, FAILED, "HookFailed", "over"),
        (live(EARLIER, RUNNING), OVER, "BeforeHookCreation", "over"),
        (live(MINE, DONE), OVER, "BeforeHookCreation", "over"),
        # What this operation has made is not made again.
        (live(MINE, RUNNING), {}, "BeforeHookCreation", "running"),
        (live(MINE, DONE), {}, "BeforeHookCreation", "running"),
        (live(MINE, LOST), {}, "HookSucceeded", "running"),
        # Nobody stops what an earlier one runs.
        (live(EARLIER, RUNNING), {}, "BeforeHookCreation", "earlier"),
        (live(EARLIER, RUNNING), {}, "HookSucceeded", "earlier"),
        (live("0a1b2c3d-postsync", RUNNING), {}, "BeforeHookCreation", "earlier"),
        (job(status=RUNNING), {}, "BeforeHookCreation", "earlier"),
        # What has ended goes before, if the hook says so.
        (live(EARLIER, DONE), {}, "BeforeHookCreation", "replace"),
        (live(EARLIER, LOST), {}, "BeforeHookCreation", "replace"),
        (live("0a1b2c3d-postsync", DONE), {}, "BeforeHookCreation", "replace"),
        (job({}, status=DONE), {}, "BeforeHookCreation", "replace"),
        (live(EARLIER, DONE), {}, "HookSucceeded", "apply"),
        (live(EARLIER, LOST), {}, "HookFailed", "apply"),
    ],
)
def test_what_is_next(there: dict[str, Any] | None, hooks: dict[str, str], policy: DeletePolicy, turn: str) -> None:
    assert hook_turn(hook(policy=policy), there, replace(NOW, hooks=hooks)) == turn


def test_a_hook_of_two_phases_is_made_in_each() -> None:
    before, after = hook("PreSync"), hook("PostSync")
    assert [operation_label(NOW, one) for one in (before, after)] == ["0a1b2c3d-presync", "0a1b2c3d-postsync"]
    ended = replace(NOW, hooks={hook_name(before): "succeeded"})
    there = live(operation_label(ended, before), DONE)
    assert (hook_turn(before, there, ended), hook_turn(after, there, ended)) == ("over", "replace")


@pytest.mark.parametrize("labels", [{HOOK_OF: "ours"}, {MEMBER: "ours"}, {HOOK_OF: "theirs", MEMBER: "ours"}])
def test_what_bears_a_label_of_ours_may_be_deleted(labels: dict[str, str]) -> None:
    assert foreign(job(labels), "ours") == ""


@pytest.mark.parametrize("labels", [None, {}, {HOOK_OF: "theirs"}, {MEMBER: "theirs"}, {OPERATION: MINE}])
def test_what_is_somebody_elses_is_not(labels: dict[str, str] | None) -> None:
    said = foreign(job(labels), "ours")
    assert "it lacks the label deployer/hook-of=ours" in said
    assert "`kubectl delete Job migrate -n shop`" in said


def test_an_object_without_a_namespace_is_named_without_one() -> None:
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "r"}}
    assert "`kubectl delete ClusterRole r`" in foreign(role, "ours")
