"""New kinds: established, and discovered."""

import threading
import time

import pytest

from deployer.cluster.connection import Cluster
from deployer.cluster.discovery import Resource, discover
from deployer.cluster.objects import apply
from deployer.errors import ClusterError
from deployer.sync.definitions import await_definitions
from deployer.sync.targets import Target, namespace_target, resolve
from tests.sync.helpers import definition, manifests


def widget(group: str, version: str = "v1") -> Resource:
    return Resource(group, version, "Widget", "widgets", namespaced=True)


def target(cluster: Cluster, group: str, plural: str = "widgets") -> Target:
    (found,) = resolve(manifests(definition(group, plural)), discover(cluster), "").targets
    return found


def write(cluster: Cluster, one: Target) -> None:
    apply(cluster, one.resource, one.manifest.body, dry_run=False)


def test_without_a_definition_there_is_nothing_to_wait_for(staging: Cluster) -> None:
    await_definitions(staging, [namespace_target("a")], [], 0.0)
    assert staging.requests == 0


def test_a_kind_is_there_after_the_wait(staging: Cluster, group: str) -> None:
    new = target(staging, group)
    write(staging, new)
    await_definitions(staging, [new], [widget(group)], 20.0)
    assert discover(staging).find(group, "v1", "Widget") == widget(group)


def test_a_definition_that_is_not_there_yet_is_waited_for(staging: Cluster, group: str) -> None:
    new = target(staging, group)
    later = threading.Timer(0.3, write, [staging, new])
    start = time.monotonic()
    later.start()
    await_definitions(staging, [new], [], 20.0)
    later.join()
    assert time.monotonic() - start >= 0.3


def test_a_definition_that_never_comes_is_named(staging: Cluster, group: str) -> None:
    said = rf"CustomResourceDefinition/widgets.{group} is not established: it is not in the cluster, 0\.2 s after"
    with pytest.raises(ClusterError, match=said):
        await_definitions(staging, [target(staging, group)], [], 0.2)


def test_a_definition_whose_names_are_taken_is_told(staging: Cluster, group: str) -> None:
    first, second = target(staging, group), target(staging, group, "gizmos")  # both of the kind Widget
    write(staging, first)
    await_definitions(staging, [first], [], 20.0)
    write(staging, second)
    said = f"CustomResourceDefinition/gizmos.{group} is not established: .*Widget.* already in use"
    with pytest.raises(ClusterError, match=said):
        await_definitions(staging, [second], [], 1.0)


def test_a_kind_that_is_never_served_is_named(staging: Cluster, group: str) -> None:
    new = target(staging, group)
    write(staging, new)
    with pytest.raises(ClusterError, match=f"the kind Widget of {group} is not served yet, 1 s after"):
        await_definitions(staging, [new], [widget(group, "v2")], 1.0)
