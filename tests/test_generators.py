from collections.abc import Mapping
from typing import Any

import pytest

from deployer.cluster_document import ClusterDocument, parse_cluster
from deployer.errors import ConfigurationError
from deployer.fields import Fields
from deployer.generators import parse_generators
from deployer.parameters import Parameters

PLACE = "a.yaml, document 1, ApplicationSet web"
SECRET = "projects/acme/secrets/x"
SERVER = "https://kubernetes.default.svc"
CLUSTERS = (
    ClusterDocument("staging", (), SECRET, {"env": "staging"}, "c.yaml"),
    ClusterDocument(
        *("production", ("in-cluster", SERVER, "https://other"), SECRET, {"env": "production", "acme.example/a": "b"}),
        place="c.yaml",
        annotations={"owner": "team a"},
    ),
)
TYPE = {"metadata.labels.argocd.argoproj.io/secret-type": "cluster"}


def produced(*entries: dict[str, Any]) -> list[Parameters]:
    generators = parse_generators(Fields({"generators": list(entries)}, PLACE, "spec"))
    return [one for generator in generators for one in generator.parameters(CLUSTERS)]


def values(*entries: dict[str, Any]) -> list[Mapping[str, str]]:
    return [one.values for one in produced(*entries)]


def places(*entries: dict[str, Any]) -> list[str]:
    return [one.place for one in produced(*entries)]


def names(selector: dict[str, Any] | None) -> list[str]:
    return [one["name"] for one in values({"clusters": {"selector": selector}})]


def test_a_list() -> None:
    elements = [
        {"cluster": "a", "url": SERVER, "none": None},
        {"cluster": "b", "values": {"branch": "x", "no": None}, "values.more": "y"},
        {},
    ]
    assert values({"list": {"elements": elements}}) == [
        {"cluster": "a", "url": SERVER},
        {"cluster": "b", "values.more": "y", "values.branch": "x"},
        {},
    ]
    assert places({"list": {"elements": elements}}) == [
        f"{PLACE}, spec.generators[0].list.elements[0] with cluster=a, url={SERVER}",
        f"{PLACE}, spec.generators[0].list.elements[1] with cluster=b, values.more=y, values.branch=x",
        f"{PLACE}, spec.generators[0].list.elements[2]",
    ]


def test_a_place_is_one_short_line() -> None:
    (place,) = places({"list": {"elements": [{"a": "x\ny", "b": "z" * 200}]}})
    assert place == f"{PLACE}, spec.generators[0].list.elements[0] with a=x y, b={'z' * 91}…"


def test_clusters() -> None:
    staging, production = produced({"clusters": {}})
    assert staging.values == {"name": "staging", "nameNormalized": "staging", "metadata.labels.env": "staging", **TYPE}
    assert production.values == {
        "name": "production",
        "nameNormalized": "production",
        "server": SERVER,
        "metadata.labels.env": "production",
        "metadata.labels.acme.example/a": "b",
        "metadata.annotations.owner": "team a",
        **TYPE,
    }
    assert production.place == f"{PLACE}, spec.generators[0].clusters with name=production"


def test_what_a_cluster_document_gives() -> None:
    metadata = {"name": "edge", "labels": {"env": "x"}, "annotations": {"acme.example/path": "a/b"}}
    document = {"metadata": metadata, "spec": {"aliases": ["http://edge"], "kubeconfig": {"secret": SECRET}}}
    (generator,) = parse_generators(Fields({"generators": [{"clusters": {}}]}, PLACE, "spec"))
    (found,) = generator.parameters([parse_cluster(document, "c.yaml, document 1")])
    assert found.fill("{{server}}/{{metadata.annotations.acme.example/path}}", "spec") == "http://edge/a/b"


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        (None, ["staging", "production"]),
        ({"matchLabels": {"env": "production"}}, ["production"]),
        ({"matchExpressions": [{"key": "env", "operator": "NotIn", "values": ["production"]}]}, ["staging"]),
        ({"matchLabels": {"env": "test"}}, []),
        # Argo CD's way to say "but for the cluster that it runs in itself".
        ({"matchLabels": {"argocd.argoproj.io/secret-type": "cluster"}}, ["staging", "production"]),
        ({"matchLabels": {"argocd.argoproj.io/secret-type": "repository"}}, []),
    ],
)
def test_a_selector_of_clusters(selector: dict[str, Any] | None, found: list[str]) -> None:
    assert names(selector) == found


def test_values_of_clusters() -> None:
    given = {"branch": "main", "path": "{{metadata.labels.env}}/{{ name }}", "gone": None}
    staging, _ = values({"clusters": {"values": given}})
    assert {key: text for key, text in staging.items() if key.startswith("values.")} == {
        "values.branch": "main",
        "values.path": "staging/staging",
    }


def test_generators_follow_each_other() -> None:
    both: dict[str, Any] = {
        "clusters": {"selector": {"matchLabels": {"env": "staging"}}},
        "list": {"elements": [{"name": "a"}]},
    }
    entries: list[dict[str, Any]] = [both, {"list": {"elements": [{"name": "b"}]}}]
    assert [one["name"] for one in values(*entries)] == ["a", "staging", "b"]
    assert places(*entries)[2] == f"{PLACE}, spec.generators[1].list.elements[0] with name=b"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "{{server}}",
            "there is no {{server}}: Cluster staging has no URL in its spec.aliases; add one, or write {{name}} into",
        ),
        ("{{project}}", "there is no {{project}}: clusters belong to no project here; write the project's name"),
        (
            "{{metadata.labels.acme.example/a}}",
            "there is no parameter {{metadata.labels.acme.example/a}}; did you mean",
        ),
        # As in Argo CD, one value cannot be made of another.
        (
            "{{values.other}}",
            "there is no parameter {{values.other}}; there is: name, nameNormalized, metadata.labels.",
        ),
    ],
)
def test_what_a_cluster_has_not(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        produced({"clusters": {"values": {"other": "x", "one": text}}})
    place = f"{PLACE}, spec.generators[0].clusters with name=staging"
    assert str(caught.value).startswith(f"{place}: values.one: {message}")


def test_what_a_cluster_has_not_is_said_of_the_template_as_well() -> None:
    staging, production = produced({"clusters": {}})
    assert production.fill("{{server}}", "spec") == SERVER
    with pytest.raises(ConfigurationError, match=r"spec: there is no \{\{server\}\}: Cluster staging has no URL"):
        staging.fill("{{server}}", "spec")


def test_no_generators() -> None:
    with pytest.raises(ConfigurationError, match=r": spec\.generators: is missing; allowed: list, clusters$"):
        produced()


LATER = ("git", "matrix", "merge", "scmProvider", "pullRequest", "clusterDecisionResource", "plugin")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        *(
            ({name: {"x": "y"}}, rf"\.{name}: this generator is not supported; write what it would find")
            for name in LATER
        ),
        ({}, r"\.list: is missing, and so is clusters; name one of them"),
        ({"clusters": None, "list": None}, r"\.list: is missing, and so is clusters"),
        ({"cluster": {}}, r"\.cluster: unknown field; did you mean clusters\?; allowed: list, clusters"),
        (
            {"clusters": {}, "selector": {"matchLabels": {"a": "b"}}},
            r"\.selector: a selector behind a generator is not",
        ),
        ({"list": {"template": {"spec": {}}}}, r"\.list\.template: a generator's own template is not supported"),
        ({"clusters": {"template": {"spec": {}}}}, r"\.clusters\.template: a generator's own template is not"),
        ({"list": {"elementsYaml": "[]"}}, r"\.list\.elementsYaml: elements from a text are not supported"),
        ({"clusters": {"flatList": True}}, r"\.clusters\.flatList: needs Go templates, which are not supported"),
        ({"clusters": {"labels": {}}}, r"\.clusters\.labels: unknown field"),
        ({"clusters": {"selector": {"matchLabels": {"a": 1}}}}, r"\.clusters\.selector\.matchLabels\.a: must be text"),
        ({"clusters": {"values": {"a": 1}}}, r"\.clusters\.values\.a: must be text"),
        ({"list": {"elements": ["a"]}}, r"\.list\.elements: must be a list of mappings"),
        ({"list": {"elements": [{}, {"port": 80}]}}, r"\.list\.elements\[1\]\.port: must be text \(a number"),
        ({"list": {"elements": [{"a": {"b": "c"}}]}}, r"\.list\.elements\[0\]\.a: must be text"),
        ({"list": {"elements": [{"values": "x"}]}}, r"\.list\.elements\[0\]\.values: must be a mapping"),
        ({"list": {"elements": [{"values": {"a": True}}]}}, r"\.list\.elements\[0\]\.values\.a: must be text"),
    ],
)
def test_what_is_wrong_is_refused(entry: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^{PLACE}: spec\.generators\[0\]{message}"):
        produced(entry)


def test_what_asks_for_nothing_is_allowed() -> None:
    entry = {"clusters": {"flatList": False, "template": {}}, "git": {}, "selector": {}}
    assert len(produced(entry)) == len(CLUSTERS)
