"""One YAML document, from libyaml's events to plain Python values, as kubectl reads it.

The values are built here and not by PyYAML's constructors, for three reasons: kubectl's rules are others
(`scalars.py`), limits must hold while a document is read, and PyYAML's composer recurses in C until the process dies.
The parser does not.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from yaml import CSafeLoader, MarkedYAMLError
from yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    Event,
    MappingEndEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)
from yaml.reader import ReaderError

from deployer.limits import Limits, exceeded
from deployer.rendering.scalars import Scalar, json_key, json_value, plain, tagged

_MERGE_TAG = "tag:yaml.org,2002:merge"
_MARK = "\ufeff".encode()
_MARK_OR_DIRECTIVE = re.compile(_MARK + rb"|%(?:YAML|TAG)\b")
# Every line break that YAML has, and a byte-order mark.
_LINE_STARTS = tuple(start.encode() for start in "\n\r\x85\u2028\u2029\ufeff")


class InvalidDocumentError(Exception):
    """A document that cannot be read; `line` counts from 1 at the document's start."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem)
        self.line = line
        self.problem = problem


class LimitError(InvalidDocumentError):
    """A document that asks for more than the limits allow."""


class Budget:
    """What may be read, for all the documents of one rendering together; the counts are of what was."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.documents = 0
        self.nodes = 0
        self.characters = 0

    def start_document(self) -> None:
        """Count a document; raises LimitError where they are too many."""
        self.documents += 1
        if self.documents > self.limits.documents:
            raise LimitError(1, exceeded(f"up to here are more than {self.limits.documents:,} documents", "DOCUMENTS"))

    def spend(self, line: int, nodes: int, characters: int = 0) -> None:
        """Count nodes, and the characters of scalars, as read; raises LimitError where they are too many."""
        self.nodes += nodes
        self.characters += characters
        counted = "with what aliases stand for counted every time"
        if self.nodes > self.limits.nodes:
            problem = f"up to here are more than {self.limits.nodes:,} keys and values, {counted}"
            raise LimitError(line, exceeded(problem, "NODES"))
        # A scalar is never longer than its text in the file, so that this limit is for aliases alone.
        if self.characters > self.limits.total_bytes:
            problem = f"up to here are more than {self.limits.total_bytes:,} characters, {counted}"
            raise LimitError(line, exceeded(problem, "BYTES"))

    def afford(self, nodes: int, characters: int, documents: int = 0) -> bool:
        """Count what was read without this budget; False, and it is not counted, where that is too much."""
        limits = self.limits
        if (
            self.documents + documents > limits.documents
            or self.nodes + nodes > limits.nodes
            or self.characters + characters > limits.total_bytes
        ):
            return False
        self.documents += documents
        self.nodes += nodes
        self.characters += characters
        return True

    def check_depth(self, depth: int, line: int) -> None:
        """Raise LimitError where lists and mappings stand too deep inside each other."""
        if depth > self.limits.depth:
            problem = f"lists and mappings are nested more than {self.limits.depth} deep"
            raise LimitError(line, f"{problem}; nest less, or raise DEPLOYER_MAX_DEPTH")


def load_yaml(text: bytes, budget: Budget) -> Any:
    """Read a UTF-8 text that holds one YAML document; None where it is empty. Aliases of one anchor share one value.

    Raises InvalidDocumentError for what kubectl refuses, and for what it lets pass with a loss: a key that stands
    twice in a mapping (the last one would win), text after the document's end (it would be ignored), `!!binary` data
    that are not text (they would be damaged), and a tag that is not UTF-8 (it would be ignored).
    """
    _check_line_starts(text)
    try:
        return _Document(text, budget).read()
    except ReaderError as error:
        raise InvalidDocumentError(text.count(b"\n", 0, error.position) + 1, str(error.reason)) from None
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InvalidDocumentError(line, str(error.problem)) from None
    except UnicodeDecodeError:
        raise InvalidDocumentError(1, "a tag's %-escapes are no UTF-8; remove the tag") from None
    except RecursionError:
        raise LimitError(1, "lists and mappings are nested deeper than this process can read; nest less") from None


def _check_line_starts(text: bytes) -> None:
    """Refuse `%YAML`, `%TAG`, and byte-order marks but for the first, where they begin a line.

    kubectl reads no directive either, unless lines end in other ways than with a newline. libyaml compares each `%TAG`
    with all that stand above it, before it gives its first event: a file of them would take hours. And it skips a mark
    where kubectl takes it for a part of the key or value.
    """
    for match in _MARK_OR_DIRECTIVE.finditer(text):
        start, is_mark = match.start(), match[0] == _MARK
        if text.endswith(_LINE_STARTS, 0, start) or (start == 0 and not is_mark):
            line = text.count(b"\n", 0, start) + 1
            what = (
                "a byte-order mark begins this line" if is_mark else "%YAML and %TAG are not supported, as in kubectl"
            )
            raise InvalidDocumentError(line, f"{what}; remove it")


@dataclass(slots=True)
class _Anchor:
    """An anchor's value, and what an alias of it costs; `nodes` is 0 until the value has been read to its end."""

    value: Any = None
    nodes: int = 0
    characters: int = 0
    depth: int = 0


class _Document:
    def __init__(self, data: bytes, budget: Budget) -> None:
        # The parser gives an event until the stream's end, after which nothing here asks for one.
        self._next = cast("Callable[[], Event]", CSafeLoader(data).get_event)
        self._budget = budget
        self._depth = self._deepest = 0
        self._anchors: dict[str, _Anchor] = {}

    def read(self) -> Any:
        self._next()  # the stream's start
        if isinstance(self._next(), StreamEndEvent):
            return None
        value = self._value(self._next())
        self._next()  # the document's end
        event = self._next()
        if not isinstance(event, StreamEndEvent):
            raise InvalidDocumentError(_line(event), "the document ended above; put a line `---` before the next one")
        return value

    def _value(self, event: Event) -> Any:
        return self._converted(event, json_value)

    def _converted(self, event: Event, convert: Callable[[Any], Any]) -> Any:
        try:
            return convert(self._node(event))
        except UnicodeDecodeError:  # the parser's own, of an event that came later
            raise
        except ValueError as error:
            raise InvalidDocumentError(_line(event), str(error)) from None

    def _node(self, event: Event) -> Any:
        """Read what starts with the event; a number stays as it is, because it is written differently as a key."""
        if isinstance(event, AliasEvent):
            return self._alias(event)
        node = cast("ScalarEvent | CollectionStartEvent", event)
        if node.anchor is None:
            return self._content(node)
        anchor = self._anchors[node.anchor] = _Anchor()
        budget = self._budget
        budget.spend(_line(node), 1)  # many anchors take memory, too
        nodes, characters, deepest, self._deepest = budget.nodes, budget.characters, self._deepest, self._depth
        anchor.value = self._content(node)
        anchor.nodes, anchor.characters = budget.nodes - nodes, budget.characters - characters
        anchor.depth = self._deepest - self._depth
        self._deepest = max(deepest, self._deepest)
        return anchor.value

    def _content(self, node: ScalarEvent | CollectionStartEvent) -> Any:
        if isinstance(node, ScalarEvent):
            self._budget.spend(_line(node), 1, len(node.value))
            return _scalar(node)
        self._budget.spend(_line(node), 1)
        self._reach(1, node)
        self._depth += 1
        value = self._sequence() if isinstance(node, SequenceStartEvent) else self._mapping()
        self._depth -= 1
        return value

    def _reach(self, levels: int, event: Event) -> None:
        """Note that what starts with the event is so many levels deep in itself."""
        self._budget.check_depth(self._depth + levels, _line(event))
        self._deepest = max(self._deepest, self._depth + levels)

    def _alias(self, event: AliasEvent) -> Any:
        anchor = self._anchors.get(str(event.anchor))
        if anchor is None:
            # The name may be a value that should have been quoted, such as a password.
            raise InvalidDocumentError(_line(event), "an alias (`*`) of no anchor above it; quote it if text is meant")
        if not anchor.nodes:
            raise InvalidDocumentError(_line(event), "an alias stands inside the value that it stands for")
        self._budget.spend(_line(event), anchor.nodes, anchor.characters)
        self._reach(anchor.depth, event)
        return anchor.value

    def _sequence(self) -> list[Any]:
        items = []
        while not isinstance(event := self._next(), SequenceEndEvent):
            items.append(self._value(event))
        return items

    def _mapping(self) -> dict[str, Any]:
        result: dict[str, Any] = {}
        own: set[str] = set()
        while not isinstance(event := self._next(), MappingEndEvent):
            if _is_merge(event):
                # As in kubectl, and unlike in YAML's own description, a merge overwrites the keys that stand before it.
                for source in self._merge_sources():
                    result.update(source)
                continue
            key = self._converted(event, json_key)
            if key in own:
                raise InvalidDocumentError(_line(event), f"the key {key[:80]!r} stands twice in one mapping")
            own.add(key)
            result[key] = self._value(self._next())
        return result

    def _merge_sources(self) -> list[dict[str, Any]]:
        """Read the mappings to merge, the one that wins last."""
        event = self._next()
        value = self._node(event)
        sources = value if isinstance(value, list) and not isinstance(event, AliasEvent) else [value]
        if not all(isinstance(source, dict) for source in sources):
            raise InvalidDocumentError(_line(event), "`<<` merges a mapping, an alias of one, or a list of these")
        return sources[::-1]


def _scalar(event: ScalarEvent) -> Scalar:
    if event.tag is not None:
        return tagged(event.tag, event.value)
    return plain(event.value) if event.implicit[0] else event.value


def _is_merge(event: Event) -> bool:
    return isinstance(event, ScalarEvent) and event.value == "<<" and (event.implicit[0] or event.tag == _MERGE_TAG)


def _line(event: Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1
