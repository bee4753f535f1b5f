"""The identity of a service on Google Cloud, from its metadata server.

google-auth has it, too, but takes as long to import as the rest of the public door, of whose start it would be a third.

https://cloud.google.com/run/docs/container-contract#metadata-server
"""

import json
import time
from collections.abc import Sequence
from os import environ
from typing import Any

from deployer.errors import AnswerError, TokenError
from deployer.google_http import GoogleHttp
from deployer.retry import PATIENCE, with_retries

_EARLY = 225.0
"""Seconds before its end that a token is exchanged, as google-auth does: the server has a new one from then on."""
_EACH = 3.0
"""Seconds for each request: the server is on the same machine."""
_FLAVOR = {"Metadata-Flavor": "Google"}
_ACCOUNT = "/computeMetadata/v1/instance/service-accounts/default"


def is_service() -> bool:
    """Tell whether this is a Cloud Run service or function that has no other credentials than its own."""
    return "K_SERVICE" in environ and not environ.get("GOOGLE_APPLICATION_CREDENTIALS")


class ServiceIdentity:
    """The access token of the service's account, as credentials of google-auth are asked for it."""

    quota_project_id = None

    def __init__(self, scopes: Sequence[str]) -> None:
        """Take what the token is for. Nothing is asked yet."""
        self.token = ""
        self._end = 0.0
        self._scopes = ",".join(scopes)
        self._http = GoogleHttp(f"http://{environ.get('GCE_METADATA_HOST') or 'metadata.google.internal'}")

    @property
    def valid(self) -> bool:
        """Whether there is a token that is good for a while."""
        return time.time() < self._end - _EARLY

    def refresh(self, _request: Any = None) -> None:
        """Get a new token; raises TokenError where there is none."""
        data = self._ask(f"{_ACCOUNT}/token?scopes={self._scopes}")
        try:
            answer = json.loads(data)
            self.token, self._end = str(answer["access_token"]), time.time() + float(answer["expires_in"])
        except (ValueError, TypeError, KeyError):
            raise TokenError("the metadata server answers with something that is no access token") from None

    @property
    def service_account_email(self) -> str:
        """The account's e-mail; `""` where it cannot be had."""
        try:
            return self._ask(f"{_ACCOUNT}/email").decode(errors="replace")
        except TokenError:
            return ""

    def _ask(self, path: str) -> bytes:
        from deployer.deadline import time_left

        def ask() -> bytes:
            answer = self._http.send("GET", path, max(min(_EACH, time_left()), 0.01), headers=_FLAVOR)
            if answer.status != 200:
                raise AnswerError(f"it answers {answer.status}", transient=answer.status == 429 or answer.status >= 500)
            return answer.data

        try:
            return with_retries(ask, min(time_left(), PATIENCE))
        except AnswerError as error:
            # Its own words are not told: what answers in its place may say anything.
            raise TokenError(
                f"the metadata server gives no access token: {error}; check that the service has an account",
                transient=error.transient,
            ) from error
