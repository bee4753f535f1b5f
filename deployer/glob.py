"""The globs of `directory.include` and `directory.exclude`."""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

from deployer.errors import RenderError

_TOKENS = re.compile(r"\\(?P<escaped>.)|(?P<stars>\*+)|\[(?P<negated>!?)(?P<members>[^]]+)]|(?P<other>.)", re.DOTALL)

# A part of a glob: given a path, and the places in it where the part may begin, the places where it may end. A regular
# expression with as many stars would try all their combinations, for hours.
_Part = Callable[[str, set[int]], set[int]]


def matches(pattern: str, path: str) -> bool:
    r"""Tell whether a path matches a glob.

    `*` is any text, with `/` too, `?` one character, `[a-z]` one of these, `[!a-z]` one of the others, `{one,other}`
    either, and `\` takes the meaning from what follows: the rules of github.com/gobwas/glob without separators, as
    Argo CD uses it. Raises RenderError where the pattern is not valid.
    """
    return len(path) in _parse(pattern)(path, {0})


@lru_cache(maxsize=256)
def _parse(pattern: str) -> _Part:
    try:
        return _alternatives(_TOKENS.finditer(pattern), in_braces=False)
    except (ValueError, re.error, RecursionError):
        raise RenderError(f"{pattern!r} is no valid glob: [ and {{ need their ] and }}, and \\ a character") from None


def _alternatives(tokens: Iterator[re.Match[str]], *, in_braces: bool) -> _Part:
    """Parse up to the closing brace, or to the end. Raises ValueError where a brace, bracket or escape has no end."""
    parts: list[_Part] = []
    options = [parts]
    for token in tokens:
        text = token[0]
        if in_braces and text == "}":
            return _either(options)
        if in_braces and text == ",":
            parts = []
            options.append(parts)
        elif text == "{":
            parts.append(_alternatives(tokens, in_braces=True))
        else:
            parts.append(_any_text if token["stars"] else _character(token))
    if in_braces:
        raise ValueError("a brace without its end")
    return _either(options)


def _either(options: list[list[_Part]]) -> _Part:
    def part(path: str, starts: set[int]) -> set[int]:
        ends = set()
        for parts in options:
            places = starts
            for each in parts:
                places = each(path, places)
            ends |= places
        return ends

    return part


def _any_text(path: str, starts: set[int]) -> set[int]:
    return set(range(min(starts), len(path) + 1)) if starts else starts


def _character(token: re.Match[str]) -> _Part:
    if token["members"]:
        members = re.sub(r"([\\^[&|~])", r"\\\1", token["members"])
        regex = re.compile(f"[{token['negated'].replace('!', '^')}{members}]")
    elif token["other"] in ("[", "\\"):
        raise ValueError("a bracket or an escape without its end")
    else:
        regex = re.compile("." if token["other"] == "?" else re.escape(token["escaped"] or token["other"]), re.DOTALL)
    return lambda path, starts: {place + 1 for place in starts if regex.match(path, place)}
