"""The front of a function's instances: how it shares out, waits, turns away, and what it does about a dead instance."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from local.front import Front
from local.function import Function
from local.leash import Leash
from tests.local import instances
from tests.local.instances import post, seen

FILTERS = {"s/events": "NOT attributes:cluster", "s/staging": 'attributes.cluster = "staging"'}


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[list[Function], Path]]:
    """Two instances, and the folder with their logs."""
    with Leash(tmp_path_factory.mktemp("front") / "leash") as leash:
        yield instances.start(leash, "one", "two"), leash.folder


def push(subscription: str, **attributes: str) -> dict[str, Any]:
    return {"subscription": subscription, "message": {"attributes": attributes, "data": ""}}


def wait_until_busy(front: Front, count: int) -> None:
    deadline = time.monotonic() + 20
    while front.busy < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_an_instance_answers_comes_back(two: tuple[list[Function], Path]) -> None:
    with Front(two[0][:1]) as front:
        assert post(front.url, {"status": 503}) == (503, b'{"by":"one"}\n')
        assert post(front.url, {}, {"Authorization": "Bearer a.b.c"}) == (200, b'{"by":"one"}\n')
    assert [one["authorization"] for one in seen(two[1])[-2:]] == [None, "Bearer a.b.c"]


def test_requests_at_once_go_to_different_instances(two: tuple[list[Function], Path], tmp_path: Path) -> None:
    with Front(two[0]) as front, ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(post, front.url, {"until": str(tmp_path / "go")}) for _ in range(2)]
        wait_until_busy(front, 2)
        (tmp_path / "go").touch()
        found = sorted(answer.result() for answer in answers)
    assert found == [(200, b'{"by":"one"}\n'), (200, b'{"by":"two"}\n')]


def test_where_all_are_busy_a_request_waits(two: tuple[list[Function], Path]) -> None:
    start = time.monotonic()
    with Front(two[0]) as front, ThreadPoolExecutor(4) as pool:
        answers = [status for status, _ in pool.map(lambda _: post(front.url, {"sleep": 0.5}), range(4))]
    assert answers == [200] * 4
    assert time.monotonic() - start >= 1, "never more than one request at once in each"


def test_a_request_that_waits_too_long_is_turned_away(two: tuple[list[Function], Path], tmp_path: Path) -> None:
    with Front(two[0][:1], wait=0.2) as front, ThreadPoolExecutor(1) as pool:
        slow = pool.submit(post, front.url, {"until": str(tmp_path / "go")})
        wait_until_busy(front, 1)
        assert post(front.url, {}) == (429, b"Rate exceeded.")
        (tmp_path / "go").touch()
        assert slow.result()[0] == 200
        assert post(front.url, {})[0] == 200


def test_concurrency_is_how_many_one_instance_takes(tmp_path: Path) -> None:
    with (
        Leash(tmp_path / "leash") as leash,
        Front(instances.start(leash, "one", threads=3), 3, wait=0.2) as front,
        ThreadPoolExecutor(3) as pool,
    ):
        answers = [pool.submit(post, front.url, {"until": str(tmp_path / "go")}) for _ in range(3)]
        wait_until_busy(front, 3)
        assert post(front.url, {})[0] == 429
        while len(seen(leash.folder)) < 3:
            time.sleep(0.01)
        (tmp_path / "go").touch()
        assert [answer.result()[0] for answer in answers] == [200] * 3


def test_an_instance_that_is_killed_is_started_anew(tmp_path: Path) -> None:
    with Leash(tmp_path / "leash") as leash, Front(instances.start(leash, "one")) as front:
        with ThreadPoolExecutor(1) as pool:
            under_way = pool.submit(post, front.url, {"sleep": 20})
            while not seen(leash.folder):
                time.sleep(0.01)
            front.instances[0].kill()
            assert under_way.result() == (503, b"Service Unavailable")
        assert post(front.url, {}) == (200, b'{"by":"one"}\n')
        assert front.instances[0].running
        log = (leash.folder / "one.log").read_text()
        assert log.count("imported") == 2, "the log of the killed process is kept"


def test_one_that_cannot_be_started_anew_leaves_the_others(tmp_path: Path) -> None:
    with Leash(tmp_path / "leash") as leash, Front(instances.start(leash, "one", "two")) as front:
        (leash.folder / "sync.py").write_text("broken(")
        front.instances[0].kill()
        assert post(front.url, {})[0] == 503
        assert "SyntaxError" in leash.tail("one")
        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(lambda _: post(front.url, {"sleep": 0.3}), range(2)))
        assert (200, b'{"by":"two"}\n') in answers


def test_its_end_waits_for_no_request_and_starts_nothing(tmp_path: Path) -> None:
    with Leash(tmp_path / "leash") as leash, ThreadPoolExecutor(1) as pool:
        with Front(instances.start(leash, "one")) as front:
            under_way = pool.submit(post, front.url, {"sleep": 20})
            while not seen(leash.folder):
                time.sleep(0.01)
            start = time.monotonic()
        assert time.monotonic() - start < 5
        front.instances[0].kill()
        assert under_way.result()[0] == 503
        assert front.answer({}, b"{}")[0] == 503
        assert not front.instances[0].running


def test_a_request_that_takes_too_long_is_given_up(two: tuple[list[Function], Path]) -> None:
    with Front(two[0][:1], timeout=0.3) as front:
        assert post(front.url, {"sleep": 1}) == (504, b"upstream request timeout")
        assert two[0][0].running


@pytest.mark.parametrize(
    ("body", "reaches"),
    [
        (push("s/events"), True),
        (push("s/events", cluster="staging"), False),
        (push("s/staging", cluster="staging"), True),
        (push("s/staging", cluster="production"), False),
        (push("s/staging"), False),
        (push("s/other", cluster="production"), True),
        ({"subscription": "s/staging", "message": "none"}, True),
        ({"subscription": ["s/staging"], "message": {"attributes": {}}}, True),
    ],
)
def test_a_filter_keeps_messages_away(two: tuple[list[Function], Path], body: dict[str, Any], reaches: bool) -> None:
    before = len(seen(two[1]))
    with Front(two[0], filters=FILTERS) as front:
        assert post(front.url, body)[0] == 200
    assert [{name: one[name] for name in body} for one in seen(two[1])[before:]] == [body] * reaches


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 100_000, json.dumps("text").encode()])
def test_what_is_no_push_is_for_the_function_to_judge(two: tuple[list[Function], Path], body: bytes) -> None:
    with Front(two[0], filters=FILTERS) as front:
        assert post(front.url, body)[0] == 500, "as the tests' function fails at it"
