"""A sync that somebody else goes on with, and what comes late or stays: what the engine makes of it."""

import time
from dataclasses import replace
from typing import Any

import pytest
import yaml

from deployer.cluster.connection import Cluster
from deployer.cluster.discovery import discover
from deployer.cluster.objects import apply
from deployer.cluster.operation import Operation
from deployer.sync.decision import HEAL
from deployer.sync.options import Options
from deployer.sync.result import Step
from deployer.sync.run import sync
from deployer.sync.targets import resolve
from tests.sync.app import TWO, App, actions
from tests.sync.helpers import definition, ignore, manifest, manifests
from tests.sync.managers import patch
from tests.sync.standing import EARLIER, ago, decided, entry, seen, told
from tests.world import config_map, deployment

WEB = deployment("web", "nginx:never")
WAVE = "argocd.argoproj.io/sync-wave"
SAYS = "argocd.argoproj.io/sync-options"
HOOK = "argocd.argoproj.io/hook"


def noted(document: str | dict[str, Any], **annotations: str) -> dict[str, Any]:
    body = yaml.safe_load(document) if isinstance(document, str) else document
    names = {"wave": WAVE, "says": SAYS, "hook": HOOK, "policy": HOOK + "-delete-policy"}
    body["metadata"]["annotations"] = {names[name]: text for name, text in annotations.items()}
    return body


def test_a_commit_that_changes_nothing_and_is_left_unhealthy_is_known_to_the_history(app: App) -> None:
    app.sync(config_map("a"), WEB, wait=False)
    options = Options(app.namespace, owner=replace(app.owner, revision=TWO), until=time.monotonic())
    assert sync(app.cluster, manifests(config_map("a"), WEB), options, ignore).outcome == "unfinished"
    assert [(one.revision[0], one.result) for one in app.inventory().history] == [
        ("2", "unfinished"),
        ("1", "unfinished"),
    ]


def test_a_manual_application_is_not_moved_to_a_commit_that_nobody_synced() -> None:
    operation = Operation(EARLIER, ago(60), "ada", "deployer sync", id="1", paused=ago(1))
    given = seen(told("pending", 5, "out of sync: 1 to create"), actions=("created",), operation=operation)
    assert decided(given, automated=False).sync is None


@pytest.mark.parametrize("paused", [None, ago(1)])
def test_the_hooks_of_a_new_commit_run_whatever_was_interrupted(paused: Any) -> None:
    operation = Operation(EARLIER, ago(60), "another process", HEAL, id="1", paused=paused)
    given = seen(last=entry(revision=EARLIER), actions=("created",), operation=operation)
    found = decided(given, self_heal=True).sync
    assert found
    assert found.hooks == "changes"


def test_a_heal_that_goes_on_keeps_its_place_in_the_row() -> None:
    operation = Operation("1" * 40, ago(60), "another process", HEAL, id="1", paused=ago(1))
    given = seen(told("success"), last=entry(why=HEAL, heals=3), actions=("created",), operation=operation)
    found = decided(given, self_heal=True).sync
    assert found
    assert (found.why, found.heals) == (HEAL, 4)


def test_what_is_kept_at_the_last_moment_is_not_waited_for(app: App) -> None:
    app.sync(config_map("a"), noted(config_map("high"), wave="5"), noted(config_map("low"), wave="1"))

    def keep(step: Step) -> None:
        if step.message.startswith("pruning ConfigMap/high"):
            body = manifest("v1", "ConfigMap", "high", app.namespace)
            patch(app.cluster, body, {"metadata": {"annotations": {SAYS: "Prune=false"}}}, "kubectl-edit")

    start = time.monotonic()
    result = app.sync(config_map("a"), progress=keep, revision=TWO, timeout=4)
    assert result.outcome == "succeeded", result.message
    assert time.monotonic() - start < 4
    assert app.names() == {"a", "high"}


def bring(cluster: Cluster, group: str, scope: str, body: dict[str, Any]) -> None:
    body["spec"]["scope"] = scope
    (one,) = resolve(manifests(body), discover(cluster), "").targets
    apply(cluster, one.resource, one.manifest.body, dry_run=False)


@pytest.mark.parametrize("scope", ["Namespaced", "Cluster"])
def test_a_wave_follows_on_an_object_whose_kind_came_late(
    staging: Cluster, namespace: str, group: str, scope: str
) -> None:
    late = noted(manifest(f"{group}/v1", "Widget", "w"), wave="0", says="SkipDryRunOnMissingResource=true")
    steps = []

    def progress(step: Step) -> None:
        steps.append(step.message)
        if step.message.startswith("waiting for the kinds"):
            bring(staging, group, scope, definition(group))

    options = Options(namespace, create_namespace=True, timeout=4)
    result = sync(staging, manifests(late, noted(config_map("a"), wave="1")), options, progress)
    assert (result.outcome, result.message) == ("succeeded", ""), steps
    assert set(actions(result).values()) == {"created"}


def test_a_hook_whose_kind_came_late_is_made(staging: Cluster, namespace: str, group: str) -> None:
    hook = noted(manifest(f"{group}/v1", "Widget", "w"), hook="PostSync", says="SkipDryRunOnMissingResource=true")
    there = False

    def progress(step: Step) -> None:
        nonlocal there
        if not there and step.message.startswith(("applying", "waiting for the kinds")):
            there = True
            bring(staging, group, "Namespaced", definition(group))
            time.sleep(1)

    options = Options(namespace, create_namespace=True, timeout=4)
    result = sync(staging, manifests(config_map("a"), hook), options, progress)
    assert (result.outcome, result.message) == ("succeeded", "")
    assert [one.action for one in result.hooks] == ["created"]
