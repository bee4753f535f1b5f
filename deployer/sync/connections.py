"""Connects to GitHub and to clusters, with the credentials that settings and configuration name."""

from collections.abc import Mapping
from functools import lru_cache, partial

from deployer.cluster.connection import Cluster, connect, connect_gke
from deployer.cluster_document import ClusterDocument
from deployer.github.app import App
from deployer.github.client import GitHub
from deployer.github.credentials import Credentials, Token
from deployer.github.files import keep_in
from deployer.google_token import google_token
from deployer.http import DEFAULT_TIMEOUTS, Timeouts
from deployer.report import log
from deployer.secrets import read_secret, read_setting
from deployer.settings import Settings

_MADE = 7_200.0
"""Seconds after which nothing is good any more that an App has made: GitHub says an hour, by a clock of its own."""


def open_github(settings: Settings) -> GitHub:
    """Connect to GitHub with the settings' token, or as their App; no line of the log will show a secret of either.

    Raises:
        ConfigurationError: neither is set; or it is no token, or no key.
        SecretError: it cannot be read where it is said to be.
    """
    keep_in(settings.cache_folder, _cannot_keep)
    return GitHub(settings.github_api_url, credentials(settings), share=settings.github_share)


def _cannot_keep(error: OSError) -> None:
    log.warning(f"DEPLOYER_CACHE_FOLDER keeps nothing: {error}; make it a folder that this process may write to")


def credentials(settings: Settings) -> Credentials:
    """Return what the settings say to ask GitHub with; raises as `open_github` does."""
    settings.require_github()
    if settings.github_app_id:
        app = _app(settings)
        app.prepare()
        return app

    def read(*, fresh: bool) -> str:
        place, endpoint = settings.github_token, settings.secret_manager_endpoint
        token = read_setting("DEPLOYER_GITHUB_TOKEN", place, endpoint, fresh=fresh)
        log.hide(token)
        return token

    return Token(read(fresh=False), partial(read, fresh=True))


def app_of(settings: Settings, more: Mapping[str, str] | None = None) -> App:
    """Return the settings' App, which keeps its tokens; nothing is read yet.

    Args:
        settings: that say which, and where its key is.
        more: permissions that its tokens have besides what a sync needs, where the App has them.
    """

    def read(fresh: bool) -> str:
        key = read_secret(settings.github_app_key, settings.secret_manager_endpoint, fresh=fresh)
        text = key.decode(errors="replace")
        log.hide(text)
        return text

    return App(settings.github_app_id, read, partial(log.hide, lasts=_MADE), more)


@lru_cache(4)
def _app(settings: Settings) -> App:
    """One App for the life of the process: a warm function has a token made once an hour for each repository."""
    return app_of(settings)


def open_cluster(
    document: ClusterDocument, settings: Settings, *, fresh: bool = False, timeouts: Timeouts = DEFAULT_TIMEOUTS
) -> Cluster:
    """Connect to a cluster of the configuration; whoever asks closes it. Nothing is sent to it yet.

    Args:
        document: the cluster's.
        settings: say where Secret Manager is.
        fresh: read its kubeconfig, or look its endpoint up, in any case.
        timeouts: of time, for each request.

    Raises:
        SecretError: its kubeconfig cannot be read.
        ClusterError: its kubeconfig is of no use, or GKE does not tell where it is.
    """
    if document.gke:
        return connect_gke(document.name, document.gke, google_token(), fresh=fresh, timeouts=timeouts)
    secret = document.kubeconfig_secret
    read = partial(read_secret, secret, settings.secret_manager_endpoint)
    return connect(document.name, read(fresh=fresh), secret, renew=partial(read, fresh=True), timeouts=timeouts)
