"""A request that GitHub refuses, and the words that it has for that."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any


class RefusedError(Exception):
    """A request that GitHub refuses; `errors` name the fields at fault, `headers` are sent besides the usual ones."""

    def __init__(
        self,
        status: HTTPStatus,
        message: str,
        errors: list[dict[str, Any]] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        documentation: str = "https://docs.github.com/rest",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors
        self.headers = headers or {}
        self.documentation = documentation

    def body(self) -> dict[str, Any]:
        """Return the JSON document that says so."""
        errors = {"errors": self.errors} if self.errors else {}
        told = {"documentation_url": self.documentation, "status": str(self.status.value)}
        return {"message": self.message, **errors, **told}


class QueryRefusedError(RefusedError):
    """A request that GitHub's GraphQL API refuses as a whole: with 200, and the kind of error beside the words."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        super().__init__(HTTPStatus.OK, error["message"])
        self.error = error

    def body(self) -> dict[str, Any]:
        """Return the JSON document that says so."""
        return {"errors": [dict(self.error)]}


def not_found() -> RefusedError:
    """Return what GitHub says of anything that is not there, or that the token may not see."""
    return RefusedError(HTTPStatus.NOT_FOUND, "Not Found")


def no_commit(name: str) -> RefusedError:
    """Return what GitHub says of a name that stands for no commit."""
    return RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, f"No commit found for SHA: {name}")


def invalid(resource: str, field: str, message: str) -> RefusedError:
    """Return what GitHub says of a field that it cannot accept."""
    error = {"resource": resource, "code": "custom", "field": field, "message": message}
    return RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, "Validation Failed", [error])
