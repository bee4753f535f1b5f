"""One kustomization file: its fields by their names, and where in it something stands.

Kustomize reads it as JSON into Go structs (`Unmarshal` in api/types/kustomization.go), which do not tell upper from
lower case in the names of fields. What is read here is written anew for the program, as JSON: it can take the text for
nothing else than what was checked.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from yaml import CSafeLoader, ScalarEvent, YAMLError, parse

from deployer.errors import RenderError
from deployer.fields import nearest
from deployer.rendering.documents import decode, read
from deployer.rendering.loader import Budget

_LISTS = {
    "configMapGenerator": ("name", "namespace", "behavior", "literals", "files", "envs", "env", "options"),
    "images": ("name", "newName", "tagSuffix", "newTag", "digest"),
    "imageTags": ("name", "newName", "tagSuffix", "newTag", "digest"),
    "labels": ("pairs", "includeSelectors", "includeTemplates", "fields"),
    "patches": ("path", "patch", "target", "options"),
    "patchesJson6902": ("path", "patch", "target", "options"),
    "replacements": ("path", "source", "targets"),
    "replicas": ("name", "count"),
    "secretGenerator": ("name", "namespace", "behavior", "literals", "files", "envs", "env", "options", "type"),
}
"""Fields that are lists of mappings, with the names in these."""

_FIELDS = (
    *("apiVersion", "kind", "metadata", "openapi", "namePrefix", "nameSuffix", "namespace", "commonLabels"),
    *("commonAnnotations", "patchesStrategicMerge", "vars", "sortOptions", "resources", "components", "crds", "bases"),
    *("helmGlobals", "helmCharts", "helmChartInflationGenerator", "generatorOptions", "configurations", "generators"),
    *("transformers", "validators", "buildMetadata", *_LISTS),
)
# What JSON has as it is, and YAML has only escaped, or takes for the end of a line.
_ESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_HOLDS = re.compile(r"[=\n{]")  # KEY=PATH, and whole configurations


@dataclass(frozen=True)
class Text:
    """The text of a file, to say where in it something stands."""

    path: str
    content: bytes

    def place(self, value: str) -> str:
        """`k8s/kustomization.yaml, line 3`: where a key or value first stands, or what holds it; else just the file."""
        held = 0
        try:
            for event in parse(self.content, Loader=CSafeLoader):
                if not isinstance(event, ScalarEvent) or not event.start_mark or value not in event.value:
                    continue
                if event.value == value:
                    return f"{self.path}, line {event.start_mark.line + 1}"
                if _HOLDS.search(event.value):
                    held = held or event.start_mark.line + 1
        except YAMLError:  # it is JSON that is no YAML
            return self.path
        return f"{self.path}, line {held}" if held else self.path


def parse_kustomization(path: str, content: bytes, budget: Budget) -> tuple[dict[str, Any], Text]:
    """Read a kustomization file.

    Args:
        path: where it is, for errors.
        content: its bytes.
        budget: what all that is read may take.

    Returns:
        Its fields, their names as Kustomize's documentation has them; and its text. Nothing in the file is no fields.

    Raises:
        RenderError: it is no YAML or JSON, more than one document, or has a field that Kustomize does not know.
    """
    text = Text(path, decode(path, content))
    documents, problem = read(path, text.content, budget)
    if problem:
        raise problem
    values = [value for _, value in documents if value is not None]
    if len(values) > 1:
        raise RenderError(f"{path} holds {len(values)} documents, of which Kustomize reads the first; leave one")
    if values and not isinstance(values[0], Mapping):
        raise RenderError(f"{path} is no mapping of fields; write `resources:` and the paths of manifests below it")
    found = folded(values[0] if values else {}, _FIELDS, text)
    for name in found:
        if name not in _FIELDS:
            raise RenderError(
                f"{text.place(name)}: {name[:80]!r} is no field of a kustomization{nearest(name, _FIELDS)}; "
                "correct or remove it"
            )
    for name, known in _LISTS.items():
        if name in found:
            found[name] = [folded(entry, known, text) for entry in mappings(found, name, text)]
    return found, text


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
        raise RenderError(f"{text.place(name)}: {name} must be a list of texts")
    return found


def mappings(value: Mapping[str, Any], name: str, text: Text) -> list[Mapping[str, Any]]:
    """A field that is a list of mappings; empty where it is absent. Raises RenderError for anything else."""
    found = value.get(name)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        raise RenderError(f"{text.place(name)}: {name} must be a list of mappings")
    return found


def text_map(value: Mapping[str, Any], name: str, text: Text) -> dict[str, str]:
    """A field that maps texts to texts, such as labels; empty where it is absent. Raises RenderError for others."""
    found = value.get(name) or {}
    if not isinstance(found, Mapping) or not all(isinstance(one, str) for one in found.values()):
        raise RenderError(
            f"{text.place(name)}: {name} must be a mapping of texts (a number, true or false needs quotes)"
        )
    return dict(found)


def write_kustomization(kustomization: Mapping[str, Any]) -> bytes:
    """Write a kustomization as JSON that is YAML, too."""
    text = json.dumps(kustomization, ensure_ascii=False)
    return _ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", text).encode()
