import signal
import time
from pathlib import Path

import pytest

from deployer.cluster.connection import Cluster
from deployer.cluster.lease import holding
from deployer.errors import ClusterError
from local.world import World
from tests.cluster.helpers import make_namespace, narrow, through_proxy
from tests.cluster.leases import LONG_AGO, NAME, another_process, asked, change, leases, live, lost, make, path
from tests.faults.proxy import Answer, Cut, Silent
from tests.sync.helpers import Wire


@pytest.fixture
def place(staging: Cluster, namespace: str) -> str:
    """A namespace that is there."""
    make_namespace(staging, namespace)
    return namespace


def test_a_holder_that_slept_too_long_writes_no_more(world: World, staging: Cluster, place: str) -> None:
    with another_process(world, place) as process:
        assert asked(process) == "would write"
        process.send_signal(signal.SIGSTOP)
        with holding(staging, place, NAME, "me", 20, 2) as lease:
            process.send_signal(signal.SIGCONT)
            assert "another sync" in asked(process)
            assert process.stdin
            process.stdin.close()  # it ends, and must leave what is not its own
            process.wait(10)
            lease.check()
            assert live(staging, place)["spec"]["holderIdentity"].startswith("me ")


def test_one_that_was_stolen_is_noticed_and_left_to_the_thief(staging: Cluster, place: str) -> None:
    with holding(staging, place, NAME, "me", 0, 2) as lease:
        change(staging, place, {"spec": {"holderIdentity": "thief", "acquireTime": LONG_AGO}})
        told = lost(lease, within=2)
    assert f"another sync has taken over Lease {NAME} in namespace {place}: thief has held it since 2001" in told
    assert lease.left == told
    assert live(staging, place)["spec"]["holderIdentity"] == "thief"


def test_one_that_was_removed_is_noticed(staging: Cluster, place: str) -> None:
    with holding(staging, place, NAME, "me", 0, 2) as lease:
        staging.request("DELETE", path(place))
        assert "it was removed" in lost(lease, within=2)


def test_one_that_was_stolen_is_not_given_back(staging: Cluster, place: str) -> None:
    with holding(staging, place, NAME, "me", 0) as lease:
        change(staging, place, {"spec": {"holderIdentity": "thief"}})
    assert live(staging, place)["spec"]["holderIdentity"] == "thief"
    assert lease.left == ""


def test_a_label_from_somebody_else_is_no_loss(staging: Cluster, place: str) -> None:
    with holding(staging, place, NAME, "me", 0, 3) as lease:
        change(staging, place, {"metadata": {"labels": {"team": "a"}}})
        deadline = time.monotonic() + 2.4
        while time.monotonic() < deadline:
            lease.check()
            time.sleep(0.05)
        change(staging, place, {"metadata": {"labels": {"team": "b"}}})
    assert lease.left == ""
    assert leases(staging, place) == []


def test_a_holder_that_is_cut_off_stops_before_its_time_is_over(world: World, staging: Cluster, place: str) -> None:
    with Wire(world.clusters["staging"]) as wire:
        with holding(wire.cluster, place, NAME, "me", 0, 3) as lease:
            lease.check()
            start = time.monotonic()
            wire.cut()
            told = lost(lease, within=3)
            assert 0.5 < time.monotonic() - start < 3
            assert live(staging, place)["spec"]["holderIdentity"].startswith("me ")  # nobody could have it yet
        assert "another sync may have taken over" in told
        assert "cannot be reached" in told
        assert "this one writes no more" in lease.left


def test_a_holder_that_gets_no_answer_stops_in_time(world: World, staging: Cluster, place: str, tmp_path: Path) -> None:
    with through_proxy(world.clusters["staging"], tmp_path) as (proxy, cluster):
        proxy.play("^PATCH ", Silent())
        with holding(cluster, place, NAME, "me", 0, 3) as lease:
            assert "another sync may have taken over" in lost(lease, within=3)
            proxy.__exit__()  # ends the silence, which would last for the time-out of a request
    assert live(staging, place)["spec"]["holderIdentity"].startswith("me ")


def test_lost_answers_and_short_faults_are_no_loss(world: World, place: str, tmp_path: Path) -> None:
    with through_proxy(world.clusters["staging"], tmp_path) as (proxy, cluster):
        proxy.play("^POST ", Cut(after=0))
        proxy.play("^PATCH ", Cut(after=0))
        proxy.play("^DELETE ", Cut(after=0))
        with holding(cluster, place, NAME, "me", 0, 3) as lease:
            proxy.play("^PATCH ", Cut(after=0), Answer(503))
            deadline = time.monotonic() + 3
            while time.monotonic() < deadline:
                lease.check()
                time.sleep(0.05)
        assert lease.left == ""
        assert leases(cluster, place) == []
        assert [one.status for one in proxy.seen if one.method == "PATCH"].count(409) >= 1


def test_one_that_goes_from_hand_to_hand_is_given_up(world: World, place: str, tmp_path: Path) -> None:
    with through_proxy(world.clusters["staging"], tmp_path) as (proxy, cluster):
        proxy.play("^POST ", *[Answer(409)] * 20)
        with (
            pytest.raises(ClusterError, match="goes from hand to hand"),
            holding(cluster, place, NAME, "me", 0),
        ):
            raise AssertionError


def test_one_that_is_written_while_its_age_is_asked_is_alive(
    world: World, staging: Cluster, place: str, tmp_path: Path
) -> None:
    make(staging, place, "them", 1, LONG_AGO)
    time.sleep(3)
    with through_proxy(world.clusters["staging"], tmp_path) as (proxy, cluster):
        for status in (404, 409):
            proxy.play("^PATCH .*dryRun", Answer(status, {"message": "somebody was quicker"}))
            with pytest.raises(ClusterError, match="them has held"), holding(cluster, place, NAME, "me", 0):
                raise AssertionError
        proxy.play("^PATCH .*dryRun", Answer(422, {"message": "not today"}))
        with pytest.raises(ClusterError, match="not today"), holding(cluster, place, NAME, "me", 0):
            raise AssertionError
        with holding(cluster, place, NAME, "me", 0):
            pass


def test_a_namespace_that_is_not_there_is_told(staging: Cluster, namespace: str) -> None:
    with (
        pytest.raises(ClusterError, match=f'namespaces "{namespace}" not found'),
        holding(staging, namespace, NAME, "me", 0),
    ):
        raise AssertionError


def test_one_that_may_not_be_deleted_says_so_and_is_free_in_time(world: World, staging: Cluster, place: str) -> None:
    rules = [{"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get", "create", "patch"]}]
    with narrow(world.clusters["staging"], staging, place, rules) as cluster:
        with holding(cluster, place, NAME, "me", 0, 1) as lease:
            pass
        assert "may not delete leases.coordination.k8s.io" in lease.left
    with holding(staging, place, NAME, "you", 10):
        pass
