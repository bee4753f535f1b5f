"""Files in memory to manifests."""

import posixpath
import re
from collections.abc import Iterator, Mapping

from deployer.errors import RenderError
from deployer.limits import DEFAULT_LIMITS, Limits, exceeded
from deployer.manifest import Manifest, ObjectKey
from deployer.rendering.annotations import check_annotations
from deployer.rendering.directory import JSONNET, manifest_paths
from deployer.rendering.documents import decode, read
from deployer.rendering.loader import Budget
from deployer.rendering.objects import looks_like_object, manifests
from deployer.source import Directory

_SKIP_MARKER = b"+argocd:skip-file-rendering"
# What Argo CD looks for in a YAML file that it cannot read, to tell a broken manifest from a file that is none; but a
# broken manifest may be JSON, too.
_MANIFEST_WORDS = tuple(re.compile(word + rb"[\"']?\s*:") for word in (b"apiVersion", b"kind", b"metadata"))


class Rendering:
    """The manifests of one application, in the order in which they were added; the limits hold for all together.

    Each method raises RenderError, naming file, document and line, at the first thing that is wrong: text that is no
    YAML or JSON, an object that is none or stands there twice, one with an annotation that makes no sense, or more than
    the limits allow.
    """

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        """Begin with nothing."""
        self._limits = limits
        self._budget = Budget(limits)
        self._found: dict[ObjectKey, Manifest] = {}
        self._size = 0

    @property
    def manifests(self) -> list[Manifest]:
        """Those that were added; there may be none."""
        return list(self._found.values())

    def add_files(self, files: Mapping[str, bytes], directory: Directory, folder: str = "") -> None:
        """Add those of a folder, in the order of the files' names.

        Args:
            files: content by path relative to the folder; those that `directory` leaves out are not read.
            directory: which files count.
            folder: put before each file's path where an error names it.
        """
        for path in manifest_paths(files, directory, self._limits):
            place = posixpath.join(folder, path)
            text = decode(place, files[path])
            if _SKIP_MARKER in text:
                continue
            self._weigh(place, len(files[path]))
            for manifest in _manifests(place, text, self._budget):
                self._add(manifest)

    def add_built(self, place: str, text: bytes) -> None:
        """Add what a tool has built: YAML, all of whose documents are manifests; `place` says what it is."""
        self._weigh(place, len(text))
        documents, problem = read(place, text, self._budget)
        if problem:
            raise problem
        for where, value in documents:
            if value is not None:
                for manifest in manifests(value, where):
                    self._add(manifest)

    def _weigh(self, place: str, size: int) -> None:
        self._size += size
        if self._size > self._limits.total_bytes:
            allowed = f"{self._limits.total_bytes:,} are allowed"
            raise RenderError(
                exceeded(f"{place}: up to here the files have {self._size:,} bytes, where {allowed}", "BYTES")
            )

    def _add(self, manifest: Manifest) -> None:
        check_annotations(manifest)
        if manifest.key in self._found:
            where = f"{manifest.place}: {manifest.key}"
            raise RenderError(f"{where} is in {self._found[manifest.key].place} already; remove one of the two")
        self._found[manifest.key] = manifest
        if len(self._found) > self._limits.objects:
            problem = f"{manifest.place}: up to here are more than {self._limits.objects:,} objects"
            raise RenderError(exceeded(problem, "OBJECTS"))


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
