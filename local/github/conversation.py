"""How GitHub's REST API talks, whatever is asked for: who is let in, the headers of every answer, errors and pages.

https://docs.github.com/en/rest/using-the-rest-api
"""

import hmac
import re
import secrets
import time
from http import HTTPStatus
from typing import Any, NoReturn, TypeVar

from flask import Blueprint, Response, jsonify, request

Item = TypeVar("Item")

RATE_LIMIT = 5_000  # requests an hour that GitHub grants a user
_MEDIA_TYPE = re.compile(r"application/vnd\.github(?:\.v3)?\.(raw|sha)\b")
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


class RefusedError(Exception):
    """A request that GitHub refuses; `errors` name the fields at fault."""

    def __init__(self, status: HTTPStatus, message: str, errors: list[dict[str, str]] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors


def prepare(routes: Blueprint, token: str, requests: list[tuple[str, str]]) -> None:
    """Give a blueprint GitHub's manners; `requests` gets the method and the path (below `/api/v3`) of every request."""

    @routes.before_request
    def admit() -> None:
        requests.append((request.method, request.path.removeprefix(routes.url_prefix or "")))
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() not in ("bearer", "token"):
            raise RefusedError(HTTPStatus.UNAUTHORIZED, "Requires authentication")
        if not hmac.compare_digest(given.strip().encode(), token.encode()):
            raise RefusedError(HTTPStatus.UNAUTHORIZED, "Bad credentials")

    @routes.after_request
    def sign(response: Response) -> Response:
        if response.mimetype == "application/json":
            response.content_type = "application/json; charset=utf-8"
        parameter = wanted_form()
        media_type = f"github.v3; param={parameter}" if parameter else "github.v3; format=json"
        response.headers.update(
            {
                "Cache-Control": "private, max-age=60, s-maxage=60",
                "Vary": "Accept, Authorization",
                "X-GitHub-Api-Version-Selected": request.headers.get("X-GitHub-Api-Version", "2022-11-28"),
                "X-GitHub-Media-Type": media_type,
                "X-GitHub-Request-Id": secrets.token_hex(10).upper(),
                "X-RateLimit-Limit": str(RATE_LIMIT),
                "X-RateLimit-Remaining": str(max(RATE_LIMIT - len(requests), 0)),
                "X-RateLimit-Reset": str(int(time.time()) + 3600),
                "X-RateLimit-Resource": "core",
                "X-RateLimit-Used": str(len(requests)),
            }
        )
        if request.method == "GET" and response.status_code == HTTPStatus.OK:
            response.add_etag(weak=True)
            response.make_conditional(request)
            del response.headers["Date"]  # the server adds one
        return response

    @routes.errorhandler(RefusedError)
    def refuse(refusal: RefusedError) -> tuple[Response, int]:
        body: dict[str, Any] = {"message": refusal.message}
        if refusal.errors:
            body["errors"] = refusal.errors
        body |= {"documentation_url": "https://docs.github.com/rest", "status": str(refusal.status.value)}
        return jsonify(body), refusal.status

    @routes.route("/", defaults={"path": ""}, methods=_METHODS)
    @routes.route("/<path:path>", methods=_METHODS)
    def unknown(path: str) -> NoReturn:
        raise not_found()


def not_found() -> RefusedError:
    """Return what GitHub says of anything that is not there, or that the token may not see."""
    return RefusedError(HTTPStatus.NOT_FOUND, "Not Found")


def invalid(resource: str, field: str, message: str) -> RefusedError:
    """Return what GitHub says of a field that it cannot accept."""
    error = {"resource": resource, "code": "custom", "field": field, "message": message}
    return RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, "Validation Failed", [error])


def wanted_form() -> str:
    """Return the form that the client asks for instead of JSON: `raw` or `sha`, or nothing."""
    match = _MEDIA_TYPE.search(request.headers.get("Accept", ""))
    return match[1] if match else ""


def page(items: list[Item]) -> tuple[list[Item], dict[str, str]]:
    """Return the page that is asked for, and the Link header that names the others (30 on a page, at most 100)."""
    size = min(max(request.args.get("per_page", 30, int), 1), 100)
    number = max(request.args.get("page", 1, int), 1)
    last = max(-(-len(items) // size), 1)
    others = {"prev": number - 1, "first": 1} if number > 1 else {}
    others |= {"next": number + 1, "last": last} if number < last else {}
    links = [f'<{request.base_url}?per_page={size}&page={other}>; rel="{name}"' for name, other in others.items()]
    return items[(number - 1) * size : number * size], {"Link": ", ".join(links)} if links else {}
