"""Who is let in to GitHub's APIs: the steps that every request takes before its route does anything."""

import re

from flask import Response, g, request

from local.github import documents
from local.github.app_jwt import identify, is_for_apps
from local.github.apps import Apps
from local.github.faults import Faults
from local.github.limits import Limits
from local.github.moved import NUMBER, moved
from local.github.refusal import not_found
from local.github.repositories import Repositories
from local.github.repository import Repository
from local.github.tokens import Tokens, check, needed

_OF_REPOSITORY = re.compile(r"/repos/([^/]+)/([^/]+)")
_BY_NUMBER = re.compile(r"/repositories/(\d+)")


class Admission:
    """Notes each request, plays its fault, and lets it in if its credentials, the limits and its repository allow it.

    `requests` has the method and the path (below `/api/v3`, or `/api` for `/graphql`) of every request that came.
    """

    def __init__(self, repositories: Repositories, tokens: Tokens, apps: Apps, limits: Limits, faults: Faults) -> None:
        self.limits = limits
        self.requests: list[tuple[str, str]] = []
        self._repositories = repositories
        self._tokens = tokens
        self._apps = apps
        self._faults = faults

    def admit(self, method: str, path: str) -> Response | None:
        """Let the present request in, whose token is then `g.token`, or whose App `g.app`; or return a fault's answer.

        Raises:
            RefusedError: it may not come in, or its repository has another address by now.
        """
        self.requests.append((method, path))
        if fault := self._faults.take(method, path):
            return fault.answer()
        path = self._named(path)
        repository = self._asked_for(path)
        authorization = request.headers.get("Authorization", "")
        if is_for_apps(path):
            g.app = identify(self._apps, authorization)
            self.limits.admit(method, path, user=g.app.number)
            self._check_address(path, repository)
            return None
        token, wanted = self._tokens.find(authorization), needed(method, path)
        g.token, g.about_token = token, token.headers(wanted)
        self.limits.admit(method, path, user=documents.number(documents.USER))
        if repository and not token.sees(repository):
            raise not_found()
        check(token, wanted)
        self._check_address(path, repository)
        return None

    def _named(self, path: str) -> str:
        """Return the path by the repository's name where it has its number, as what GitHub redirects to has."""
        match = _BY_NUMBER.match(path)
        if not match:
            return path
        found = self._repositories.numbered(int(match[1]))
        owner, name = (found.owner, found.name) if found else ("", "")  # of which there is none
        of_path = {key: value for key, value in (request.view_args or {}).items() if key != NUMBER}
        request.view_args = {**of_path, "owner": owner, "name": name}
        return f"/repos/{owner}/{name}{path[match.end() :]}"

    def _asked_for(self, path: str) -> Repository | None:
        """Return the repository that a path is about, by the name that it has or once had."""
        match = _OF_REPOSITORY.match(path)
        return self._repositories.find(*match.groups()) or self._repositories.moved(*match.groups()) if match else None

    def _check_address(self, path: str, repository: Repository | None) -> None:
        match = _OF_REPOSITORY.match(path)
        if match and repository and not self._repositories.find(*match.groups()):
            raise moved(repository, path[match.end() :])
