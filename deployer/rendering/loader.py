"""One YAML document, from libyaml's events to plain Python values, as kubectl reads it.

The values are built here and not by PyYAML's constructors, for three reasons: kubectl's rules are others
(`scalars.py`), limits must hold while a document is read, and PyYAML's composer recurses in C until the process dies.
The parser does not.
"""

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

from deployer.rendering.limits import Limits
from deployer.rendering.scalars import Scalar, json_key, json_value, plain, tagged

_MERGE_TAG = "tag:yaml.org,2002:merge"


class InvalidDocumentError(Exception):
    """A document that cannot be read; `line` counts from 1 at the document's start."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem)
        self.line = line
        self.problem = problem


class LimitError(InvalidDocumentError):
    """A document that asks for more than the limits allow."""


class Budget:
    """What may be read, for all the documents of one rendering together; `documents` and `nodes` count what was."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.documents = 0
        self.nodes = 0

    def start_document(self) -> None:
        """Count a document; raises LimitError where they are too many."""
        self.documents += 1
        if self.documents > self.limits.documents:
            raise LimitError(1, f"the files hold more than {self.limits.documents:,} documents; split the application")

    def spend(self, nodes: int, line: int) -> None:
        """Count keys and values as read; raises LimitError where they are too many."""
        self.nodes += nodes
        if self.nodes > self.limits.nodes:
            counted = "with what an alias stands for counted every time; split the application"
            raise LimitError(line, f"the files hold more than {self.limits.nodes:,} keys and values, {counted}")

    def check_depth(self, depth: int, line: int) -> None:
        """Raise LimitError where lists and mappings stand too deep inside each other."""
        if depth > self.limits.depth:
            raise LimitError(line, f"lists and mappings are nested more than {self.limits.depth} deep")


def load_yaml(text: str, budget: Budget) -> Any:
    """Read a text that holds one YAML document; None where it is empty. Aliases of one anchor share one value.

    Raises InvalidDocumentError for what kubectl refuses, and for three things that it lets pass: a key that stands
    twice in a mapping (the last one would win), text after the document's end (it would be ignored), and `!!binary`
    data that are not text (they would be damaged).
    """
    data = text.encode()
    try:
        return _Document(data, budget).read()
    except ReaderError as error:
        raise InvalidDocumentError(data.count(b"\n", 0, error.position) + 1, str(error.reason)) from None
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InvalidDocumentError(line, str(error.problem)) from None


@dataclass
class _Anchor:
    """An anchor's value, how many values that holds (0 until it has been read to its end), and how deep it is."""

    value: Any = None
    nodes: int = 0
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
        nodes, deepest, self._deepest = self._budget.nodes, self._deepest, self._depth
        anchor.value = self._content(node)
        anchor.nodes, anchor.depth = self._budget.nodes - nodes, self._deepest - self._depth
        self._deepest = max(deepest, self._deepest)
        return anchor.value

    def _content(self, node: ScalarEvent | CollectionStartEvent) -> Any:
        self._budget.spend(1, _line(node))
        if isinstance(node, ScalarEvent):
            return _scalar(node)
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
            raise InvalidDocumentError(_line(event), f"there is no anchor {event.anchor} above this alias")
        if not anchor.nodes:
            raise InvalidDocumentError(_line(event), f"the value of anchor {event.anchor} contains itself")
        self._budget.spend(anchor.nodes, _line(event))
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
