"""Sends requests to one API server: its connections, its credentials and its time-outs, shared by threads."""

import http.client
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from deployer.cluster.refusal import refusal
from deployer.errors import ClusterError, DeployerError
from deployer.http import Timeouts, TooLargeError, excerpt, read_answer
from deployer.masking import mask

IMPERSONATE = "Impersonate-User"
"""The header that names the user whose rights a request has, instead of those of the credentials."""


@dataclass(frozen=True)
class Request:
    """One request: `what` names it in errors, `live` is the object that the server merges `body` with."""

    method: str
    address: str
    headers: Mapping[str, str]
    body: Mapping[str, Any] | None
    what: str
    live: Mapping[str, Any] | None

    def hide(self, text: str) -> str:
        """Mask the values of a Secret in words about it."""
        return mask(mask(text, self.body or {}), self.live or {})


class Sender:
    """The way to one API server. `requests` counts what was sent, `credentials` says where they come from."""

    def __init__(
        self,
        name: str,
        client: Any,
        credentials: str,
        timeouts: Timeouts,
        renew: Callable[[ClusterError], Any] | None = None,
    ) -> None:
        """Take a `kubernetes.client.ApiClient`.

        `renew` gives a client with other credentials or at another address, or None where there are no others. It is
        called once when the credentials are refused (401), and once when nobody who is a cluster answers.
        """
        self.name = name
        self.credentials = credentials
        self.requests = 0
        self._client = client
        self._timeouts = timeouts
        self._renew = renew
        self._renewed_after: set[int] = set()
        self._counting, self._renewing = threading.Lock(), threading.Lock()

    def close(self) -> None:
        """Close the pooled connections."""
        self._client.close()

    def ask(self, request: Request) -> bytes:
        """Send a request once, or twice where the credentials are read anew; returns the body of a 2xx answer.

        Raises:
            ClusterError: no answer, or another one.
        """
        client = self._client
        try:
            return self._send(client, request)
        except ClusterError as error:
            # What was cut off may have been carried out: whoever may repeat it does, and asks with the other client.
            if error.status not in (0, 401) or not (client := self._renewed(client, error)) or error.transient:
                raise
        return self._send(client, request)

    def _renewed(self, failed: Any, error: ClusterError) -> Any:
        """The client to ask with instead of one that has failed, or None: there is no other."""
        with self._renewing:  # threads that fail together wait for the one that reads
            if self._renew and self._client is failed and error.status not in self._renewed_after:
                self._renewed_after.add(error.status)
                try:
                    self._client = self._renew(error) or failed
                except DeployerError as cause:
                    if error.status != 401:
                        return None
                    told = f"cluster {self.name} refused the credentials (401), and they cannot be read anew: {cause}"
                    raise ClusterError(told, status=401) from cause
            return None if self._client is failed else self._client

    def _send(self, client: Any, request: Request) -> bytes:
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
                f"cluster {self.name} cannot be asked: the token in {self.credentials} cannot be sent; "
                "look for a line break, or another character that no token has"
            ) from None
        if not 200 <= answer.status < 300:
            raise self._refused(request, answer.status, data, answer.headers.get("Retry-After", ""))
        return data

    def _refused(self, request: Request, status: int, data: bytes, retry_after: str) -> ClusterError:
        acting_as = request.headers.get(IMPERSONATE, "")
        return refusal(self.name, self.credentials, request.what, status, data, retry_after, request.hide, acting_as)

    def _unreachable(self, cause: str, what: str) -> ClusterError:
        told = f"cluster {self.name} cannot be reached for {what}: {cause}"
        if "certificate verify failed" in cause:
            return ClusterError(
                f"{told}: the cluster's certificate is not signed by the CA in {self.credentials}; if the cluster has "
                "a new CA, put that there, and if not, something else answers at its address"
            )
        return ClusterError(
            f"{told}; check that it is up, and the server's address in {self.credentials}", transient=True
        )


def _cause(error: BaseException) -> str:
    """What went wrong underneath, without the layers of retries and pools that wrap it."""
    for inner in (getattr(error, "reason", None), *reversed(error.args)):
        if isinstance(inner, BaseException):
            return _cause(inner)
    return str(error) or type(error).__name__
