"""A JSON object that GitHub answered with, whose fields are looked at before they are used."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from deployer.errors import SourceError
from deployer.repository import is_commit

_T = TypeVar("_T")


@dataclass(frozen=True)
class Answer:
    """An object of an answer; `what` is the request. Each method raises SourceError where a field is not as asked."""

    what: str
    fields: Mapping[str, Any]

    def text(self, name: str) -> str:
        """A field that is a text."""
        return self._field(name, str)

    def number(self, name: str) -> int:
        """A field that is an integer."""
        return self._field(name, int)

    def flag(self, name: str) -> bool:
        """A field that is true or false."""
        return self._field(name, bool)

    def sha(self, name: str) -> str:
        """A field that is the id of a Git object; it may become part of an address."""
        value = self.text(name)
        if not is_commit(value):
            raise self.unexpected(name)
        return value

    def one_of(self, name: str, values: tuple[_T, ...]) -> _T:
        """A field that is one of these values."""
        value = self.fields.get(name)
        if value not in values:
            raise self.unexpected(name)
        return values[values.index(value)]

    def time(self, name: str) -> datetime:
        """A field that is a time with its zone, as in RFC 3339."""
        try:
            time = datetime.fromisoformat(self.text(name))
        except ValueError:
            raise self.unexpected(name) from None
        if time.tzinfo is None:
            raise self.unexpected(name)
        return time

    def object(self, name: str) -> "Answer":
        """A field that is an object itself."""
        return Answer(self.what, self._field(name, dict))

    def objects(self, name: str) -> list["Answer"]:
        """A field that is a list of objects."""
        values = self._field(name, list)
        if not all(isinstance(value, dict) for value in values):
            raise self.unexpected(name)
        return [Answer(self.what, value) for value in values]

    def _field(self, name: str, kind: type[_T]) -> _T:
        value = self.fields.get(name)
        if not isinstance(value, kind):
            raise self.unexpected(name)
        return value

    def unexpected(self, name: str) -> SourceError:
        """The error for a field that is not as asked."""
        return SourceError(
            f"GitHub's answer to {self.what} has no {name!r} as it is documented: check that DEPLOYER_GITHUB_API_URL "
            "is a GitHub's REST API"
        )


def parse_answer(text: str, what: str, take: Callable[[dict[str, Any]], Any] | None = None) -> Answer:
    """Read an answer that must be an object.

    Args:
        text: its body.
        what: the request.
        take: called with each object as it is read, those inside before those around them; what it returns takes the
            object's place. What a large answer is made of need not be in memory twice.

    Raises:
        SourceError: it is something else.
    """
    found = parse_json(text, take)
    if not isinstance(found, dict):
        raise _unreadable(what, "JSON object")
    return Answer(what, found)


def parse_answers(text: str, what: str) -> list[Answer]:
    """Read an answer that must be a list of objects; as `parse_answer` does, but for that."""
    found = parse_json(text)
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise _unreadable(what, "list of JSON objects")
    return [Answer(what, one) for one in found]


def parse_json(text: str, take: Callable[[dict[str, Any]], Any] | None = None) -> Any:
    """Read JSON; None where it is none, or nested deeper than Python can."""
    try:
        return json.loads(text, object_hook=take)
    except (ValueError, RecursionError):
        return None


def _unreadable(what: str, kind: str) -> SourceError:
    return SourceError(
        f"GitHub answered {what} with something that is no {kind}: check that DEPLOYER_GITHUB_API_URL is a GitHub's "
        "REST API, and that no proxy answers in its place"
    )
