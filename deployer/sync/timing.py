"""How long the steps of a sync take."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def timed(durations: dict[str, float], step: str) -> Iterator[None]:
    """Add the seconds that a block takes to a step's duration."""
    start = time.monotonic()
    try:
        yield
    finally:
        durations[step] = durations.get(step, 0.0) + time.monotonic() - start
