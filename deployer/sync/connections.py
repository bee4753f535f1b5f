"""Connects to GitHub and to clusters, with the credentials that settings and configuration name."""

from functools import partial

from deployer.cluster.connection import Cluster, connect, connect_gke
from deployer.cluster_document import ClusterDocument
from deployer.github.client import GitHub
from deployer.google_token import google_token
from deployer.http import DEFAULT_TIMEOUTS, Timeouts
from deployer.report import log
from deployer.secrets import read_secret, read_setting
from deployer.settings import Settings


def open_github(settings: Settings) -> GitHub:
    """Connect to GitHub with the settings' token, which no line of the log will show.

    Raises:
        ConfigurationError: it is not set, or no token.
        SecretError: it cannot be read where it is said to be.
    """
    where = settings.require_github_token()

    def read(*, fresh: bool) -> str:
        token = read_setting("DEPLOYER_GITHUB_TOKEN", where, settings.secret_manager_endpoint, fresh=fresh)
        log.hide(token)
        return token

    renew = partial(read, fresh=True)
    return GitHub(settings.github_api_url, read(fresh=False), renew=renew, share=settings.github_share)


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
