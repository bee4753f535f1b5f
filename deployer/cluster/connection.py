"""The connection to one cluster: every request to an API server goes through `Cluster.request`."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import yaml

from deployer.cluster.kubeconfig import parse_kubeconfig
from deployer.cluster.sending import IMPERSONATE, Request, Sender
from deployer.errors import ClusterError
from deployer.http import DEFAULT_TIMEOUTS, Timeouts
from deployer.imports import IMPORTING
from deployer.retry import with_retries

PARALLEL = 32
"""Requests that one sync has under way at once, each on a kept-alive connection of its own."""

APPLY = "application/apply-patch+yaml"
"""The content type of a server-side apply, whose outcome is the same however often it is sent."""


class Cluster:
    """A cluster that requests can be sent to; shared by threads. Made by `connect` or `connect_with_file`."""

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
        renew: reads the secret anew; called at most once, when the cluster first answers 401.
        timeouts: of time, for each request.

    Raises:
        ClusterError: the kubeconfig is malformed, or asks for something unsafe.
    """

    def renewed() -> Any:
        anew = renew() if renew else payload
        return None if anew == payload else _client(anew, secret)

    return Cluster(Sender(name, _client(payload, secret), f"the kubeconfig in {secret}", timeouts, renewed))


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


def _client(payload: bytes, secret: str) -> Any:
    with IMPORTING:
        from kubernetes.client import ApiClient

    from deployer.deadline import heed_deadlines

    config = parse_kubeconfig(payload, secret)
    configuration = _configuration()
    configuration.host = config.server
    if config.token:
        configuration.api_key["BearerToken"] = f"Bearer {config.token}"
    if config.server_name:
        configuration.tls_server_name = config.server_name
    client = ApiClient(configuration)
    heed_deadlines(client.rest_client.pool_manager)
    try:
        # Not by the library's own options: these are names of files, which it would read at each new connection.
        client.rest_client.pool_manager.connection_pool_kw["ssl_context"] = config.tls()
    except (ValueError, TypeError, OSError) as error:
        raise _unusable(f"the kubeconfig in {secret}", error) from None
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
