"""What a refusal of GitHub means."""

import pytest

from deployer.errors import SourceError
from deployer.github.refusals import APP, LackingError, NoAppError, TooFastError, query_refusal, refusal
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


@pytest.mark.parametrize(
    ("status", "what", "message", "told"),
    [
        (
            401,
            "GET /app",
            "A JSON web token could not be decoded",
            "GitHub refused the GitHub App (401: A JSON web token could not be decoded) for GET /app: "
            "DEPLOYER_GITHUB_APP_KEY is no private key of the App that DEPLOYER_GITHUB_APP_ID names: "
            "make one in the settings of that App",
        ),
        (
            401,
            "GET /app",
            "'Expiration time' claim ('exp') must be a numeric value representing the future time at which …",
            "for GET /app: set this machine's clock, which is 900 s behind GitHub's",
        ),
        (
            401,
            "GET /app",
            "'Expiration time' claim ('exp') is too far in the future",
            "for GET /app: set this machine's clock, which is 900 s behind GitHub's",
        ),
        (
            404,
            "GET /app",
            "Integration not found",
            "there is no App as DEPLOYER_GITHUB_APP_ID says: its settings show its App ID",
        ),
        (
            401,
            "GET /app",
            "'Issuer' claim ('iss') must be an Integer",
            "there is no App as DEPLOYER_GITHUB_APP_ID says: its settings show its App ID",
        ),
        (
            401,
            "GET /app",
            "Integration must generate a public key",
            "the App has no private key: make one in its settings, and store it where DEPLOYER_GITHUB_APP_KEY says",
        ),
        (401, "GET /x", "Bad credentials", "see whether it is still installed, and has this key: deployer doctor"),
        (
            404,
            "GET /x",
            "Not Found",
            "GitHub knows nothing at GET /x (404), or hides it from this installation of the GitHub App: check "
            "repoURL, and that the App is installed for this repository, with contents=read",
        ),
        (
            403,
            "POST /x",
            "Resource not accessible by integration",
            "GitHub refused POST /x (403: Resource not accessible by integration): give the App, and accept in the "
            "settings of its installation, the permission statuses=write",
        ),
        (
            403,
            "POST /x",
            "This installation has been suspended",
            "GitHub answered 403 to POST /x: This installation has been suspended; "
            "unsuspend it in the settings of the account, GitHub Apps",
        ),
        (403, "GET /x", "No.", "check what the App may do, and whether the organisation lets it in: deployer doctor"),
        (
            422,
            "POST /x",
            "There is at least one repository that does not exist or is not accessible to the parent installation.",
            "; choose the repository in the settings of the App's installation; if it was renamed, moved or deleted, "
            "change repoURL",
        ),
        (
            422,
            "POST /x",
            "The permissions requested are not granted to this installation.",
            "; accept the App's permissions in the settings of its installation",
        ),
        (
            403,
            "GET /x",
            "API rate limit exceeded for installation ID 1.",
            "GitHub's rate limit for this installation of the GitHub App is used up until 00:17:40 UTC (403 to GET /x: "
            "API rate limit exceeded for installation ID 1.); try again then",
        ),
    ],
)
def test_what_an_app_is_told(status: int, what: str, message: str, told: str) -> None:
    found = str(refusal(status, {"message": message}, {"date": "Thu, 01 Jan 1970 00:31:40 GMT"}, what, NOW, APP))
    assert found.endswith(told)
    assert "DEPLOYER_GITHUB_TOKEN" not in found
    assert "classic" not in found


@pytest.mark.parametrize("date", [{}, {"date": "yesterday"}])
def test_a_clock_that_cannot_be_compared_is_told_all_the_same(date: dict[str, str]) -> None:
    refused = refusal(401, {"message": "'Issued at' claim ('iat') must be an Integer"}, date, "GET /app", NOW, APP)
    assert str(refused).endswith(": set this machine's clock, which is not GitHub's")


def test_a_clock_that_is_ahead_is_told() -> None:
    headers = {"date": "Thu, 01 Jan 1970 00:15:00 GMT"}
    refused = refusal(401, {"message": "'Issued at' claim ('iat') must be an Integer"}, headers, "GET /app", NOW, APP)
    assert str(refused).endswith(": set this machine's clock, which is 100 s ahead of GitHub's")


QUERY = "POST /graphql for acme/web"


@pytest.mark.parametrize(
    ("error", "status", "transient", "told"),
    [
        (
            {"type": "NOT_FOUND", "message": "Could not resolve to a Repository with the name 'acme/web'."},
            404,
            False,
            "GitHub knows nothing at POST /graphql for acme/web (404: Could not resolve to a Repository with the name "
            "'acme/web'.), or hides it from this token: check repoURL, and that the token is for this repository, with "
            "contents=read (a classic one: repo)",
        ),
        (
            {"type": "FORBIDDEN", "message": "Resource not accessible by personal access token"},
            403,
            False,
            "give the token the permission contents=read (a classic one: repo)",
        ),
        (
            {"type": "FORBIDDEN", "message": "Resource protected by organization SAML enforcement."},
            403,
            False,
            "authorise the token for the organisation: Settings, Developer settings, Configure SSO",
        ),
        (
            {"type": "RATE_LIMITED", "message": "API rate limit exceeded for user ID 1."},
            429,
            True,
            "GitHub's rate limit",
        ),
        ({"type": "RATE_LIMIT", "message": "API rate limit already exceeded."}, 429, True, "GitHub's rate limit"),
        ({"message": "You have exceeded a secondary rate limit."}, 429, True, "GitHub's rate limit"),
        (
            {"message": "Something went wrong while executing your query. This may be the result of a timeout, or …"},
            200,
            True,
            "it has a fault, or the query is too much for it; try again later",
        ),
        (
            {"message": "Field 'blub' doesn't exist on type 'Query'", "extensions": {"code": "undefinedField"}},
            200,
            False,
            "GitHub has no answer to POST /graphql for acme/web: Field 'blub' doesn't exist on type 'Query'; report",
        ),
        ("nonsense", 200, False, "GitHub has no answer to POST /graphql for acme/web: nonsense; report this"),
    ],
)
def test_what_the_errors_of_a_query_mean(error: object, status: int, transient: bool, told: str) -> None:
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1010"} if status == 429 else {}
    found = query_refusal(200, {"data": None, "errors": [error]}, headers, QUERY, NOW)
    assert (found.status, found.transient) == (status, transient)
    assert told in str(found)
    assert found.retry_after == (11 if status == 429 else None)


@pytest.mark.parametrize("kind", [["x"], {}, 7])
def test_an_error_of_a_type_that_is_no_word_is_told(kind: object) -> None:
    found = query_refusal(200, {"errors": [{"type": kind, "message": "m"}]}, {}, QUERY, NOW)
    assert (found.status, "acme/web: m; report" in str(found)) == (200, True)


def test_a_rate_limit_that_is_told_without_a_list_of_errors_is_one() -> None:
    data = {"message": "You have exceeded a secondary rate limit", "documentation_url": "x"}
    found = query_refusal(200, data, {"retry-after": "60"}, QUERY, NOW)
    assert isinstance(found, TooFastError)
    assert (found.status, found.transient, found.retry_after) == (429, True, 60)


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (403, "Resource not accessible by integration", LackingError),
        (403, "Resource not accessible by personal access token", LackingError),
        (404, "Integration not found", NoAppError),
        (404, "Not Found", SourceError),
        (403, "This installation has been suspended", SourceError),
    ],
)
def test_what_others_tell_apart_has_a_kind_of_its_own(status: int, message: str, kind: type[SourceError]) -> None:
    assert type(refusal(status, {"message": message}, {}, "GET /x", NOW, APP)) is kind


def test_errors_that_are_no_list_are_told() -> None:
    found = query_refusal(200, {"errors": {"what": 1}}, {}, QUERY, NOW)
    assert str(found) == "GitHub has no answer to POST /graphql for acme/web: without a reason; report this"
