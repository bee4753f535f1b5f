"""The plain parameters of an ApplicationSet: `{{name}}` in a text, and what takes its place.

As in Argo CD without Go templates (`applicationset/utils/utils.go`, `Replace`): blanks around a name do not count, keys
are filled in as values are, numbers and the like are left alone, and what was filled in is not looked at again. Unlike
there, a parameter that does not exist is an error: Argo CD leaves `{{name}}` where it stands.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deployer.errors import ConfigurationError
from deployer.fields import nearest

_TAG = re.compile(r"\{\{(?P<name>.*?)(?P<end>\}\}|\Z)", re.DOTALL)
_GO = re.compile(r"^[.$-]|[\s|(\"`]")


@dataclass(frozen=True)
class Parameters:
    """Parameters by name, and the place that names where they come from, for errors.

    `absent` says of parameters that are well known why there are none here, and what to do.
    """

    values: Mapping[str, str]
    place: str
    absent: Mapping[str, str] = field(default_factory=dict)

    def fill(self, value: Any, path: str) -> Any:
        """Return a value with all its parameters filled in, at any depth; `path` is the field that holds it.

        Raises ConfigurationError for a parameter that there is not, and for two keys that become the same.
        """
        if isinstance(value, str):
            return self._fill_text(value, path)
        if isinstance(value, list):
            return [self.fill(item, f"{path}[{number}]") for number, item in enumerate(value)]
        if not isinstance(value, Mapping):
            return value
        made: dict[Any, Any] = {}
        for key, inner in value.items():
            name = self.fill(key, path)
            if name in made:
                raise self._error(path, f"two keys become {name!r}; keep one")
            made[name] = self.fill(inner, f"{path}.{key}")
        return made

    def _fill_text(self, text: str, path: str) -> str:
        def filled(tag: re.Match[str]) -> str:
            name = tag["name"].strip()
            if not tag["end"]:
                raise self._error(path, "a {{ has no }} behind it")
            if name not in self.values:
                raise self._error(path, self._problem(name))
            return self.values[name]

        return _TAG.sub(filled, text)

    def _problem(self, name: str) -> str:
        if name in self.absent:
            return f"there is no {{{{{name}}}}}: {self.absent[name]}"
        told = "; Go templates are not supported" if _GO.search(name) else ""
        there_is = ", ".join(self.values) or "none"
        return f"there is no parameter {{{{{name}}}}}{nearest(name, self.values)}{told}; there is: {there_is}"

    def _error(self, path: str, problem: str) -> ConfigurationError:
        return ConfigurationError(f"{self.place}: {path}: {problem}")
