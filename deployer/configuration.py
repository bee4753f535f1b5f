"""The configuration: every document of a file or a folder, checked together."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import yaml

from deployer.application import Application, parse_application
from deployer.application_set import ApplicationSet, parse_application_set
from deployer.cluster_document import ClusterDocument, parse_cluster
from deployer.errors import ConfigurationError
from deployer.impersonation import service_account
from deployer.project import DEFAULT, Project, destination_problem, idle_denials, parse_project, source_problem
from deployer.source import Ref
from deployer.sync_windows import window_problem

_SUFFIXES = (".yaml", ".yml", ".json")
_ALLOWED = "allowed: Application, ApplicationSet and AppProject (argoproj.io/v1alpha1), Cluster (deployer/v1alpha1)"

_Document = Application | ApplicationSet | ClusterDocument | Project


TOGETHER = 20
"""Applications of one ref that have a status each on its commits; above, they have one for all."""


@dataclass(frozen=True)
class Placement:
    """An application, the cluster that it goes to, the project that says what it may there, and its neighbours.

    Neighbours are the other applications of the cluster, whose objects are theirs. `together` says that it is one of so
    many of one ref that their commit has one status for all.
    """

    application: Application
    cluster: ClusterDocument
    project: Project = DEFAULT
    neighbours: tuple[Application, ...] = ()
    together: bool = False

    @property
    def account(self) -> str:
        """The user as whom its objects are read and written; `""` is the deployer's own account.

        Raises ConfigurationError where the project has service accounts, but none for this destination.
        """
        namespace = self.application.destination.namespace
        return service_account(self.project.account_rules, self.cluster.names, namespace)

    def held_back(self, now: datetime, *, manual: bool = False) -> str:
        """Say which sync window holds a sync back, and until when; `""` where none does.

        `manual` is whether a person asks for it, `now` has a time zone.
        """
        destination, names = self.application.destination.namespace, self.cluster.names
        windows = self.project.sync_windows
        return window_problem(windows, self.application.name, names, destination, now, manual=manual)


@dataclass(frozen=True)
class Configuration:
    """What is deployed, where to, and what may be.

    Names are unique; each application's destination is one of the clusters, and its project allows it and its source.
    `projects` are those that are written.
    """

    applications: tuple[Application, ...] = ()
    clusters: tuple[ClusterDocument, ...] = ()
    projects: tuple[Project, ...] = ()

    def application(self, name: str) -> Application:
        """Return the application of that name; raises ConfigurationError, with all names, where there is none."""
        for application in self.applications:
            if application.name == name:
                return application
        raise ConfigurationError(f"there is no application {name!r}; {_there_is(a.name for a in self.applications)}")

    def cluster_for(self, application: Application) -> ClusterDocument:
        """Return the cluster that an application's destination names; raises ConfigurationError where there is none."""
        wanted = application.destination.cluster
        for cluster in self.clusters:
            if wanted in cluster.names:
                return cluster
        raise ConfigurationError(
            f"{application.place}: spec.destination: no Cluster has the name or alias {wanted!r}; "
            + _there_is(name for cluster in self.clusters for name in cluster.names)
        )

    def project_for(self, application: Application) -> Project:
        """Return an application's project; `default` is there, and allows everything, unless it is written.

        Raises ConfigurationError, with all names, where there is none of that name.
        """
        known = {DEFAULT.name: DEFAULT} | {project.name: project for project in self.projects}
        if application.project in known:
            return known[application.project]
        raise ConfigurationError(
            f"{application.place}: spec.project: there is no AppProject {application.project!r}; {_there_is(known)}"
        )

    def placement(self, name: str) -> Placement:
        """Return an application with all that the configuration says about it.

        Raises ConfigurationError, with all names, where there is none of that name.
        """
        application = self.application(name)
        cluster = self.cluster_for(application)
        others = [one for one in self.applications if one.name != name and one.destination.cluster in cluster.names]
        together = application.source.ref in self.in_common
        return Placement(application, cluster, self.project_for(application), tuple(others), together)

    @cached_property
    def in_common(self) -> Mapping[Ref, tuple[Application, ...]]:
        """The applications whose commits have one status for all, by what they watch."""
        watching: dict[Ref, list[Application]] = {}
        for one in self.applications:
            watching.setdefault(one.source.ref, []).append(one)
        return {ref: tuple(those) for ref, those in watching.items() if len(those) > TOGETHER}


def load_configuration(path: Path) -> Configuration:
    """Read a file, or every `.yaml`, `.yml` and `.json` file in a folder and below; what is hidden is skipped.

    Files that say the same as the last time make the same configuration, which is not made anew: a job takes less time
    than reading some hundred applications as YAML.

    Raises ConfigurationError with all that is wrong, a line for each document: its place, the field, what is allowed.
    """
    return _configuration(path, tuple((file, _content(file)) for file in _files(path)))


@lru_cache(maxsize=1)
def _configuration(path: Path, files: tuple[tuple[str, bytes | OSError], ...]) -> Configuration:
    """Make a configuration of the files' content; an error is what reading one came to."""
    found: list[_Document] = []
    problems: list[str] = []
    for file, content in files:
        name = _shown(Path(file), path)
        try:
            documents = _read_documents(content)
        except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
            problems.append(f"{name}: cannot be read as YAML: {_reason(error)}")
            continue
        for number, document in documents:
            try:
                found.append(_parse(document, f"{name}, document {number}"))
            except ConfigurationError as error:
                problems.append(str(error))
    # A document that cannot be read may be the very one that another needs, so they are compared only when all can.
    _raise(problems)
    clusters = tuple(one for one in found if isinstance(one, ClusterDocument))
    projects = tuple(one for one in found if isinstance(one, Project))
    configuration = Configuration(_applications(found, clusters), clusters, projects)
    sets = [one for one in found if isinstance(one, ApplicationSet)]
    _raise([*_duplicates(configuration, sets), *_lost(configuration), *_idle(configuration)])
    _raise([*_contested(configuration)])
    return configuration


def _raise(problems: Sequence[str]) -> None:
    if problems:
        raise ConfigurationError("\n".join(problems))


def _applications(found: Sequence[_Document], clusters: Sequence[ClusterDocument]) -> tuple[Application, ...]:
    """Return all applications in the order of the documents: a set stands for those that it makes."""
    made: list[Application] = []
    problems = []
    for document in found:
        if isinstance(document, Application):
            made.append(document)
        elif isinstance(document, ApplicationSet):
            try:
                made += document.applications(clusters)
            except ConfigurationError as error:
                problems.append(str(error))
    _raise(problems)
    return tuple(made)


def _files(path: Path) -> Iterator[str]:
    """List the files in a fixed order. A mounted ConfigMap's links to files count, its hidden folders do not."""
    if not path.is_dir():
        if not path.exists():
            raise ConfigurationError(
                f"{path}: there is no such file or folder; set DEPLOYER_CONFIG to the configuration"
            )
        yield str(path)
        return
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (f"{folder}/{name}" for name in sorted(names) if name.endswith(_SUFFIXES) and name[0] != ".")


def _shown(file: Path, path: Path) -> str:
    return file.name if file == path else str(file.relative_to(path))


def _parse(document: Any, place: str) -> _Document:
    if not isinstance(document, dict):
        raise ConfigurationError(f"{place}: is not a mapping; {_ALLOWED}")
    match document.get("apiVersion"), document.get("kind"):
        case "argoproj.io/v1alpha1", "Application":
            return parse_application(document, place)
        case "argoproj.io/v1alpha1", "ApplicationSet":
            return parse_application_set(document, place)
        case "deployer/v1alpha1", "Cluster":
            return parse_cluster(document, place)
        case "argoproj.io/v1alpha1", "AppProject":
            return parse_project(document, place)
        case _:
            found = f"{document.get('kind')!r} of {document.get('apiVersion')!r}"
            raise ConfigurationError(f"{place}: kind: {found} is no configuration; {_ALLOWED}")


def _duplicates(configuration: Configuration, sets: Sequence[ApplicationSet]) -> Iterator[str]:
    names = [("Application", one.name, one.place) for one in configuration.applications]
    names += [("ApplicationSet", one.name, one.place) for one in sets]
    names += [("Cluster", name, one.place) for one in configuration.clusters for name in one.names]
    names += [("AppProject", one.name, one.place) for one in configuration.projects]
    places: dict[tuple[str, str], str] = {}
    for kind, name, place in names:
        if (first := places.setdefault((kind, name), place)) != place:
            yield f"{place}: {kind} {name!r} is already in {first}; names and aliases must be unique"


def _lost(configuration: Configuration) -> Iterator[str]:
    """Tell of the applications that have no cluster or no project, or that their project does not allow."""
    for application in configuration.applications:
        try:
            names = configuration.cluster_for(application).names
            project = configuration.project_for(application)
        except ConfigurationError as error:
            yield str(error)
            continue
        problems = {
            "source.repoURL": source_problem(project, application.source.repository),
            "destination": destination_problem(project, names, application.destination.namespace)
            or _account_problem(project, names, application.destination.namespace),
        }
        for field, problem in problems.items():
            if problem:
                yield f"{application.place}: spec.{field}: for Application {application.name!r}, {problem}"


def _account_problem(project: Project, names: Sequence[str], namespace: str) -> str:
    try:
        service_account(project.account_rules, names, namespace)
    except ConfigurationError as error:
        return str(error)
    return ""


def _idle(configuration: Configuration) -> Iterator[str]:
    if configuration.clusters:
        for project in configuration.projects:
            yield from idle_denials(project, [cluster.names for cluster in configuration.clusters])


def _contested(configuration: Configuration) -> Iterator[str]:
    """Tell of two applications that want other things of one Namespace: each would undo what the other does."""
    first: dict[tuple[str, str], Application] = {}
    for application in configuration.applications:
        if application.namespace_metadata:
            place = configuration.cluster_for(application).name, application.destination.namespace
            other = first.setdefault(place, application)
            if other.namespace_metadata != application.namespace_metadata:
                yield (
                    f"{application.place}: spec.syncPolicy.managedNamespaceMetadata: Application {other.name!r} asks "
                    f"other things of Namespace {place[1]}; leave it out of one of the two, or write the same"
                )


def _there_is(names: Iterable[str]) -> str:
    return "there is: " + (", ".join(names) or "none")


class _Loader(yaml.SafeLoader):
    """YAML with every key once: of two, one would be lost in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        if twice := next((key for key in keys if keys.count(key) > 1), None):
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {twice!r} stands there twice", node.start_mark
            )
        return super().construct_mapping(node, deep)


def _content(file: str) -> bytes | OSError:
    try:
        with open(file, "rb", buffering=0) as opened:  # noqa: PTH123 (a Path takes twice as long, each time)
            return opened.read()
    except OSError as error:
        return error


def _read_documents(content: bytes | OSError) -> list[tuple[int, Any]]:
    """Read the documents of a YAML or JSON file with their numbers, from 1; empty ones are left out."""
    if isinstance(content, OSError):
        raise content
    documents = yaml.load_all(content.decode(), Loader=_Loader)
    return [(number, one) for number, one in enumerate(documents, start=1) if one is not None]


def _reason(error: Exception) -> str:
    """Say what is wrong with a file without quoting its lines, which may hold a password."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        return f"line {error.problem_mark.line + 1}: {error.problem}"
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
