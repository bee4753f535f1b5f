"""A file's text, and the documents in it: split and read as kubectl does it."""

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple, NoReturn

from deployer.errors import RenderError
from deployer.rendering.loader import Budget, InvalidDocumentError, LimitError, load_yaml
from deployer.rendering.scalars import json_value

_SEPARATOR = re.compile(r"^---[^\S\n]*(#.*)?$", re.MULTILINE)
_BAD_SEPARATOR = re.compile(r"^---(?![^\S\n]*(#|$))", re.MULTILINE)


class Chunk(NamedTuple):
    """One document's text, its number in the file, and the line on which it starts, both counted from 1."""

    number: int
    line: int
    text: str


def decode(path: str, content: bytes) -> str:
    """Read a file's text: UTF-8, or UTF-16 with a byte-order mark. Raises RenderError where it is neither."""
    utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise RenderError(
            f"{path}, line {line}: not valid {'UTF-16' if utf16 else 'UTF-8'}; save the file as UTF-8"
        ) from None


def read(path: str, text: str, budget: Budget) -> tuple[list[tuple[str, Any]], RenderError | None]:
    """Read a file's documents up to the first that cannot be read; the error says what is wrong with that one.

    Each comes with its place, for people; an empty one is None. A `.json` file is one document. Raises RenderError
    where the limits are exceeded.
    """
    is_json = path.endswith(".json")
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
    return documents, None


def split(text: str) -> Iterator[Chunk]:
    """Split a YAML file into its documents, empty ones too.

    The rules are those of `YAMLReader` in k8s.io/apimachinery/pkg/util/yaml, which kubectl and Argo CD both split
    with before they read any YAML: a line that starts with `---` ends a document wherever it stands, and every line
    has its end.
    """
    text = text.replace("\r\n", "\n")
    if text and not text.endswith("\n"):
        text += "\n"
    number, line, start = 1, 1, 0
    for separator in _SEPARATOR.finditer(text):
        # A separator in front of a document belongs to it.
        if separator.start() > start:
            chunk = text[start : separator.start()]
            yield Chunk(number, line, chunk)
            number, line = number + 1, line + chunk.count("\n") + 1
            start = separator.end() + 1
    if start < len(text):
        yield Chunk(number, line, text[start:])


def load(text: str, budget: Budget) -> Any:
    """Read one document of a YAML file. It may be JSON, which kubectl tries first where a brace comes first.

    Raises InvalidDocumentError.
    """
    if text.lstrip().startswith("{"):
        try:
            return load_json(text, budget)
        except InvalidDocumentError:
            pass  # the YAML reader decides, and says what is wrong
    if bad := _BAD_SEPARATOR.search(text):
        raise InvalidDocumentError(text.count("\n", 0, bad.start()) + 1, "only a comment may follow `---` on its line")
    return load_yaml(text, budget)


def load_json(text: str, budget: Budget) -> Any:
    """Read a text that is one JSON value, as Argo CD reads a `.json` file.

    Raises InvalidDocumentError for text that is no JSON, and for a key that stands twice in an object.
    """
    try:
        value = json.loads(
            text,
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
        raise InvalidDocumentError(1, "lists and objects are nested too deep") from None
    _measure(value, budget)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise ValueError(f"the key {key!r} stands twice in one object")
        result[key] = value
    return result


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"not valid JSON: {name} is no number")


def _measure(value: Any, budget: Budget, depth: int = 1) -> None:
    """Hold a value to the limits that YAML is held to while it is read."""
    budget.spend(1, 1)
    if isinstance(value, dict | list):
        budget.check_depth(depth, 1)
        if isinstance(value, dict):
            budget.spend(len(value), 1)
        for item in value.values() if isinstance(value, dict) else value:
            _measure(item, budget, depth + 1)
