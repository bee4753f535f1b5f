"""One sync from beginning to end, and what is said of it."""

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from deployer.cluster.connection import Cluster
from deployer.cluster.discovery import Resource
from deployer.cluster.objects import get
from deployer.errors import ClusterError
from deployer.sync.diff import Difference
from deployer.sync.options import Options
from deployer.sync.result import Progress, Step, SyncResult
from deployer.sync.run import sync
from local.world import World
from tests.sync.helpers import Wire, definition, ignore, manifest, manifests
from tests.world import config_map, deployment

CONFIG_MAP = Resource("", "v1", "ConfigMap", "configmaps", namespaced=True)
BAD = config_map("not_a_name")


def actions(result: SyncResult) -> dict[str, str]:
    return {str(one.key): one.action for one in result.objects}


def options(namespace: str, timeout: float = 30.0, *, dry_run: bool = False, wait: bool = True) -> Options:
    return Options(namespace, create_namespace=True, timeout=timeout, dry_run=dry_run, wait=wait)


def test_what_is_written_and_healthy_has_succeeded(staging: Cluster, namespace: str) -> None:
    written: list[bool] = []
    steps: list[str] = []

    def on_written() -> None:
        written.append("healthy]" in "".join(steps))

    given = manifests(config_map("a"), deployment("web"))
    result = sync(staging, given, options(namespace), lambda step: steps.append(step.message), on_written)
    assert (result.outcome, result.message, result.health) == ("succeeded", "", "Healthy")
    assert actions(result) == {"ConfigMap/a": "created", "Deployment/web": "created"}
    assert [one.version for one in result.objects] == ["v1", "v1"]
    assert [str(one.health.status) for one in result.objects if one.health] == ["Healthy", "Healthy"]
    assert written[0] is False, "told before the wait"
    assert steps[-1].startswith("waiting [1/2 healthy]: Deployment/web: ")
    assert set(result.durations) == {"discovery", "live", "plan", "dry-run", "apply", "definitions", "wait"}
    assert all(seconds >= 0 for seconds in result.durations.values())


def test_what_does_not_get_healthy_has_failed(staging: Cluster, namespace: str) -> None:
    given = manifests(config_map("a"), deployment("web", "nginx:never"))
    result = sync(staging, given, options(namespace, 0.3), ignore)
    assert (result.outcome, result.health, result.fault) == ("failed", "Progressing", "health")
    assert result.message.startswith("1 of 2 objects not healthy after 0.3 s: Deployment/web: ")
    assert actions(result) == {"ConfigMap/a": "created", "Deployment/web": "created"}


def test_what_is_refused_has_failed_with_every_reason(staging: Cluster, namespace: str) -> None:
    given = manifests(config_map("a"), BAD, deployment("web", replicas=-1))
    result = sync(staging, given, options(namespace), ignore)
    assert (result.outcome, result.health, result.fault) == ("failed", "", "")
    assert result.message.startswith("ConfigMap/not_a_name: ")
    assert result.message.endswith(" (and 1 more)")
    expected = {"ConfigMap/a": "skipped", "ConfigMap/not_a_name": "failed", "Deployment/web": "failed"}
    assert actions(result) == expected
    assert [bool(one.message) for one in result.objects] == [False, True, True]


def test_what_cannot_be_addressed_is_listed_too(staging: Cluster, namespace: str) -> None:
    gizmo = manifest("example.org/v1", "Gizmo", "g")
    result = sync(staging, manifests(config_map("a"), gizmo), options(namespace), ignore)
    assert result.message.startswith("Gizmo/g: the cluster does not know the kind Gizmo")
    assert "more" not in result.message
    assert actions(result) == {"ConfigMap/a": "skipped", "Gizmo/g": "failed"}


def test_what_stands_twice_is_listed_once_with_both_places(staging: Cluster, namespace: str) -> None:
    # Only the cluster knows that the namespace makes them one.
    twice = manifest("v1", "ConfigMap", "a", namespace)
    result = sync(staging, manifests(config_map("a"), twice), options(namespace), ignore)
    assert [(str(one.key), one.action) for one in result.objects] == [("ConfigMap/a", "failed")]
    assert "in 000.yaml, document 1 and in 001.yaml, document 1" in result.message


@pytest.mark.parametrize(("wait", "dry_run"), [(False, False), (True, True)])
def test_what_is_not_waited_for_is_unfinished(
    staging: Cluster, namespace: str, group: str, wait: bool, dry_run: bool
) -> None:
    written: list[None] = []
    steps: list[str] = []
    given = manifests(definition(group), manifest(f"{group}/v1", "Widget", "w"), deployment("web", "nginx:never"))
    how = options(namespace, dry_run=dry_run, wait=wait)
    result = sync(staging, given, how, lambda step: steps.append(step.message), lambda: written.append(None))
    assert (result.outcome, result.message, result.health) == ("unfinished", "", "")
    assert set(actions(result).values()) == {"created"}
    assert bool(written) is not dry_run, "others may write by now, if it has kept them waiting"
    assert not any("healthy]" in step for step in steps)
    there = get(staging, Resource("apps", "v1", "Deployment", "deployments", True), namespace, "web")
    assert (there is None) is dry_run


def test_a_rollout_that_is_left_is_unfinished_and_says_what_is_not_healthy(staging: Cluster, namespace: str) -> None:
    given = manifests(config_map("a"), deployment("web", "nginx:never"))
    result = sync(staging, given, replace(options(namespace), until=time.monotonic()), ignore)
    assert (result.outcome, result.health) == ("unfinished", "Progressing")
    assert result.message.startswith("still rolling out [1/2 healthy]: Deployment/web: ")
    assert actions(result) == {"ConfigMap/a": "created", "Deployment/web": "created"}
    assert "wait" in result.durations


def test_what_was_waited_before_is_part_of_the_time(staging: Cluster, namespace: str) -> None:
    given = manifests(deployment("web", "nginx:never"))
    result = sync(staging, given, replace(options(namespace), waited=30), ignore)
    assert result.outcome == "failed"
    assert result.message.startswith("1 of 1 objects not healthy after 30 s: Deployment/web: ")
    assert result.durations["wait"] < 10


def test_a_dry_run_says_what_would_change_in_each_object(staging: Cluster, namespace: str) -> None:
    staging.request("POST", "/api/v1/namespaces", body=manifest("v1", "Namespace", namespace))
    sync(staging, manifests(config_map("a"), config_map("same")), options(namespace, wait=False), ignore)
    foreign = manifest("v1", "ConfigMap", "owned", namespace, data={"key": "1"})
    staging.request("POST", f"/api/v1/namespaces/{namespace}/configmaps", body=foreign)
    given = manifests(config_map("a", "2"), config_map("same"), config_map("owned"), config_map("new"), BAD)
    result = sync(staging, given, options(namespace, dry_run=True), ignore)
    found = {one.key.name: one for one in result.objects}
    assert {name: bool(one.difference) for name, one in found.items()} == {
        "a": True,
        "same": False,
        "owned": True,
        "new": True,
        "not_a_name": False,
    }
    assert found["a"].difference == Difference(
        {**manifest("v1", "ConfigMap", "a", namespace), "data": {"key": "1"}},
        {**manifest("v1", "ConfigMap", "a", namespace), "data": {"key": "2"}},
    )
    assert found["new"].difference == Difference(
        None, {**manifest("v1", "ConfigMap", "new", namespace), "data": {"key": "1"}}
    )
    assert (found["owned"].action, found["owned"].message) == ("updated", "only the owners of its fields")
    assert all(
        one.difference is None for one in sync(staging, given[:1], options(namespace, wait=False), ignore).objects
    )


def test_a_dry_run_says_which_objects_were_not_checked(staging: Cluster, namespace: str) -> None:
    (one,) = sync(staging, manifests(config_map("a")), options(namespace, dry_run=True), ignore).objects
    assert one.message == f"not checked by the server: its Namespace {namespace} is new"
    assert one.difference == Difference(None, {**manifest("v1", "ConfigMap", "a", namespace), "data": {"key": "1"}})


def test_a_status_that_the_source_sets_is_no_change_but_part_of_the_difference(
    staging: Cluster, namespace: str, group: str
) -> None:
    widget = manifest(f"{group}/v1", "Widget", "w", status={"ready": "no"})
    kind = definition(group)
    kind["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"] = {
        "type": "object",
        "properties": {"ready": {"type": "string"}},
    }
    sync(staging, manifests(kind, widget), options(namespace, wait=False), ignore)
    widget["status"]["ready"] = "yes"
    result = sync(staging, manifests(kind, widget), options(namespace, dry_run=True), ignore)
    assert not any(one.difference for one in result.objects)
    widget["size"] = 2
    result = sync(staging, manifests(kind, widget), options(namespace, dry_run=True), ignore)
    (one,) = (one.difference for one in result.objects if one.difference)
    assert one.live is not None
    assert one.desired is not None
    assert (one.live["status"], one.desired["status"]) == ({"ready": "no"}, {"ready": "yes"})


@pytest.fixture
def wire(world: World) -> Iterator[Wire]:
    with Wire(world.clusters["staging"]) as wire:
        yield wire


def cutting(wire: Wire, at: str) -> Progress:
    """Progress that cuts the wire when it is told of a step."""

    def progress(step: Step) -> None:
        if step.message.startswith(at):
            wire.cut()

    return progress


def test_a_cluster_that_cannot_be_reached_is_an_error(wire: Wire, namespace: str) -> None:
    with pytest.raises(ClusterError, match="cluster staging cannot be reached for GET /api"):
        sync(wire.cluster, manifests(config_map("a")), options(namespace), cutting(wire, "asking"))


def test_a_cluster_that_goes_away_after_the_first_write_leaves_what_is_known(
    wire: Wire, staging: Cluster, namespace: str, group: str
) -> None:
    given = manifests(definition(group), manifest(f"{group}/v1", "Widget", "w"), config_map("a"))
    result = sync(wire.cluster, given, options(namespace), cutting(wire, "waiting for new"))
    assert result.outcome == "failed"
    assert result.message.startswith("cluster staging cannot be reached for GET /apis/apiextensions.k8s.io/v1/")
    name = f"CustomResourceDefinition/widgets.{group}"
    assert actions(result) == {name: "created", "Widget/w": "skipped", "ConfigMap/a": "skipped"}
    assert get(staging, CONFIG_MAP, namespace, "a") is None


def test_a_cluster_that_goes_away_before_the_dry_run_is_not_written_to(
    wire: Wire, staging: Cluster, namespace: str
) -> None:
    staging.request("POST", "/api/v1/namespaces", body=manifest("v1", "Namespace", namespace))
    with pytest.raises(ClusterError, match="cluster staging cannot be reached for PATCH"):
        sync(wire.cluster, manifests(config_map("a")), options(namespace), cutting(wire, "dry-run"))
    assert get(staging, CONFIG_MAP, namespace, "a") is None


def test_a_cluster_that_goes_away_during_the_wait_leaves_what_is_known(wire: Wire, namespace: str) -> None:
    given = manifests(deployment("web", "nginx:never"))
    result = sync(wire.cluster, given, options(namespace), cutting(wire, "waiting [0/1"))
    assert (result.outcome, result.fault) == ("failed", "lost")
    assert result.message.startswith("cluster staging cannot be reached for GET /apis/apps/v1/")
    assert actions(result) == {"Deployment/web": "created"}
