"""What a refusal of GitHub means."""

import pytest

from deployer.github.refusals import TooFastError, refusal
from deployer.retry import PATIENCE

LIMITED = {"message": "API rate limit exceeded for user ID 1."}
SECONDARY = {"message": "You have exceeded a secondary rate limit."}
NOW = 1_000.0


@pytest.mark.parametrize(
    ("status", "data", "headers", "transient", "retry_after"),
    [
        (500, {"message": "Server Error"}, {}, True, None),
        (502, None, {}, True, None),
        (503, {}, {"retry-after": "3"}, True, 3),
        (403, {"message": "Resource not accessible by personal access token"}, {}, False, None),
        (403, {}, {"x-ratelimit-remaining": "17", "x-ratelimit-reset": "1010"}, False, None),
        (403, LIMITED, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1010"}, True, 11),
        (403, LIMITED, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "990"}, True, 1),
        (403, LIMITED, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9" * 400}, True, 86_400),
        (403, LIMITED, {"x-ratelimit-remaining": "0"}, True, 60),
        (403, SECONDARY, {"retry-after": "5"}, True, 5),
        (403, SECONDARY, {"retry-after": "5", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1010"}, True, 5),
        (403, SECONDARY, {}, True, 60),
        (429, {}, {}, True, 60),
        (429, {}, {"retry-after": "soon"}, True, 60),
        (401, {"message": "Bad credentials"}, {}, False, None),
        (404, {"message": "Not Found"}, {"retry-after": "5"}, False, None),
        (409, {"message": "Git Repository is empty."}, {}, False, None),
        (422, {"message": "Validation Failed"}, {}, False, None),
    ],
)
def test_what_may_pass_and_after_how_long(
    status: int, data: object, headers: dict[str, str], transient: bool, retry_after: float | None
) -> None:
    error = refusal(status, data, headers, "GET /x", NOW)
    assert (error.status, error.transient, error.retry_after) == (status, transient, retry_after)


@pytest.mark.parametrize(
    ("status", "data", "headers", "too_fast"),
    [
        (403, SECONDARY, {"retry-after": "5"}, True),
        (403, SECONDARY, {"retry-after": "5", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1010"}, True),
        (403, SECONDARY, {"x-ratelimit-remaining": "4000"}, True),
        (429, {}, {}, True),
        (403, LIMITED, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1010"}, False),
        (429, LIMITED, {"x-ratelimit-remaining": "0"}, False),
        (403, {}, {}, False),
        (503, {}, {"retry-after": "5"}, False),
    ],
)
def test_which_limit_it_was(status: int, data: object, headers: dict[str, str], too_fast: bool) -> None:
    assert isinstance(refusal(status, data, headers, "GET /x", NOW), TooFastError) == too_fast


def test_a_minute_is_longer_than_a_job_waits() -> None:
    assert (refusal(429, {}, {}, "GET /x", NOW).retry_after or 0) > PATIENCE


@pytest.mark.parametrize(
    ("status", "what", "data", "headers", "told"),
    [
        (
            401,
            "GET /x",
            {"message": "Bad credentials"},
            {},
            "GitHub refused the token (401: Bad credentials) for GET /x: set DEPLOYER_GITHUB_TOKEN to a valid one",
        ),
        (
            403,
            "GET /x",
            LIMITED,
            {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "4599"},
            "GitHub's rate limit for this token is used up until 01:16:40 UTC (403 to GET /x: API rate limit exceeded "
            "for user ID 1.); try again then, or with a token that others do not use",
        ),
        (
            403,
            "GET /x",
            {"message": "Resource not accessible by personal access token"},
            {},
            "GitHub refused GET /x (403: Resource not accessible by personal access token): "
            "give the token the permission contents=read (a classic one: repo)",
        ),
        (
            403,
            "POST /x",
            {"message": "Resource not accessible by integration"},
            {},
            "GitHub refused POST /x (403: Resource not accessible by integration): "
            "give the token the permission statuses=write (a classic one: repo:status)",
        ),
        (
            403,
            "POST /x",
            {"message": "Resource not accessible by personal access token"},
            {"x-accepted-github-permissions": "statuses=write; metadata=read"},
            "GitHub refused POST /x (403: Resource not accessible by personal access token): "
            "give the token the permission statuses=write; metadata=read (a classic one: repo:status)",
        ),
        (
            403,
            "GET /x",
            {"message": "Resource protected by organization SAML enforcement."},
            {},
            "GitHub answered 403 to GET /x: Resource protected by organization SAML enforcement.; "
            "authorise the token for the organisation: Settings, Developer settings, Configure SSO",
        ),
        (
            403,
            "GET /x",
            None,
            {},
            "GitHub answered 403 to GET /x: without a reason; "
            "check what the token may do, and whether the organisation lets it in",
        ),
        (
            404,
            "GET /x",
            {"message": "Not Found"},
            {},
            "GitHub knows nothing at GET /x (404), or hides it from this token: check repoURL, and that the token is "
            "for this repository, with contents=read (a classic one: repo)",
        ),
        (
            409,
            "GET /x",
            {"message": "Git Repository is empty."},
            {},
            "GitHub answered 409 to GET /x: Git Repository is empty.; push a first commit",
        ),
        (
            422,
            "POST /x",
            {
                "message": "Validation Failed",
                "errors": [{"code": "custom", "message": "No\n such"}, {"code": "x"}, "y"],
            },
            {},
            "GitHub answered 422 to POST /x: Validation Failed: No such: x: y",
        ),
        (
            422,
            "POST /x",
            {
                "message": "Validation Failed",
                "errors": [{"message": "This SHA and context has reached the maximum number of statuses."}],
            },
            {},
            "GitHub answered 422 to POST /x: Validation Failed: This SHA and context has reached the maximum number of "
            "statuses.; a commit takes 1,000 for each context; the last one stays, push another commit",
        ),
        (
            502,
            "GET /x",
            None,
            {},
            "GitHub answered 502 to GET /x: without a reason; it has a fault, try again later",
        ),
        (451, "GET /x", {"message": "x" * 9999, "errors": 1}, {}, f"GitHub answered 451 to GET /x: {'x' * 1000}…"),
        (300, "GET /x", [], {}, "GitHub answered 300 to GET /x: without a reason"),
    ],
)
def test_what_a_person_is_told(status: int, what: str, data: object, headers: dict[str, str], told: str) -> None:
    assert str(refusal(status, data, headers, what, NOW)) == told
