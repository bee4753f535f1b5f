"""GitHub's GraphQL API, as far as it reads the objects of a repository: `POST /api/graphql`.

https://docs.github.com/en/graphql. Whatever is wrong with a query is answered with 200 and `errors`, in the words of
graphql-core where GitHub has its own for a query that does not fit the schema. There is no limit on how many objects
one query asks for: GitHub documents none but 500,000 nodes of connections, which are not served here.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from http import HTTPStatus
from typing import Any

from flask import Blueprint, g
from graphql import DocumentNode, ExecutionResult, GraphQLError, execute_sync, parse, validate

from local.github.body import json_object
from local.github.lag import Lag
from local.github.limits import GRAPHQL
from local.github.query_schema import SCHEMA, Asked, ProblemError
from local.github.refusal import QueryRefusedError
from local.github.repositories import Repositories


class Querying:
    """The route of queries."""

    def __init__(self, repositories: Repositories, lag: Lag) -> None:
        self._repositories = repositories
        self._lag = lag

    def register(self, routes: Blueprint) -> None:
        """Add the route to a blueprint."""
        routes.add_url_rule(GRAPHQL, view_func=self.query, methods=["POST"])

    def query(self) -> tuple[dict[str, Any], int]:
        """Answer `POST /graphql`."""
        body = json_object()
        text, variables, operation = body.get("query"), body.get("variables"), body.get("operationName")
        if not text or not isinstance(text, str):
            raise QueryRefusedError({"message": "A query attribute must be specified and must be a string."})
        if not isinstance(variables, dict | None) or not isinstance(operation, str | None):
            raise QueryRefusedError({"message": "Variables must be an object, and an operation's name a string."})
        with ExitStack() as stack:
            asked = Asked(self._repositories, self._lag, g.token, stack)
            result = _run(text, variables, operation, asked)
        errors = {"errors": [_described(error) for error in result.errors]} if result.errors else {}
        data = {} if result.data is None and errors else {"data": result.data}
        return {**data, **errors}, HTTPStatus.OK


def _run(text: str, variables: Mapping[str, Any] | None, operation: str | None, asked: Asked) -> ExecutionResult:
    document = _parsed(text)
    if isinstance(document, GraphQLError):
        return ExecutionResult(None, [document])
    if problems := validate(SCHEMA, document):
        return ExecutionResult(None, problems)
    given = dict(variables or {})
    return execute_sync(SCHEMA, document, context_value=asked, variable_values=given, operation_name=operation)


def _parsed(text: str) -> DocumentNode | GraphQLError:
    try:
        return parse(text)
    except GraphQLError as error:
        return error


def _described(error: GraphQLError) -> dict[str, Any]:
    """Describe an error as GitHub does: with its type, if it has one, and where in the answer something is missing."""
    problem = error.original_error
    kind = {"type": problem.kind} if isinstance(problem, ProblemError) else {}
    path = {"path": error.path} if error.path else {}
    forbidden = {"extensions": {"saml_failure": False}} if kind.get("type") == "FORBIDDEN" else {}
    places = [{"line": place.line, "column": place.column} for place in error.locations or ()]
    located = {"locations": places} if places else {}
    return {**kind, **path, **forbidden, **located, "message": error.message}
