"""A GitHub App: what its private key is worth, a token for each repository, and no more than that needs.

https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/authenticating-as-a-github-app-installation
"""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from deployer.errors import ConfigurationError, DeployerError, SourceError
from deployer.github.answer import parse_answer, parse_answers
from deployer.github.credentials import Ask
from deployer.github.refusals import APP
from deployer.imports import IMPORTING

NEEDED = {"metadata": "read", "contents": "read", "statuses": "write"}
"""Permissions without which nothing is deployed."""

HELPFUL = {"checks": "read", "actions": "read", "deployments": "write"}
"""Those of what not every application asks for: checks that it requires, and deployments that CI starts."""

_EARLY = 300.0
"""Seconds before a token's end that the next one is made: a request that begins with it, ends with it."""

_NEW = 5.0
"""Seconds in which parts of GitHub may not know of a token yet (https://github.com/octokit/auth-app.js/issues/65)."""

_WEB_TOKEN_LASTS = 240.0
"""Seconds that a web token is used; it is good for 300, and begins 60 before it is made, as GitHub advises."""


@dataclass(frozen=True)
class Installation:
    """The App in an account: its number, what it may do, and where the account's owners change that."""

    number: int
    permissions: Mapping[str, str]
    page: str


@dataclass(frozen=True)
class _Kept:
    """A token of an installation as a header, when it was made, and until when it is used, by a clock of our own."""

    authorization: str = field(repr=False)
    made: float
    until: float


class App:
    """What requests are made with as a GitHub App; shared by threads, and by all connections of a process.

    Requests about a repository have a token for that repository alone, those about none are the App's own.
    """

    holder = APP

    def __init__(
        self,
        app_id: str,
        read_key: Callable[[bool], str],
        hide: Callable[[str], None],
        more: Mapping[str, str] | None = None,
    ) -> None:
        """Take what is needed; nothing is read yet.

        Args:
            app_id: the App's ID, or its client ID.
            read_key: returns its private key as PEM; in any case from where it is, if it is given True.
            hide: is told each secret that is made, so that no log shows it.
            more: permissions that tokens have besides `NEEDED` and `HELPFUL`, where the App has them.
        """
        self._app_id = app_id
        self._read_key = read_key
        self._hide = hide
        self._wanted = {**NEEDED, **HELPFUL, **(more or {})}
        self._key = ""
        self._itself: _Kept | None = None
        self._installations: dict[str, Installation] = {}
        self._tokens: dict[str, _Kept] = {}
        self._lock = threading.Lock()
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def prepare(self) -> None:
        """Read the key, where that has not been done.

        Raises:
            SecretError: it cannot be read.
            ConfigurationError: it is none.
        """
        with self._lock:
            self._itself = self._itself or self._as_itself("")

    def account(self, repository: str) -> str:
        """Return the installation: GitHub counts what all its tokens do together."""
        return f"App {self._app_id} of {_owner(repository)}"

    def authorization(self, repository: str, ask: Ask, refused: str = "") -> str:
        """Return the repository's token, or for no repository a web token that the App's key has signed.

        See `Credentials`. It is made where there is none, where it ends soon, and where GitHub has refused it.
        """
        with self._lock:
            if not repository:
                self._itself = self._as_itself(refused)
                return self._itself.authorization
            lock = self._locks[repository]
        with lock:  # of the threads that ask for the same one, the first makes it
            kept, now = self._tokens.get(repository), time.monotonic()
            if kept and kept.authorization != refused and now < kept.until:
                return kept.authorization
            if kept and kept.authorization == refused and now - kept.made < _NEW:
                told = "GitHub does not know the token yet that it has just made (401)"
                raise SourceError(told, status=401, transient=True, retry_after=1)
            try:
                self._tokens[repository] = self._made(repository, ask)
            except SourceError as error:
                if error.status != 404:
                    raise
                # Whoever asks for a ref or a commit would take it for that one's.
                raise SourceError(str(error), status=403) from error
            return self._tokens[repository].authorization

    def installation(self, repository: str, ask: Ask) -> Installation:
        """Ask which installation a repository belongs to.

        Raises:
            SourceError: to none; or GitHub does not say, or says that it is suspended.
        """
        try:
            answer = parse_answer(*_said(ask, f"/repos/{repository}/installation"))
        except SourceError as error:
            if error.status != 404 or "Integration" in str(error):
                raise
            raise SourceError(self._not_there(repository, ask), status=404) from error
        page = answer.text("html_url")
        if answer.fields.get("suspended_at"):
            told = f"the GitHub App's installation for {_owner(repository)} is suspended: unsuspend it at {page}"
            raise SourceError(told, status=403)
        granted = {name: str(access) for name, access in answer.object("permissions").fields.items()}
        return Installation(answer.number("id"), granted, page)

    def _not_there(self, repository: str, ask: Ask) -> str:
        """Say why the App has no installation for a repository."""
        owner = _owner(repository)
        everywhere = parse_answers(*_said(ask, "/app/installations?per_page=100"))
        pages = {one.object("account").text("login").lower(): one.text("html_url") for one in everywhere}
        if owner in pages:
            return (
                f"the GitHub App is installed for {owner}, but not for {repository}, or there is no such repository "
                f"(any more): choose it at {pages[owner]}; if it was renamed or moved, change repoURL"
            )
        there = f"; it is for {', '.join(sorted(pages))}" if pages else ""
        return f"the GitHub App is not installed for {owner} (any more){there}: install it there, with {repository}"

    def _made(self, repository: str, ask: Ask) -> _Kept:
        """Have a token made."""
        owner = _owner(repository)
        known = self._installations.get(owner)
        if known:
            try:
                return self._narrowed(repository, known, ask)
            except SourceError as error:
                if error.transient or error.status not in (403, 404, 422):
                    raise
                # It was installed anew, or has other permissions by now; or what is wrong can be told in detail.
        found = self._installations[owner] = self.installation(repository, ask)
        return self._narrowed(repository, found, ask)

    def _narrowed(self, repository: str, installation: Installation, ask: Ask) -> _Kept:
        """Have a token made, for one repository and what is wanted.

        https://docs.github.com/rest/apps/apps#create-an-installation-access-token-for-an-app
        """
        granted = installation.permissions
        if "contents" not in granted:
            told = (
                f"the GitHub App may not read {repository}: give it the permission Contents: Read-only in its "
                f"settings, and accept that at {installation.page}"
            )
            raise SourceError(told, status=403)
        path = f"/app/installations/{installation.number}/access_tokens"
        body = {
            "repositories": [repository.partition("/")[2]],
            "permissions": {
                name: access if granted[name] == "write" else "read"
                for name, access in self._wanted.items()
                if name in granted
            },
        }
        now = time.monotonic()
        text, at = ask("POST", path, body)
        answer = parse_answer(text, f"POST {path}")
        token = answer.text("token")
        self._hide(token)
        # GitHub's clock says when it ends: ours may be wrong.
        lasts = answer.time("expires_at").timestamp() - at
        return _Kept(f"token {token}", now, now + max(lasts - _EARLY, lasts / 2))

    def _as_itself(self, refused: str) -> _Kept:
        """A header with a web token."""
        kept, now = self._itself, time.monotonic()
        if kept and kept.authorization == refused:
            return self._renewed(kept, now)
        if kept and now < kept.until:
            return kept
        return self._signed(self._key or self._read_key(False), now)

    def _renewed(self, refused: _Kept, now: float) -> _Kept:
        """Another web token, if the key was exchanged, or if the machine has slept since the refused one was made."""
        try:
            key = self._read_key(True)
            if key == self._key and now - refused.made < _NEW:
                return refused
            return self._signed(key, now)
        except DeployerError as error:
            told = f"GitHub refused the GitHub App's key (401), and another one cannot be had: {error}"
            raise SourceError(told, status=401) from error

    def _signed(self, key: str, now: float) -> _Kept:
        signed = _web_token(self._app_id, key)
        self._hide(signed)
        self._key = key
        return _Kept(f"Bearer {signed}", now, now + _WEB_TOKEN_LASTS)


def lacking(permissions: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    """Return what is wanted and not granted, such as `statuses: write`."""
    return [f"{name}: {access}" for name, access in wanted.items() if permissions.get(name) not in ("write", access)]


def _owner(repository: str) -> str:
    return repository.partition("/")[0]


def _said(ask: Ask, path: str) -> tuple[str, str]:
    """What is answered, and the request as a person is told of it."""
    return ask("GET", path, None).text, f"GET {path}"


def _web_token(app_id: str, key: str) -> str:
    """A web token of the App.

    https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
    """
    with IMPORTING:
        from github.Auth import AppAuth

    try:
        return AppAuth(app_id, key).token
    except Exception:
        # What is no key is refused in as many ways as there are libraries underneath; some quote it.
        raise ConfigurationError(
            "DEPLOYER_GITHUB_APP_KEY leads to something that is no RSA private key as PEM: store the file as it comes "
            "from the App's settings, Private keys"
        ) from None
