"""All that a kustomization reaches, from an application's folder through bases and components, in few reads.

Paths are taken as Kustomize takes them (api/internal/loader/fileloader.go): joined to the kustomization's own folder,
cleaned of `..` before any link is followed; a file has to end up in that folder or below, a folder neither in nor above
one that led to it.
"""

import graphlib
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from deployer.errors import RenderError, SourceError
from deployer.kustomize import Kustomize
from deployer.limits import DEFAULT_LIMITS, Limits, exceeded
from deployer.rendering.directory import KUSTOMIZATIONS
from deployer.rendering.kustomize.edit import edit
from deployer.rendering.kustomize.kustomization import parse_kustomization, write_kustomization
from deployer.rendering.kustomize.reading import Reader
from deployer.rendering.kustomize.references import Kind, Reference, not_local, plugin_references, references
from deployer.tree import Entry, MissingError, Tree, check_content, follow, foresee, read_link

MAX_DEPTH = 50
"""How deep bases may stand on each other: each level is a request."""

MAX_BUILDS = 10_000
"""How often folders may be built, all together: Kustomize builds one anew for each that names it."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class Reached:
    """What the program may read, by path from the repository's root: content, and where links lead; `folder` is built.

    Kustomizations are as they were checked, the first one as the Application changes it. `folders` are those that links
    lead through; `secrets` are texts that no error may hold.
    """

    folder: str
    files: Mapping[str, bytes] = field(repr=False)
    links: Mapping[str, str]
    folders: frozenset[str] = frozenset()
    secrets: frozenset[str] = field(default=frozenset(), repr=False)


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


class _Found(NamedTuple):
    """What a kustomization in a folder names; `plugins_of` is that of its objects."""

    reference: Reference
    folder: str
    plugins_of: str | None


class _Walk:
    """One walk, a wave of reading at a time."""

    def __init__(self, tree: Tree, kustomize: Kustomize, limits: Limits) -> None:
        self._tree, self._kustomize, self._limits = tree, kustomize, limits
        self._reader = Reader(limits)
        self._top = ""
        self._size = 0
        self._entries: dict[str, Entry] = {}  # of the files that are read, or are to be
        self._files: dict[str, bytes] = {}
        self._passed: dict[str, Entry] = {}
        self._folders: list[_Folder] = []
        # Files of objects; and the folder that the paths in them are relative to where they configure plugins.
        self._objects: list[tuple[str, str | None]] = []
        self._seen: set[tuple[str, str | None] | _Folder] = set()
        self._written: dict[str, bytes] = {}
        self._owners: dict[str, str] = {}  # the folder of each kustomization
        self._secret: set[str] = set()  # files of which Secrets are made
        self._named: dict[str, Reference] = {}  # the files that are not kustomizations
        self._bases: dict[str, list[str]] = {}

    def begin(self, folder: str) -> None:
        """Begin at an application's path."""
        self._top, entry = follow(self._tree, folder)
        if not entry.is_folder:
            raise RenderError(f"{self._tree.where}: {folder} is a file, and Kustomize builds folders; name its folder")
        self._add_folder(self._top, None, None)

    def step(self) -> bool:
        """Read all that is known to be needed, and look what that needs; False where there was nothing."""
        self._read()
        folders, objects = self._folders, self._objects
        self._folders, self._objects = [], []
        found = [named for one in folders for named in self._look_into(one)]
        for path, base in objects:
            for value, text in self._reader.file(path, self._files[path]):
                if base is not None:
                    found += [_Found(one, base, None) for one in plugin_references(value, text, self._reader)]
        foresee(self._tree, filter(None, (_joined(one.folder, one.reference.path) for one in found)), KUSTOMIZATIONS)
        for one in found:
            self._add(*one)
        return len(self._entries) > len(self._files) or bool(self._folders or self._objects)

    def reached(self) -> Reached:
        """What was read."""
        for path in self._written:
            if path in self._named:
                problem = "is a kustomization, and Kustomize reads it as one; name its folder, or another file"
                raise self._wrong(self._named[path], problem)
        sorter = graphlib.TopologicalSorter(self._bases)
        try:
            order = list(sorter.static_order())
        except graphlib.CycleError as error:
            chain = " → ".join(one or "." for one in reversed(error.args[1]))
            raise RenderError(f"{self._tree.where}: bases lead back to where they began: {chain}") from None
        self._check_builds(order)
        links = {path: read_link(self._tree, path, one) for path, one in self._passed.items() if one.is_link}
        folders = frozenset(path for path, entry in self._passed.items() if entry.is_folder)
        secrets = self._reader.secrets.union(self._files[path].decode(errors="replace") for path in self._secret)
        return Reached(self._top, self._files | self._written, links, folders, frozenset(secrets))

    def _check_builds(self, order: list[str]) -> None:
        """Refuse bases that are built too often; the folders come after those that they name."""
        builds: dict[str, int] = {}
        for folder in order:
            builds[folder] = 1 + sum(builds[base] for base in self._bases.get(folder, ()))
            if builds[folder] > MAX_BUILDS:
                problem = f"has folders built more than {MAX_BUILDS:,} times, as bases name the same bases"
                raise RenderError(f"{self._tree.where}: {folder or '.'} {problem}; name each one once")

    def _read(self) -> None:
        unread = self._entries.keys() - self._files.keys()
        contents = self._tree.read(unread) if unread else {}
        for path in unread:
            check_content(self._tree, path, contents[path])
            self._files[path] = contents[path]

    def _look_into(self, folder: _Folder) -> list[_Found]:
        kustomization, text = parse_kustomization(folder.file, self._files[folder.file], self._reader)
        if folder.path == self._top:
            kustomization = edit(kustomization, self._with_components(), text)
        self._written[folder.file] = write_kustomization(kustomization)
        found = references(kustomization, text, self._reader)
        return [_Found(one, folder.path, folder.plugins_of) for one in found]

    def _with_components(self) -> Kustomize:
        """The settings with the components that there are, where those that are missing do not matter."""
        if not self._kustomize.ignore_missing_components:
            return self._kustomize
        return replace(self._kustomize, components=tuple(filter(self._is_there, self._kustomize.components)))

    def _is_there(self, component: str) -> bool:
        path = _joined(self._top, component)
        try:
            if path is not None:
                follow(self._tree, path)
        except MissingError:
            return False
        except SourceError:
            pass  # it is told with its place where it is read
        return True

    def _add(self, reference: Reference, folder: str, plugins_of: str | None) -> None:
        """Note what a kustomization in a folder names, to be read."""
        if problem := not_local(reference):
            raise self._wrong(reference, problem)
        named = _joined(folder, reference.path)
        if named is None:
            raise self._wrong(reference, self._misnamed(reference.path))
        path, entry = self._follow(named, reference)
        plugin = folder if reference.kind is Kind.PLUGIN else plugins_of
        if entry.is_folder and reference.kind not in (Kind.FILE, Kind.OBJECTS):
            if _is_within(folder, path):
                raise self._wrong(reference, "is the kustomization's own folder, or above it, and leads back to it")
            self._bases.setdefault(folder, []).append(path)
            self._add_folder(path, plugin, reference)
            return
        if not entry.is_file or reference.kind is Kind.FOLDER:
            raise self._wrong(reference, f"has to be {reference.kind.value}")
        if not _is_within(posixpath.dirname(path), folder):
            problem = "is outside of the kustomization's folder, where Kustomize reads no files; move it there"
            raise self._wrong(reference, f"{problem}, or make a base of its own folder")
        self._named[path] = reference
        self._add_file(path, entry)
        if reference.is_secret:
            self._secret.add(path)
        one = (path, plugin if reference.kind in (Kind.PLUGIN, Kind.RESOURCE) else None)
        if reference.kind is not Kind.FILE and one not in self._seen:
            self._seen.add(one)
            self._objects.append(one)

    def _misnamed(self, path: str) -> str:
        if not path:
            return "is empty; name a file or folder, or remove it"
        if _CONTROL.search(path):
            return "has characters that no path has; correct it"
        return f"leaves {self._tree.where}; copy what it names into it, and name that"

    def _follow(self, path: str, reference: Reference | None) -> tuple[str, Entry]:
        try:
            return follow(self._tree, path, self._passed)
        except MissingError:
            if reference is None:
                raise
            at = f", at {path}" if reference.is_shown else ""
            problem = f"is not in {self._tree.where}{at}; put it there, or correct the path"
            raise self._wrong(reference, problem) from None
        except SourceError as error:
            if reference is None or error.transient:
                raise
            raise SourceError(f"{self._place(reference)}: {error}", status=error.status) from None

    def _wrong(self, reference: Reference, problem: str) -> RenderError:
        return RenderError(f"{self._place(reference)}: {reference.shown} {problem}")

    def _place(self, reference: Reference) -> str:
        place = reference.place
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
        if self._owners.setdefault(path, folder) != folder:
            problem = (
                f"{path} is the kustomization of {folder or '.'} and {self._owners[path] or '.'}; give each its own"
            )
            raise RenderError(f"{self._tree.where}: {problem}")
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


def _joined(folder: str, named: str) -> str | None:
    """A path from the repository's root, cleaned before any link is followed; None where it names nothing there."""
    path = posixpath.normpath(posixpath.join(folder, named))
    if not named or path == ".." or path.startswith(("../", "/")) or _CONTROL.search(named):
        return None
    return "" if path == "." else path


def _is_within(path: str, folder: str) -> bool:
    return folder in (path, "") or path.startswith(f"{folder}/")
