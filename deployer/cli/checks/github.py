"""GitHub itself: whether it answers, and this token."""

from datetime import UTC, datetime

from deployer.cli.checks.section import GITHUB, Section
from deployer.errors import SourceError
from deployer.github.client import GitHub

_LITTLE = 0.1
"""Of the requests of an hour; below that, a busy day may use them up."""


def check_github(section: Section, github: GitHub) -> bool:
    """Ask for the rate limit, which any token may do, and costs nothing of it; returns whether there was an answer.

    https://docs.github.com/en/rest/rate-limit/rate-limit
    """
    try:
        left, limit, reset = _rate(github)
    except SourceError as error:
        refused = f"make a new token, and set it ({GITHUB})"
        unreachable = "check DEPLOYER_GITHUB_API_URL, and that this machine can reach it: curl -sI the address"
        section.fail(github.host, str(error), refused if error.status == 401 else unreachable)
        return False
    if not limit:
        section.ok(github.host, "answers and takes the token; it has no rate limit")
        return True
    told = f"answers and takes the token; {left:,} of {limit:,} requests are left until {_clock(reset)} UTC"
    if left < limit * _LITTLE:
        section.warn(github.host, told, "find out who else uses this token, and give the deployer one of its own")
    else:
        section.ok(github.host, told)
    return True


def _rate(github: GitHub) -> tuple[int, int, int]:
    """How many requests are left, of how many, and until when (seconds since the epoch); zeros where none counts."""
    try:
        core = github.request("GET", "/rate_limit").object("resources").object("core")
    except SourceError as error:
        if error.status != 404:
            raise
        # An Enterprise Server without a limit answers this, but so does an address that is no GitHub's.
        github.request("GET", "/meta")
        return 0, 0, 0
    return core.number("remaining"), core.number("limit"), core.number("reset")


def _clock(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%H:%M}"
