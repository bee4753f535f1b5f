"""A GitHub on this machine: git over HTTP, its APIs and webhooks, over a folder of bare repositories."""

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Self

from flask import Blueprint, Flask

from local.github import conversation, git_http, moved, pushes, workflows
from local.github.admission import Admission
from local.github.apps import Apps
from local.github.checks import Checks
from local.github.deployments import Deployments
from local.github.events import Events
from local.github.faults import Body, Fault, Faults
from local.github.git import git
from local.github.hook import Hook
from local.github.lag import Lag
from local.github.limits import Limits
from local.github.listener import Listener
from local.github.queries import Querying
from local.github.repositories import Repositories
from local.github.repository import Ref, Repository
from local.github.rest import Reading
from local.github.rest_apps import Installing
from local.github.rest_checks import Checking
from local.github.rest_compare import Comparing
from local.github.rest_deployments import Deploying
from local.github.rest_hooks import Hooking
from local.github.rest_statuses import Reporting
from local.github.signers import Signers
from local.github.statuses import Statuses
from local.github.tokens import Tokens
from local.github.webhooks import TIMEOUT, Delivery, Webhooks


class GitHub:
    """A GitHub that listens on a free port of 127.0.0.1, or on `port`, between `start` and `stop`.

    `git_url` is where repositories are cloned from and pushed to (`{git_url}/{owner}/{name}.git`, without
    authentication; the first push makes the repository); `api_url` is the REST API, `graphql_url` the GraphQL API: they
    want `token`, another one of `tokens`, or what one of `apps` is. `app` has the routes of all, `requests` the method
    and the path of every request to the APIs, `statuses`, `checks` and `deployments` what was said of commits, whose
    signatures are checked against the keys of `signers`. A push is told to `webhook_url`, if there is one, signed with
    `webhook_secret`, and so is whatever else `webhook` is set to; a receiver gets `delivery_timeout` seconds.

    For tests, `limits`, `lag`, `most_tree_entries` and `most_tree_bytes` may be changed at any time; `fail` and
    `outage` plan failures, `down` ends the whole; `rename`, `delete` and `restrict` change what is there.
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
        self.app = Flask(__name__)
        self.app.json.sort_keys = False  # type: ignore[attr-defined]  # of the provider that Flask comes with
        self._listener = Listener(self.app, port)
        self.git_url = f"http://127.0.0.1:{self._listener.port}"
        self.api_url = f"{self.git_url}/api/v3"
        self.graphql_url = f"{self.git_url}/api/graphql"
        self.statuses = Statuses()
        self.checks = Checks()
        self.deployments = Deployments()
        self.signers = Signers()
        self.tokens = Tokens(token)
        self.limits = Limits()
        self.lag = Lag()
        self._faults = Faults()
        self._secret = webhook_secret
        self._webhooks = Webhooks(Hook(webhook_url, webhook_secret) if webhook_url else None, delivery_timeout)

        self._repositories = Repositories(folder)
        self.apps = Apps(self._repositories, self.tokens)
        admission = Admission(self._repositories, self.tokens, self.apps, self.limits, self._faults)
        self.requests = admission.requests
        rest = Blueprint("rest", __name__, url_prefix="/api/v3")
        conversation.prepare(rest, admission)
        self.limits.register(rest)
        self._reading = Reading(self.git_url, self._repositories, self.lag, self.signers)
        self._reading.register(rest)
        Comparing(self.git_url, self._reading).register(rest)
        hooking = Hooking(self.git_url, self._repositories, self._webhooks)
        hooking.register(rest)
        self._events = Events(self.git_url, hooking, self._webhooks)
        self._workflow_runs = itertools.count(1)
        Reporting(self.git_url, self._reading, self.statuses, self._events).register(rest)
        Checking(self.git_url, self._reading, self.checks, self._events).register(rest)
        said = (self.deployments, self.statuses, self.checks)
        Deploying(self.git_url, self._reading, *said, self._events, self._pushed).register(rest)
        Installing(self.git_url, self._repositories, self.apps).register(rest)
        queries = Blueprint("queries", __name__, url_prefix="/api")
        conversation.prepare(queries, admission)
        Querying(self._repositories, self.lag).register(queries)
        self.app.register_blueprint(rest)
        moved.serve_by_number(self.app)
        self.app.register_blueprint(queries)
        self.app.register_blueprint(git_http.blueprint(self._repositories, self._pushed))

    @property
    def webhook(self) -> Hook | None:
        """The webhook that each repository has, or each organisation; None sends none.

        It may be changed at any time: `github.webhook = dataclasses.replace(github.webhook, content_type="form")`.
        """
        return self._webhooks.hook

    @webhook.setter
    def webhook(self, hook: Hook | None) -> None:
        self._webhooks.hook = hook

    @property
    def webhook_url(self) -> str | None:
        """Where webhooks go; None sends none. It may be changed at any time."""
        return self.webhook.url if self.webhook else None

    @webhook_url.setter
    def webhook_url(self, url: str | None) -> None:
        if url is None:
            self.webhook = None
        else:
            self.webhook = replace(self.webhook, url=url) if self.webhook else Hook(url, self._secret)

    @property
    def most_tree_entries(self) -> int:
        """How many entries a recursive listing of a tree has before it is cut short: 100,000 on GitHub."""
        return self._reading.most_tree_entries

    @most_tree_entries.setter
    def most_tree_entries(self, most: int) -> None:
        self._reading.most_tree_entries = most

    @property
    def most_tree_bytes(self) -> int:
        """How many bytes of JSON the entries of such a listing have at most: 7 MB on GitHub."""
        return self._reading.most_tree_bytes

    @most_tree_bytes.setter
    def most_tree_bytes(self, most: int) -> None:
        self._reading.most_tree_bytes = most

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        """Every delivery that has ended, well or not."""
        return self._webhooks.deliveries

    def wait_for_delivery(self, after: str, timeout: float = 15.0, attempt: int = 1) -> Delivery:
        """Return the delivery that says a ref now points at `after`, once it has ended; `attempt` 2 is its redelivery.

        Raises:
            TimeoutError: there was none within `timeout` seconds.
        """
        return self._webhooks.wait_for(after, timeout, attempt)

    def fail(
        self,
        path: str,
        status: int | None,
        *,
        times: int = 1,
        method: str | None = None,
        headers: Mapping[str, str] | None = None,
        body: Body = None,
    ) -> Fault:
        """Have the next requests for a path fail; faults for the same path follow each other.

        Args:
            path: a regular expression that is looked for in the path below `/api/v3`, or in `/graphql`.
            status: what they are answered with; None cuts their connections without an answer.
            times: how many requests; the fault that is returned counts down in `left`.
            method: GET or POST; None fails both.
            headers: of the answer, such as Retry-After.
            body: a mapping is sent as JSON, a string as a page; without one, GitHub's JSON says the status's name.
        """
        fault = Fault(method, re.compile(path), HTTPStatus(status) if status else None, headers or {}, body, times)
        self._faults.add(fault)
        return fault

    @contextmanager
    def outage(self, path: str = "", status: int | None = 503, *, method: str | None = None) -> Iterator[None]:
        """Have every request for a path fail while the block lasts, as `fail` has the next; git is served."""
        fault = Fault(method, re.compile(path), HTTPStatus(status) if status else None, left=None)
        self._faults.add(fault)
        try:
            yield
        finally:
            self._faults.remove(fault)

    @contextmanager
    def down(self) -> Iterator[None]:
        """Refuse connections while the block lasts, and cut those that there are; the address stays the same."""
        self._listener.go_down()
        try:
            yield
        finally:
            self._listener.come_back()

    def heal(self) -> None:
        """Forget the failures that are planned."""
        self._faults.clear()

    def workflow_run(self, repository: str, sha: str, name: str = "ci", conclusion: str | None = "success") -> None:
        """Tell the webhook, if it wants to hear of that, of a run of GitHub Actions; nothing is run.

        Args:
            repository: `owner/name`.
            sha: of the commit.
            name: of the workflow.
            conclusion: such as success or failure; None is a run that is in progress.

        Raises:
            ValueError: there is no such repository or commit.
        """
        found = self._repositories.find(*repository.split("/"))
        if not found or found.peel(sha, "commit") != sha:
            raise ValueError(f"there is no commit {sha} in {repository}; push it first")
        number = next(self._workflow_runs)
        payload = partial(workflows.workflow_run, self.git_url, found, sha, name, conclusion, number)
        self._events.tell(found, "workflow_run", payload)

    def move(self, repository: str, branch: str, sha: str) -> None:
        """Have a branch of `owner/name` point at a commit that is there already, as a push does in a moment.

        Raises:
            ValueError: there is no such repository or commit.
        """
        found = self._repositories.find(*repository.split("/"))
        if not found or found.peel(sha, "commit") != sha:
            raise ValueError(f"there is no commit {sha} in {repository}; push it first")
        with found.lock:
            before = found.refs()
            git(found.path, "update-ref", f"refs/heads/{branch}", sha)
            after = found.refs()
        self._pushed(found, before, after)

    def fork(self, repository: str, owner: str) -> None:
        """Copy `owner/name` to another owner: its commits can then be read by their SHAs from the original, too.

        Raises:
            ValueError: there is no such repository, or the copy cannot be made.
        """
        self._repositories.fork(self._found(repository), owner)

    def rename(self, repository: str, name: str) -> None:
        """Give `owner/name` another name, or another owner, with all that was said of it.

        By its old name it is redirected to from then on, until there is another repository of that name.

        Raises:
            ValueError: there is no such repository, or the name is taken or none.
        """
        before = self._found(repository)
        after = self._repositories.rename(before, name)
        for kept in (self.statuses, self.checks, self.deployments):
            kept.rename(before.full_name, after.full_name)

    def delete(self, repository: str) -> None:
        """Take `owner/name` away.

        Raises:
            ValueError: there is no such repository.
        """
        self._repositories.delete(self._found(repository))

    def restrict(self, token: str, repositories: Iterable[str] | None) -> None:
        """Let a token see these repositories (`owner/name`) only, from now on; None lets it see all again.

        For the token it is as if the others had been deleted, as it is with those that were made private.
        """
        seen = None if repositories is None else frozenset(map(self._repositories.number, repositories))
        self.tokens.restrict(token, seen)

    def start(self) -> Self:
        """Serve, in a thread."""
        self._listener.start()
        return self

    def stop(self) -> None:
        """Serve no more; every delivery that a push has caused is waited for."""
        self._listener.stop()
        self._webhooks.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _found(self, repository: str) -> Repository:
        found = self._repositories.find(*repository.split("/"))
        if not found:
            raise ValueError(f"there is no repository {repository}; push to it first")
        return found

    def _pushed(self, repository: Repository, before: Mapping[str, Ref], after: Mapping[str, Ref]) -> None:
        """Have a push told of; the deliveries are made in threads of their own, so that the push does not wait."""
        self.lag.begin(repository, before)
        for change in pushes.announced(before, after):
            payload = partial(pushes.payload, self.git_url, repository, change, before, after)
            self._events.send(repository, "push", payload)
