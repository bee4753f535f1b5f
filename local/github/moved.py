"""A repository by the name that it had before it was renamed, and by its number, which stays the same.

https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#follow-redirects
"""

from http import HTTPStatus
from typing import Any

from flask import Flask, request

from local.github import documents
from local.github.refusal import RefusedError
from local.github.repository import Repository

_BY_NAME = "/api/v3/repos/<owner>/<name>"
NUMBER = "number_of_repository"  # as no route calls a number of its own
_BY_NUMBER = f"/api/v3/repositories/<int:{NUMBER}>"


class MovedError(RefusedError):
    """A request for something that has another address by now."""

    def __init__(self, status: HTTPStatus, url: str) -> None:
        super().__init__(status, "Moved Permanently", headers={"Location": url})
        self.url = url

    def body(self) -> dict[str, Any]:
        """Return the JSON document that says so."""
        return {"message": self.message, "url": self.url, "documentation_url": self.documentation}


def moved(repository: Repository, rest: str) -> MovedError:
    """Return where the present request, for `rest` below a repository, is to go: to the repository's number.

    What only reads is sent there for good (301), and what writes with the same method and body (307).
    """
    query = f"?{request.query_string.decode()}" if request.query_string else ""
    url = f"{request.host_url}api/v3/repositories/{documents.repository_number(repository)}{rest}{query}"
    reads = request.method in ("GET", "HEAD")
    return MovedError(HTTPStatus.MOVED_PERMANENTLY if reads else HTTPStatus.TEMPORARY_REDIRECT, url)


def serve_by_number(app: Flask) -> None:
    """Serve every route of a repository by the repository's number, too: that is where GitHub redirects to."""
    for rule in list(app.url_map.iter_rules()):
        if rule.rule.startswith(_BY_NAME):
            view, methods = app.view_functions[rule.endpoint], rule.methods
            app.add_url_rule(rule.rule.replace(_BY_NAME, _BY_NUMBER), rule.endpoint, view, methods=methods)
