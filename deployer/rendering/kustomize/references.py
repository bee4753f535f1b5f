"""What a kustomization has Kustomize read: every path in it, and the refusal of whatever else it could reach for.

The fields are those of Kustomize's api/types/kustomization.go, and of its builtin plugins (api/internal/builtins),
whose configuration may stand in files, or in the kustomization itself.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from deployer.errors import RenderError
from deployer.rendering.documents import decode, read
from deployer.rendering.kustomize.kustomization import Text, folded, mappings, texts
from deployer.rendering.loader import Budget


class Kind(Enum):
    """What a path may name."""

    FILE = "a file"
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
_PATCHES = ("PatchTransformer", "PatchJson6902Transformer")
_KINDS = (
    *("AnnotationsTransformer", "IAMPolicyGenerator", "HashTransformer", "ImageTagTransformer", "LabelTransformer"),
    *("NamespaceTransformer", "PatchStrategicMergeTransformer", "PrefixSuffixTransformer", "PrefixTransformer"),
    *("SuffixTransformer", "ReplacementTransformer", "ReplicaCountTransformer", "ValueAddTransformer"),
    *_GENERATORS,
    *_PATCHES,
)
_FUNCTIONS = ("config.kubernetes.io/function", "config.k8s.io/function")

# What Kustomize's loader takes for a file on the web (`IsRemoteFile` in api/internal/loader/fileloader.go), and more.
_REMOTE_FILE = re.compile(r"\s*https?:|.*://", re.IGNORECASE | re.DOTALL)
# What it takes for a repository of Git (`NewRepoSpecFromURL` in api/internal/git/repospec.go), and more.
_REMOTE_FOLDER = re.compile(r"git::|g[iİ]thub\.com[/:]|[a-z][a-z0-9-]*@[^/:]*[/:]|.*[?]ref=", re.IGNORECASE | re.DOTALL)


def references(kustomization: Mapping[str, Any], text: Text, budget: Budget) -> Iterator[Reference]:
    """Find the paths in a kustomization.

    Args:
        kustomization: from `parse_kustomization`.
        text: of its file.
        budget: what all that is read may take.

    Raises:
        RenderError: it wants Helm, or a plugin that is not builtin; or what has to be a path is none.
    """
    for name in _HELM:
        if kustomization.get(name):
            raise RenderError(f"{text.place(name)}: {name}: {_NO_HELM}")
    for name, kind in _PATHS.items():
        yield from (Reference(name, path, kind, text) for path in texts(kustomization, name, text))
    for name in ("patches", "patchesJson6902", "replacements"):
        for entry in mappings(kustomization, name, text):
            yield from _path(entry, name, text)
    for name in ("configMapGenerator", "secretGenerator"):
        for entry in mappings(kustomization, name, text):
            yield from _generator(entry, name, text)
    yield from _patch_files(kustomization, "patchesStrategicMerge", "patchesStrategicMerge", text, budget)
    openapi = kustomization.get("openapi")
    yield from _path(openapi if isinstance(openapi, Mapping) else {}, "openapi", text)
    for name in _PLUGINS:
        yield from _plugins(kustomization, name, text, budget)


def plugin_references(path: str, content: bytes, budget: Budget) -> Iterator[Reference]:
    """Find the paths in a file that configures generators, transformers or validators.

    Raises RenderError where it is no YAML, or has a plugin that is not builtin: that is a program, a container or a
    library, and would run with the rights of this process.
    """
    text = Text(path, decode(path, content))
    documents, problem = read(path, text.content, budget)
    if problem:
        raise problem
    for _, value in documents:
        if value is not None:
            yield from _plugin(value, text, budget)


def not_local(reference: Reference) -> str:
    """Say why a path is not one in this repository: Kustomize would fetch it, or take it for one of this machine.

    A folder that has such a name is none, either. `""` where nothing is wrong.
    """
    path = reference.path
    if _REMOTE_FILE.match(path) or (reference.kind is not Kind.FILE and _REMOTE_FOLDER.match(path)):
        return "is elsewhere, and nothing is fetched while rendering; copy it into the repository, and name it there"
    return "is absolute; write it relative to the kustomization" if path.startswith("/") else ""


def _path(entry: Mapping[str, Any], field: str, text: Text) -> Iterator[Reference]:
    path = entry.get("path")
    if path is not None and not isinstance(path, str):
        raise RenderError(f"{text.place(field)}: {field}: path must be text")
    if path:
        yield Reference(f"{field}.path", path, Kind.FILE, text)


def _generator(entry: Mapping[str, Any], field: str, text: Text) -> Iterator[Reference]:
    env = entry.get("env")
    if env is not None and not isinstance(env, str):
        raise RenderError(f"{text.place(field)}: {field}: env must be text")
    for path in [*texts(entry, "envs", text), *([env] if env else [])]:
        yield Reference(f"{field}.envs", path, Kind.FILE, text)
    for file in texts(entry, "files", text):
        key, equals, path = file.partition("=")
        if "=" in path or (equals and not (key and path)):
            raise RenderError(f"{text.place(file)}: {field}.files: {file[:120]!r} is neither PATH nor KEY=PATH")
        yield Reference(f"{field}.files", path if equals else file, Kind.FILE, text)


def _patch_files(value: Mapping[str, Any], name: str, field: str, text: Text, budget: Budget) -> Iterator[Reference]:
    for patch in texts(value, name, text):
        if _inline(patch, budget) is None:
            yield Reference(field, patch, Kind.FILE, text)


def _plugins(kustomization: Mapping[str, Any], name: str, text: Text, budget: Budget) -> Iterator[Reference]:
    for entry in texts(kustomization, name, text):
        inline = _inline(entry, budget)
        if inline is None:
            yield Reference(name, entry, Kind.PLUGIN, text)
        for value in inline or ():
            yield from _plugin(value, text, budget)


def _inline(entry: str, budget: Budget) -> list[Any] | None:
    """The objects that a text is, which may be a path as well; None where it is no objects.

    Kustomize reads it as YAML first, too.
    """
    documents, problem = read("inline", entry.encode(), budget)
    values = [value for _, value in documents if value is not None]
    return values if not problem and values and all(isinstance(value, Mapping) for value in values) else None


def _plugin(config: Any, text: Text, budget: Budget) -> Iterator[Reference]:
    if (
        isinstance(config, Mapping)
        and str(config.get("kind")).endswith("List")
        and isinstance(config.get("items"), list)
    ):
        for item in config["items"]:
            yield from _plugin(item, text, budget)
        return
    kind = _builtin(config, text)
    if kind in _PATCHES:
        yield from _path(folded(config, ["path"], text), kind, text)
    elif kind in _GENERATORS:
        yield from _generator(folded(config, ["files", "env", "envs"], text), kind, text)
    elif kind == "ReplacementTransformer":
        for entry in mappings(folded(config, ["replacements"], text), "replacements", text):
            yield from _path(folded(entry, ["path"], text), f"{kind}.replacements", text)
    elif kind == "PatchStrategicMergeTransformer":
        yield from _patch_files(folded(config, ["paths"], text), "paths", f"{kind}.paths", text, budget)


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
