"""The one retry policy: how often, how long between, and when to give up."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from deployer.errors import AnswerError

ATTEMPTS = 4
"""How often a request is sent at the most."""

PATIENCE = 20.0
"""Seconds that all attempts of one request may take together, before a last one is begun."""

_FIRST, _FACTOR = 0.4, 3.0

_T = TypeVar("_T")


def with_retries(ask: Callable[[], _T], patience: float = PATIENCE) -> _T:
    """Send a request, and again where that may help.

    Every request that comes here may be repeated: reads, server-side applies, and statuses that say the same.

    It needs no deadline of the job's. A call takes `PATIENCE` and one more attempt at the most, which is 80 seconds
    where an attempt takes `http.WHOLE`; and a job sends no request any more after the first that finds nobody there.

    Args:
        ask: sends it once; raises AnswerError, which says whether the fault may pass.
        patience: seconds instead of `PATIENCE`, where somebody waits for the answer.

    Returns:
        What it answered.

    Raises:
        AnswerError: the last one.
    """
    start = time.monotonic()
    attempt = 1
    while True:
        try:
            return ask()
        except AnswerError as error:
            wait = pause(attempt, error, random.random())  # noqa: S311 (spreads load, guards nothing)
            if wait is None or time.monotonic() - start + wait > patience:
                raise
        time.sleep(wait)
        attempt += 1


def pause(attempt: int, error: AnswerError, jitter: float) -> float | None:
    """Say how long to wait before a request is sent again.

    Args:
        attempt: how often it has been sent, from 1.
        error: what came of it.
        jitter: between 0 and 1; spreads those who failed together.

    Returns:
        Seconds: what the neighbour asked for, else 0.4 s growing threefold, halved by jitter; None gives up.
    """
    if not error.transient or attempt >= ATTEMPTS:
        return None
    if error.retry_after is not None:
        return error.retry_after
    return _FIRST * _FACTOR ** (attempt - 1) * (1 + jitter) / 2
