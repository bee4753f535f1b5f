"""`spec.syncPolicy.retry`: how often a commit that fails is tried again, and how long between.

Fields, defaults and the formula are those of Argo CD's `RetryStrategy` (`pkg/apis/application/v1alpha1/types.go`).
"""

import math
import re
from dataclasses import dataclass

from deployer.duration import parse_duration
from deployer.fields import Fields


@dataclass(frozen=True)
class RetryPolicy:
    """How often a commit that has failed is tried again: `limit` times, or without end where that is negative.

    The first pause is `duration` seconds, each one after it `factor` times as long, none longer than `longest`.
    """

    limit: int = 5
    duration: float = 5.0
    factor: int = 2
    longest: float = 180.0

    def allows(self, tried: int) -> bool:
        """Say whether there may be another try after so many that have failed."""
        return self.limit < 0 or tried <= self.limit

    def pause(self, tried: int) -> float:
        """Return the seconds between the latest of so many tries, 1 or more, and the next one."""
        try:
            return min(self.longest, self.duration * float(self.factor) ** (tried - 1))
        except OverflowError:
            return self.longest


def parse_retry(policy: Fields) -> RetryPolicy:
    """Read `retry` of a sync policy. Raises ConfigurationError.

    Unlike in Argo CD, where a `retry` without a `limit` never tries again, what is absent is the default each time.
    """
    retry = policy.section("retry")
    retry.allow("limit", "backoff", "refresh")
    # It asks for the commit that the ref points at by the time of the retry. That is what every job deploys here, and a
    # commit that has been overtaken is not deployed any more, whatever it says.
    retry.flag("refresh")
    backoff = retry.section("backoff")
    backoff.allow("duration", "factor", "maxDuration")
    limit = retry.values.get("limit")
    if limit is not None and type(limit) is not int:
        raise retry.error("limit", "must be a whole number, without quotes: -1 tries without end, 0 never again")
    default = RetryPolicy()
    return RetryPolicy(
        default.limit if limit is None else limit,
        _duration(backoff, "duration", default.duration),
        backoff.count("factor", default.factor),
        _duration(backoff, "maxDuration", default.longest) or math.inf,  # 0 is no limit, as in Argo CD
    )


def _duration(backoff: Fields, name: str, default: float) -> float:
    """Seconds, from a Go duration, or from a number of them."""
    text = backoff.text(name)
    if not text:
        return default
    seconds = float(text) if re.fullmatch(r"\d{1,12}", text, re.ASCII) else parse_duration(text)
    if seconds is None:
        raise backoff.error(name, f'{text[:40]!r} is no duration; allowed: such as "5s", "1m30s", or seconds: "90"')
    return seconds
