"""The generators of an ApplicationSet: each gives parameters, and with each of these an Application is made.

Fields, parameters and meanings are those of Argo CD's `applicationset/generators/list.go` and `cluster.go`; its cluster
Secrets are `Cluster` documents here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from deployer.cluster_document import ClusterDocument
from deployer.fields import Fields
from deployer.label_selector import LabelRule, parse_label_selector
from deployer.parameters import Parameters

# Every cluster Secret of Argo CD has it, and sets select by it, to leave out the cluster that Argo CD itself runs in.
_IMPLIED_LABELS = {"argocd.argoproj.io/secret-type": "cluster"}
_LONGEST_ORIGIN = 100  # characters of parameters in an error

_LATER = {
    **dict.fromkeys(
        ("git", "matrix", "merge", "scmProvider", "pullRequest", "clusterDecisionResource", "plugin"),
        "this generator is not supported; write what it would find into a list generator",
    ),
    "selector": "a selector behind a generator is not supported; narrow clusters.selector, or leave elements out",
}
_TEMPLATE = {"template": "a generator's own template is not supported; make it a set of its own"}
_ELEMENTS_YAML = {"elementsYaml": "elements from a text are not supported; write them into elements"}


@dataclass(frozen=True)
class ListGenerator:
    """Parameters that are written out. `place` names the set, and `path` the field that holds the list."""

    elements: tuple[Mapping[str, str], ...]
    place: str
    path: str

    def parameters(self, clusters: Sequence[ClusterDocument]) -> Iterator[Parameters]:
        """Yield those of each element, whatever clusters there are."""
        for number, element in enumerate(self.elements):
            yield Parameters(element, _origin(self.place, f"{self.path}.elements[{number}]", element))


@dataclass(frozen=True)
class ClusterGenerator:
    """Parameters of each cluster whose labels fit; `values` may have parameters of the cluster in them."""

    selector: tuple[LabelRule, ...]
    values: Mapping[str, str]
    place: str
    path: str

    def parameters(self, clusters: Sequence[ClusterDocument]) -> Iterator[Parameters]:
        """Yield those of each cluster that fits. Raises ConfigurationError for one in `values` that there is not."""
        for cluster in clusters:
            labels = {**cluster.labels, **_IMPLIED_LABELS}
            if all(rule.fits(labels) for rule in self.selector):
                place = _origin(self.place, self.path, {"name": cluster.name})
                own = Parameters(_of_cluster(cluster, labels), place, _absent(cluster))
                # Each is filled in with the cluster's own only, and never with another of `values`.
                values = {f"values.{key}": own.fill(text, f"values.{key}") for key, text in self.values.items()}
                yield Parameters({**own.values, **values}, place, own.absent)


Generator = ListGenerator | ClusterGenerator


def parse_generators(spec: Fields) -> tuple[Generator, ...]:
    """Read `spec.generators` of a set. Raises ConfigurationError, at the first field that is wrong."""
    generators = tuple(one for entry in spec.sections("generators") for one in _parse(entry))
    if not generators:
        raise spec.error("generators", "is missing; allowed: list, clusters")
    return generators


def _parse(entry: Fields) -> Iterator[Generator]:
    entry.allow("list", "clusters", unsupported=_LATER)
    # `clusters: {}` is every cluster, `clusters:` alone is no generator, and one entry may have both.
    found = [name for name in ("list", "clusters") if entry.values.get(name) is not None]
    if not found:
        raise entry.error("list", "is missing, and so is clusters; name one of them")
    for name in found:
        yield _parse_list(entry.section(name)) if name == "list" else _parse_clusters(entry.section(name))


def _parse_list(section: Fields) -> ListGenerator:
    section.allow("elements", unsupported=_ELEMENTS_YAML | _TEMPLATE)
    elements = (
        _texts(one, "values") | {f"values.{key}": text for key, text in _texts(one.section("values")).items()}
        for one in section.sections("elements")
    )
    return ListGenerator(tuple(elements), section.place, section.path)


def _parse_clusters(section: Fields) -> ClusterGenerator:
    section.allow("selector", "values", "flatList", unsupported=_TEMPLATE)
    if section.flag("flatList"):
        raise section.error("flatList", "needs Go templates, which are not supported; remove the field")
    selector = parse_label_selector(section.section("selector"))
    return ClusterGenerator(selector, _texts(section.section("values")), section.place, section.path)


def _texts(section: Fields, apart: str = "") -> dict[str, str]:
    """Read the texts of a mapping. One that is null is not there, rather than an empty text in what is deployed."""
    return {str(key): section.text(key) for key, value in section.values.items() if key != apart and value is not None}


def _of_cluster(cluster: ClusterDocument, labels: Mapping[str, str]) -> dict[str, str]:
    server = next((alias for alias in cluster.aliases if alias.startswith(("https://", "http://"))), "")
    return {
        "name": cluster.name,
        "nameNormalized": cluster.name,  # a document's name has nothing in it that Argo CD would change
        **({"server": server} if server else {}),
        **{f"metadata.labels.{key}": value for key, value in labels.items()},
        **{f"metadata.annotations.{key}": value for key, value in cluster.annotations.items()},
    }


def _absent(cluster: ClusterDocument) -> dict[str, str]:
    return {
        "server": f"Cluster {cluster.name} has no URL in its spec.aliases; add one, or write {{{{name}}}} into "
        "destination.name",
        "project": "clusters belong to no project here; write the project's name",
    }


def _origin(place: str, path: str, parameters: Mapping[str, str]) -> str:
    """Say where parameters come from, on one line."""
    shown = " ".join(", ".join(f"{name}={value}" for name, value in parameters.items()).split())
    shortened = shown if len(shown) <= _LONGEST_ORIGIN else f"{shown[:_LONGEST_ORIGIN]}…"
    return f"{place}, {path} with {shortened}" if shown else f"{place}, {path}"
