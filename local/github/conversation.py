"""How GitHub's REST API talks, whatever is asked for: who is let in, the headers of every answer, errors and pages.

https://docs.github.com/en/rest/using-the-rest-api
"""

import re
import secrets
from http import HTTPStatus
from typing import NoReturn, TypeVar
from urllib.parse import urlencode

from flask import Blueprint, Response, g, jsonify, request

from local.github.admission import Admission
from local.github.refusal import RefusedError, not_found

Item = TypeVar("Item")

_MEDIA_TYPE = re.compile(r"application/vnd\.github(?:\.v3)?\.(raw|sha)\b")
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def prepare(routes: Blueprint, admission: Admission) -> None:
    """Give a blueprint GitHub's manners."""

    def path() -> str:
        return request.path.removeprefix(routes.url_prefix or "")

    @routes.before_request
    def admit() -> Response | None:
        return admission.admit(request.method, path())

    @routes.after_request
    def sign(response: Response) -> Response:
        if request.method == "GET" and response.status_code == HTTPStatus.OK:
            response.add_etag(weak=True)
            response.make_conditional(request)
            del response.headers["Date"]  # the server adds one
        if response.status_code == HTTPStatus.NOT_MODIFIED:
            admission.limits.primary.give_back()
        if response.mimetype == "application/json":
            response.content_type = "application/json; charset=utf-8"
        told = {**_usual_headers(), **admission.limits.headers(path()), **g.get("about_token", {})}
        for name, value in told.items():
            response.headers.setdefault(name, value)  # a fault may have its own
        return response

    @routes.errorhandler(RefusedError)
    def refuse(refusal: RefusedError) -> tuple[Response, int, dict[str, str]]:
        return jsonify(refusal.body()), refusal.status, dict(refusal.headers)

    @routes.route("/", defaults={"path": ""}, methods=_METHODS)
    @routes.route("/<path:path>", methods=_METHODS)
    def unknown(path: str) -> NoReturn:
        raise not_found()


def _usual_headers() -> dict[str, str]:
    parameter = wanted_form()
    return {
        "Cache-Control": "private, max-age=60, s-maxage=60",
        "Vary": "Accept, Authorization",
        "X-GitHub-Api-Version-Selected": request.headers.get("X-GitHub-Api-Version", "2022-11-28"),
        "X-GitHub-Media-Type": f"github.v3; param={parameter}" if parameter else "github.v3; format=json",
        "X-GitHub-Request-Id": secrets.token_hex(10).upper(),
    }


def wanted_form() -> str:
    """Return the form that the client asks for instead of JSON: `raw` or `sha`, or nothing."""
    match = _MEDIA_TYPE.search(request.headers.get("Accept", ""))
    return match[1] if match else ""


def page_size() -> int:
    """Return how many items the client wants on a page: 30 unless it says so, at most 100."""
    return min(max(request.args.get("per_page", 30, int), 1), 100)


def page(items: list[Item]) -> tuple[list[Item], dict[str, str]]:
    """Return the page that is asked for, and the Link header that names the others."""
    size = page_size()
    number = max(request.args.get("page", 1, int), 1)
    last = max(-(-len(items) // size), 1)
    others = {"prev": number - 1, "first": 1} if number > 1 else {}
    others |= {"next": number + 1, "last": last} if number < last else {}
    asked = request.args.to_dict()
    links = [
        f'<{request.base_url}?{urlencode({**asked, "per_page": size, "page": other})}>; rel="{name}"'
        for name, other in others.items()
    ]
    return items[(number - 1) * size : number * size], {"Link": ", ".join(links)} if links else {}
