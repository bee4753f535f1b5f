"""The globs of `directory.include` and `directory.exclude`."""

import re
from functools import lru_cache

from deployer.errors import RenderError

_TOKENS = re.compile(r"\\(?P<escaped>.)|(?P<stars>\*+)|\[(?P<negated>!?)(?P<members>[^]]+)]|(?P<other>.)", re.DOTALL)
_IN_BRACES = {"}": ")", ",": "|"}


def matches(pattern: str, path: str) -> bool:
    r"""Tell whether a path matches a glob.

    `*` is any text, with `/` too, `?` one character, `[a-z]` one of these, `[!a-z]` one of the others, `{one,other}`
    either, and `\` takes the meaning from what follows: the rules of github.com/gobwas/glob without separators, as
    Argo CD uses it. Raises RenderError where the pattern is not valid.
    """
    return _compile(pattern).fullmatch(path) is not None


@lru_cache(maxsize=256)
def _compile(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(_translate(pattern), re.DOTALL)
    except re.error:
        raise RenderError(f"{pattern!r} is no valid glob: [ and {{ need their ] and }}, and \\ a character") from None


def _translate(pattern: str) -> str:
    """Write the glob as a regular expression, which does not compile where a brace, bracket or escape has no end."""
    regex, braces = "", 0
    for token in _TOKENS.finditer(pattern):
        text = token[0]
        if token["members"]:
            regex += "[" + token["negated"].replace("!", "^") + re.sub(r"([\\^[])", r"\\\1", token["members"]) + "]"
        elif token["stars"]:
            regex += ".*"
        elif text in ("?", "[", "\\"):
            regex += text.replace("?", ".")
        elif text == "{":
            braces += 1
            regex += "(?:"
        elif braces and text in _IN_BRACES:
            braces -= text == "}"
            regex += _IN_BRACES[text]
        else:
            regex += re.escape(token["escaped"] or text)
    return regex
