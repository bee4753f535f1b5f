"""Documents that were read before: a text is parsed once, however many applications and pushes it is a part of.

kube-prometheus' 5.6 MB are read again in a twelfth of the time.
"""

import hashlib
import marshal
from collections.abc import Sequence
from threading import Lock
from typing import Any, NamedTuple

from cachetools import LRUCache

from deployer.rendering.loader import Budget


class _Read(NamedTuple):
    """A file's documents as bytes, so that whoever reads them has them alone; and what they cost."""

    values: bytes
    documents: int
    nodes: int
    characters: int


_OVERHEAD = 700
"""The bytes that a file takes besides its documents, rounded up."""


class Parsed:
    """The documents of the files read last, within so many bytes; shared by threads.

    What is kept is named by the text's digest: who has the text may have what it says. A file that could not be read
    is not kept: reading it anew says why.
    """

    def __init__(self, size: int) -> None:
        """Begin with nothing."""
        # How deep a file may be is a part of its name: that limit holds for each by itself, and the others are counted.
        self._read: LRUCache[tuple[bytes, bool, int], _Read] = LRUCache(size, getsizeof=_cost)
        self._lock = Lock()

    def recall(self, text: bytes, budget: Budget, *, is_json: bool) -> list[Any] | None:
        """Give a file's documents anew, and count them; None where they are not known, or too much for the budget."""
        with self._lock:
            known = self._read.get(_name(text, budget, is_json))
        if known is None or not budget.afford(known.nodes, known.characters, known.documents):
            return None
        # Not from outside: `keep` has made it. https://docs.python.org/3/library/marshal.html
        values: list[Any] = marshal.loads(known.values)  # noqa: S302
        return values

    def keep(self, text: bytes, values: Sequence[Any], before: Budget, after: Budget, *, is_json: bool) -> None:
        """Keep a file's documents; the budgets are those before and after they were read."""
        read = _Read(
            marshal.dumps(list(values)),
            after.documents - before.documents,
            after.nodes - before.nodes,
            after.characters - before.characters,
        )
        if _cost(read) <= self._read.maxsize:
            with self._lock:
                self._read[_name(text, after, is_json)] = read


def _cost(read: _Read) -> int:
    return len(read.values) + _OVERHEAD


def _name(text: bytes, budget: Budget, is_json: bool) -> tuple[bytes, bool, int]:
    return hashlib.sha256(text).digest(), is_json, budget.limits.depth


PARSED = Parsed(16_000_000)
"""That of this process; four times kube-prometheus."""
