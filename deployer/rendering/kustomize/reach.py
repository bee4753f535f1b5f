"""All that a kustomization reaches, from an application's folder through bases and components, in few reads.

Paths are taken as Kustomize takes them (api/internal/loader/fileloader.go): joined to the kustomization's own folder,
cleaned of `..` before any link is followed; a file has to end up in that folder or below, a folder neither in nor above
one that led to it.
"""

import graphlib
import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from deployer.errors import RenderError, SourceError
from deployer.kustomize import Kustomize
from deployer.limits import DEFAULT_LIMITS, Limits, exceeded
from deployer.rendering.directory import KUSTOMIZATIONS
from deployer.rendering.kustomize.edit import edit
from deployer.rendering.kustomize.kustomization import parse_kustomization, write_kustomization
from deployer.rendering.kustomize.references import Kind, Reference, not_local, plugin_references, references
from deployer.rendering.loader import Budget
from deployer.tree import Entry, MissingError, Tree, check_content, follow, read_link

MAX_DEPTH = 50
"""How deep bases may stand on each other: each level is a request."""


@dataclass(frozen=True)
class Reached:
    """What the program may read, by path from the repository's root: content, and where links lead; `folder` is built.

    Kustomizations are as they were checked, the first one as the Application changes it. `folders` are those that links
    lead through.
    """

    folder: str
    files: Mapping[str, bytes] = field(repr=False)
    links: Mapping[str, str]
    folders: frozenset[str] = frozenset()


def reach(tree: Tree, folder: str, kustomize: Kustomize, limits: Limits = DEFAULT_LIMITS) -> Reached:
    """Read what an application's folder has Kustomize read.

    Args:
        tree: where it is.
        folder: the application's path.
        kustomize: its settings, with their variables filled in.
        limits: how many files there may be, and how many bytes; held before anything is fetched.

    Raises:
        RenderError: a kustomization is not valid, names what is not there, elsewhere or outside, wants more than
            builtin plugins, or leads back to itself; or there is too much of it all.
        SourceError: the folder is not there, or what is named cannot be had.
    """
    walk = _Walk(tree, kustomize, limits)
    walk.begin(folder)
    for _ in range(MAX_DEPTH):
        if not walk.step():
            return walk.reached()
    raise RenderError(f"{tree.where}: {folder}: bases stand more than {MAX_DEPTH} deep on each other; nest less")


class _Folder(NamedTuple):
    """A kustomization to read: its folder and file; and the folder whose plugins its objects configure, if any."""

    path: str
    file: str
    plugins_of: str | None


class _Walk:
    """One walk, a wave of reading at a time."""

    def __init__(self, tree: Tree, kustomize: Kustomize, limits: Limits) -> None:
        self._tree, self._kustomize, self._limits = tree, kustomize, limits
        self._budget = Budget(limits)
        self._top = ""
        self._size = 0
        self._entries: dict[str, Entry] = {}  # of the files that are read, or are to be
        self._files: dict[str, bytes] = {}
        self._passed: dict[str, Entry] = {}
        self._folders: list[_Folder] = []
        self._plugins: list[tuple[str, str]] = []  # a file, and the folder that its paths are relative to
        self._seen: set[tuple[str, ...] | _Folder] = set()
        self._written: dict[str, bytes] = {}
        self._named: dict[str, Reference] = {}  # the files that are not kustomizations
        self._bases: dict[str, set[str]] = {}

    def begin(self, folder: str) -> None:
        """Begin at an application's path."""
        self._top, entry = follow(self._tree, folder)
        if not entry.is_folder:
            raise RenderError(f"{self._tree.where}: {folder} is a file, and Kustomize builds folders; name its folder")
        self._add_folder(self._top, None, None)

    def step(self) -> bool:
        """Read all that is known to be needed, and look what that needs; False where there was nothing."""
        self._read()
        folders, plugins = self._folders, self._plugins
        self._folders, self._plugins = [], []
        for one in folders:
            self._look_into(one)
        for path, base in plugins:
            for reference in plugin_references(path, self._files[path], self._budget):
                self._add(reference, base, None)
        return len(self._entries) > len(self._files) or bool(self._folders or self._plugins)

    def reached(self) -> Reached:
        """What was read."""
        for path in self._written:
            if path in self._named:
                problem = "is a kustomization, and Kustomize reads it as one; name its folder, or another file"
                raise self._wrong(self._named[path], problem)
        sorter = graphlib.TopologicalSorter(self._bases)
        try:
            sorter.prepare()
        except graphlib.CycleError as error:
            chain = " → ".join(one or "." for one in reversed(error.args[1]))
            raise RenderError(f"{self._tree.where}: bases lead back to where they began: {chain}") from None
        links = {path: read_link(self._tree, path, one) for path, one in self._passed.items() if one.is_link}
        folders = frozenset(path for path, entry in self._passed.items() if entry.is_folder)
        return Reached(self._top, self._files | self._written, links, folders)

    def _read(self) -> None:
        unread = self._entries.keys() - self._files.keys()
        contents = self._tree.read(unread) if unread else {}
        for path in unread:
            check_content(self._tree, path, contents[path])
            self._files[path] = contents[path]

    def _look_into(self, folder: _Folder) -> None:
        kustomization, text = parse_kustomization(folder.file, self._files[folder.file], self._budget)
        if folder.path == self._top:
            kustomization = edit(kustomization, self._with_components(), text)
        self._written[folder.file] = write_kustomization(kustomization)
        found = list(references(kustomization, text, self._budget))
        self._read_links({_joined(folder.path, one) for one in found})
        for reference in found:
            self._add(reference, folder.path, folder.plugins_of)

    def _with_components(self) -> Kustomize:
        """The settings with the components that there are, where those that are missing do not matter."""
        if not self._kustomize.ignore_missing_components:
            return self._kustomize
        return replace(self._kustomize, components=tuple(filter(self._is_there, self._kustomize.components)))

    def _is_there(self, component: str) -> bool:
        try:
            follow(self._tree, posixpath.normpath(posixpath.join(self._top, component)))
        except MissingError:
            return False
        return True

    def _add(self, reference: Reference, folder: str, plugins_of: str | None) -> None:
        """Note what a kustomization in a folder names, to be read; `plugins_of` is that of its objects."""
        if problem := not_local(reference):
            raise self._wrong(reference, problem)
        named = _joined(folder, reference)
        if named is None:
            raise self._wrong(reference, "leaves the repository" if reference.path else "is empty, and names nothing")
        path, entry = self._follow(named, reference)
        plugin = folder if reference.kind is Kind.PLUGIN else plugins_of
        if entry.is_folder and reference.kind is not Kind.FILE:
            if _is_within(folder, path):
                raise self._wrong(reference, "is the kustomization's own folder, or above it, and leads back to it")
            self._bases.setdefault(folder, set()).add(path)
            self._add_folder(path, plugin, reference)
            return
        if not entry.is_file or reference.kind is Kind.FOLDER:
            raise self._wrong(reference, f"has to be {reference.kind.value}")
        if not _is_within(posixpath.dirname(path), folder):
            problem = "is outside of the kustomization's folder, where Kustomize reads no files; move it there"
            raise self._wrong(reference, f"{problem}, or make a base of its own folder")
        self._named[path] = reference
        self._add_file(path, entry)
        is_plugin = plugin is not None and reference.kind in (Kind.PLUGIN, Kind.RESOURCE)
        if plugin is not None and is_plugin and (path, plugin) not in self._seen:
            self._seen.add((path, plugin))
            self._plugins.append((path, plugin))

    def _follow(self, path: str, reference: Reference | None) -> tuple[str, Entry]:
        try:
            return follow(self._tree, path, self._passed)
        except MissingError:
            if reference is None:
                raise
            at = f", at {path}" if _is_path(reference) else ""
            problem = f"is not in {self._tree.where}{at}; put it there, or correct the path"
            raise self._wrong(reference, problem) from None
        except SourceError as error:
            if reference is None or error.transient:
                raise
            problem = str(error) if _is_path(reference) else "cannot be had"
            raise SourceError(f"{self._place(reference)}: {problem}", status=error.status) from None

    def _wrong(self, reference: Reference, problem: str) -> RenderError:
        named = repr(reference.path) if _is_path(reference) else "a text that is neither a path nor valid YAML"
        return RenderError(f"{self._place(reference)}: {named} {problem}")

    def _place(self, reference: Reference) -> str:
        place = reference.text.place(reference.path)
        given = (*self._kustomize.components, *(patch.path for patch in self._kustomize.patches))
        if place == reference.text.path and reference.path in given:
            place = "the Application's kustomize"
        return f"{place}: {reference.field}"

    def _add_folder(self, folder: str, plugins_of: str | None, reference: Reference | None) -> None:
        """Note a folder whose kustomization is to be read, and what named it; None is the application itself."""
        found = {}
        for name in KUSTOMIZATIONS:
            at = posixpath.join(folder, name)
            if self._tree.entry(at):
                path, entry = self._follow(at, reference)
                # Kustomize passes by what it cannot load.
                if entry.is_file and _is_within(posixpath.dirname(path), folder):
                    found[name] = path, entry
        if len(found) != 1:
            problem = f"has both {' and '.join(found)}; leave one" if found else f"has no file {KUSTOMIZATIONS[0]}"
            raise (
                self._wrong(reference, problem)
                if reference
                else RenderError(f"{self._tree.where}: {folder or '.'} {problem}")
            )
        ((path, entry),) = found.values()
        one = _Folder(folder, path, plugins_of)
        if one not in self._seen:
            self._seen.add(one)
            self._folders.append(one)
            self._add_file(path, entry)

    def _add_file(self, path: str, entry: Entry) -> None:
        if path in self._entries:
            return
        self._entries[path] = entry
        self._size += entry.size
        if len(self._entries) > self._limits.files:
            raise RenderError(exceeded(f"{path}: up to here are more than {self._limits.files:,} files", "FILES"))
        if self._size > self._limits.total_bytes:
            allowed = f"where {self._limits.total_bytes:,} are allowed"
            raise RenderError(exceeded(f"{path}: up to here the files have {self._size:,} bytes, {allowed}", "BYTES"))

    def _read_links(self, paths: Iterable[str | None]) -> None:
        """Have the tree read links in one go: what it has read, it knows."""
        links = {path for path in paths if path and (entry := self._tree.entry(path)) and entry.is_link}
        if len(links) > 1:
            self._tree.read(links)


def _is_path(reference: Reference) -> bool:
    """Whether it looks like a path, and may be repeated; else it may be an object, and hold a password."""
    return len(reference.path) < 200 and not re.search(r"[\n{]", reference.path)


def _joined(folder: str, reference: Reference) -> str | None:
    """A path from the repository's root, cleaned before any link is followed; None where it names nothing there."""
    path = posixpath.normpath(posixpath.join(folder, reference.path))
    if not reference.path or path == ".." or path.startswith(("../", "/")):
        return None
    return "" if path == "." else path


def _is_within(path: str, folder: str) -> bool:
    return folder in (path, "") or path.startswith(f"{folder}/")
