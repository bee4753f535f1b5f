"""A configuration document, read field by field: an error tells the place, the field and what is allowed."""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from deployer.errors import ConfigurationError

_DNS_SUBDOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean X?` where a known name is near enough to be meant, else nothing."""
    found = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {found[0]}?" if found else ""


@dataclass(frozen=True)
class Fields:
    """One mapping of a document. `place` is the file and document, `path` the field that holds the mapping.

    A field that is null counts as absent, as it does in Kubernetes.
    """

    values: Mapping[str, Any]
    place: str
    path: str = ""

    def error(self, name: str, problem: str) -> ConfigurationError:
        """Say what is wrong with one field, as in `apps/web.yaml, document 1: spec.source.path: must be text`."""
        return ConfigurationError(f"{self.place}: {self._path(name)}: {problem}")

    def allow(self, *known: str, unsupported: Mapping[str, str] | None = None) -> None:
        """Refuse every field that is not known, and every unsupported one that asks for something, by its name.

        `unsupported` maps such a field to what is said of it. Raises ConfigurationError.
        """
        unsupported = unsupported or {}
        for name, value in self.values.items():
            if name in unsupported:
                if value not in (None, "", [], {}):
                    raise self.error(name, unsupported[name])
            elif name not in known:
                raise self.error(str(name), f"unknown field{nearest(str(name), known)}; allowed: {', '.join(known)}")

    def text(self, name: str) -> str:
        """Return a text field; `""` where it is absent. Raises ConfigurationError for any other type."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, str):
            raise self.error(name, "must be text (a number, true, false or a date needs quotes)")
        return value or ""

    def required_text(self, name: str) -> str:
        """Return a text field that must be there and not be empty."""
        if not (value := self.text(name)):
            raise self.error(name, "is missing")
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        """Return a field that is true or false; `default` where it is absent."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, bool):
            raise self.error(name, "must be true or false, without quotes")
        return default if value is None else value

    def count(self, name: str, default: int) -> int:
        """Return a whole number that is not negative; `default` where it is absent."""
        value = self.values.get(name)
        if value is not None and (type(value) is not int or value < 0):
            raise self.error(name, "must be a whole number, 0 or more, without quotes")
        return default if value is None else value

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts; empty where it is absent."""
        value = self.values.get(name)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.error(name, "must be a list of texts")
        return tuple(value)

    def section(self, name: str) -> "Fields":
        """Return a mapping inside this one; empty where it is absent."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, Mapping):
            raise self.error(name, "must be a mapping")
        return Fields(value or {}, self.place, self._path(name))

    def sections(self, name: str) -> tuple["Fields", ...]:
        """Return a list of mappings; empty where it is absent."""
        value = self.values.get(name)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
            raise self.error(name, "must be a list of mappings")
        return tuple(Fields(item, self.place, f"{self._path(name)}[{number}]") for number, item in enumerate(value))

    def text_map(self, name: str) -> dict[str, str]:
        """Return a mapping from text to text, such as labels; empty where it is absent."""
        section = self.section(name)
        return {str(key): section.text(key) for key in section.values}

    def _path(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name


def parse_metadata(metadata: Fields, longest: int = 253) -> str:
    """Return `metadata.name`, after a look at the fields around it; `longest` is in characters.

    What a cluster writes into metadata is allowed, so that `kubectl get -o yaml` can be used as it is. So are
    finalizers: they say what the deletion of the document does, and here it is a file, whose removal deletes nothing.
    Raises ConfigurationError.
    """
    metadata.allow(
        *("name", "namespace", "labels", "annotations", "finalizers", "uid", "resourceVersion", "generation"),
        *("creationTimestamp", "managedFields", "ownerReferences", "selfLink"),
    )
    name = metadata.required_text("name")
    if len(name) > longest or not _DNS_SUBDOMAIN.fullmatch(name):
        raise metadata.error(
            "name", f"{name[:60]!r} is no name; allowed: a-z, 0-9, '-' and '.', at most {longest} characters"
        )
    return name
