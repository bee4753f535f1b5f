"""The connection to one cluster: every request to an API server goes through `Cluster.request`."""

import http.client
import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import yaml

from deployer.cluster.kubeconfig import parse_kubeconfig
from deployer.errors import ClusterError
from deployer.http import TIMEOUT
from deployer.retry import with_retries

PARALLEL = 16
"""Requests that one sync has under way at once, each on a kept-alive connection of its own."""

_TRANSIENT = (409, 429, 500, 502, 503, 504)
"""Answers that may be others a moment later: 409 says that somebody wrote at the same time."""

_MISTYPED = "failed to create typed patch object"
"""How the server begins a 500 that no repeating mends: a field that its kind does not have, or of another type."""


class Cluster:
    """A cluster that requests can be sent to; shared by threads.

    Made by `connect` or `connect_with_file`. `requests` counts what was sent.
    """

    def __init__(self, name: str, client: Any, credentials: str) -> None:
        """Take a `kubernetes.client.ApiClient`; `credentials` says where they come from, for errors."""
        self.name = name
        self.requests = 0
        self._client = client
        self._credentials = credentials
        self._lock = threading.Lock()

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> Any:
        """Send a request, again where that may help: reads and server-side applies may be repeated.

        Args:
            method: the HTTP method.
            path: an absolute path, from `deployer.cluster.paths` where it holds names.
            query: parameters, encoded here.
            body: sent as JSON, whatever the content type: JSON is valid YAML.
            content_type: of the body.
            accept: the media types to ask for.

        Returns:
            The answer as parsed JSON.

        Raises:
            ClusterError: no answer, or one that is not 2xx; with its status and the server's own words.
        """
        headers = {"Accept": accept, "User-Agent": "deployer"}
        if body is not None:
            headers["Content-Type"] = content_type
        address = path + (f"?{urlencode(query)}" if query else "")
        data = with_retries(lambda: self._ask(method, path, address, headers, body))
        try:
            return json.loads(data)
        except ValueError as error:
            told = f"cluster {self.name} answered {method} {path} with something that is not JSON"
            raise ClusterError(told) from error

    def close(self) -> None:
        """Close the pooled connections."""
        self._client.close()

    def _ask(self, method: str, path: str, address: str, headers: dict[str, str], body: object) -> bytes:
        import urllib3.exceptions
        from kubernetes.client.exceptions import ApiException

        with self._lock:
            self.requests += 1
        what = f"{method} {path}"
        url = self._client.configuration.host + address
        try:
            self._client.update_params_for_auth(headers, [], ["BearerToken"], path, method, body)
            answer = self._client.call_api(method, url, headers, body, _request_timeout=(TIMEOUT, TIMEOUT))
            data: bytes = answer.read()
        except (ApiException, urllib3.exceptions.HTTPError, OSError, http.client.HTTPException) as error:
            cause = _cause(error)
            told = f"cluster {self.name} cannot be reached for {what}: {cause}"
            raise ClusterError(told, transient="certificate verify failed" not in cause) from error
        except ValueError:
            # Neither quoted nor chained: http.client shows the header that it refuses, with the token in it.
            raise ClusterError(
                f"cluster {self.name} cannot be asked: the token in {self._credentials} cannot be sent; "
                "look for a line break, or another character that no token has"
            ) from None
        if not 200 <= answer.status < 300:
            raise self._refusal(answer.status, data, answer.headers.get("Retry-After", ""), what)
        return data

    def _refusal(self, status: int, data: bytes, retry_after: str, what: str) -> ClusterError:
        if status == 401:
            return ClusterError(
                f"cluster {self.name} refused the credentials (401): they may have expired; renew {self._credentials}",
                status=status,
            )
        try:
            said = str(json.loads(data)["message"])
        except (ValueError, TypeError, KeyError):
            said = f"{status} without a reason, for {what}"
        wait = float(retry_after) if retry_after.isdecimal() else None
        transient = status in _TRANSIENT and not said.startswith(_MISTYPED)
        return ClusterError(said, status=status, transient=transient, retry_after=wait)


def connect(name: str, payload: bytes, secret: str) -> Cluster:
    """Connect with a kubeconfig from a secret.

    Args:
        name: what the configuration calls the cluster.
        payload: the kubeconfig, plain or base64.
        secret: the secret's name, for errors.

    Raises:
        ClusterError: the kubeconfig is malformed, or asks for something unsafe.
    """
    from kubernetes.config import new_client_from_config_dict

    config = parse_kubeconfig(payload, secret)
    return _connected(name, f"the kubeconfig in {secret}", lambda **kw: new_client_from_config_dict(config, **kw))


def connect_with_file(path: Path | None, context: str | None) -> Cluster:
    """Connect with a person's own kubeconfig, exec plugins and all: it is their machine.

    Args:
        path: the file; None means what kubectl would take (KUBECONFIG, or `~/.kube/config`).
        context: the context; None means the current one.

    Raises:
        ClusterError: the file is missing or malformed.
    """
    from kubernetes.config import new_client_from_config

    file = str(path) if path else None
    where = file or "kubectl's own configuration"
    return _connected(
        context or "the current context",
        f"the credentials in {where}",
        lambda **kw: new_client_from_config(file, context, persist_config=False, **kw),
    )


def _connected(name: str, credentials: str, new_client: Any) -> Cluster:
    from kubernetes.client import Configuration
    from kubernetes.config import ConfigException

    # A configuration of its own: the library's global default would mix clusters up.
    configuration = Configuration()
    configuration.connection_pool_maxsize = PARALLEL
    configuration.retries = False  # there is one retry policy, and it is ours
    try:
        client = new_client(client_configuration=configuration)
    except (ConfigException, yaml.YAMLError, ValueError, TypeError, KeyError, AttributeError, OSError) as error:
        # Neither quoted nor chained: what is wrong with a kubeconfig may stand beside a token, or be one.
        raise ClusterError(f"{credentials} cannot be used: {type(error).__name__}, check it with kubectl") from None
    return Cluster(name, client, credentials)


def _cause(error: BaseException) -> str:
    """What went wrong underneath, without the layers of retries and pools that wrap it."""
    reason = getattr(error, "reason", None)
    if isinstance(reason, BaseException):
        return _cause(reason)
    return str(reason or error) or type(error).__name__
