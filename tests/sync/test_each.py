"""Acting on many objects at once."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from deployer.errors import ClusterError
from deployer.sync.each import each
from deployer.sync.targets import Target
from tests.sync.helpers import by_name
from tests.sync.planning import made, target

TARGETS = [target(made("ConfigMap", name, "web").body) for name in "abcdef"]
LOST = ClusterError("cluster staging cannot be reached", transient=True)


@pytest.fixture(params=[1, 4])
def pool(request: pytest.FixtureRequest) -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(request.param) as pool:
        yield pool


@pytest.mark.parametrize(
    "error",
    [
        ClusterError("no", status=422),
        ClusterError("no", status=503, transient=True),  # it has answered, so it can be reached
        ClusterError("no"),  # and this was not even asked
    ],
    ids=["refused", "busy", "nobody was asked"],
)
def test_every_object_has_its_turn_and_every_reason_is_told(pool: ThreadPoolExecutor, error: ClusterError) -> None:
    done: list[str] = []

    def act(one: Target) -> None:
        done.append(one.key.name)
        if one.key.name in "be":
            raise error

    reasons = each(pool, TARGETS, act)
    assert sorted(done) == [*"abcdef"]
    assert [*by_name(reasons).items()] == [("ConfigMap/b", "no"), ("ConfigMap/e", "no")], "in the order of the targets"


def test_nothing_to_do_is_no_reason(pool: ThreadPoolExecutor) -> None:
    assert each(pool, [], lambda one: pytest.fail("nobody asked for it")) == {}
    assert each(pool, TARGETS, lambda one: None) == {}


def test_nobody_is_asked_any_more_once_the_cluster_is_out_of_reach() -> None:
    asked: list[str] = []

    def act(one: Target) -> None:
        asked.append(one.key.name)
        if one.key.name == "b":
            raise LOST
        if one.key.name == "a":
            raise ClusterError("no", status=422)

    with ThreadPoolExecutor(1) as pool, pytest.raises(ClusterError) as caught:
        each(pool, TARGETS, act)
    assert caught.value is LOST, "and not why an object was refused before"
    assert asked == ["a", "b"]


def test_what_is_under_way_ends() -> None:
    both, lost, ended = threading.Barrier(2, timeout=10), threading.Event(), threading.Event()

    def act(one: Target) -> None:
        both.wait()
        if one.key.name == "a":
            lost.set()
            raise LOST
        assert lost.wait(10)
        ended.set()

    with ThreadPoolExecutor(2) as pool:
        with pytest.raises(ClusterError, match="cannot be reached"):
            each(pool, TARGETS[:2], act)
        assert ended.is_set()


def test_what_should_not_happen_is_not_taken_for_a_reason(pool: ThreadPoolExecutor) -> None:
    def act(one: Target) -> None:
        raise ValueError(one.key.name)

    with pytest.raises(ValueError, match="a"):
        each(pool, TARGETS, act)
