"""The body of a request: a JSON object, and what GitHub says of a field that it cannot take."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any

from flask import request

from local.github.refusal import RefusedError

Body = Mapping[str, Any]


def json_object() -> dict[str, Any]:
    """Return the body of the present request.

    Raises:
        RefusedError: it is no JSON object.
    """
    try:
        body = json.loads(request.get_data())
    except ValueError:
        raise RefusedError(HTTPStatus.BAD_REQUEST, "Problems parsing JSON") from None
    if not isinstance(body, dict):
        raise RefusedError(HTTPStatus.BAD_REQUEST, "Body should be a JSON object")
    return body


def check_given(body: Body, *fields: str) -> None:
    """Refuse a body without one of the fields.

    Raises:
        RefusedError: one is not there.
    """
    for field in fields:
        if field not in body:
            raise malformed(f'"{field}" wasn\'t supplied.')


def check_kind(body: Body, kind: type, *fields: str) -> None:
    """Refuse a body in which one of the fields is there, and neither null nor of that kind.

    Raises:
        RefusedError: one is of another kind.
    """
    for field in fields:
        if not isinstance(body.get(field), kind | None):
            name = {str: "a string", bool: "a boolean", list: "an array", dict: "an object"}[kind]
            raise malformed(f"For 'properties/{field}', {json.dumps(body[field])} is not {name}.")


def check_choice(body: Body, field: str, choices: Sequence[str]) -> None:
    """Refuse a body in which the field is there, and none of the choices.

    Raises:
        RefusedError: it is something else.
    """
    if body.get(field) is not None and body[field] not in choices:
        known = json.dumps(list(choices))
        raise malformed(f"For 'properties/{field}', {json.dumps(body[field])} is not a member of {known}.")


def check_length(body: Body, longest: int, *fields: str) -> None:
    """Refuse a body in which one of the fields is a longer text.

    Raises:
        RefusedError: one is too long.
    """
    for field in fields:
        if len(body.get(field) or "") > longest:
            raise malformed(f"Only {longest} characters are allowed; {len(body[field])} were supplied.")


def time_of(body: Body, field: str) -> datetime | None:
    """Return the time that a field says, or None if it is not there.

    Raises:
        RefusedError: it is no time.
    """
    check_kind(body, str, field)
    text = body.get(field)
    try:
        time = datetime.fromisoformat(text) if text else None
    except ValueError:
        time = None
    if text and (time is None or time.tzinfo is None):
        raise malformed(f"For 'properties/{field}', {json.dumps(text)} is not a valid date-time.")
    return time


def malformed(problem: str) -> RefusedError:
    """Return what GitHub says of a body that is not what a route takes."""
    return RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, f"Invalid request.\n\n{problem}")
