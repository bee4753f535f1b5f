"""What a kustomization has Kustomize read: every path in it, and the refusal of whatever else it could reach for.

The fields are those of Kustomize's api/types/kustomization.go, and of its builtin plugins (api/internal/builtins),
whose configuration may stand in files, or in the kustomization itself.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from deployer.errors import RenderError
from deployer.rendering.kustomize.kustomization import folded, mappings, texts
from deployer.rendering.kustomize.reading import Reader
from deployer.rendering.kustomize.text import Text


class Kind(Enum):
    """What a path may name."""

    FILE = "a file"
    OBJECTS = "a file of YAML"
    FOLDER = "a folder with a kustomization"
    RESOURCE = "a file or folder of objects"
    PLUGIN = "a file or folder of configurations for generators, transformers or validators"


@dataclass(frozen=True)
class Reference:
    """One path: the field that has it, what it may name, and the text in which it stands."""

    field: str
    path: str
    kind: Kind
    text: Text

    @property
    def is_secret(self) -> bool:
        """Whether it names what is to become a Secret, or is that itself: `envs: [PASSWORD=…]` is a common mistake."""
        return self.field.casefold().startswith("secretgenerator.")

    @property
    def place(self) -> str:
        """Where it stands, and in which field."""
        return self.text.place(self.path, self.field.partition(".")[0])

    @property
    def is_shown(self) -> bool:
        """Whether the path may be repeated: it is no object, nothing of a Secret, and no address with a password."""
        return not (self.is_secret or len(self.path) >= 200 or _NO_PATH.search(self.path))

    @property
    def shown(self) -> str:
        """The path for people, as far as it may be repeated."""
        if self.is_shown:
            return repr(self.path)
        return "one of its entries" if self.is_secret else "a text that is neither a path nor valid YAML"


_PATHS = {
    "resources": Kind.RESOURCE,
    "bases": Kind.RESOURCE,
    "components": Kind.FOLDER,
    "crds": Kind.FILE,
    "configurations": Kind.FILE,
}
_PLUGINS = ("generators", "transformers", "validators")
_HELM = ("helmCharts", "helmGlobals", "helmChartInflationGenerator")
_NO_HELM = "Helm charts in a kustomization are not rendered; commit what `helm template` prints, and name that"

_BUILTIN = "builtin"
_GENERATORS = ("ConfigMapGenerator", "SecretGenerator")
_KINDS = (
    *("AnnotationsTransformer", "IAMPolicyGenerator", "HashTransformer", "ImageTagTransformer", "LabelTransformer"),
    *(
        "NamespaceTransformer",
        "PatchJson6902Transformer",
        "PatchStrategicMergeTransformer",
        "PatchTransformer",
        "PrefixSuffixTransformer",
        "PrefixTransformer",
    ),
    *("SuffixTransformer", "ReplacementTransformer", "ReplicaCountTransformer", "ValueAddTransformer"),
    *_GENERATORS,
)
_FUNCTIONS = ("config.kubernetes.io/function", "config.k8s.io/function")

_NO_PATH = re.compile(r"[\n{\[]|:\s|//[^/]*@")
# What Kustomize's loader takes for a file on the web (`IsRemoteFile` in api/internal/loader/fileloader.go), and more.
_REMOTE_FILE = re.compile(r"\s*https?:|.*://", re.IGNORECASE | re.DOTALL)
# What it takes for a repository of Git (`NewRepoSpecFromURL` in api/internal/git/repospec.go), and more.
_REMOTE_FOLDER = re.compile(r"git::|g[iİ]thub\.com[/:]|[a-z][a-z0-9-]*@[^/:]*[/:]|.*[?]ref=", re.IGNORECASE | re.DOTALL)


def references(kustomization: Mapping[str, Any], text: Text, reader: Reader) -> Iterator[Reference]:
    """Find the paths in a kustomization.

    Args:
        kustomization: from `parse_kustomization`.
        text: of its file.
        reader: reads what stands in it as text.

    Raises:
        RenderError: it wants Helm, or a plugin that is not builtin; or what has to be a path or a patch is none.
    """
    for name in _HELM:
        if kustomization.get(name):
            raise RenderError(f"{text.place(name)}: {name}: {_NO_HELM}")
    for name, kind in _PATHS.items():
        yield from (Reference(name, path, kind, text) for path in texts(kustomization, name, text))
    for name in ("patches", "patchesJson6902"):
        for entry in mappings(kustomization, name, text):
            yield from _patch(entry, name, text, reader)
    for entry in mappings(kustomization, "replacements", text):
        yield from _path(entry, "replacements", text, Kind.OBJECTS)
    for name in ("configMapGenerator", "secretGenerator"):
        for entry in mappings(kustomization, name, text):
            yield from _generator(entry, name, text)
    yield from _patch_files(kustomization, "patchesStrategicMerge", "patchesStrategicMerge", text, reader)
    openapi = kustomization.get("openapi")
    yield from _path(openapi if isinstance(openapi, Mapping) else {}, "openapi", text, Kind.FILE)
    for name in _PLUGINS:
        yield from _plugins(kustomization, name, text, reader)


def plugin_references(config: Any, text: Text, reader: Reader) -> Iterator[Reference]:
    """Find the paths in an object that configures a generator, transformer or validator, or in a list of these.

    Raises RenderError where a plugin is not builtin: that is a program, a container or a library, and would run with
    the rights of this process.
    """
    if (
        isinstance(config, Mapping)
        and str(config.get("kind")).endswith("List")
        and isinstance(config.get("items"), list)
    ):
        for item in config["items"]:
            yield from plugin_references(item, text, reader)
        return
    kind = _builtin(config, text)
    if kind == "PatchTransformer":
        yield from _patch(folded(config, ["path", "patch", "target"], text), kind, text, reader)
    elif kind == "PatchJson6902Transformer":
        yield from _patch(folded(config, ["path", "jsonOp", "target"], text), kind, text, reader)
    elif kind in _GENERATORS:
        yield from _generator(folded(config, ["files", "env", "envs"], text), kind, text)
    elif kind == "ReplacementTransformer":
        for entry in mappings(folded(config, ["replacements"], text), "replacements", text):
            yield from _path(folded(entry, ["path"], text), f"{kind}.replacements", text, Kind.OBJECTS)
    elif kind == "PatchStrategicMergeTransformer":
        yield from _patch_files(folded(config, ["paths"], text), "paths", f"{kind}.paths", text, reader)


def not_local(reference: Reference) -> str:
    """Say why a path is not one in this repository: Kustomize would fetch it, or take it for one of this machine.

    A folder that has such a name is none, either. `""` where nothing is wrong.
    """
    path = reference.path
    if _REMOTE_FILE.match(path) or (reference.kind is not Kind.FILE and _REMOTE_FOLDER.match(path)):
        return "is elsewhere, and nothing is fetched while rendering; copy it into the repository, and name it there"
    return "is absolute; write it relative to the kustomization" if path.startswith("/") else ""


def _path(entry: Mapping[str, Any], field: str, text: Text, kind: Kind) -> Iterator[Reference]:
    path = entry.get("path")
    if path is not None and not isinstance(path, str):
        raise RenderError(f"{text.place(field)}: {field}: path must be text")
    if path:
        yield Reference(f"{field}.path", path, kind, text)


def _patch(entry: Mapping[str, Any], field: str, text: Text, reader: Reader) -> Iterator[Reference]:
    """The file of a patch; one that is written out is read, as Kustomize would say of it only that it cannot."""
    yield from _path(entry, field, text, Kind.OBJECTS)
    name = "jsonOp" if "jsonOp" in entry else "patch"
    patch = entry.get(name)
    if bool(patch) == bool(entry.get("path")):
        place = _place(str(entry.get("path") or field), field, text)
        raise RenderError(f"{place}: {field}: name a file in `path`, or write the patch in `{name}`, one of the two")
    if not patch:
        return
    try:
        _check_patch(patch, is_list_allowed="target" in entry, reader=reader)
    except RenderError as error:
        raise RenderError(f"{_place(str(patch), field, text)}: {field}: the {name}{error}") from None


def _place(value: str, field: str, text: Text) -> str:
    """Where something stands, which the Application may have put there."""
    place = text.place(value, field)
    return f"{place}, with the Application's kustomize" if place == text.path else place


def _check_patch(patch: Any, *, is_list_allowed: bool, reader: Reader) -> None:
    if not isinstance(patch, str):
        raise RenderError(" must be text; write `|` and the patch below it")
    for value in reader.text(patch.encode()):
        if isinstance(value, list):
            if not is_list_allowed:
                raise RenderError(" is a list of operations, which needs a `target` beside it")
            if patch.lstrip().startswith("["):
                _check_json(patch)
        elif value is not None and not _is_named(value):
            raise RenderError(
                " is neither a list of operations nor an object with `kind` and `metadata.name`; add them"
            )


def _check_json(patch: str) -> None:
    try:
        json.loads(patch)
    except ValueError:
        raise RenderError(
            " begins with `[`, and is no JSON then; put its names in quotes, or write it with `- `"
        ) from None


def _is_named(value: Any) -> bool:
    """Whether it is an object for Kustomize; a list of them need not have a name."""
    if not isinstance(value, Mapping):
        return False
    metadata = value.get("metadata")
    kind = value.get("kind")
    named = isinstance(metadata, Mapping) and bool(metadata.get("name"))
    return bool(kind) and (named or str(kind).endswith("List"))


def _generator(entry: Mapping[str, Any], field: str, text: Text) -> Iterator[Reference]:
    env = entry.get("env")
    if env is not None and not isinstance(env, str):
        raise RenderError(f"{text.place(field)}: {field}: env must be text")
    for path in [*texts(entry, "envs", text), *([env] if env else [])]:
        yield Reference(f"{field}.envs", path, Kind.FILE, text)
    for file in texts(entry, "files", text):
        key, equals, path = file.partition("=")
        if "=" in path or (equals and not (key and path)):
            wrong = Reference(f"{field}.files", file, Kind.FILE, text)
            raise RenderError(f"{wrong.place}: {field}.files: {wrong.shown} is neither PATH nor KEY=PATH; correct it")
        yield Reference(f"{field}.files", path if equals else file, Kind.FILE, text)


def _patch_files(value: Mapping[str, Any], name: str, field: str, text: Text, reader: Reader) -> Iterator[Reference]:
    for patch in texts(value, name, text):
        reference = Reference(field, patch, Kind.OBJECTS, text)
        if _inline(reference, reader) is None:
            yield reference


def _plugins(kustomization: Mapping[str, Any], name: str, text: Text, reader: Reader) -> Iterator[Reference]:
    for entry in texts(kustomization, name, text):
        reference = Reference(name, entry, Kind.PLUGIN, text)
        inline = _inline(reference, reader)
        if inline is None:
            yield reference
        for value in inline or ():
            yield from plugin_references(value, text, reader)


def _inline(reference: Reference, reader: Reader) -> list[Any] | None:
    """The objects that a text is, which may be a path as well; None where it is no objects.

    Kustomize reads it as YAML first, too.
    """
    try:
        values = [value for value in reader.text(reference.path.encode()) if value is not None]
    except RenderError as error:
        if "\n" not in reference.path and "{" not in reference.path:
            return None
        raise RenderError(f"{reference.place}: {reference.field}: the text{error}") from None
    return values if values and all(isinstance(value, Mapping) for value in values) else None


def _builtin(config: Any, text: Text) -> str:
    """The kind of a builtin plugin; any other is refused."""
    values = config if isinstance(config, Mapping) else {}
    kind, metadata = str(values.get("kind")), values.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, Mapping) else None
    function = isinstance(annotations, Mapping) and any(name in annotations for name in _FUNCTIONS)
    if kind == "HelmChartInflationGenerator":
        raise RenderError(f"{text.place(kind)}: {kind}: {_NO_HELM}")
    if values.get("apiVersion") != _BUILTIN or kind not in _KINDS or function:
        raise RenderError(
            f"{text.place(kind)}: {kind[:80]!r} is no builtin plugin of Kustomize, and no other is run: programs, "
            f"containers and libraries; use one with `apiVersion: {_BUILTIN}`, or commit what it makes"
        )
    return kind
