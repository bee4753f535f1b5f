"""A GitHub on this machine: git over HTTP, the REST API and webhooks, over a folder of bare repositories."""

import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from flask import Blueprint, Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from local.github import conversation, documents, git_http, pushes
from local.github.repositories import Repositories
from local.github.repository import Ref, Repository
from local.github.rest import Reading
from local.github.rest_statuses import Reporting
from local.github.statuses import Statuses
from local.github.webhooks import TIMEOUT, Delivery, Webhooks


class GitHub:
    """A GitHub that listens on a free port of 127.0.0.1, or on `port`, between `start` and `stop`.

    `git_url` is where repositories are cloned from and pushed to (`{git_url}/{owner}/{name}.git`, without
    authentication; the first push makes the repository); `api_url` is the REST API, which wants `token`; `requests` has
    the method and the path of every REST request, `statuses` what was said of commits. A push is told to `webhook_url`,
    if there is one, signed with `webhook_secret`; a receiver gets `delivery_timeout` seconds.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int = 0,
        token: str,
        webhook_url: str | None,
        webhook_secret: str,
        delivery_timeout: float = TIMEOUT,
    ) -> None:
        app = Flask(__name__)
        app.json.sort_keys = False  # type: ignore[attr-defined]  # of the provider that Flask comes with
        self._server = make_server("127.0.0.1", port, app, threaded=True, request_handler=_QuietHandler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="github", daemon=True)
        self.git_url = f"http://127.0.0.1:{self._server.port}"
        self.api_url = f"{self.git_url}/api/v3"
        self.requests: list[tuple[str, str]] = []
        self.statuses = Statuses()
        self._webhooks = Webhooks(webhook_url, webhook_secret, delivery_timeout)

        repositories = Repositories(folder)
        rest = Blueprint("rest", __name__, url_prefix="/api/v3")
        conversation.prepare(rest, token, self.requests)
        reading = Reading(self.git_url, repositories)
        reading.register(rest)
        Reporting(self.git_url, reading, self.statuses).register(rest)
        app.register_blueprint(rest)
        app.register_blueprint(git_http.blueprint(repositories, self._announce))

    @property
    def webhook_url(self) -> str | None:
        """Where webhooks go; None sends none. It may be changed at any time."""
        return self._webhooks.url

    @webhook_url.setter
    def webhook_url(self, url: str | None) -> None:
        self._webhooks.url = url

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        """Every delivery that has ended, well or not."""
        return self._webhooks.deliveries

    def wait_for_delivery(self, after: str, timeout: float = 15.0) -> Delivery:
        """Return the delivery that says a ref now points at `after`, once it has ended.

        Raises:
            TimeoutError: there was none within `timeout` seconds.
        """
        return self._webhooks.wait_for(after, timeout)

    def start(self) -> Self:
        """Serve, in a thread."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Serve no more; every delivery that a push has caused is waited for."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()
        self._webhooks.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _announce(self, repository: Repository, before: Mapping[str, Ref], after: Mapping[str, Ref]) -> None:
        """Have a push told of; the deliveries are made in threads of their own, so that the push does not wait."""
        if not self.webhook_url:
            return
        host = self.git_url.removeprefix("http://")
        for change in pushes.announced(before, after):
            payload = pushes.payload(self.git_url, repository, change, before, after)
            self._webhooks.send("push", payload, target=documents.number(repository.owner), host=host)


class _QuietHandler(WSGIRequestHandler):
    """Logs errors, but not every request."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""
