"""The peer of `webhook`: the least that a function can do with a body."""

from flask import Request


def hello(request: Request) -> str:
    """Read the body and say hello."""
    request.get_data()
    return "hello"
