"""The retry policy."""

import time

import pytest

from deployer.errors import AnswerError, SourceError
from deployer.retry import ATTEMPTS, PATIENCE, pause, with_retries


def failure(*, transient: bool = True, retry_after: float | None = None) -> AnswerError:
    return SourceError("no", status=503, transient=transient, retry_after=retry_after)


@pytest.mark.parametrize(
    ("attempt", "error", "jitter", "seconds"),
    [
        (1, failure(), 1.0, 0.4),
        (1, failure(), 0.0, 0.2),
        (2, failure(), 1.0, 1.2),
        (3, failure(), 1.0, 3.6),
        (ATTEMPTS, failure(), 1.0, None),
        (1, failure(retry_after=7), 0.0, 7),
        (ATTEMPTS, failure(retry_after=7), 0.0, None),
        (1, failure(transient=False), 1.0, None),
        (1, failure(transient=False, retry_after=1), 1.0, None),
    ],
)
def test_how_long_to_wait(attempt: int, error: AnswerError, jitter: float, seconds: float | None) -> None:
    assert pause(attempt, error, jitter) == (None if seconds is None else pytest.approx(seconds))


class Neighbour:
    """Fails as often as it is told to, then answers."""

    def __init__(self, *failures: AnswerError) -> None:
        self.failures = list(failures)
        self.asked = 0

    def __call__(self) -> str:
        self.asked += 1
        if self.failures:
            raise self.failures.pop(0)
        return "answer"


def test_a_fault_that_passes_is_not_noticed() -> None:
    neighbour = Neighbour(failure(), failure(retry_after=0))
    assert with_retries(neighbour) == "answer"
    assert neighbour.asked == 3


def test_a_fault_that_stays_is_raised_after_all_attempts() -> None:
    neighbour = Neighbour(*(failure(retry_after=0) for _ in range(9)))
    with pytest.raises(SourceError):
        with_retries(neighbour)
    assert neighbour.asked == ATTEMPTS


@pytest.mark.parametrize("error", [failure(transient=False), failure(retry_after=PATIENCE + 1)])
def test_what_cannot_pass_in_time_is_raised_at_once(error: AnswerError) -> None:
    neighbour, start = Neighbour(error), time.monotonic()
    with pytest.raises(SourceError):
        with_retries(neighbour)
    assert neighbour.asked == 1
    assert time.monotonic() - start < 1


def test_whoever_has_less_patience_says_so() -> None:
    neighbour = Neighbour(*(failure(retry_after=0.2) for _ in range(9)))
    with pytest.raises(SourceError):
        with_retries(neighbour, patience=0.3)
    assert neighbour.asked == 2
