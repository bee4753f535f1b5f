"""A GitHub App: a token for each repository, and no more than that needs.

https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/authenticating-as-a-github-app-installation
"""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from deployer.errors import SourceError
from deployer.github.answer import Answer, parse_answer, parse_answers
from deployer.github.app_key import AppKey
from deployer.github.credentials import Ask
from deployer.github.refusals import APP, LackingError, NoAppError

NEEDED = {"metadata": "read", "contents": "read", "statuses": "write"}
"""Permissions without which nothing is deployed."""

HELPFUL = {"checks": "read", "actions": "read", "deployments": "write"}
"""Those of what not every application asks for: checks that it requires, and deployments that CI starts."""

_EARLY = 300.0
"""Seconds before a token's end that the next one is made: a request that begins with it, ends with it."""

_NEW = 5.0
"""Seconds in which parts of GitHub may not know of a token yet (https://github.com/octokit/auth-app.js/issues/65)."""

_MAY_MORE = 60.0
"""Seconds after which a token that lacks a permission may be of yesterday: somebody may have granted it since."""

_AGAIN = 2.0
"""Seconds before GitHub is asked again for a token that it has refused without a word of when."""


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


@dataclass(frozen=True)
class _Refusal:
    """Why there is no token for a repository, and until when nobody asks again."""

    error: SourceError
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
            hide: is told each token that is made, so that no log shows it.
            more: permissions that tokens have besides `NEEDED` and `HELPFUL`, where the App has them.
        """
        self._app_id = app_id
        self._key = AppKey(app_id, read_key, hide)
        self._hide = hide
        self._wanted = {**NEEDED, **HELPFUL, **(more or {})}
        self._tokens: dict[str, _Kept] = {}
        self._refusals: dict[str, _Refusal] = {}
        self._lock = threading.Lock()
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def prepare(self) -> None:
        """Read the key, where that has not been done.

        Raises:
            SecretError: it cannot be read.
            ConfigurationError: it is none.
        """
        self._key.authorization()

    def account(self, repository: str) -> str:
        """Return the installation: GitHub counts what all its tokens do together."""
        return f"App {self._app_id} of {_owner(repository)}"

    def authorization(self, repository: str, ask: Ask) -> str:
        """Return the repository's token, or for no repository a web token that the App's key has signed.

        See `Credentials`. A token is made where there is none, and where it ends soon.
        """
        if not repository:
            return self._key.authorization()
        with self._lock_of(repository):  # of the threads that ask for the same one, the first makes it
            return self._token(repository, ask)

    def instead(self, repository: str, ask: Ask, refused: str, error: SourceError) -> str:
        """Return a new token, or web token; see `Credentials`. One that has just been made may be good all the same."""
        lacks = isinstance(error, LackingError)
        if not repository:
            return refused if lacks else self._key.instead(refused)
        with self._lock_of(repository):
            kept = self._tokens.get(repository)
            if kept and kept.authorization == refused:
                age = time.monotonic() - kept.made
                if lacks and age < _MAY_MORE:
                    return refused
                if not lacks and age < _NEW:
                    told = (
                        "GitHub does not take the token that it has just made (401): it does not know it everywhere "
                        "yet, or the App was uninstalled; try again"
                    )
                    raise SourceError(told, status=401, transient=True, retry_after=1)
                del self._tokens[repository]
            return self._token(repository, ask)

    def installation(self, repository: str, ask: Ask) -> Installation:
        """Ask which installation a repository belongs to.

        Raises:
            SourceError: to none; or GitHub does not say, or says that it is suspended, or that the repository is
                somebody else's by now.
        """
        try:
            answer = parse_answer(*_said(ask, f"/repos/{repository}/installation"))
        except NoAppError:
            raise
        except SourceError as error:
            if error.status != 404:
                raise
            raise SourceError(self._not_there(repository, ask), status=404) from error
        # For a repository that was moved, GitHub redirects to the installation of whoever has it now.
        if (account := _account(answer)) != _owner(repository):
            raise _moved(repository, account)
        page = answer.text("html_url")
        if answer.fields.get("suspended_at"):
            told = f"the GitHub App's installation for {account} is suspended: unsuspend it at {page}"
            raise SourceError(told, status=403)
        granted = {name: str(access) for name, access in answer.object("permissions").fields.items()}
        return Installation(answer.number("id"), granted, page)

    def _not_there(self, repository: str, ask: Ask) -> str:
        """Say why the App has no installation for a repository."""
        owner = _owner(repository)
        everywhere = parse_answers(*_said(ask, "/app/installations?per_page=100"))
        pages = {account: one.text("html_url") for one in everywhere if (account := _account(one))}
        if owner in pages:
            return (
                f"the GitHub App is installed for {owner}, but not for {repository}, or there is no such repository "
                f"(any more): choose it at {pages[owner]}; if it was renamed or moved, change repoURL"
            )
        there = f"; it is for {', '.join(sorted(pages))}" if pages else ""
        return f"the GitHub App is not installed for {owner} (any more){there}: install it there, with {repository}"

    def _lock_of(self, repository: str) -> threading.Lock:
        with self._lock:
            return self._locks[repository]

    def _token(self, repository: str, ask: Ask) -> str:
        """The token that is known, or a new one; whoever asks has the repository's lock.

        Those who waited meanwhile share a refusal, as does whoever comes soon: sixteen threads are as one for GitHub.
        """
        kept, refusal, now = self._tokens.get(repository), self._refusals.get(repository), time.monotonic()
        if kept and now < kept.until:
            return kept.authorization
        if refusal and now < refusal.until:
            raise _again(refusal.error, refusal.until - now)
        try:
            made = self._tokens[repository] = self._made(repository, ask)
        except SourceError as error:
            wait = _AGAIN if error.retry_after is None else error.retry_after
            told = _again(error, wait)
            self._refusals[repository] = _Refusal(told, time.monotonic() + wait)
            raise _again(told, wait) from error
        return made.authorization

    def _made(self, repository: str, ask: Ask) -> _Kept:
        """Have a token made, for one repository and what is wanted of what was granted by now.

        That GitHub finds a repository by its name in lower case is not documented; where it does not, it says so (422).
        https://docs.github.com/rest/apps/apps#create-an-installation-access-token-for-an-app
        """
        found = self.installation(repository, ask)
        granted = found.permissions
        if "contents" not in granted:
            told = (
                f"the GitHub App may not read {repository}: give it the permission Contents: Read-only in its "
                f"settings, and accept that at {found.page}"
            )
            raise SourceError(told, status=403)
        path = f"/app/installations/{found.number}/access_tokens"
        body = {
            "repositories": [repository.partition("/")[2]],
            "permissions": {
                name: access if granted[name] == "write" else "read"
                for name, access in self._wanted.items()
                if name in granted
            },
        }
        now = time.monotonic()
        said = ask("POST", path, body)
        answer = parse_answer(said.text, f"POST {path}")
        token = answer.text("token")
        self._hide(token)
        for one in answer.objects("repositories") if "repositories" in answer.fields else ():
            if (name := one.text("full_name").lower()) != repository:
                raise _moved(repository, name)
        # GitHub's clock says when it ends: ours may be wrong.
        lasts = answer.time("expires_at").timestamp() - said.now
        return _Kept(f"token {token}", now, now + max(lasts - _EARLY, lasts / 2))


def lacking(permissions: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    """Return what is wanted and not granted, such as `statuses: write`."""
    return [f"{name}: {access}" for name, access in wanted.items() if permissions.get(name) not in ("write", access)]


def _owner(repository: str) -> str:
    return repository.partition("/")[0]


def _account(installation: Answer) -> str:
    """Whose an installation is, in lower case; an enterprise has another kind of name, and `""` is nobody's."""
    account = installation.fields.get("account")
    found = (account.get("login") or account.get("slug")) if isinstance(account, dict) else None
    return str(found or "").lower()


def _said(ask: Ask, path: str) -> tuple[str, str]:
    """What is answered, and the request as a person is told of it."""
    return ask("GET", path, None).text, f"GET {path}"


def _moved(repository: str, to: str) -> SourceError:
    return SourceError(f"{repository} was moved to {to or 'another account'}: change repoURL", status=403)


def _again(error: SourceError, wait: float) -> SourceError:
    """The same refusal, for another thread, or later."""
    # Whoever asks for a ref or a commit would take a 404 for that one's.
    status = 403 if error.status == 404 else error.status
    return type(error)(str(error), status=status, transient=error.transient, retry_after=wait)
