"""A file's text, and the documents in it: split and read as kubectl does it."""

import codecs
import json
import re
from collections.abc import Iterator
from copy import copy
from typing import Any, NamedTuple, NoReturn

from deployer.errors import RenderError
from deployer.rendering.fast import read_fast
from deployer.rendering.loader import Budget, InvalidDocumentError, LimitError, load_yaml
from deployer.rendering.parsed import PARSED
from deployer.rendering.scalars import json_value

# Texts are bytes as long as they can: as `str`, each character takes four if only one of them is an emoji.
_DASHES = re.compile(rb"---([^\n]*)")
_COMMENT_OR_NOTHING = re.compile(r"[^\S\x1c-\x1f]*(#.*)?")  # Go takes these four controls for no space, and Python does
_BRACE_FIRST = re.compile(rb"\s*{")
_JSON_TOKEN = re.compile(rb'"[^"]*"?|[][{}]|[^][{}",:\s]+')


class Chunk(NamedTuple):
    """One document's text, its number in the file, and the line on which it starts, both counted from 1."""

    number: int
    line: int
    text: bytes


def decode(path: str, content: bytes) -> bytes:
    """Give a file's text as UTF-8 without a byte-order mark.

    It may be UTF-16 with a mark. Raises RenderError where it is neither, or has NUL characters, as UTF-16 without a
    mark has.
    """
    utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if not utf16 and b"\0" in content:
        raise RenderError(f"{path}: not text, or UTF-16 without a byte-order mark; save the file as UTF-8")
    try:
        if utf16:
            return content.decode("utf-16").encode()
        content.decode()
        return content.removeprefix(codecs.BOM_UTF8)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise RenderError(
            f"{path}, line {line}: not valid {'UTF-16' if utf16 else 'UTF-8'}; save the file as UTF-8"
        ) from None


def read(path: str, text: bytes, budget: Budget) -> tuple[list[tuple[str, Any]], RenderError | None]:
    """Read a file's documents up to the first that cannot be read; the error says what is wrong with that one.

    Each comes with its place, for people; an empty one is None. A `.json` file is one document. Raises RenderError
    where the limits are exceeded.
    """
    is_json = path.endswith(".json")
    known = PARSED.recall(text, budget, is_json=is_json)
    if known is not None:
        return [(f"{path}, document {number}", value) for number, value in enumerate(known, start=1)], None
    before = copy(budget)
    documents: list[tuple[str, Any]] = []
    for chunk in [Chunk(1, 1, text)] if is_json else split(text):
        place = f"{path}, document {chunk.number}"
        try:
            budget.start_document()
            documents.append((place, load_json(chunk.text, budget) if is_json else load(chunk.text, budget)))
        except InvalidDocumentError as error:
            problem = RenderError(f"{place}, line {chunk.line - 1 + error.line}: {error.problem}")
            if isinstance(error, LimitError):
                raise problem from None
            return documents, problem
    PARSED.keep(text, [value for _, value in documents], before, budget, is_json=is_json)
    return documents, None


def split(text: bytes) -> Iterator[Chunk]:
    """Split a YAML file into its documents, empty ones too.

    The rules are those of `YAMLReader` in k8s.io/apimachinery/pkg/util/yaml, which kubectl and Argo CD both split
    with before they read any YAML: a line that starts with `---` ends a document wherever it stands, and every line
    has its end.
    """
    text = text.replace(b"\r\n", b"\n")
    if text and not text.endswith(b"\n"):
        text += b"\n"
    number, line, start = 1, 1, 0
    for found in dashes(text):
        # A separator in front of a document belongs to it.
        if found.start() > start and _is_separator(found):
            chunk = text[start : found.start()]
            yield Chunk(number, line, chunk)
            number, line = number + 1, line + chunk.count(b"\n") + 1
            start = found.end() + 1
    if start < len(text):
        yield Chunk(number, line, text[start:])


def dashes(text: bytes) -> Iterator[re.Match[bytes]]:
    """Find the lines that start with `---`; as an expression with `^` does, in a tenth of the time."""
    start = 0
    while start >= 0:
        if found := _DASHES.match(text, start):
            yield found
        start = text.find(b"\n---", start) + 1 or -1


def _is_separator(line: re.Match[bytes]) -> bool:
    return _COMMENT_OR_NOTHING.fullmatch(line[1].decode()) is not None


def load(text: bytes, budget: Budget) -> Any:
    """Read one document of a YAML file. It may be JSON, which kubectl tries first where a brace comes first.

    Raises InvalidDocumentError.
    """
    if _BRACE_FIRST.match(text):
        nodes = budget.nodes
        try:
            return load_json(text, budget)
        except InvalidDocumentError:
            budget.nodes = nodes  # the YAML reader decides, and says what is wrong
    for found in dashes(text):
        if not _is_separator(found):
            line = text.count(b"\n", 0, found.start()) + 1
            raise InvalidDocumentError(line, "only a comment may follow `---` on its line")
    fast = read_fast(text, budget.limits)
    if fast and budget.afford(fast.nodes, fast.characters):
        return fast.value
    return load_yaml(text, budget)


def load_json(text: bytes, budget: Budget) -> Any:
    """Read a text that is one JSON value, as Argo CD reads a `.json` file.

    Raises InvalidDocumentError for text that is no JSON, and for a key that stands twice in an object.
    """
    _spend_json(text, budget)
    try:
        value = json.loads(
            text.decode(),  # json would guess an encoding
            object_pairs_hook=_object,
            parse_int=lambda digits: json_value(int(digits) if len(digits) < 20 else float(digits)),
            parse_float=lambda digits: json_value(float(digits)),
            parse_constant=_no_constant,
        )
        # An escape may name half a character, which no UTF-8 can hold.
        json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise InvalidDocumentError(error.lineno, f"not valid JSON: {error.msg}") from None
    except UnicodeEncodeError:
        raise InvalidDocumentError(1, "not valid JSON: a \\u escape names half a character") from None
    except ValueError as error:
        raise InvalidDocumentError(1, str(error)) from None
    except RecursionError:
        raise LimitError(1, "lists and objects are nested deeper than this process can read; nest less") from None
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise ValueError(f"the key {key[:80]!r} stands twice in one object")
        result[key] = value
    return result


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"not valid JSON: {name} is no number")


def _spend_json(text: bytes, budget: Budget) -> None:
    """Hold a text to the limits that YAML is held to, before a value is made of it."""
    depth = 0
    for token in _JSON_TOKEN.finditer(text.replace(rb"\\", b"").replace(rb"\"", b"")):
        if token[0] in b"]}":
            depth -= 1
            continue
        budget.spend(1, 1)
        if token[0] in b"[{":
            depth += 1
            budget.check_depth(depth, 1)
