"""What a sync makes of what others do to its application while it plans or waits."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from deployer.cluster.history import DELETION
from deployer.cluster.hold import Hold
from deployer.errors import BusyError
from deployer.sync.deletion import delete
from deployer.sync.options import Options
from deployer.sync.prune import Pruning
from deployer.sync.result import Progress, Step, SyncResult
from deployer.sync.run import sync
from tests.sync.app import ONE, PRUNE, TWO, App
from tests.sync.helpers import ignore, manifest, manifests
from tests.world import config_map


def hook(name: str, phase: str, image: str = "busybox:1", policy: str = "BeforeHookCreation") -> dict[str, Any]:
    pod = {"restartPolicy": "Never", "containers": [{"name": "a", "image": image}]}
    job = manifest("batch/v1", "Job", name, spec={"backoffLimit": 0, "template": {"spec": pod}})
    job["metadata"]["annotations"] = {
        "argocd.argoproj.io/hook": phase,
        "argocd.argoproj.io/hook-delete-policy": policy,
    }
    return job


def once(words: str, act: Callable[[], object]) -> Progress:
    """Progress that acts when a step is said for the first time."""
    acted: list[bool] = []

    def tell(step: Step) -> None:
        if words in step.message and not acted:
            acted.append(True)
            act()

    return tell


def deleted(app: App, hold: Hold | None = None) -> SyncResult | None:
    owner = replace(app.owner, revision=TWO, why=DELETION, hold=hold, insists=True)
    pruning = Pruning(enabled=True, word="Delete", max_percentage=100)
    options = Options(app.namespace, timeout=30, owner=owner, pruning=pruning)
    return delete(app.cluster, [], options, ignore, lambda plan: True)


def rolled_back(app: App, hold: Hold) -> SyncResult:
    return app.sync(config_map("a", "1"), revision=ONE, hold=hold, insists=True)


@pytest.mark.parametrize("revision", [ONE, ""])
def test_what_was_planned_before_a_rollback_or_a_deletion_does_not_undo_it(app: App, revision: str) -> None:
    app.sync(config_map("a", "1"), revision=ONE)
    app.sync(config_map("a", "2"), revision=TWO)
    hold = Hold(revision, TWO, datetime.now(UTC), "ada", "by hand")
    act = (lambda: rolled_back(app, hold)) if revision else (lambda: deleted(app, hold))
    with pytest.raises(BusyError, match=r"^superseded: meanwhile somebody has rolled .* back, deleted it, or let go"):
        app.sync(config_map("a", "3"), revision=TWO, progress=once("taking Lease", act))
    held = app.inventory().hold
    assert held
    assert held.revision == revision
    assert app.names() == ({"a"} if revision else set())


def test_a_deletion_is_not_gone_on_with_by_the_sync_that_it_met(app: App) -> None:
    app.sync(config_map("a"), revision=ONE)
    late = manifest("v1", "ConfigMap", "late")
    late["metadata"]["annotations"] = {"argocd.argoproj.io/sync-wave": "1"}
    result = app.sync(
        config_map("a"),
        hook("check", "Sync"),
        late,
        revision=TWO,
        progress=once("Sync hook Job/check", lambda: deleted(app)),
    )
    assert (result.outcome, result.fault) == ("failed", "overtaken")
    assert app.names() == set()


def test_of_two_that_carry_one_operation_out_the_later_one_tells_how_it_ended(app: App) -> None:
    documents = (config_map("a"), hook("smoke", "PostSync", policy="HookSucceeded"))
    ended: list[SyncResult] = []
    result = app.sync(*documents, progress=once("PostSync hook Job/smoke", lambda: ended.append(app.sync(*documents))))
    assert [one.outcome for one in (*ended, result)] == ["succeeded", "succeeded"]
    assert [one.result for one in app.inventory().history] == ["succeeded"]


def test_what_follows_on_a_failure_has_its_time_and_no_more(app: App) -> None:
    documents = manifests(hook("bad", "PreSync", "busybox:exit-1"), hook("told", "SyncFail", "busybox:never"))
    began = time.monotonic()
    while True:
        options = Options(app.namespace, True, 2, owner=app.owner, pruning=PRUNE, until=time.monotonic() + 1)
        result = sync(app.cluster, documents, options, ignore)
        if result.outcome == "failed":
            break
        assert time.monotonic() < began + 30
    assert result.message.startswith("PreSync hook Job/bad: ")
    inventory = app.inventory()
    assert (inventory.operation, inventory.history[0].fault) == (None, "hook")


def test_a_commit_that_mends_only_the_hook_that_failed_runs_it(app: App) -> None:
    def pushed(image: str, revision: str) -> SyncResult:
        owner = replace(app.owner, revision=revision)
        options = Options(app.namespace, True, 20, owner=owner, pruning=PRUNE, hooks="changes")
        return sync(app.cluster, manifests(config_map("a"), hook("smoke", "PostSync", image)), options, ignore)

    assert pushed("busybox:exit-1", ONE).fault == "hook"
    mended = pushed("busybox:1", TWO)
    assert (mended.outcome, [str(one.key) for one in mended.hooks]) == ("succeeded", ["Job/smoke"])
    assert pushed("busybox:1", ONE).hooks == ()
