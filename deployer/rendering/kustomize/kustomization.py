"""One kustomization file: its fields by their names, each of the type that it has to be.

Kustomize reads it as JSON into Go structs (`Unmarshal` in api/types/kustomization.go), which do not tell upper from
lower case in the names of fields. What is read here is written anew for the program, as JSON: it can take the text for
nothing else than what was checked.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from deployer.errors import RenderError
from deployer.fields import nearest
from deployer.rendering.documents import decode
from deployer.rendering.kustomize.reading import Reader
from deployer.rendering.kustomize.text import Text

_TEXT, _TEXTS, _TEXT_MAP = "text", "a list of texts", "a mapping of texts"
_MAPPING, _FLAG, _COUNT, _ANY = "a mapping", "true or false", "a whole number", "anything"
_HINTS = {
    _TEXT: "; put quotes around a number, true or false",
    _TEXTS: "; write each on a line of its own, behind `- `",
    _TEXT_MAP: "; put quotes around a number, true or false",
}
_IS: Mapping[str, Callable[[Any], bool]] = {
    _TEXT: lambda value: isinstance(value, str),
    _TEXTS: lambda value: isinstance(value, list) and all(isinstance(one, str) for one in value),
    _TEXT_MAP: lambda value: isinstance(value, Mapping) and all(isinstance(one, str) for one in value.values()),
    _MAPPING: lambda value: isinstance(value, Mapping),
    _FLAG: lambda value: isinstance(value, bool),
    _COUNT: lambda value: type(value) is int or (isinstance(value, float) and value.is_integer()),
    _ANY: lambda _: True,
}
_IMAGE = dict.fromkeys(("name", "newName", "tagSuffix", "newTag", "digest"), _TEXT)
_PATCH = {"path": _TEXT, "patch": _TEXT, "target": _MAPPING, "options": _MAPPING}
_GENERATOR = {
    **dict.fromkeys(("name", "namespace", "behavior", "env"), _TEXT),
    **dict.fromkeys(("literals", "files", "envs"), _TEXTS),
    "options": _MAPPING,
}
_LISTS = {
    "configMapGenerator": _GENERATOR,
    "images": _IMAGE,
    "imageTags": _IMAGE,
    "labels": {"pairs": _TEXT_MAP, "includeSelectors": _FLAG, "includeTemplates": _FLAG, "fields": _ANY},
    "patches": _PATCH,
    "patchesJson6902": _PATCH,
    "replacements": {"path": _TEXT, "source": _MAPPING, "targets": _ANY},
    "replicas": {"name": _TEXT, "count": _COUNT},
    "secretGenerator": {**_GENERATOR, "type": _TEXT},
}
"""Fields that are lists of mappings, with the fields of these."""

_FIELDS = {
    **dict.fromkeys(("apiVersion", "kind", "namePrefix", "nameSuffix", "namespace"), _TEXT),
    **dict.fromkeys(("resources", "components", "crds", "bases", "configurations", "buildMetadata"), _TEXTS),
    **dict.fromkeys(("generators", "transformers", "validators", "patchesStrategicMerge"), _TEXTS),
    **dict.fromkeys(("commonLabels", "commonAnnotations", "openapi"), _TEXT_MAP),
    **dict.fromkeys(("metadata", "vars", "sortOptions", "generatorOptions"), _ANY),
    **dict.fromkeys(("helmGlobals", "helmCharts", "helmChartInflationGenerator", *_LISTS), _ANY),
}
# What JSON has as it is, and YAML has only escaped, or takes for the end of a line.
_ESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def parse_kustomization(path: str, content: bytes, reader: Reader) -> tuple[dict[str, Any], Text]:
    """Read a kustomization file.

    Args:
        path: where it is, for errors.
        content: its bytes.
        reader: reads it.

    Returns:
        Its fields, their names as Kustomize's documentation has them; and its text. Nothing in the file is no fields.

    Raises:
        RenderError: it is no YAML or JSON, more than one document, or has a field that Kustomize does not know, or of
            another type.
    """
    documents = list(reader.file(path, content))
    if len(documents) > 1:
        raise RenderError(f"{path} holds {len(documents)} documents, of which Kustomize reads the first; leave one")
    value, text = documents[0] if documents else ({}, Text(path, decode(path, content)))
    if not isinstance(value, Mapping):
        raise RenderError(f"{path} is no mapping of fields; write `resources:` and the paths of manifests below it")
    found = _checked(value, _FIELDS, text)
    for name, known in _LISTS.items():
        entries = mappings(found, name, text)
        if name in found:
            found[name] = [_checked(entry, known, text, name, entries, number) for number, entry in enumerate(entries)]
    return found, text


def _checked(
    value: Mapping[str, Any],
    known: Mapping[str, str],
    text: Text,
    field: str = "",
    entries: Sequence[Mapping[str, Any]] = (),
    number: int = 0,
) -> dict[str, Any]:
    """A mapping, folded, with each name known and each value of its type; in a field it is one of the entries."""
    found = folded(value, known, text)
    where = f"{field}: " if field else ""
    for key in value:
        name = next((one for one in known if one.casefold() == key.casefold()), "")
        if name and (name not in found or _IS[known[name]](found[name])):
            continue
        place = text.place(key, field, sum(key in one for one in entries[:number]))
        if name:
            raise RenderError(f"{place}: {where}{name} must be {known[name]}{_HINTS.get(known[name], '')}")
        problem = f"is no field{'' if field else ' of a kustomization'}{nearest(key, known)}; correct or remove it"
        raise RenderError(f"{place}: {where}{key[:80]!r} {problem}")
    return found


def folded(value: Mapping[str, Any], known: Iterable[str], text: Text) -> dict[str, Any]:
    """A mapping with the names that are known as they are known, whatever their case; nulls, which say nothing, go.

    Raises RenderError where two names are the same but for their case: only one of them would count.
    """
    names = {name.casefold(): name for name in known}
    found: dict[str, Any] = {}
    for key, one in value.items():
        name = names.get(key.casefold(), key)
        if name in found:
            raise RenderError(f"{text.place(key)}: {key!r} stands there twice; leave one")
        found[name] = one
    return {name: one for name, one in found.items() if one is not None}


def texts(value: Mapping[str, Any], name: str, text: Text) -> list[str]:
    """A field that is a list of texts; empty where it is absent. Raises RenderError for anything else."""
    found = value.get(name)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise RenderError(f"{text.place(name)}: {name} must be a list of texts{_HINTS[_TEXTS]}")
    return found


def mappings(value: Mapping[str, Any], name: str, text: Text) -> list[Mapping[str, Any]]:
    """A field that is a list of mappings; empty where it is absent. Raises RenderError for anything else."""
    found = value.get(name)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        raise RenderError(f"{text.place(name)}: {name} must be a list of mappings; write each behind `- `")
    return found


def write_kustomization(kustomization: Mapping[str, Any]) -> bytes:
    """Write a kustomization as JSON that is YAML, too."""
    text = json.dumps(kustomization, ensure_ascii=False)
    return _ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", text).encode()
