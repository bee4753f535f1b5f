"""Where in a file something stands."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from yaml import CSafeLoader, ScalarEvent, YAMLError, parse

_HOLDS = re.compile(r"[=\n{]")  # KEY=PATH, and whole configurations


@dataclass(frozen=True)
class Text:
    """The text of a file, or of a document in it; `above` counts the lines before."""

    path: str
    content: bytes = field(repr=False)
    above: int = 0

    def place(self, value: str, behind: str = "", nth: int = 0) -> str:
        """Say where a key or value stands, or what holds it: `k8s/kustomization.yaml, line 3`; else just the file.

        Args:
            value: the key or value.
            behind: the key of a field: only what follows it counts, if anything there is found.
            nth: how many that are the same stand before the one that is meant.
        """
        held, found = 0, not behind
        try:
            for line, scalar in self._scalars():
                if not found:
                    found = scalar.casefold() == behind.casefold()
                elif scalar == value and nth:
                    nth -= 1
                elif scalar == value:
                    return f"{self.path}, line {line}"
                elif value in scalar and _HOLDS.search(scalar):
                    held = held or line
        except YAMLError:  # it is JSON that is no YAML
            return self.path
        if behind and not held:
            return self.place(value)
        return f"{self.path}, line {held}" if held else self.path

    def _scalars(self) -> Iterator[tuple[int, str]]:
        for event in parse(self.content, Loader=CSafeLoader):
            if isinstance(event, ScalarEvent) and event.start_mark:
                yield self.above + event.start_mark.line + 1, event.value
