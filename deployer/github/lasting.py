"""What never changes, kept within a bound: of several threads that want the same at once, one asks for it."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from threading import Lock
from typing import Generic, TypeVar

from cachetools import LRUCache

_K = TypeVar("_K", bound=Hashable)
_V = TypeVar("_V")


class Lasting(Generic[_K, _V]):
    """Values by key, each for ever the same; shared by threads. Those that were wanted last are in `kept`."""

    def __init__(self, most: int, size: Callable[[_V], int]) -> None:
        """Say how much all values may have together, and how much one has."""
        self.kept: LRUCache[_K, _V] = LRUCache(most, getsizeof=size)
        self._size = size
        self._lock = Lock()
        self._asked: dict[_K, Future[_V]] = {}

    def get(self, keys: Iterable[_K], ask: Callable[[Sequence[_K]], Mapping[_K, _V]]) -> dict[_K, _V]:
        """Return values: what is kept, and for the rest what `ask` gives.

        Args:
            keys: of what is wanted.
            ask: gets some of the keys, at least one, and returns a value for each of them; what it raises is raised.
                It is called with none that another thread asks for now. Where that one fails, one of those who wait
                asks again, and where this fails, too, the others have its error.
        """
        found: dict[_K, _V] = {}
        left = list(dict.fromkeys(keys))
        has_waited = False
        while left:
            kept, mine, others = self._claim(left)
            found |= kept
            if mine:
                found |= self._ask(mine, ask)
            left = []
            for key, asked in others.items():
                error = asked.exception()  # waits, but not for ever: each request has a time-out
                if error is None:
                    found[key] = asked.result()
                elif has_waited:
                    raise error
                else:
                    left.append(key)
            has_waited = True
        return found

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self.kept.clear()

    def _claim(self, keys: Iterable[_K]) -> tuple[dict[_K, _V], dict[_K, Future[_V]], dict[_K, Future[_V]]]:
        """What is kept; whose value is for this thread to ask for, from now on; and what another one asks for."""
        found, mine, others = {}, {}, {}
        with self._lock:
            for key in keys:
                value = self.kept.get(key)
                if value is not None:
                    found[key] = value
                elif key in self._asked:
                    others[key] = self._asked[key]
                else:
                    mine[key] = self._asked[key] = Future()
        return found, mine, others

    def _ask(self, mine: Mapping[_K, Future[_V]], ask: Callable[[Sequence[_K]], Mapping[_K, _V]]) -> Mapping[_K, _V]:
        """Ask for what is claimed, keep it, and tell those who wait how it went."""
        try:
            answer = ask(list(mine))
            values = {key: answer[key] for key in mine}
        except BaseException as error:
            self._release(mine, {})
            for asked in mine.values():
                asked.set_exception(error)
            raise
        self._release(mine, values)
        for key, asked in mine.items():
            asked.set_result(values[key])
        return values

    def _release(self, keys: Iterable[_K], values: Mapping[_K, _V]) -> None:
        """Keep values, and have nobody wait for these keys from now on."""
        with self._lock:
            for key in keys:
                del self._asked[key]
            for key, value in values.items():
                if self._size(value) <= self.kept.maxsize:
                    self.kept[key] = value
