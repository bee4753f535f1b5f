"""The part of GitHub's REST API through which a deployer says what became of a commit.

https://docs.github.com/en/rest/commits/statuses
"""

from functools import partial
from http import HTTPStatus

from flask import Blueprint, Response, jsonify

from local.github import documents
from local.github.body import json_object
from local.github.conversation import page
from local.github.documents import Document
from local.github.events import Events
from local.github.git import SHA
from local.github.refusal import invalid, no_commit, not_found
from local.github.repository import Repository
from local.github.rest import Reading
from local.github.statuses import Status, Statuses, combined, latest, problem

_MOST_BRANCHES = 10  # of an event


class Reporting:
    """The routes of commit statuses; repositories are found as `Reading` finds them."""

    def __init__(self, base: str, reading: Reading, statuses: Statuses, events: Events) -> None:
        self._base = base
        self._reading = reading
        self._statuses = statuses
        self._events = events

    def register(self, routes: Blueprint) -> None:
        """Add the routes to a blueprint."""
        one = "/repos/<owner>/<name>"
        routes.add_url_rule(f"{one}/statuses/<sha>", view_func=self.create, methods=["POST"])
        routes.add_url_rule(f"{one}/commits/<path:ref>/status", view_func=self.combined)
        routes.add_url_rule(f"{one}/commits/<path:ref>/statuses", view_func=self.history)
        routes.add_url_rule(f"{one}/statuses/<path:ref>", view_func=self.history)  # an older address, still in use

    def create(self, owner: str, name: str, sha: str) -> tuple[Response, int, dict[str, str]]:
        """Answer `POST …/statuses/{sha}`."""
        repository = self._reading.filled(owner, name)
        wanted = json_object()
        if not SHA.fullmatch(sha):
            raise invalid("Status", "sha", "sha must be a 40 character SHA1")
        if repository.peel(sha, "commit") != sha:
            raise no_commit(sha)
        if refused := problem(wanted):
            raise invalid("Status", *refused)
        status = self._statuses.add(repository.full_name, sha, wanted)
        if not status:
            raise invalid("Status", "context", "This SHA and context has reached the maximum number of statuses.")
        self._events.tell(repository, "status", partial(self._event, repository, sha, status))
        document = self._full(repository, sha, status)
        return jsonify(document), HTTPStatus.CREATED, {"Location": document["url"]}

    def combined(self, owner: str, name: str, ref: str) -> tuple[Response, int, dict[str, str]]:
        """Answer `GET …/commits/{ref}/status`: the last status of each context, and what they come to."""
        repository, sha = self._commit(owner, name, ref)
        statuses = self._statuses.of(repository.full_name, sha)
        every = latest(statuses)
        shown, links = page(every)
        url = f"{documents.repository_api(self._base, repository)}/commits/{sha}"
        document = {
            "state": combined(statuses),
            "statuses": [self._simple(repository, sha, status) for status in shown],
            "sha": sha,
            "total_count": len(every),
            "repository": documents.minimal_repository(self._base, repository),
            "commit_url": url,
            "url": f"{url}/status",
        }
        return jsonify(document), HTTPStatus.OK, links

    def history(self, owner: str, name: str, ref: str) -> tuple[Response, int, dict[str, str]]:
        """Answer `GET …/commits/{ref}/statuses`: all of them, the newest first."""
        repository, sha = self._commit(owner, name, ref)
        shown, links = page(self._statuses.of(repository.full_name, sha)[::-1])
        return jsonify([self._full(repository, sha, status) for status in shown]), HTTPStatus.OK, links

    def _commit(self, owner: str, name: str, ref: str) -> tuple[Repository, str]:
        repository = self._reading.filled(owner, name)
        sha = repository.resolve(ref)
        if not sha:
            raise not_found()
        return repository, sha

    def _full(self, repository: Repository, sha: str, status: Status) -> Document:
        return {
            **self._simple(repository, sha, status),
            "creator": documents.account(self._base, documents.USER),
        }

    def _simple(self, repository: Repository, sha: str, status: Status) -> Document:
        return {
            "url": f"{documents.repository_api(self._base, repository)}/statuses/{sha}",
            "avatar_url": documents.account(self._base, documents.USER)["avatar_url"],
            "id": status.number,
            "node_id": documents.node_id("StatusContext", status.number),
            "state": status.state,
            "description": status.description,
            "target_url": status.target_url,
            "context": status.context,
            "created_at": documents.utc(status.created),
            "updated_at": documents.utc(status.created),
        }

    def _event(self, repository: Repository, sha: str, status: Status) -> Document:
        """Return what a status event has of its own.

        https://docs.github.com/en/webhooks/webhook-events-and-payloads#status
        """
        (commit,) = repository.read_all([sha])
        url = f"{documents.repository_api(self._base, repository)}/commits/{sha}"
        simple = self._simple(repository, sha, status)
        shown = ("id", "avatar_url", "state", "description", "target_url", "context", "created_at", "updated_at")
        return {
            **{field: simple[field] for field in shown},
            "sha": sha,
            "name": repository.full_name,
            "commit": self._reading.described(repository, commit),
            "branches": [
                {"name": name, "commit": {"sha": sha, "url": url}, "protected": False}
                for name in repository.branches_with(sha, _MOST_BRANCHES)
            ],
        }
