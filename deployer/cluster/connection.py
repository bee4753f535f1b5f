"""The connection to one cluster: every request to an API server goes through `Cluster.request`."""

import http.client
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import yaml

from deployer.cluster.kubeconfig import parse_kubeconfig
from deployer.cluster.refusal import refusal
from deployer.errors import ClusterError, DeployerError
from deployer.http import DEFAULT_TIMEOUTS, Timeouts, TooLargeError, excerpt, read_answer
from deployer.imports import IMPORTING
from deployer.masking import mask
from deployer.retry import with_retries

PARALLEL = 32
"""Requests that one sync has under way at once, each on a kept-alive connection of its own."""

APPLY = "application/apply-patch+yaml"
"""The content type of a server-side apply, whose outcome is the same however often it is sent."""


@dataclass(frozen=True)
class _Request:
    method: str
    address: str
    headers: Mapping[str, str]
    body: Mapping[str, Any] | None
    what: str
    live: Mapping[str, Any] | None

    def hide(self, text: str) -> str:
        """Mask the values of a Secret in words about it."""
        return mask(mask(text, self.body or {}), self.live or {})


class Cluster:
    """A cluster that requests can be sent to; shared by threads.

    Made by `connect` or `connect_with_file`. `requests` counts what was sent.
    """

    def __init__(
        self,
        name: str,
        client: Any,
        credentials: str,
        timeouts: Timeouts,
        renew: Callable[[], Any] | None = None,
    ) -> None:
        """Take a `kubernetes.client.ApiClient`.

        `credentials` says where they come from, for errors; `renew` gives a client with others once these are
        refused, or None where there are no others.
        """
        self.name = name
        self.requests = 0
        self._client = client
        self._credentials = credentials
        self._timeouts = timeouts
        self._renew = renew
        self._counting, self._renewing = threading.Lock(), threading.Lock()

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
        address = path + (f"?{urlencode(query)}" if query else "")
        what = f"{method} {path}"
        request = _Request(method, address, headers, body, what, live)

        def ask() -> bytes:
            before()
            return self._ask(request)

        data = with_retries(ask) if method == "GET" or content_type == APPLY else ask()
        try:
            answer = json.loads(data)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise ClusterError(
                f"cluster {self.name} answered {what} with something that is not a JSON object: "
                f"check the server's address in {self._credentials}, and what stands in between"
            )
        return answer

    def close(self) -> None:
        """Close the pooled connections."""
        self._client.close()

    def _ask(self, request: _Request) -> bytes:
        client = self._client
        try:
            return self._send(client, request)
        except ClusterError as error:
            if error.status != 401 or (client := self._renewed(client)) is None:
                raise
        return self._send(client, request)

    def _renewed(self, refused: Any) -> Any:
        """The client to ask with instead of one that was refused, or None: the credentials are read anew only once."""
        with self._renewing:  # threads that are refused together wait for the one that reads
            if self._renew:
                renew, self._renew = self._renew, None
                try:
                    self._client = renew() or refused
                except DeployerError as error:
                    told = f"cluster {self.name} refused the credentials (401), and they cannot be read anew: {error}"
                    raise ClusterError(told, status=401) from error
            return None if self._client is refused else self._client

    def _send(self, client: Any, request: _Request) -> bytes:
        import urllib3

        from deployer.deadline import within

        with self._counting:
            self.requests += 1
        headers = dict(request.headers)
        timeout = urllib3.Timeout(connect=self._timeouts.connect, read=self._timeouts.read)
        try:
            client.update_params_for_auth(headers, [], ["BearerToken"], request.address, request.method, request.body)
            with within(self._timeouts.whole):
                answer = client.rest_client.pool_manager.request(
                    request.method,
                    client.configuration.host + request.address,
                    headers=headers,
                    body=None if request.body is None else json.dumps(request.body),
                    timeout=timeout,
                    preload_content=False,
                )
                data = read_answer(answer)
        except (urllib3.exceptions.HTTPError, OSError, http.client.HTTPException) as error:
            # Not chained: what is no HTTP is quoted, and may quote what was sent.
            raise self._unreachable(excerpt(request.hide(_cause(error))), request.what) from None
        except TooLargeError as error:
            raise ClusterError(f"cluster {self.name} cannot be asked for {request.what}: {error}") from error
        except ValueError:
            # Neither quoted nor chained: http.client shows the header that it refuses, with the token in it.
            raise ClusterError(
                f"cluster {self.name} cannot be asked: the token in {self._credentials} cannot be sent; "
                "look for a line break, or another character that no token has"
            ) from None
        if not 200 <= answer.status < 300:
            retry_after = answer.headers.get("Retry-After", "")
            raise refusal(self.name, self._credentials, request.what, answer.status, data, retry_after, request.hide)
        return data

    def _unreachable(self, cause: str, what: str) -> ClusterError:
        told = f"cluster {self.name} cannot be reached for {what}: {cause}"
        if "certificate verify failed" in cause:
            return ClusterError(
                f"{told}: the cluster's certificate is not signed by the CA in {self._credentials}; if the cluster has "
                "a new CA, put that there, and if not, something else answers at its address"
            )
        return ClusterError(
            f"{told}; check that it is up, and the server's address in {self._credentials}", transient=True
        )


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

    return Cluster(name, _client(payload, secret), f"the kubeconfig in {secret}", timeouts, renewed)


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
    return Cluster(context or "the current context", client, credentials, DEFAULT_TIMEOUTS)


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


def _cause(error: BaseException) -> str:
    """What went wrong underneath, without the layers of retries and pools that wrap it."""
    for inner in (getattr(error, "reason", None), *reversed(error.args)):
        if isinstance(inner, BaseException):
            return _cause(inner)
    return str(error) or type(error).__name__
