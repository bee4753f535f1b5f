"""What an answer of GitHub that is no success means: what to do, and whether it may pass."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from deployer.errors import SourceError
from deployer.http import excerpt

_UNTOLD_WAIT = 60.0
"""Seconds that GitHub wants between requests once its rate is exceeded, where it does not say how many."""

_MAX_WAIT = 86_400.0

# What is needed where GitHub does not say it: a permission of fine-grained tokens and Apps, and a classic scope.
_READ = ("contents=read", "repo")
_WRITE = ("statuses=write", "repo:status")

_NO_APP = "there is no App as DEPLOYER_GITHUB_APP_ID says: its settings show its App ID"

_ADVICE = (
    (409, "empty", "push a first commit"),
    (
        422,
        "maximum number of statuses",
        "a commit takes 1,000 for each context; the last one stays, push another commit",
    ),
)
"""What to do, by status and GitHub's own words; the first that fits."""


@dataclass(frozen=True)
class Holder:
    """How a person is told of what requests are made with.

    `limited` is what has a rate limit, and `instead` what has another one; `chosen` is that the repository is among its
    own, and `given` that it has a permission, of which a classic token has none but scopes, if it is `classic`.
    `advice` is by status and words, as `_ADVICE` is.
    """

    name: str
    limited: str
    instead: str
    chosen: str
    given: str
    classic: bool
    advice: tuple[tuple[int, str, str], ...]


TOKEN = Holder(
    "the token",
    "this token",
    ", or with a token that others do not use",
    "the token is for this repository",
    "give the token the permission",
    classic=True,
    advice=(
        (401, "", "set DEPLOYER_GITHUB_TOKEN to a valid one"),
        (403, "SAML", "authorise the token for the organisation: Settings, Developer settings, Configure SSO"),
        (403, "", "check what the token may do, and whether the organisation lets it in"),
    ),
)
APP = Holder(
    "the GitHub App",
    "this installation of the GitHub App",
    "",
    "the App is installed for this repository",
    "give the App, and accept in the settings of its installation, the permission",
    classic=False,
    advice=(
        (
            401,
            "JSON web token",
            "DEPLOYER_GITHUB_APP_KEY is no private key of the App that DEPLOYER_GITHUB_APP_ID names: "
            "make one in the settings of that App",
        ),
        (
            401,
            "must generate a public key",
            "the App has no private key: make one in its settings, and store it where DEPLOYER_GITHUB_APP_KEY says",
        ),
        (401, "claim ('iss')", _NO_APP),  # for what cannot be the ID of an App
        (401, "Integration", _NO_APP),
        (404, "Integration", _NO_APP),
        (401, "", "see whether it is still installed, and has this key: deployer doctor"),
        (403, "suspended", "unsuspend it in the settings of the account, GitHub Apps"),
        (403, "", "check what the App may do, and whether the organisation lets it in: deployer doctor"),
        (
            422,
            "not accessible to the parent installation",
            "choose the repository in the settings of the App's installation; if it was renamed, moved or deleted, "
            "change repoURL",
        ),
        (422, "not granted", "accept the App's permissions in the settings of its installation"),
    ),
)


class TooFastError(SourceError):
    """GitHub's secondary rate limit: too many requests in a short time, whatever is left of the hour's."""


class LackingError(SourceError):
    """What a request was made with lacks a permission.

    https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api
    """


class NoAppError(SourceError):
    """GitHub knows no App of the ID that a request was made with."""


def refusal(
    status: int, data: object, headers: Mapping[str, str], what: str, now: float, holder: Holder = TOKEN
) -> SourceError:
    """Make the error for an answer that is not 2xx.

    Args:
        status: its HTTP status.
        data: its body, parsed.
        headers: its headers, their names in lower case.
        what: the request.
        now: seconds since the epoch.
        holder: of what it was made with.

    Returns:
        The error; for 5xx and rate limits one that may pass, for the latter after as long as GitHub says
        (https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api). It is a TooFastError unless
        all requests of the hour are used up; and a LackingError or NoAppError where it says so.
    """
    said = _words(data)
    if status >= 500:
        text = f"GitHub answered {status} to {what}: {said or 'without a reason'}; it has a fault, try again later"
        return SourceError(text, status=status, transient=True, retry_after=_seconds(headers.get("retry-after")))
    wait = _rate_limit(status, said, headers, now)
    if wait is not None:
        until = f"{datetime.fromtimestamp(now + wait, UTC):%H:%M:%S} UTC"
        text = (
            f"GitHub's rate limit for {holder.limited} is used up until {until} "
            f"({status} to {what}: {said or 'without a reason'}); try again then{holder.instead}"
        )
        used_up = "retry-after" not in headers and headers.get("x-ratelimit-remaining") == "0"
        kind = SourceError if used_up else TooFastError
        return kind(text, status=status, transient=True, retry_after=wait)
    return _kind(status, said)(_permanent(status, said, headers, what, now, holder), status=status)


_STATUSES = {"NOT_FOUND": 404, "FORBIDDEN": 403, "INSUFFICIENT_SCOPES": 403, "RATE_LIMITED": 429, "RATE_LIMIT": 429}
"""What the REST API would answer, by the type of an error of GraphQL."""


def query_refusal(
    status: int, data: Mapping[str, Any], headers: Mapping[str, str], what: str, now: float, holder: Holder = TOKEN
) -> SourceError:
    """Make the error for an answer of GraphQL that tells of errors, or with a message, which has the status 200.

    https://docs.github.com/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api

    Args:
        status: its HTTP status.
        data: its body, parsed.
        headers: as for `refusal`.
        what: as for `refusal`.
        now: as for `refusal`.
        holder: as for `refusal`.

    Returns:
        The error; where the REST API has a status for it, with that one.
    """
    errors = data.get("errors")
    kinds = [one.get("type") for one in errors if isinstance(one, dict)] if isinstance(errors, list) else []
    said = _words(data)
    meant = next((_STATUSES[kind] for kind in kinds if isinstance(kind, str) and kind in _STATUSES), 0)
    if "rate limit" in said.lower():
        meant = 429
    if meant:
        return refusal(meant, {"message": said}, headers, what, now, holder)
    # "Something went wrong while executing your query. This may be the result of a timeout, or …", of no type.
    passes = "went wrong" in said
    advice = "it has a fault, or the query is too much for it; try again later" if passes else "report this"
    return SourceError(
        f"GitHub has no answer to {what}: {said or 'without a reason'}; {advice}", status=status, transient=passes
    )


def _kind(status: int, said: str) -> type[SourceError]:
    if status == 403 and "not accessible by" in said:
        return LackingError
    return NoAppError if status == 404 and "Integration" in said else SourceError


def _permanent(status: int, said: str, headers: Mapping[str, str], what: str, now: float, holder: Holder) -> str:
    permission, scope = _READ if re.match(r"GET |POST (/api)?/graphql ", what) else _WRITE
    classic = f" (a classic one: {scope})" if holder.classic else ""
    known = (*_ADVICE, *holder.advice)
    advice = next((told for code, words, told in known if code == status and words in said), "")
    if status == 401:
        return f"GitHub refused {holder.name} (401: {said}) for {what}: {_clock(said, headers, now) or advice}"
    if status == 404 and not advice:
        words = f": {said}" if said not in ("", "Not Found") else ""
        return (
            f"GitHub knows nothing at {what} (404{words}), or hides it from {holder.limited}: check repoURL, and that "
            f"{holder.chosen}, with {permission}{classic}"
        )
    if status == 403 and "not accessible by" in said:
        needed = headers.get("x-accepted-github-permissions") or permission
        return f"GitHub refused {what} (403: {said}): {holder.given} {needed}{classic}"
    text = f"GitHub answered {status} to {what}: {said or 'without a reason'}"
    return f"{text}; {advice}" if advice else text


def _clock(said: str, headers: Mapping[str, str], now: float) -> str:
    """What to do where GitHub takes an App's web token for one of another time; `""` where it does not."""
    if "claim ('iat')" not in said and "claim ('exp')" not in said:
        return ""
    try:
        ahead = now - parsedate_to_datetime(headers["date"]).timestamp()
    except (KeyError, ValueError):
        return "set this machine's clock, which is not GitHub's"
    return f"set this machine's clock, which is {abs(ahead):,.0f} s {'ahead of' if ahead > 0 else 'behind'} GitHub's"


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
