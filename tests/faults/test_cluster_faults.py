"""An API server at fault, a real one behind a proxy that plays it: what passes is not noticed, what stays is told."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from deployer.cluster.connection import PARALLEL, Cluster
from deployer.cluster.objects import FIELD_MANAGER, apply, get, list_all
from tests.faults.clusters import ADDRESS, CONFIG_MAP, body_of, refusal, statuses
from tests.faults.proxy import Answer, Cut, Fault, Proxy

CONFIG_MAP_HEAD = {"apiVersion": "v1", "kind": "ConfigMap"}  # lists leave it out
PASSING: list[Fault] = [
    Answer(409, {"message": "the object has been modified"}),
    Answer(429, {"message": "busy"}),
    Answer(500, {"message": "etcdserver: leader changed"}),
    Answer(502, b"<html>Bad gateway</html>"),
    Answer(503, {"message": "shutting down"}),
    Answer(504, {"message": "Timeout: request did not complete"}),
    Cut(),
    Cut(after=0),
    Cut(after=20),
]


@pytest.mark.parametrize("fault", PASSING, ids=str)
def test_a_fault_that_passes_leaves_exactly_one_right_object(
    cluster: Cluster, proxy: Proxy, staging: Cluster, place: str, fault: Fault
) -> None:
    """A PATCH that was cut in the middle of its answer has been carried out: repeating it changes nothing."""
    proxy.play("PATCH", fault)
    body = body_of(CONFIG_MAP, "a", place, data={"k": "1"})
    applied = apply(cluster, CONFIG_MAP, body, dry_run=False)
    assert [seen.method for seen in proxy.seen] == ["PATCH", "PATCH"]
    mine = [one for one in list_all(staging, CONFIG_MAP, place) if one["metadata"]["name"] == "a"]
    assert [{**CONFIG_MAP_HEAD, **one} for one in mine] == [applied]
    assert applied["data"] == {"k": "1"}
    assert [entry["manager"] for entry in applied["metadata"]["managedFields"]] == [FIELD_MANAGER]


def test_a_patch_that_was_cut_had_been_carried_out(
    cluster: Cluster, proxy: Proxy, staging: Cluster, place: str
) -> None:
    """Else the test above would prove nothing."""
    proxy.play("PATCH", Cut(after=20))
    path = f"/api/v1/namespaces/{place}"
    # A merge patch is not repeated.
    patch = {"metadata": {"labels": {"cut": "yes"}}}
    said = refusal(cluster.request, "PATCH", path, body=patch, content_type="application/merge-patch+json")
    assert str(said).startswith(f"cluster staging cannot be reached for PATCH {path}: IncompleteRead(20 bytes read")
    assert str(said).endswith(ADDRESS)
    assert staging.request("GET", path)["metadata"]["labels"]["cut"] == "yes"


def test_429_retry_after_is_honoured(cluster: Cluster, proxy: Proxy) -> None:
    proxy.play("GET /api", Answer(429, {"message": "busy"}, {"Retry-After": "1"}))
    start = time.monotonic()
    cluster.request("GET", "/api")
    assert time.monotonic() - start >= 1
    assert statuses(proxy) == [429, 200]


@pytest.mark.parametrize("status", [409, 429, 500, 503])
def test_a_fault_that_stays_is_told(cluster: Cluster, proxy: Proxy, status: int) -> None:
    proxy.play("GET /api", *[Answer(status, {"message": "not now"}, {"Retry-After": "0"})] * 4)
    error = refusal(cluster.request, "GET", "/api")
    assert str(error) == f"cluster staging answered {status} to GET /api: not now; try again later"
    assert statuses(proxy) == [status] * 4


def test_a_wait_beyond_all_patience_is_not_begun(cluster: Cluster, proxy: Proxy) -> None:
    proxy.play("GET /api", Answer(503, {"message": "not now"}, {"Retry-After": "3600"}))
    start = time.monotonic()
    assert refusal(cluster.request, "GET", "/api").retry_after == 3600
    assert time.monotonic() - start < 2


def test_many_appliers_of_one_object_at_once_all_succeed(staging: Cluster, place: str) -> None:
    """In creating as in changing. (Where a 409 comes of it, it is sent again: see the faults that pass.)"""
    together = threading.Barrier(PARALLEL)

    def apply_it(number: int) -> None:
        body = body_of(CONFIG_MAP, "a", place, data={"by": str(number), "size": "x" * 10_000})
        for _ in range(3):
            together.wait()
            apply(staging, CONFIG_MAP, body, dry_run=False)

    with ThreadPoolExecutor(PARALLEL) as pool:
        list(pool.map(apply_it, range(PARALLEL)))
    live = get(staging, CONFIG_MAP, place, "a")
    assert live is not None
    assert live["data"]["by"] in {str(number) for number in range(PARALLEL)}
    assert [entry["manager"] for entry in live["metadata"]["managedFields"]] == [FIELD_MANAGER]
