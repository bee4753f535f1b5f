"""The part of GitHub's GraphQL schema through which files are read, and what its fields come to.

Names and types are GitHub's: https://docs.github.com/en/graphql/reference/git
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, cast

from graphql import (
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLScalarType,
    GraphQLSchema,
    build_schema,
)

from local.github import documents
from local.github.git import SHA
from local.github.git_batch import GitBatch
from local.github.lag import Lag
from local.github.objects import parse_commit, parse_tag
from local.github.repositories import Repositories
from local.github.repository import GitObject, Repository
from local.github.tokens import Token

# A text is cut after so many bytes; not documented, but seen: https://github.com/sveltia/sveltia-cms/issues/950
LONGEST_TEXT = 512_000
_LOOKED_AT = 8_000  # bytes in which git, too, looks for a NUL to tell what is binary

_DESCRIPTION = """
scalar GitObjectID

type Query {
  repository(owner: String!, name: String!, followRenames: Boolean = true): Repository
}

type Repository {
  id: ID!
  name: String!
  nameWithOwner: String!
  object(expression: String, oid: GitObjectID): GitObject
}

interface GitObject {
  id: ID!
  oid: GitObjectID!
  abbreviatedOid: String!
}

type Blob implements GitObject {
  id: ID!
  oid: GitObjectID!
  abbreviatedOid: String!
  byteSize: Int!
  isBinary: Boolean
  isTruncated: Boolean!
  text: String
}

type Tree implements GitObject {
  id: ID!
  oid: GitObjectID!
  abbreviatedOid: String!
  entries: [TreeEntry!]
}

type TreeEntry {
  name: String!
  mode: Int!
  type: String!
  oid: GitObjectID!
  size: Int!
  object: GitObject
}

type Commit implements GitObject {
  id: ID!
  oid: GitObjectID!
  abbreviatedOid: String!
  message: String!
  tree: Tree!
}

type Tag implements GitObject {
  id: ID!
  oid: GitObjectID!
  abbreviatedOid: String!
  name: String!
  target: GitObject!
}
"""


class ProblemError(Exception):
    """What GitHub cannot give for a field; `kind` is the error's type."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True)
class Asked:
    """What the fields of one query are found with: the repositories that there are, and whose token asks."""

    repositories: Repositories
    lag: Lag
    token: Token
    stack: ExitStack  # ends the git processes with the query


class _Repository:
    """A repository as a query sees it; `owner/name` as it is called now."""

    def __init__(self, repository: Repository, batch: GitBatch, token: Token) -> None:
        self.repository = repository
        self.batch = batch
        self.token = token

    def read(self, name: str) -> "_Object | None":
        found = self.batch.read(name)
        return _Object(self, found) if found else None


@dataclass(frozen=True)
class _Object:
    """A git object, and the repository that it was read from."""

    home: _Repository
    found: GitObject


@dataclass(frozen=True)
class _Entry:
    """One line of a tree object."""

    home: _Repository
    name: str
    mode: int
    type: str
    oid: str


def _repository(
    root: None,
    info: GraphQLResolveInfo,
    owner: str,
    name: str,
    followRenames: bool,  # noqa: N803 - GitHub's name
) -> _Repository:
    asked: Asked = info.context
    found = asked.repositories.find(owner, name)
    if not found and followRenames:
        found = asked.repositories.moved(owner, name)
    personal_without = asked.token.scopes is not None and not asked.token.may("contents", "read")
    if not found or not asked.token.sees(found) or personal_without:
        raise ProblemError("NOT_FOUND", f"Could not resolve to a Repository with the name '{owner}/{name}'.")
    view = asked.lag.view(found)
    return _Repository(view, asked.stack.enter_context(GitBatch(view)), asked.token)


def _object(
    home: _Repository, info: GraphQLResolveInfo, expression: str | None = None, oid: str | None = None
) -> _Object | None:
    """Find an object by its SHA, or by an expression: a commit's name, or `<name>:<path>`."""
    if not home.token.may("contents", "read"):
        raise ProblemError("FORBIDDEN", f"Resource not accessible by {home.token.kind}")
    if oid:
        return home.read(oid)
    name, colon, path = (expression or "").partition(":")
    if SHA.fullmatch(name):
        return home.read(f"{name}{colon}{path}")
    commit = home.repository.resolve(name) if home.repository.refs() else None
    return home.read(f"{commit}{colon}{path}") if commit else None


def _is_binary(data: bytes) -> bool:
    return b"\0" in data[:_LOOKED_AT]


def _text(blob: _Object, info: GraphQLResolveInfo) -> str | None:
    """Return what a blob says, as far as it is UTF-8; None of a binary one."""
    data = blob.found.data
    return None if _is_binary(data) else data[:LONGEST_TEXT].decode(errors="replace")


def _entries(tree: _Object, info: GraphQLResolveInfo) -> Iterator[_Entry]:
    data, start = tree.found.data, 0
    while start < len(data):  # each is `mode name\0` and the 20 bytes of an id
        end = data.index(b"\0", start)
        mode, _, name = data[start:end].partition(b" ")
        number, start = int(mode, 8), end + 21
        kind = {0o040000: "tree", 0o160000: "commit"}.get(number, "blob")
        yield _Entry(tree.home, name.decode(errors="replace"), number, kind, data[end + 1 : start].hex())


def _entry_object(entry: _Entry, info: GraphQLResolveInfo) -> _Object | None:
    return entry.home.read(entry.oid)


def _entry_size(entry: _Entry, info: GraphQLResolveInfo) -> int:
    """Return how long a file is; anything else has 0."""
    found = entry.home.read(entry.oid) if entry.type == "blob" else None
    return len(found.found.data) if found else 0


def _type_name(item: _Object, info: GraphQLResolveInfo, kind: object) -> str:
    return item.found.type.capitalize()


def _oid(value: object) -> str:
    if not isinstance(value, str) or not SHA.fullmatch(value):
        raise GraphQLError(f"{value!r} is no GitObjectID: it has 40 characters of 0-9 and a-f")
    return value


_FIELDS: dict[str, dict[str, Any]] = {
    "Query": {"repository": _repository},
    "Repository": {
        "id": lambda home, _: documents.node_id("Repository", documents.repository_number(home.repository)),
        "name": lambda home, _: home.repository.name,
        "nameWithOwner": lambda home, _: home.repository.full_name,
        "object": _object,
    },
    "Blob": {
        "byteSize": lambda blob, _: len(blob.found.data),
        "isBinary": lambda blob, _: _is_binary(blob.found.data),
        "isTruncated": lambda blob, _: len(blob.found.data) > LONGEST_TEXT,
        "text": _text,
    },
    "Tree": {"entries": _entries},
    "TreeEntry": {"object": _entry_object, "size": _entry_size},
    "Commit": {
        "message": lambda commit, _: parse_commit(commit.found).message,
        "tree": lambda commit, _: commit.home.read(parse_commit(commit.found).tree),
    },
    "Tag": {
        "name": lambda tag, _: parse_tag(tag.found).name,
        "target": lambda tag, _: tag.home.read(parse_tag(tag.found).target),
    },
}
_OF_EVERY_OBJECT: dict[str, Any] = {
    "id": lambda item, info: documents.node_id(info.parent_type.name, item.found.sha),
    "oid": lambda item, _: item.found.sha,
    "abbreviatedOid": lambda item, _: item.found.sha[:7],
}


def _built() -> GraphQLSchema:
    """Return the schema with a function for each field that is no attribute of what it is a field of."""
    schema = build_schema(_DESCRIPTION)
    cast(GraphQLInterfaceType, schema.type_map["GitObject"]).resolve_type = _type_name
    cast(GraphQLScalarType, schema.type_map["GitObjectID"]).parse_value = _oid  # type: ignore[method-assign]
    for name, fields in _FIELDS.items():
        described = cast(GraphQLObjectType, schema.type_map[name])
        every = _OF_EVERY_OBJECT if described.interfaces else {}
        for field, resolve in {**every, **fields}.items():
            described.fields[field].resolve = resolve
    return schema


SCHEMA = _built()
