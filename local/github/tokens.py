"""Who may do what: the tokens that GitHub knows, and what each route asks of them.

https://docs.github.com/en/rest/authentication/permissions-required-for-fine-grained-personal-access-tokens and
https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps; that fine-grained tokens cannot
call the Checks API: https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/managing-your-personal-access-tokens
"""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http import HTTPStatus

from local.github import documents
from local.github.refusal import RefusedError, not_found
from local.github.repository import Repository

CLASSIC = "ghp_"  # how classic personal access tokens begin
FINE_GRAINED = "github_pat_"  # and fine-grained ones; any other token is one of a GitHub App's installation

# What each scope of a classic token comes to. Of webhooks a classic token may read with any of their scopes.
_SCOPES: dict[str, dict[str, str]] = {
    "admin:org_hook": {"organization_hooks": "write"},
    "admin:repo_hook": {"repository_hooks": "write"},
    "read:repo_hook": {"repository_hooks": "read"},
    "repo": {
        "metadata": "read",
        "contents": "write",
        "statuses": "write",
        "checks": "read",
        "deployments": "write",
        "repository_hooks": "write",
    },
    "repo:status": {"statuses": "write"},
    "repo_deployment": {"deployments": "write"},
    "write:repo_hook": {"repository_hooks": "write"},
}
ALL_SCOPES = ("admin:org_hook", "repo")
ALL_PERMISSIONS = {
    "contents": "write",
    "statuses": "write",
    "deployments": "write",
    "repository_hooks": "write",
    "organization_hooks": "write",
}

# The first pattern that a path begins with says which permission its route asks for.
_ROUTES = (
    (re.compile(r"/repos/[^/]+/[^/]+/(?:statuses/.|commits/.+/status(?:es)?$)"), "statuses"),
    (re.compile(r"/repos/[^/]+/[^/]+/(?:check-runs\b|commits/.+/check-(?:runs|suites)$)"), "checks"),
    (re.compile(r"/repos/[^/]+/[^/]+/deployments\b"), "deployments"),
    (re.compile(r"/repos/[^/]+/[^/]+/(?:git|commits|compare)/"), "contents"),
    (re.compile(r"/repos/[^/]+/[^/]+/hooks\b"), "repository_hooks"),
    (re.compile(r"/repos/[^/]+/[^/]+$"), "metadata"),
    (re.compile(r"/orgs/[^/]+/hooks\b"), "organization_hooks"),
)


@dataclass(frozen=True)
class Token:
    """A token: a classic one has `scopes`, others have none; `permissions` are what it may read or write.

    `repositories` are the numbers of those that it sees, None of one that sees all; it ends at `expires`, if ever.
    """

    value: str = field(repr=False)
    permissions: Mapping[str, str]
    scopes: tuple[str, ...] | None
    repositories: frozenset[int] | None = None
    expires: datetime | None = None

    @property
    def kind(self) -> str:
        """Whose it is, in the words in which GitHub refuses it."""
        personal = self.value.startswith((CLASSIC, FINE_GRAINED))
        return "personal access token" if personal else "integration"

    def may(self, permission: str, access: str) -> bool:
        """Tell whether it has a permission, for `access` (read or write)."""
        return self.permissions.get(permission) in ("write", access)

    def sees(self, repository: Repository) -> bool:
        """Tell whether a repository is there for it."""
        return self.repositories is None or documents.repository_number(repository) in self.repositories

    def check_alive(self) -> None:
        """Refuse it once it has ended.

        Raises:
            RefusedError: it has.
        """
        if self.expires and self.expires <= datetime.now(UTC):
            raise bad_credentials()

    def headers(self, needed: tuple[str, str] | None) -> dict[str, str]:
        """Return the headers that tell what the token has, if it is a classic one, and what the route needs."""
        if self.scopes is None:
            return {"X-Accepted-GitHub-Permissions": "=".join(needed)} if needed else {}
        enough = [name for name in _SCOPES if needed and _of_scopes(name).get(needed[0]) in ("write", needed[1])]
        return {"X-OAuth-Scopes": ", ".join(sorted(self.scopes)), "X-Accepted-OAuth-Scopes": ", ".join(enough)}


class Tokens:
    """The tokens of one GitHub; all belong to the same user."""

    def __init__(self, main: str) -> None:
        """Know a first token, which may do everything that is served here."""
        self._known: list[Token] = []
        if main.startswith(CLASSIC):
            self.add(main, scopes=ALL_SCOPES)
        elif main.startswith(FINE_GRAINED):
            self.add(main, permissions=ALL_PERMISSIONS)
        else:
            self.add(main, permissions={**ALL_PERMISSIONS, "checks": "write"})

    def add(
        self, value: str, *, permissions: Mapping[str, str] | None = None, scopes: tuple[str, ...] | None = None
    ) -> None:
        """Know one more token.

        Args:
            value: a classic token begins with `ghp_`, a fine-grained one with `github_pat_`; any other is one of a
                GitHub App's installation, as those that begin with `ghs_` are.
            permissions: of a token that is not classic, such as `{"contents": "read"}`; each is read or write. It may
                always read metadata.
            scopes: of a classic token, such as `("repo",)`.

        Raises:
            ValueError: there is no such token on GitHub, where a fine-grained one has no permission for checks.
        """
        if value.startswith(FINE_GRAINED) and "checks" in (permissions or {}):
            raise ValueError(
                "a fine-grained personal access token cannot call the Checks API; give it to one that begins with ghs_"
            )
        if value.startswith(CLASSIC):
            self._known.append(Token(value, _of_scopes(*scopes or ()), scopes or ()))
        else:
            self._known.append(Token(value, {"metadata": "read", **(permissions or {})}, None))

    def keep(self, token: Token) -> None:
        """Know a token that somebody else has made."""
        self._known.append(token)

    def restrict(self, value: str, repositories: frozenset[int] | None) -> None:
        """Let a token see the repositories with these numbers only, from now on; None lets it see all again."""
        self._known = [replace(one, repositories=repositories) if one.value == value else one for one in self._known]

    def revoke(self, value: str) -> None:
        """Know a token no more."""
        self._known = [one for one in self._known if one.value != value]

    def find(self, authorization: str) -> Token:
        """Return the token that an Authorization header has.

        Raises:
            RefusedError: it has none, or one that is not known or has ended.
        """
        given = bearer(authorization)
        if given is None:
            raise RefusedError(HTTPStatus.UNAUTHORIZED, "Requires authentication")
        for token in self._known:
            if hmac.compare_digest(given.encode(), token.value.encode()):
                token.check_alive()
                return token
        raise bad_credentials()


def bearer(authorization: str) -> str | None:
    """Return what an Authorization header lets in with, or None if it has nothing that GitHub takes."""
    scheme, _, given = authorization.partition(" ")
    return given.strip() if scheme.lower() in ("bearer", "token") else None


def bad_credentials() -> RefusedError:
    """Return what GitHub says of a token that it does not know, or knows no more."""
    return RefusedError(HTTPStatus.UNAUTHORIZED, "Bad credentials")


def needed(method: str, path: str) -> tuple[str, str] | None:
    """Return the permission that a request needs, and whether to read or to write; None where any token will do."""
    access = "read" if method in ("GET", "HEAD") or path.endswith("/pings") else "write"
    return next(((permission, access) for route, permission in _ROUTES if route.match(path)), None)


def check(token: Token, wanted: tuple[str, str] | None) -> None:
    """Refuse a token that may not do what a request wants: a classic one is told that there is nothing.

    Raises:
        RefusedError: it may not.
    """
    if wanted is None or token.may(*wanted):
        return
    if token.scopes is None:
        raise RefusedError(HTTPStatus.FORBIDDEN, f"Resource not accessible by {token.kind}")
    if wanted == ("checks", "write"):
        raise RefusedError(HTTPStatus.FORBIDDEN, "You must authenticate via a GitHub App.")
    raise not_found()


def _of_scopes(*scopes: str) -> dict[str, str]:
    granted: dict[str, str] = {}
    for scope in scopes:
        for permission, access in _SCOPES[scope].items():
            granted[permission] = "write" if "write" in (access, granted.get(permission)) else access
    return granted
