import threading
import time

import pytest

from deployer.cluster.connection import Cluster
from deployer.cluster.lease import holding
from deployer.errors import ClusterError
from local.world import World
from tests.cluster.helpers import make_namespace, narrow
from tests.cluster.leases import FAR_AHEAD, LONG_AGO, NAME, another_process, change, leases, live, make, path


@pytest.fixture
def place(staging: Cluster, namespace: str) -> str:
    """A namespace that is there."""
    make_namespace(staging, namespace)
    return namespace


def test_it_is_two_requests_and_nothing_is_left(staging: Cluster, place: str) -> None:
    sent = staging.requests
    with holding(staging, place, NAME, "me", 0) as lease:
        lease.check()
        assert staging.requests == sent + 1
    assert staging.requests == sent + 2
    assert lease.left == ""
    assert leases(staging, place) == []


def test_it_is_given_back_when_the_block_fails(staging: Cluster, place: str) -> None:
    with pytest.raises(KeyboardInterrupt), holding(staging, place, NAME, "me", 0):
        raise KeyboardInterrupt
    assert leases(staging, place) == []


def test_only_one_holds_it_at_a_time(staging: Cluster, place: str) -> None:
    inside, most, done = [0], [0], []

    def hold(name: str) -> None:
        with holding(staging, place, NAME, name, 30):
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            time.sleep(0.1)
            inside[0] -= 1
        done.append(name)

    threads = [threading.Thread(target=hold, args=(f"thread-{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 4
    assert most == [1]


def test_who_holds_it_is_told_after_a_bounded_wait(staging: Cluster, place: str) -> None:
    with holding(staging, place, NAME, "alice on host-1", 0):
        since = live(staging, place)["spec"]["acquireTime"]
        start = time.monotonic()
        with (
            pytest.raises(
                ClusterError, match=rf"under way: alice on host-1 \(\w+\) has held Lease {NAME} .* since {since}; sync"
            ) as error,
            holding(staging, place, NAME, "bob", 0.7),
        ):
            raise AssertionError
        assert 0.7 <= time.monotonic() - start < 3
        assert error.value.transient


def test_a_long_hold_is_renewed(staging: Cluster, place: str) -> None:
    with holding(staging, place, NAME, "me", 0, 3) as lease:
        first = live(staging, place)["spec"]
        deadline = time.monotonic() + 3.4
        while time.monotonic() < deadline:
            lease.check()
            time.sleep(0.05)
        last = live(staging, place)["spec"]
        with pytest.raises(ClusterError, match=r"me .* has held"), holding(staging, place, NAME, "you", 0, 3):
            raise AssertionError
    assert last["acquireTime"] == first["acquireTime"]
    assert last["renewTime"] > first["renewTime"]


def test_a_killed_holder_blocks_for_one_duration_however_short_the_attempts(
    world: World, staging: Cluster, place: str
) -> None:
    with another_process(world, place) as process:
        process.kill()
        process.wait()
        start = time.monotonic()
        refused = 0
        while time.monotonic() - start < 10:
            try:
                with holding(staging, place, NAME, "me", 0, 2) as lease:
                    lease.check()
                    break
            except ClusterError as error:
                assert "another" in str(error)  # noqa: PT017
                refused += 1
                time.sleep(0.2)
    assert refused
    assert time.monotonic() - start < 2 + 2  # the server tells times to the second
    assert leases(staging, place) == []


def test_a_killed_holder_is_waited_for(world: World, staging: Cluster, place: str) -> None:
    with another_process(world, place) as process:
        process.kill()
        process.wait()
        start = time.monotonic()
        with holding(staging, place, NAME, "me", 20, 2):
            assert 0.5 < time.monotonic() - start < 2 + 2
            assert live(staging, place)["spec"]["holderIdentity"].startswith("me ")


def test_clocks_that_differ_do_not_matter(staging: Cluster, place: str) -> None:
    start = time.monotonic()
    names = {"slow": LONG_AGO, "fast": FAR_AHEAD}
    for name, renewed in names.items():
        make(staging, place, "them", 2, renewed, name)
        with pytest.raises(ClusterError, match="them has held"), holding(staging, place, name, "me", 0):
            raise AssertionError
    for name in names:
        with holding(staging, place, name, "me", 20):
            assert 1.5 < time.monotonic() - start < 2 + 3


def test_a_holder_that_renews_is_never_taken_over(staging: Cluster, place: str) -> None:
    make(staging, place, "them", 1, LONG_AGO)
    ended = threading.Event()

    def renew() -> None:
        while not ended.wait(0.3):
            change(staging, place, {"spec": {"renewTime": f"2001-01-01T00:00:00.{time.time_ns() % 10**6:06}Z"}})

    renewing = threading.Thread(target=renew)
    renewing.start()
    try:
        with pytest.raises(ClusterError, match="them has held"), holding(staging, place, NAME, "me", 2.2):
            raise AssertionError
    finally:
        ended.set()
        renewing.join()


def test_one_that_nobody_holds_is_taken_at_once(staging: Cluster, place: str) -> None:
    make(staging, place, "", 1000, FAR_AHEAD)
    with holding(staging, place, NAME, "me", 0):
        assert live(staging, place)["spec"]["leaseDurationSeconds"] == 15


def test_one_without_any_field_is_taken_at_once(staging: Cluster, place: str) -> None:
    staging.request("POST", path(place, ""), body={"metadata": {"name": NAME}})
    with holding(staging, place, NAME, "me", 0) as lease:
        lease.check()


def test_one_whose_age_the_server_does_not_tell_is_waited_for(staging: Cluster, place: str) -> None:
    make(staging, place, "them", 1, LONG_AGO)
    change(staging, place, {"metadata": {"managedFields": [{}]}})
    time.sleep(2.1)
    with pytest.raises(ClusterError, match="them has held"), holding(staging, place, NAME, "me", 0):
        raise AssertionError
    with holding(staging, place, NAME, "me", 5):
        pass


def test_get_create_patch_and_delete_are_enough(world: World, staging: Cluster, place: str) -> None:
    verbs = ["get", "create", "patch", "delete"]
    rules = [{"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": verbs}]
    make(staging, place, "them", 1, LONG_AGO)
    with narrow(world.clusters["staging"], staging, place, rules) as cluster:
        with holding(cluster, place, NAME, "me", 10, 1) as lease:
            time.sleep(0.5)
            lease.check()
        assert lease.left == ""
    assert leases(staging, place) == []
