"""Files in memory to manifests."""

import re
from collections.abc import Iterator, Mapping

from deployer.application import Directory
from deployer.errors import RenderError
from deployer.limits import DEFAULT_LIMITS, Limits, exceeded
from deployer.manifest import Manifest, ObjectKey
from deployer.rendering.annotations import check_annotations
from deployer.rendering.directory import JSONNET, manifest_paths
from deployer.rendering.documents import decode, read
from deployer.rendering.loader import Budget
from deployer.rendering.objects import looks_like_object, manifests

_SKIP_MARKER = b"+argocd:skip-file-rendering"
# What Argo CD looks for in a YAML file that it cannot read, to tell a broken manifest from a file that is none; but a
# broken manifest may be JSON, too.
_MANIFEST_WORDS = tuple(re.compile(word + rb"[\"']?\s*:") for word in (b"apiVersion", b"kind", b"metadata"))


def render(files: Mapping[str, bytes], directory: Directory, limits: Limits = DEFAULT_LIMITS) -> list[Manifest]:
    """Read the manifests of an application, in the order of the files' names; there may be none.

    `files` maps paths relative to the application's path to content; those that `directory` leaves out are not read.
    Raises RenderError, naming file, document and line, at the first thing that is wrong: text that is no YAML or
    JSON, an object that is none or stands there twice, one with an annotation that makes no sense, or more than the
    limits allow.
    """
    budget = Budget(limits)
    found: dict[ObjectKey, Manifest] = {}
    size = 0
    for path in manifest_paths(files, directory, limits):
        text = decode(path, files[path])
        if _SKIP_MARKER in text:
            continue
        size += len(files[path])
        if size > limits.total_bytes:
            problem = f"{path}: up to here the files have {size:,} bytes, where {limits.total_bytes:,} are allowed"
            raise RenderError(exceeded(problem, "BYTES"))
        for manifest in _manifests(path, text, budget):
            check_annotations(manifest)
            if manifest.key in found:
                where = f"{manifest.place}: {manifest.key}"
                raise RenderError(f"{where} is in {found[manifest.key].place} already; remove one of the two")
            found[manifest.key] = manifest
            if len(found) > limits.objects:
                problem = f"{manifest.place}: up to here are more than {limits.objects:,} objects"
                raise RenderError(exceeded(problem, "OBJECTS"))
    return list(found.values())


def _manifests(path: str, text: bytes, budget: Budget) -> Iterator[Manifest]:
    """Read the manifests of one file; there are none where the file is no manifest file."""
    if path.endswith(JSONNET):
        raise RenderError(f"{path}: Jsonnet is not supported; leave the file out with `directory.exclude`")
    documents, problem = read(path, text, budget)
    # A file that holds one object, or what looks like one to Argo CD, is meant to hold nothing else.
    is_manifest_file = all(word.search(text) for word in _MANIFEST_WORDS) or any(
        looks_like_object(value) for _, value in documents
    )
    if problem and (is_manifest_file or path.endswith(".json")):
        raise problem
    if is_manifest_file:
        for place, value in documents:
            if value is not None:
                yield from manifests(value, place)
