"""How often a commit that fails is tried again, and how long between."""

import math
from typing import Any

import pytest

from deployer.errors import ConfigurationError
from deployer.fields import Fields
from deployer.retry_policy import RetryPolicy, parse_retry


def parse(retry: Any) -> RetryPolicy:
    return parse_retry(Fields({"retry": retry}, "a.yaml", "spec.syncPolicy"))


@pytest.mark.parametrize("retry", [None, {}, {"backoff": None}, {"backoff": {}}, {"limit": 5}, {"refresh": True}])
def test_the_defaults_are_argo_cds(retry: object) -> None:
    assert parse(retry) == RetryPolicy() == RetryPolicy(limit=5, duration=5.0, factor=2, longest=180.0)


@pytest.mark.parametrize(
    ("retry", "policy"),
    [
        ({"limit": 0}, RetryPolicy(limit=0)),
        ({"limit": -1}, RetryPolicy(limit=-1)),
        ({"refresh": False}, RetryPolicy()),
        (
            {"limit": 2, "backoff": {"duration": "10s", "factor": 3, "maxDuration": "1m30s"}},
            RetryPolicy(2, 10.0, 3, 90.0),
        ),
        ({"backoff": {"maxDuration": "0"}}, RetryPolicy(longest=math.inf)),
        ({"backoff": {"duration": "0s"}}, RetryPolicy(duration=0.0)),
    ],
)
def test_all_that_may_be_set(retry: object, policy: RetryPolicy) -> None:
    assert parse(retry) == policy


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *(("5s", 5.0), ("1m30s", 90.0), ("1h2m3s", 3723.0), ("90", 90.0), ("007", 7.0), ("0", 0.0), ("", 5.0)),
        *(("1.5h", 5400.0), (".5m", 30.0), ("5.s", 5.0), ("1500ms", 1.5), ("250us", 2.5e-4), ("3µs", 3e-6)),
        *(("3\N{GREEK SMALL LETTER MU}s", 3e-6), ("8ns", 8e-9), ("1s1s", 2.0), ("3m0s", 180.0)),
    ],
)
def test_durations_are_gos_or_seconds(text: str, seconds: float) -> None:
    assert parse({"backoff": {"duration": text}}).duration == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    ["soon", "5 s", "-5s", "-5", "+5s", "1.5", "s", ".s", "5d", "1e3s", "5s\n", "٣s", "٣", "5S", "9" * 99, "1m3"],
)
@pytest.mark.parametrize("name", ["duration", "maxDuration"])
def test_what_is_no_duration_is_refused(name: str, text: str) -> None:
    place = rf"^a\.yaml: spec\.syncPolicy\.retry\.backoff\.{name}: .* is no duration; allowed: such as"
    with pytest.raises(ConfigurationError, match=place):
        parse({"backoff": {name: text}})


@pytest.mark.parametrize(
    ("retry", "problem"),
    [
        ([], "retry: must be a mapping"),
        ({"limits": 1}, r"retry.limits: unknown field; did you mean limit\?"),
        ({"limit": "5"}, "retry.limit: must be a whole number, without quotes: -1 tries without end, 0 never again"),
        ({"limit": 1.0}, "retry.limit: must be a whole number"),
        ({"limit": True}, "retry.limit: must be a whole number"),
        ({"refresh": "yes"}, "retry.refresh: must be true or false"),
        ({"backoff": {"factor": -1}}, "retry.backoff.factor: must be a whole number"),
        ({"backoff": {"duration": 5}}, "retry.backoff.duration: must be text"),
        ({"backoff": {"max": "5s"}}, "retry.backoff.max: unknown field"),
    ],
)
def test_what_is_wrong_is_refused(retry: object, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^a\.yaml: spec\.syncPolicy\.{problem}"):
        parse(retry)


@pytest.mark.parametrize(
    ("policy", "pauses"),
    [
        (RetryPolicy(), [5, 10, 20, 40, 80, 160, 180, 180]),
        (RetryPolicy(duration=60.0, factor=1), [60, 60, 60]),
        (RetryPolicy(duration=600.0), [180, 180]),
        (RetryPolicy(factor=0), [5, 0, 0]),
        (RetryPolicy(longest=math.inf), [5, 10, 20, 40, 80, 160, 320]),
    ],
)
def test_the_pause_grows_up_to_the_longest(policy: RetryPolicy, pauses: list[float]) -> None:
    assert [policy.pause(tried) for tried in range(1, len(pauses) + 1)] == pauses


def test_no_number_of_tries_is_too_many_to_reckon_with() -> None:
    assert RetryPolicy().pause(10**9) == RetryPolicy(factor=10**400).pause(2) == 180
    assert RetryPolicy(factor=1).pause(10**9) == 5


@pytest.mark.parametrize(("limit", "allowed"), [(-1, 5), (-9, 5), (0, 0), (1, 1), (3, 3)])
def test_the_limit_counts_the_tries_after_the_first(limit: int, allowed: int) -> None:
    assert sum(RetryPolicy(limit=limit).allows(tried) for tried in range(1, 6)) == allowed
