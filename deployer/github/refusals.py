"""What an answer of GitHub that is no success means: what to do, and whether it may pass."""

from collections.abc import Mapping
from datetime import UTC, datetime

from deployer.errors import SourceError
from deployer.http import excerpt

_UNTOLD_WAIT = 60.0
"""Seconds that GitHub wants between requests once its rate is exceeded, where it does not say how many."""

_MAX_WAIT = 86_400.0

# What a token needs where GitHub does not say it: a permission of fine-grained tokens and apps, and a classic scope.
_READ = ("contents=read", "repo")
_WRITE = ("statuses=write", "repo:status")

_ADVICE = (
    (409, "empty", "push a first commit"),
    (
        422,
        "maximum number of statuses",
        "a commit takes 1,000 for each context; the last one stays, push another commit",
    ),
    (403, "SAML", "authorise the token for the organisation: Settings, Developer settings, Configure SSO"),
    (403, "", "check what the token may do, and whether the organisation lets it in"),
)
"""What to do, by status and GitHub's own words; the first that fits."""


class TooFastError(SourceError):
    """GitHub's secondary rate limit: too many requests in a short time, whatever is left of the hour's."""


def refusal(status: int, data: object, headers: Mapping[str, str], what: str, now: float) -> SourceError:
    """Make the error for an answer that is not 2xx.

    Args:
        status: its HTTP status.
        data: its body, parsed.
        headers: its headers, their names in lower case.
        what: the request.
        now: seconds since the epoch.

    Returns:
        The error; for 5xx and rate limits one that may pass, for the latter after as long as GitHub says
        (https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api). It is a TooFastError unless
        all requests of the hour are used up.
    """
    said = _words(data)
    if status >= 500:
        text = f"GitHub answered {status} to {what}: {said or 'without a reason'}; it has a fault, try again later"
        return SourceError(text, status=status, transient=True, retry_after=_seconds(headers.get("retry-after")))
    wait = _rate_limit(status, said, headers, now)
    if wait is not None:
        text = (
            f"GitHub's rate limit for this token is used up until {datetime.fromtimestamp(now + wait, UTC):%H:%M:%S} "
            f"UTC ({status} to {what}: {said or 'without a reason'}); try again then, or with a token that others do "
            "not use"
        )
        used_up = "retry-after" not in headers and headers.get("x-ratelimit-remaining") == "0"
        kind = SourceError if used_up else TooFastError
        return kind(text, status=status, transient=True, retry_after=wait)
    return SourceError(_permanent(status, said, headers, what), status=status)


def _permanent(status: int, said: str, headers: Mapping[str, str], what: str) -> str:
    permission, scope = _READ if what.startswith("GET ") else _WRITE
    if status == 401:
        return f"GitHub refused the token (401: {said}) for {what}: set DEPLOYER_GITHUB_TOKEN to a valid one"
    if status == 404:
        return (
            f"GitHub knows nothing at {what} (404), or hides it from this token: check repoURL, and that the token is "
            f"for this repository, with {permission} (a classic one: {scope})"
        )
    if status == 403 and "not accessible by" in said:
        needed = headers.get("x-accepted-github-permissions") or permission
        return f"GitHub refused {what} (403: {said}): give the token the permission {needed} (a classic one: {scope})"
    text = f"GitHub answered {status} to {what}: {said or 'without a reason'}"
    advice = (advice for code, words, advice in _ADVICE if code == status and words in said)
    return "; ".join([text, *list(advice)[:1]])


def _rate_limit(status: int, said: str, headers: Mapping[str, str], now: float) -> float | None:
    """Seconds until GitHub's rate limit is over; None where the answer is not about one."""
    if status not in (403, 429):
        return None
    wait = _seconds(headers.get("retry-after"))
    reset = _seconds(headers.get("x-ratelimit-reset"))
    if wait is None and headers.get("x-ratelimit-remaining") == "0" and reset is not None:
        # One more: GitHub names whole seconds, by a clock that is not ours.
        wait = max(reset - now, 0) + 1
    if wait is None and (status == 429 or "rate limit" in said.lower()):
        wait = _UNTOLD_WAIT
    return None if wait is None else min(wait, _MAX_WAIT)


def _words(data: object) -> str:
    """GitHub's own words on one line, with the details of a 422.

    https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api
    """
    if not isinstance(data, dict):
        return ""
    details = data.get("errors")
    parts = [data.get("message"), *(details if isinstance(details, list) else [])]
    parts = [part.get("message") or part.get("code") if isinstance(part, dict) else part for part in parts]
    return excerpt(": ".join(str(part) for part in parts if part))


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isdecimal() else None
