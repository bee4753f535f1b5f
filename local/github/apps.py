"""GitHub Apps, where they are installed, and the tokens of their installations.

https://docs.github.com/en/apps and https://docs.github.com/en/rest/apps/apps
"""

import itertools
import secrets
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from local.github import documents
from local.github.refusal import RefusedError
from local.github.repositories import Repositories
from local.github.repository import Repository
from local.github.tokens import Token, Tokens, bad_credentials

INSTALLATION = "ghs_"  # how the tokens of installations begin


@dataclass(frozen=True)
class App:
    """An App: `permissions` are what it asks for; `private_key` is there if the pair was made here, in PEM."""

    number: int
    name: str
    permissions: Mapping[str, str]
    public_key: str
    private_key: str = field(default="", repr=False)
    created: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def slug(self) -> str:
        """Its name in addresses."""
        return self.name.lower().replace(" ", "-")

    @property
    def client_id(self) -> str:
        """The other name that it may give itself in a JWT."""
        return f"Iv23{self.number:016x}"


@dataclass
class Installation:
    """Where an App is installed: on all repositories of an account, or on those with these numbers."""

    number: int
    app: App
    account: str
    permissions: Mapping[str, str]
    repositories: frozenset[int] | None
    created: datetime
    suspended: datetime | None = None
    installed: bool = True

    @property
    def selection(self) -> str:
        """GitHub's word for which repositories they are."""
        return "all" if self.repositories is None else "selected"

    def covers(self, repository: Repository) -> bool:
        """Tell whether a repository is among them."""
        chosen = self.repositories is None or documents.repository_number(repository) in self.repositories
        return chosen and repository.owner.lower() == self.account.lower()

    def check_active(self) -> None:
        """Refuse what a suspended installation asks for.

        Raises:
            RefusedError: it is suspended.
        """
        if self.suspended:
            raise RefusedError(HTTPStatus.FORBIDDEN, "This installation has been suspended")


@dataclass(frozen=True, kw_only=True)
class InstallationToken(Token):
    """A token of an installation, which ends, and sees no more than the installation does at that moment."""

    expires: datetime
    installation: Installation

    def sees(self, repository: Repository) -> bool:
        """Tell whether a repository is there for it."""
        return super().sees(repository) and self.installation.covers(repository)

    def check_alive(self) -> None:
        """Refuse it once it has ended, its installation is gone or suspended.

        Raises:
            RefusedError: so it is.
        """
        super().check_alive()
        if not self.installation.installed:
            raise bad_credentials()
        self.installation.check_active()


class Apps:
    """The Apps of one GitHub; `token_seconds` is how long the tokens that are made from now on live: an hour."""

    def __init__(self, repositories: Repositories, tokens: Tokens) -> None:
        self.token_seconds = 3_600.0
        self._repositories = repositories
        self._tokens = tokens
        self._numbers = itertools.count(1_001)
        self._lock = threading.Lock()
        self._apps: dict[int, App] = {}
        self._installations: dict[int, Installation] = {}

    def register(self, name: str, *, permissions: Mapping[str, str], public_key: str | None = None) -> App:
        """Make an App.

        Args:
            name: of the App.
            permissions: that it asks for, such as `{"contents": "read"}`; it may always read metadata.
            public_key: that its JWTs are checked with, in PEM; None makes a pair, and `""` is an App that has none.
        """
        private_key = ""
        if public_key is None:
            private_key, public_key = _key_pair()
        app = App(next(self._numbers), name, {"metadata": "read", **permissions}, public_key, private_key)
        with self._lock:
            self._apps[app.number] = app
        return app

    def install(
        self,
        app: App,
        account: str,
        *,
        repositories: Iterable[str] | None = None,
        permissions: Mapping[str, str] | None = None,
    ) -> Installation:
        """Install an App on an account.

        Args:
            app: that is installed.
            account: whose repositories it gets.
            repositories: the chosen ones, as `owner/name`, which need not be there yet; None is all, and those to come.
            permissions: that it is granted; None is all that the App asks for.
        """
        granted = app.permissions if permissions is None else {"metadata": "read", **permissions}
        chosen = self._chosen(repositories)
        installation = Installation(next(self._numbers), app, account, granted, chosen, datetime.now(UTC))
        with self._lock:
            self._installations[installation.number] = installation
        return installation

    def uninstall(self, installation: Installation) -> None:
        """Take an installation away, and its tokens with it."""
        with self._lock:
            self._installations.pop(installation.number, None)
        installation.installed = False

    def suspend(self, installation: Installation) -> None:
        """Let an installation do nothing until `unsuspend`."""
        installation.suspended = datetime.now(UTC)

    def unsuspend(self, installation: Installation) -> None:
        """Let a suspended installation work again."""
        installation.suspended = None

    def select(self, installation: Installation, repositories: Iterable[str] | None) -> None:
        """Change which repositories an installation is for; tokens that are there already see the change."""
        installation.repositories = self._chosen(repositories)

    def named(self, issuer: object) -> App | None:
        """Return the App with that number or client id, or None if there is none."""
        with self._lock:
            return next(
                (app for app in self._apps.values() if issuer in (app.number, str(app.number), app.client_id)), None
            )

    def installations(self, app: App) -> list[Installation]:
        """Return where an App is installed, the oldest first."""
        with self._lock:
            return [one for one in self._installations.values() if one.app == app]

    def installation(self, app: App, number: int) -> Installation | None:
        """Return an installation of an App by its number, or None if there is none."""
        return next((one for one in self.installations(app) if one.number == number), None)

    def covered(self, installation: Installation) -> list[Repository]:
        """Return the repositories that an installation is for and that are there."""
        return [repository for repository in self._repositories.all() if installation.covers(repository)]

    def token(
        self, installation: Installation, repositories: frozenset[int] | None, permissions: Mapping[str, str]
    ) -> InstallationToken:
        """Make a token of an installation, for all of its repositories or some, with some of its permissions."""
        token = InstallationToken(
            value=f"{INSTALLATION}{secrets.token_hex(18)}",
            permissions={"metadata": "read", **permissions},
            scopes=None,
            repositories=repositories,
            expires=datetime.now(UTC) + timedelta(seconds=self.token_seconds),
            installation=installation,
        )
        self._tokens.keep(token)
        return token

    def _chosen(self, repositories: Iterable[str] | None) -> frozenset[int] | None:
        return None if repositories is None else frozenset(map(self._repositories.number, repositories))


def _key_pair() -> tuple[str, str]:
    """Return a private key and its public one, in the forms in which GitHub gives and keeps them."""
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()
