"""The globs of configuration documents: which files an Application reads, what an AppProject allows."""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

from deployer.errors import ConfigurationError

_TOKENS = re.compile(r"\\(?P<escaped>.)|(?P<stars>\*+)|\[(?P<negated>!?)(?P<members>[^]]+)]|(?P<other>.)", re.DOTALL)

# A part of a glob: given a text, and the places in it where the part may begin, the places where it may end. A regular
# expression with as many stars would try all their combinations, for hours.
_Part = Callable[[str, set[int]], set[int]]


@lru_cache(maxsize=4096)  # a project asks the same of each object: of a few kinds, in a few namespaces
def matches(pattern: str, text: str, separator: str = "") -> bool:
    r"""Tell whether a text matches a glob.

    `*` is any text without the separator, `**` any text, `?` one character that is not the separator, `[a-z]` one of
    these, `[!a-z]` one of the others, `{one,other}` either, and `\` takes the meaning from what follows: the rules of
    github.com/gobwas/glob, which Argo CD uses. Raises ConfigurationError where the pattern is not valid.
    """
    return len(text) in _parse(pattern, separator)(text, {0})


@lru_cache(maxsize=256)
def _parse(pattern: str, separator: str) -> _Part:
    try:
        return _alternatives(_TOKENS.finditer(pattern), separator, in_braces=False)
    except (ValueError, re.error, RecursionError):
        raise ConfigurationError(
            f"{pattern!r} is no valid glob: [ and {{ need their ] and }}, and \\ a character"
        ) from None


def _alternatives(tokens: Iterator[re.Match[str]], separator: str, *, in_braces: bool) -> _Part:
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
            parts.append(_alternatives(tokens, separator, in_braces=True))
        else:
            parts.append(_stars(text, separator) if token["stars"] else _character(token, separator))
    if in_braces:
        raise ValueError("a brace without its end")
    return _either(options)


def _either(options: list[list[_Part]]) -> _Part:
    def part(text: str, starts: set[int]) -> set[int]:
        ends = set()
        for parts in options:
            places = starts
            for each in parts:
                places = each(text, places)
            ends |= places
        return ends

    return part


def _stars(stars: str, separator: str) -> _Part:
    def up_to_separators(text: str, starts: set[int]) -> set[int]:
        ends: set[int] = set()
        for start in sorted(starts):
            if start not in ends:  # an earlier start has been there, and has gone as far
                found = text.find(separator, start)
                ends.update(range(start, (len(text) if found < 0 else found) + 1))
        return ends

    def to_the_end(text: str, starts: set[int]) -> set[int]:
        return set(range(min(starts), len(text) + 1)) if starts else starts

    return up_to_separators if separator and stars == "*" else to_the_end


def _character(token: re.Match[str], separator: str) -> _Part:
    if token["members"]:
        members = re.sub(r"([\\^[&|~])", r"\\\1", token["members"])
        regex = re.compile(f"[{token['negated'].replace('!', '^')}{members}]")
    elif token["other"] in ("[", "\\"):
        raise ValueError("a bracket or an escape without its end")
    elif token["other"] == "?":
        regex = re.compile(f"[^{re.escape(separator)}]" if separator else ".", re.DOTALL)
    else:
        regex = re.compile(re.escape(token["escaped"] or token["other"]))
    return lambda text, starts: {place + 1 for place in starts if regex.match(text, place)}
