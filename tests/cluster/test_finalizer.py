"""Our finalizer on Jobs of a real cluster."""

import time
from typing import Any

import pytest

from deployer.cluster.connection import Cluster
from deployer.cluster.finalizer import FINALIZER, release
from deployer.errors import ClusterError
from deployer.sync.hook_object import HOOK_OF, OPERATION, hook_body, hook_owner, operation_of
from tests.cluster.anew import applied, job, manifest, read, remove, resource, there, write
from tests.cluster.helpers import make_namespace

OWNER = "applyset-BA-1bJ6uj9Gm9X7jhG-UkTw9DBz3JlT4pYFzTz2Wcyc-v1"


@pytest.fixture
def place(staging: Cluster, namespace: str) -> str:
    """A namespace that is there."""
    make_namespace(staging, namespace)
    return namespace


def hook(namespace: str, **spec: Any) -> dict[str, Any]:
    return hook_body(job(namespace, **spec), owner_id=OWNER, operation_id="0a1b2c3d-presync", name="migrate")


def held(namespace: str, *others: str) -> dict[str, Any]:
    body = manifest("v1", "ConfigMap", "a", namespace)
    body["metadata"]["finalizers"] = [FINALIZER, *others]
    return body


def test_a_job_that_goes_by_itself_stays_until_it_is_released(staging: Cluster, place: str) -> None:
    body = hook(place, ttlSecondsAfterFinished=0)
    live = applied(staging, body)
    assert (hook_owner(live), operation_of(live)) == (OWNER, "0a1b2c3d-presync")
    deadline = time.monotonic() + 30
    while not (live := there(staging, body))["metadata"].get("deletionTimestamp"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert live["status"]["succeeded"] == 1
    release(staging, resource(body), live)
    while read(staging, body):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_only_our_finalizer_goes_and_nothing_becomes_ours(staging: Cluster, place: str) -> None:
    asked: list[None] = []
    live = applied(staging, held(place, "example.com/theirs"))
    release(staging, resource(live), live, lambda: asked.append(None))
    after = there(staging, live)
    assert (after["metadata"]["finalizers"], len(asked)) == (["example.com/theirs"], 1)
    assert {one["operation"] for one in after["metadata"]["managedFields"]} == {"Apply"}
    sent = staging.requests
    release(staging, resource(live), after)
    assert staging.requests == sent
    remove(staging, live)


def test_one_that_somebody_wrote_to_is_released_all_the_same(staging: Cluster, place: str) -> None:
    live = applied(staging, held(place))
    write(staging, live, {"data": {"a": "theirs"}, "metadata": {"finalizers": [FINALIZER, "example.com/theirs"]}})
    release(staging, resource(live), live)
    after = there(staging, live)
    assert (after["data"], after["metadata"]["finalizers"]) == ({"a": "theirs"}, ["example.com/theirs"])
    remove(staging, live)


def test_one_that_is_gone_is_as_good_and_another_of_its_name_keeps_its_own(staging: Cluster, place: str) -> None:
    first = applied(staging, held(place))
    remove(staging, first)
    release(staging, resource(first), first)
    second = applied(staging, held(place))
    release(staging, resource(first), first)
    assert there(staging, second) == second
    remove(staging, second)


def test_one_that_somebody_writes_all_the_time_is_told(staging: Cluster, place: str) -> None:
    live = applied(staging, held(place))
    numbers = iter(range(100))

    def somebody() -> None:
        write(staging, live, {"data": {"b": str(next(numbers))}})

    with pytest.raises(ClusterError, match="somebody else writes ConfigMap/a all the time: sync again"):
        release(staging, resource(live), live, somebody)
    remove(staging, live)


def test_a_check_that_says_no_is_told_at_once(staging: Cluster, place: str) -> None:
    live = applied(staging, held(place))

    def check() -> None:
        raise ClusterError("lost")

    sent = staging.requests
    with pytest.raises(ClusterError, match="lost"):
        release(staging, resource(live), live, check)
    assert staging.requests == sent
    remove(staging, live)


def test_labels_say_whose_hook_it_is(staging: Cluster, place: str) -> None:
    live = applied(staging, hook(place))
    assert live["metadata"]["labels"].items() >= {HOOK_OF: OWNER, OPERATION: "0a1b2c3d-presync"}.items()
    assert "finalizers" not in live["metadata"]
