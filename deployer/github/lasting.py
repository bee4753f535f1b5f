"""What never changes, kept within a bound: of several threads that want the same at once, one asks for it."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from threading import Event, Lock
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
        self._asked: dict[_K, Event] = {}

    def get(self, keys: Iterable[_K], ask: Callable[[Sequence[_K]], Mapping[_K, _V]]) -> dict[_K, _V]:
        """Return values: what is kept, and for the rest what `ask` gives.

        Args:
            keys: of what is wanted.
            ask: gets some of the keys, at least one, and returns a value for each of them; what it raises is raised.
                It is called with none that another thread asks for now, unless that one fails.
        """
        found, mine, others = self._claim(dict.fromkeys(keys))
        try:
            if mine:
                found |= self._keep(ask(mine))
        finally:
            self._release(mine)
        for asked in others.values():
            asked.wait()  # not for ever: each request has a time-out
        found |= self._look(others)
        if left := [key for key in others if key not in found]:
            found |= self._keep(ask(left))
        return found

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self.kept.clear()

    def _claim(self, keys: Iterable[_K]) -> tuple[dict[_K, _V], list[_K], dict[_K, Event]]:
        """What is kept; whose value is for this thread to ask for, from now on; and what another one asks for."""
        found, mine, others = {}, [], {}
        with self._lock:
            for key in keys:
                value = self.kept.get(key)
                if value is not None:
                    found[key] = value
                elif key in self._asked:
                    others[key] = self._asked[key]
                else:
                    self._asked[key] = Event()
                    mine.append(key)
        return found, mine, others

    def _release(self, keys: Iterable[_K]) -> None:
        with self._lock:
            for key in keys:
                self._asked.pop(key).set()

    def _look(self, keys: Iterable[_K]) -> dict[_K, _V]:
        with self._lock:
            return {key: value for key in keys if (value := self.kept.get(key)) is not None}

    def _keep(self, values: Mapping[_K, _V]) -> Mapping[_K, _V]:
        with self._lock:
            for key, value in values.items():
                if self._size(value) <= self.kept.maxsize:
                    self.kept[key] = value
        return values
