"""The part of GitHub's REST API through which an App learns where it is installed, and gets tokens.

https://docs.github.com/en/rest/apps/apps
"""

from collections.abc import Mapping
from http import HTTPStatus

from flask import Blueprint, Response, g, jsonify, request

from local.github import app_documents, documents
from local.github.apps import App, Apps, Installation
from local.github.body import Body, check_kind, json_object
from local.github.conversation import page
from local.github.refusal import RefusedError, not_found
from local.github.repositories import Repositories
from local.github.repository import Repository

# What is said of a token that the installation cannot give is not documented, but as clients have met it.
_NO_REPOSITORY = "There is at least one repository that does not exist or is not accessible to the parent installation."
_NO_PERMISSION = "The permissions requested are not granted to this installation."
_NO_ACCESS = "The level of access for permissions requested are not granted to this installation."


class Installing:
    """The routes of Apps: whoever is let in to one of them is `g.app`."""

    def __init__(self, base: str, repositories: Repositories, apps: Apps) -> None:
        self._base = base
        self._repositories = repositories
        self._apps = apps

    def register(self, routes: Blueprint) -> None:
        """Add the routes to a blueprint."""
        one = "/app/installations/<int:number>"
        routes.add_url_rule("/app", view_func=self.app)
        routes.add_url_rule("/app/installations", view_func=self.installations)
        routes.add_url_rule(one, view_func=self.installation)
        routes.add_url_rule(f"{one}/access_tokens", view_func=self.create_token, methods=["POST"])
        routes.add_url_rule("/repos/<owner>/<name>/installation", view_func=self.of_repository)
        routes.add_url_rule("/orgs/<owner>/installation", view_func=self.of_account)
        routes.add_url_rule("/users/<owner>/installation", view_func=self.of_account)

    def app(self) -> Response:
        """Answer `GET /app`."""
        app = _app()
        return jsonify(app_documents.app(self._base, app, len(self._apps.installations(app))))

    def installations(self) -> tuple[Response, int, dict[str, str]]:
        """Answer `GET /app/installations`."""
        shown, links = page(self._apps.installations(_app()))
        return jsonify([app_documents.installation(self._base, one) for one in shown]), HTTPStatus.OK, links

    def installation(self, number: int) -> Response:
        """Answer `GET /app/installations/{installation_id}`."""
        return jsonify(app_documents.installation(self._base, self._found(number)))

    def of_repository(self, owner: str, name: str) -> Response:
        """Answer `GET /repos/{owner}/{repo}/installation`."""
        repository = self._repositories.find(owner, name)
        found = [one for one in self._apps.installations(_app()) if repository and one.covers(repository)]
        return self._first(found)

    def of_account(self, owner: str) -> Response:
        """Answer `GET /orgs/{org}/installation`, or the same of a user."""
        return self._first([one for one in self._apps.installations(_app()) if one.account.lower() == owner.lower()])

    def create_token(self, number: int) -> tuple[Response, int]:
        """Answer `POST /app/installations/{installation_id}/access_tokens`."""
        installation = self._found(number)
        installation.check_active()
        wanted = json_object() if request.get_data() else {}
        check_kind(wanted, list, "repositories", "repository_ids")
        check_kind(wanted, dict, "permissions")
        repositories = self._wanted(installation, wanted)
        permissions = wanted.get("permissions") or installation.permissions
        _check_granted(permissions, installation.permissions)
        numbers = None if repositories is None else frozenset(map(documents.repository_number, repositories))
        token = self._apps.token(installation, numbers, permissions)
        return jsonify(app_documents.token(self._base, token, repositories)), HTTPStatus.CREATED

    def _found(self, number: int) -> Installation:
        installation = self._apps.installation(_app(), number)
        if not installation:
            raise not_found()
        return installation

    def _first(self, found: list[Installation]) -> Response:
        if not found:
            raise not_found()
        return jsonify(app_documents.installation(self._base, found[0]))

    def _wanted(self, installation: Installation, wanted: Body) -> list[Repository] | None:
        """Return the repositories that a token is wanted for, by their names or numbers; None is all."""
        names, numbers = wanted.get("repositories") or [], wanted.get("repository_ids") or []
        if not names and not numbers:
            return None
        covered = self._apps.covered(installation)
        by_name = {repository.name.lower(): repository for repository in covered}
        by_number = {documents.repository_number(repository): repository for repository in covered}
        found = [by_name.get(str(name).lower()) for name in names] + [by_number.get(number) for number in numbers]
        if None in found:
            raise RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, _NO_REPOSITORY)
        return [repository for repository in dict.fromkeys(found) if repository]


def _app() -> App:
    app: App = g.app
    return app


def _check_granted(wanted: Mapping[str, str], granted: Mapping[str, str]) -> None:
    for permission, access in wanted.items():
        if permission not in granted:
            raise RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, _NO_PERMISSION)
        if access == "write" and granted[permission] == "read":
            raise RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, _NO_ACCESS)
