"""The connection to one cluster: every request to an API server goes through `Cluster.request`."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from ssl import SSLContext
from typing import Any
from urllib.parse import urlencode

import yaml

from deployer.cluster.gke import Endpoint, find_endpoint
from deployer.cluster.gke_sending import GkeSender
from deployer.cluster.kubeconfig import parse_kubeconfig, trust
from deployer.cluster.sending import IMPERSONATE, Request, Sender
from deployer.cluster_document import Gke
from deployer.errors import ClusterError, TokenError
from deployer.google_token import GoogleToken
from deployer.http import DEFAULT_TIMEOUTS, Timeouts
from deployer.imports import IMPORTING
from deployer.retry import with_retries

PARALLEL = 32
"""Requests that one sync has under way at once, each on a kept-alive connection of its own."""

APPLY = "application/apply-patch+yaml"
"""The content type of a server-side apply, whose outcome is the same however often it is sent."""


class Cluster:
    """A cluster that requests can be sent to; shared by threads. One of the functions `connect…` makes it."""

    def __init__(self, sender: Sender, user: str = "") -> None:
        """Take the way to it, and the user as whom it is asked; `""` is whoever the credentials are of."""
        self.name = sender.name
        self._sender = sender
        self._user = user

    @property
    def requests(self) -> int:
        """How many were sent, by whomever."""
        return self._sender.requests

    def acting_as(self, user: str) -> "Cluster":
        """Return the same cluster, on the same connections, but asked as a service account, with its rights.

        The server adds the groups that each service account has (apiserver, pkg/endpoints/filters/impersonation), so
        that the account of the credentials needs no leave to impersonate groups.
        https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/

        Args:
            user: `system:serviceaccount:NAMESPACE:NAME`; `""` is whoever the credentials are of.
        """
        return Cluster(self._sender, user)

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        live: Mapping[str, Any] | None = None,
        before: Callable[[], None] = lambda: None,
    ) -> dict[str, Any]:
        """Send a request; a read or a server-side apply again, where that may help.

        It ends within 80 seconds: the last attempt begins within `retry.PATIENCE`, and takes no longer than
        `http.WHOLE`. Where the credentials are read anew, that and another attempt come on top, once.

        Args:
            method: the HTTP method.
            path: an absolute path, from `deployer.cluster.paths` where it holds names.
            query: parameters, encoded here.
            body: sent as JSON, whatever the content type: JSON is valid YAML.
            content_type: of the body.
            accept: the media types to ask for.
            live: the object that the server merges `body` with: a refusal may quote either.
            before: called before each attempt; nothing is sent where it raises.

        Returns:
            The answer as parsed JSON.

        Raises:
            ClusterError: no answer, or one that is not 2xx; with its status and the server's own words, in which
                values of a Secret are masked.
        """
        headers = {"Accept": accept, "User-Agent": "deployer"}
        if body is not None:
            headers["Content-Type"] = content_type
        if self._user:
            headers[IMPERSONATE] = self._user
        address = path + (f"?{urlencode(query)}" if query else "")
        what = f"{method} {path}"
        request = Request(method, address, headers, body, what, live)

        def ask() -> bytes:
            before()
            return self._sender.ask(request)

        data = with_retries(ask) if method == "GET" or content_type == APPLY else ask()
        try:
            answer = json.loads(data)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise ClusterError(
                f"cluster {self.name} answered {what} with something that is not a JSON object: "
                f"check the server's address in {self._sender.credentials}, and what stands in between"
            )
        return answer

    def close(self) -> None:
        """Close the pooled connections."""
        self._sender.close()


def connect(
    name: str,
    payload: bytes,
    secret: str,
    *,
    renew: Callable[[], bytes] | None = None,
    timeouts: Timeouts = DEFAULT_TIMEOUTS,
) -> Cluster:
    """Connect with a kubeconfig from a secret. Nothing is sent yet.

    Args:
        name: what the configuration calls the cluster.
        payload: the kubeconfig, plain or base64.
        secret: the secret's name, for errors.
        renew: reads the secret anew; called once when the cluster refuses it (401), and once when it does not answer.
        timeouts: of time, for each request.

    Raises:
        ClusterError: the kubeconfig is malformed, or asks for something unsafe.
    """

    def renewed(_: ClusterError) -> Any:
        anew = renew() if renew else payload
        return None if anew == payload else _kubeconfig_client(anew, secret)

    return Cluster(Sender(name, _kubeconfig_client(payload, secret), f"the kubeconfig in {secret}", timeouts, renewed))


def connect_gke(
    name: str, gke: Gke, token: GoogleToken, *, fresh: bool = False, timeouts: Timeouts = DEFAULT_TIMEOUTS
) -> Cluster:
    """Connect to a cluster of GKE as whoever runs this. Google is asked where it is, the cluster nothing yet.

    Args:
        name: what the configuration calls the cluster.
        gke: which one it is, and the way to it.
        token: for every request; renewed before it ends, and once more when the cluster refuses it.
        fresh: ask Google anew, whatever is known.
        timeouts: of time, for each request.

    Raises:
        ClusterError: Google does not tell, or the cluster has no such endpoint.
    """

    def client(endpoint: Endpoint) -> Any:
        made = _client(endpoint.server, lambda: trust(endpoint.authority), str(gke))
        made.configuration.refresh_api_key_hook = lambda configuration: sign(configuration.api_key)
        made.configuration.api_key["BearerToken"] = ""
        return made

    def sign(keys: dict[str, str]) -> None:
        try:
            keys["BearerToken"] = token.header()
        except TokenError as error:
            raise ClusterError(f"cluster {name} cannot be asked: {error}", transient=error.transient) from error

    known = find_endpoint(gke, token, fresh=fresh)

    def renewed(error: ClusterError) -> Any:
        nonlocal known
        if error.status == 401:
            token.renewed(token.header())
            return client(known)
        before, known = known, find_endpoint(gke, token, fresh=True)
        return None if known == before else client(known)

    return Cluster(GkeSender(name, client(known), gke, token, timeouts, renewed))


def connect_with_file(path: Path | None, context: str | None) -> Cluster:
    """Connect with a person's own kubeconfig, exec plugins and all: it is their machine.

    Args:
        path: the file; None means what kubectl would take (KUBECONFIG, or `~/.kube/config`).
        context: the context; None means the current one.

    Raises:
        ClusterError: the file is missing or malformed.
    """
    with IMPORTING:
        from kubernetes.config import ConfigException, new_client_from_config

    from deployer.deadline import heed_deadlines

    file = str(path) if path else None
    where = file or "kubectl's own configuration"
    credentials = f"the credentials in {where}"
    try:
        client = new_client_from_config(file, context, persist_config=False, client_configuration=_configuration())
        heed_deadlines(client.rest_client.pool_manager)
    except (ConfigException, yaml.YAMLError, ValueError, TypeError, KeyError, AttributeError, OSError) as error:
        raise _unusable(credentials, error) from None
    return Cluster(Sender(context or "the current context", client, credentials, DEFAULT_TIMEOUTS))


def _kubeconfig_client(payload: bytes, secret: str) -> Any:
    config = parse_kubeconfig(payload, secret)
    # Not by the library's own options: these are names of files, which it would read at each new connection.
    client = _client(config.server, config.tls, f"the kubeconfig in {secret}", config.server_name)
    if config.token:
        client.configuration.api_key["BearerToken"] = f"Bearer {config.token}"
    return client


def _client(server: str, tls: Callable[[], SSLContext], credentials: str, server_name: str = "") -> Any:
    with IMPORTING:
        from kubernetes.client import ApiClient

    from deployer.deadline import heed_deadlines

    configuration = _configuration()
    configuration.host = server
    if server_name:
        configuration.tls_server_name = server_name
    client = ApiClient(configuration)
    heed_deadlines(client.rest_client.pool_manager)
    try:
        client.rest_client.pool_manager.connection_pool_kw["ssl_context"] = tls()
    except (ValueError, TypeError, OSError) as error:
        raise _unusable(credentials, error) from None
    return client


def _configuration() -> Any:
    """The library's settings: each client has its own, since the library's global ones would mix clusters up."""
    with IMPORTING:
        from kubernetes.client import Configuration

    configuration = Configuration()
    configuration.connection_pool_maxsize = PARALLEL
    # There is one retry policy, and it is ours; and no redirect is followed, least of all with a token.
    configuration.retries = False
    return configuration


def _unusable(credentials: str, error: Exception) -> ClusterError:
    # Neither quoted nor chained: what is wrong with a kubeconfig may stand beside a token, or be one.
    return ClusterError(f"{credentials} cannot be used: {type(error).__name__}, check it with kubectl")
