"""What never changes, shared by threads."""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from deployer.github.lasting import Lasting

TIMEOUT = 10.0


class Source:
    """Gives each key in capitals, once it is let; knows what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.began = threading.Semaphore(0)
        self.may = threading.Event()
        self.fails = 0

    def __call__(self, keys: Sequence[str]) -> Mapping[str, str]:
        self.asked.append(list(keys))
        fails, self.fails = self.fails > 0, self.fails - 1
        self.began.release()
        assert self.may.wait(TIMEOUT)
        if fails:
            raise ValueError("no answer")
        return {key: key.upper() for key in keys}


@pytest.fixture
def kept() -> Lasting[str, str]:
    return Lasting(10, len)


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


def asking(pool: ThreadPoolExecutor, kept: Lasting[str, str], source: Source, *keys: str) -> Future[dict[str, str]]:
    """Ask in a thread of its own; returns once the source is asked."""
    future = pool.submit(kept.get, keys, source)
    assert source.began.acquire(timeout=TIMEOUT)
    return future


def test_what_was_had_is_not_asked_for_again(kept: Lasting[str, str], source: Source) -> None:
    source.may.set()
    assert kept.get(["a", "b", "a"], source) == {"a": "A", "b": "B"}
    assert kept.get(["c", "a"], source) == {"a": "A", "c": "C"}
    assert kept.get(["a"], source) == {"a": "A"}
    kept.clear()
    kept.get(["a"], source)
    assert source.asked == [["a", "b"], ["c"], ["a"]]


def test_it_holds_only_so_much(kept: Lasting[str, str], source: Source) -> None:
    source.may.set()
    kept.get(["aaaa"], source)
    kept.get(["bbbb"], source)
    assert kept.get(["too large for it"], source) == {"too large for it": "TOO LARGE FOR IT"}
    assert sorted(kept.kept) == ["aaaa", "bbbb"]
    kept.get(["cccc"], source)
    assert sorted(kept.kept) == ["bbbb", "cccc"]


def test_of_two_who_want_the_same_one_asks(kept: Lasting[str, str], source: Source, pool: ThreadPoolExecutor) -> None:
    first = asking(pool, kept, source, "a", "b")
    second = asking(pool, kept, source, "b", "c")
    third = pool.submit(kept.get, ["a"], source)
    assert not third.done()
    source.may.set()
    assert first.result(TIMEOUT) == {"a": "A", "b": "B"}
    assert second.result(TIMEOUT) == {"b": "B", "c": "C"}
    assert third.result(TIMEOUT) == {"a": "A"}
    assert source.asked == [["a", "b"], ["c"]]


def test_who_waited_for_one_that_failed_asks_then(
    kept: Lasting[str, str], source: Source, pool: ThreadPoolExecutor
) -> None:
    source.fails = 1
    first = asking(pool, kept, source, "a")
    second = asking(pool, kept, source, "b", "a")
    source.may.set()
    with pytest.raises(ValueError, match="no answer"):
        first.result(TIMEOUT)
    assert second.result(TIMEOUT) == {"a": "A", "b": "B"}
    assert source.asked == [["a"], ["b"], ["a"]]


def test_who_waited_for_what_is_too_large_to_keep_has_it_all_the_same(
    kept: Lasting[str, str], source: Source, pool: ThreadPoolExecutor
) -> None:
    first = asking(pool, kept, source, "too large for it")
    second = asking(pool, kept, source, "b", "too large for it")
    source.may.set()
    assert first.result(TIMEOUT) == {"too large for it": "TOO LARGE FOR IT"}
    assert second.result(TIMEOUT)["too large for it"] == "TOO LARGE FOR IT"
    assert source.asked == [["too large for it"], ["b"]]


@pytest.mark.parametrize("fails", [1, 2])
def test_of_many_who_waited_for_one_that_failed_one_asks_again(kept: Lasting[str, str], fails: int) -> None:
    asked: list[Sequence[str]] = []

    def ask(keys: Sequence[str]) -> Mapping[str, str]:
        asked.append(keys)
        failing = len(asked) <= fails
        time.sleep(0.5)  # until the others wait
        if failing:
            raise ValueError("no answer")
        return {key: key.upper() for key in keys}

    with ThreadPoolExecutor(25) as pool:
        futures = [pool.submit(kept.get, ["a"], ask) for _ in range(25)]
        failed = sum(isinstance(one.exception(TIMEOUT), ValueError) for one in futures)
    assert asked == [["a"], ["a"]]
    assert failed == (1 if fails == 1 else 25)


def test_who_waits_is_not_forgotten_where_an_answer_lacks_something(
    kept: Lasting[str, str], pool: ThreadPoolExecutor
) -> None:
    began, may = threading.Event(), threading.Event()

    def ask(keys: Sequence[str]) -> Mapping[str, str]:
        began.set()
        assert may.wait(TIMEOUT)
        return {}

    first = pool.submit(kept.get, ["a"], ask)
    assert began.wait(TIMEOUT)
    second = pool.submit(kept.get, ["a"], ask)
    may.set()
    assert isinstance(first.exception(TIMEOUT), KeyError)
    assert isinstance(second.exception(TIMEOUT), KeyError)
