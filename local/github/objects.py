"""What is written in git's commit and tag objects (https://git-scm.com/book/en/v2/Git-Internals-Git-Objects)."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import NamedTuple

from local.github.repository import GitObject

_PERSON = re.compile(r"(.*?) ?<(.*)> (\d+) ([+-])(\d\d)(\d\d)")


class Person(NamedTuple):
    """Who made a commit or a tag, and when, with the offset of that person's clock."""

    name: str
    email: str
    time: datetime


class Commit(NamedTuple):
    """What a commit object says."""

    sha: str
    tree: str
    parents: list[str]
    author: Person
    committer: Person
    message: str
    signature: str | None


class Tag(NamedTuple):
    """What the object of an annotated tag says."""

    sha: str
    target: str
    target_type: str
    name: str
    tagger: Person
    message: str


def parse_commit(commit: GitObject) -> Commit:
    """Read a commit object."""
    headers, message = _split(commit)
    parents = [value for name, value in headers if name == "parent"]
    fields = dict(headers)
    author, committer = parse_person(fields["author"]), parse_person(fields["committer"])
    return Commit(commit.sha, fields["tree"], parents, author, committer, message, fields.get("gpgsig"))


def parse_tag(tag: GitObject) -> Tag:
    """Read a tag object."""
    headers, message = _split(tag)
    fields = dict(headers)
    return Tag(tag.sha, fields["object"], fields["type"], fields["tag"], parse_person(fields["tagger"]), message)


def parse_person(line: str) -> Person:
    """Read git's `Name <address> seconds +hhmm`."""
    match = _PERSON.fullmatch(line)
    if not match:
        raise ValueError(f"git should have refused this author, committer or tagger: {line!r}")
    name, email, seconds, sign, hours, minutes = match.groups()
    offset = timedelta(hours=int(hours), minutes=int(minutes)) * (-1 if sign == "-" else 1)
    return Person(name, email, datetime.fromtimestamp(int(seconds), timezone(offset)))


def _split(item: GitObject) -> tuple[list[tuple[str, str]], str]:
    """Split a commit or tag object into its headers, continuation lines joined, and its message."""
    head, _, message = item.data.decode(errors="replace").partition("\n\n")
    return list(_headers(head)), message.rstrip("\n")


def _headers(head: str) -> Iterator[tuple[str, str]]:
    for line in head.replace("\n ", "\0").split("\n"):
        name, _, value = line.partition(" ")
        yield name, value.replace("\0", "\n")
