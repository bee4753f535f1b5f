"""The YAML that manifests are made of, read fast, to the value and the costs of the exact reader (`loader.py`).

One regular expression matches an entry with all of its value, so that kube-prometheus' 5.6 MB take a third of the exact
reader's time. What is not surely read alike is left to that one: anchors, tags, flow style but for simple lists,
scalars on several lines but for block scalars, tabs, other line breaks, odd indentation, and whatever is wrong.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from deployer.limits import DEEPEST, Limits
from deployer.rendering.scalars import json_key, json_value, plain


class Fast(NamedTuple):
    """A document's value, and its nodes and characters as `Budget` counts them."""

    value: Any
    nodes: int
    characters: int


class _UnsureError(Exception):
    """What stands here is for the exact reader."""


# Whatever is no character of YAML, or is to libyaml a line break or a mark.
_ODD = re.compile(r"[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_ASCII = bytes([9, 10, *range(0x20, 0x7F)])
_COMMENT = r"(?:\ +\#[^\n]*+|\ *+)"
_SEPARATOR = re.compile(rf"---{_COMMENT}\n", re.VERBOSE)
# A line below any comments, with the lines that belong to its block scalar; or the end. It never goes back over what it
# has matched. Keys are short: YAML takes a long one for none.
# Before Python 3.11.5, `(?:…)*+` may go on in the middle of what did not match, so that it is `(?>(?:…)*)` here
# (https://github.com/python/cpython/issues/106052). That remembers each round, of which lines have millions; but theirs
# cannot fail except behind blanks, where `(?:…)*+` is right.
_ENTRY = re.compile(
    r"""
    (?:\ *+\n|\ *+\#[^\n]*+\n)*+
    (?:
        (?P<indent>\ *+)
        (?P<dashes>(?>(?:-(?:\ ++|(?=\n)))*))
        (?>(?:
            (?P<key>[A-Za-z0-9_./$][A-Za-z0-9_./$@+-]{0,250}+|"[^"\\\n\t]{0,250}+"|'[^'\n\t]{0,250}+')
            :(?:\ ++|(?=\n))
        )?)
        (?:
            (?P<style>[|>])(?P<strip>-?)\ *+\n
            (?P<breaks>\n*+)
            (?P<block>(?P<margin>\ ++)[^\ \t\n][^\n]*+\n(?:(?P=margin)[^\n]*+\n|\ *+\n)*+)
        |
            (?P<rest>[^\n]*+)\n
        )
    |
        \Z
    )
    """,
    re.VERBOSE,
)
# Reading an entry takes many times its memory, so that a longer one is left to the exact reader. kube-prometheus' have
# 68,000 characters at most, and fewer than 1,200 different keys and scalars in a document.
_LONGEST = 200_000
_MOST_KNOWN = 5_000
_DASH = re.compile(r"-\ *")
_FOLDED = re.compile(r"\n(\n*)")
_IN_DOUBLE = r'"(?>(?:[^"\\\t]++|\\["\\nt])*)"'
_IN_SINGLE = r"'(?>(?:[^'\t]++|'')*)'"
_ITEM = re.compile(rf"{_IN_DOUBLE}|{_IN_SINGLE}|[A-Za-z0-9_./][A-Za-z0-9_./-]*+", re.VERBOSE)
_QUOTED = re.compile(rf"({_IN_DOUBLE}|{_IN_SINGLE}){_COMMENT}", re.VERBOSE)
_FLOW = re.compile(
    rf"(?:\{{\}}|\[\ *+(?>((?:{_ITEM.pattern})(?>(?:\ *+,\ *+(?:{_ITEM.pattern}))*)\ *+)?)\]){_COMMENT}", re.VERBOSE
)
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {'"': '"', "\\": "\\", "n": "\n", "t": "\t"}
_NO_PLAIN = frozenset(",[]{}#&*!|>'\"%@`")


def read_fast(text: bytes, limits: Limits) -> Fast | None:
    """Read a UTF-8 text that holds one YAML document, if `load_yaml` surely reads the same from it.

    Returns None where that is not sure, or where it alone asks for more than the limits allow.
    """
    if not text.endswith(b"\n"):
        return None
    source = text.decode()
    if text.translate(None, _ASCII) if text.isascii() else _ODD.search(source):
        return None
    try:
        return _Document(limits).read(source)
    except (_UnsureError, ValueError):  # scalars raise the latter
        return None


class _Document:
    """What has been read; `node` is the collection that the next entry is for, if it begins in `column`."""

    def __init__(self, limits: Limits) -> None:
        self._most = limits.nodes
        self._deepest = min(limits.depth, DEEPEST)
        # The root is read as the item of a list that stands further to the left than any entry can.
        self._node: Any = [None]
        self._column = -1
        self._above: list[tuple[Any, int]] = []
        self._key = ""
        self._open = True  # the entry read last has no value yet: one may stand below
        self._nodes, self._characters = 1, 0
        self._scalars: dict[str, tuple[Any, int]] = {}
        self._keys: dict[str, tuple[str, int]] = {}

    def read(self, source: str) -> Fast:
        holder = self._node
        for entry in _entries(source):
            indent, dashes, key, style, strip, breaks, block, margin, rest = entry.groups()
            if dashes:
                self._start_items(len(indent), dashes)
            if key is not None:
                self._start_pair(len(indent) + len(dashes), key)
            elif indent is None:
                break
            elif not dashes:
                raise _UnsureError
            if style:
                self._fill(self._block(style, strip, breaks, block, len(margin)))
            elif rest and rest[0] != "#":
                self._fill(self._inline(rest))
            if self._nodes > self._most:
                raise _UnsureError
        if not self._above:
            raise _UnsureError
        return Fast(holder[0], self._nodes, self._characters)

    def _start_items(self, column: int, dashes: str) -> None:
        for dash in _DASH.findall(dashes):
            self._go_to(column, list)
            self._node.append(None)
            self._nodes += 1
            self._open = True
            column += len(dash)

    def _start_pair(self, column: int, raw: str) -> None:
        if column != self._column or type(self._node) is not dict:
            self._go_to(column, dict)
        known = self._keys.get(raw)
        if known is None:
            known = _key(raw)
            if len(self._keys) < _MOST_KNOWN:
                self._keys[raw] = known
        self._key, length = known
        if self._key in self._node:
            raise _UnsureError
        self._node[self._key] = None
        self._nodes += 2
        self._characters += length
        self._open = True

    def _go_to(self, column: int, kind: type) -> None:
        """Go to the collection that an entry in this column belongs to; it may be a new one."""
        # The items of a list may begin right below the key that it is the value of.
        if self._open and (column > self._column or (column == self._column and kind is list is not type(self._node))):
            self._above.append((self._node, self._column))
            self._check_depth(len(self._above))
            node: Any = kind()
            self._fill(node)
            self._node, self._column = node, column
            return
        while column < self._column or (column == self._column and kind is dict is not type(self._node)):
            self._node, self._column = self._above.pop()
        if column != self._column or type(self._node) is not kind:
            raise _UnsureError

    def _check_depth(self, depth: int) -> None:
        if depth > self._deepest:
            raise _UnsureError

    def _fill(self, value: Any) -> None:
        """Give the entry that was read last its value."""
        self._node[self._key if type(self._node) is dict else -1] = value
        self._open = False

    def _block(self, style: str, strip: str, breaks: str, block: str, margin: int) -> str:
        if margin <= self._column:
            raise _UnsureError
        # Lines of spaces alone may be shorter than the margin.
        text = "\n".join([line[margin:] for line in block.split("\n")]).rstrip("\n")
        if style == ">":
            if "\n " in text or "\n\t" in text:
                raise _UnsureError
            text = _FOLDED.sub(lambda newlines: newlines[1] or " ", text)
        text = f"{breaks}{text}" if strip else f"{breaks}{text}\n"
        self._characters += len(text)
        return text

    def _inline(self, rest: str) -> Any:
        """Read the value that stands on an entry's own line, with what comes behind it."""
        known = self._scalars.get(rest)
        if known is None:
            if rest[0] in "[{":
                return self._flow(rest)
            known = _scalar(rest)
            if len(self._scalars) < _MOST_KNOWN:
                self._scalars[rest] = known
        value, length = known
        self._characters += length
        return value

    def _flow(self, rest: str) -> Any:
        match = _FLOW.fullmatch(rest)
        if match is None:
            raise _UnsureError
        self._check_depth(len(self._above) + 1)
        items = [self._inline(item) for item in _ITEM.findall(match[1] or "")]
        self._nodes += len(items)
        return {} if rest[0] == "{" else items


def _entries(source: str) -> Iterator[re.Match[str]]:
    separator = _SEPARATOR.match(source)
    for entry in _ENTRY.finditer(source, separator.end() if separator else 0):
        if entry.end() - entry.start() > _LONGEST:
            raise _UnsureError
        yield entry


def _key(raw: str) -> tuple[str, int]:
    if raw[0] in "\"'":
        return raw[1:-1], len(raw) - 2
    return json_key(plain(raw)), len(raw)


def _scalar(rest: str) -> tuple[Any, int]:
    """Read a scalar with what comes behind it; gives its value and the length of its text."""
    if rest[0] in "\"'":
        match = _QUOTED.fullmatch(rest)
        if match is None:
            raise _UnsureError
        inside = match[1][1:-1]
        text = inside.replace("''", "'") if rest[0] == "'" else _ESCAPE.sub(lambda sign: _ESCAPED[sign[1]], inside)
        return text, len(text)
    text = rest.partition(" #")[0].rstrip(" ")
    if text[0] in _NO_PLAIN or (text[0] in "-?:" and text[1:2] in ("", " ")):
        raise _UnsureError
    if ": " in text or text[-1] == ":" or "\t" in rest:
        raise _UnsureError
    return json_value(plain(text)), len(text)
