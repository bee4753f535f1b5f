"""ApplicationSets in a configuration: what they make is as if it were written there."""

import re
from pathlib import Path

from deployer.configuration import load_configuration
from tests.test_configuration import application, cluster, problems, project, written

SET = """\
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: NAME}
spec:
  generators: [{clusters: {selector: {matchExpressions: [{key: env, operator: Exists}]}}}]
  template:
    metadata: {name: "NAME-{{name}}"}
    spec:
      project: PROJECT
      source: {repoURL: https://github.com/acme/web.git, path: k8s}
      destination: {name: "{{name}}", namespace: web}
"""
EXAMPLES = Path(__file__).parents[1] / "examples"


def application_set(name: str, project: str = "default") -> str:
    return SET.replace("NAME", name).replace("PROJECT", project)


def labelled(name: str, env: str) -> str:
    return cluster(name).replace(f"{{name: {name}}}", f"{{name: {name}, labels: {{env: {env}}}}}")


def origin(name: str, place: str = "s.yaml, document 1") -> str:
    return f"{place}, ApplicationSet web, spec.generators[0].clusters with name={name}"


def test_a_set_stands_there_once(tmp_path: Path) -> None:
    files = {"a.yaml": application_set("x"), "b.yaml": application_set("x")}
    assert problems(written(tmp_path, files)) == [
        "b.yaml, document 1: ApplicationSet 'x' is already in a.yaml, document 1; names and aliases must be unique"
    ]


def test_a_set_stands_for_its_applications(tmp_path: Path) -> None:
    """The clusters may stand behind the set, and applications are in the order of the documents."""
    files = {
        "a.yaml": application("first") + "---\n" + application_set("web") + "---\n" + application("last", "bare"),
        "z.yaml": "---\n".join([labelled("production", "p"), labelled("staging", "s"), cluster("bare")]),
    }
    made = load_configuration(written(tmp_path, files))
    place = "a.yaml, document 2"
    assert [(one.name, one.place) for one in made.applications] == [
        ("first", "a.yaml, document 1"),
        ("web-production", origin("production", place)),
        ("web-staging", origin("staging", place)),
        ("last", "a.yaml, document 3"),
    ]
    placement = made.placement("web-production")
    assert placement.cluster.name == "production"
    assert [one.name for one in placement.neighbours] == ["first"]


def test_a_cluster_that_loses_its_label_takes_its_application_along(tmp_path: Path) -> None:
    clusters = labelled("production", "p"), labelled("staging", "s")
    written(tmp_path, {"a.yaml": application_set("web"), "c.yaml": "---\n".join(clusters)})
    assert [one.name for one in load_configuration(tmp_path).applications] == ["web-production", "web-staging"]
    written(tmp_path, {"c.yaml": clusters[0] + "---\n" + cluster("staging")})
    assert [one.name for one in load_configuration(tmp_path).applications] == ["web-production"]


def test_what_holds_for_an_application_holds_for_those_of_a_set(tmp_path: Path) -> None:
    clusters = labelled("production", "p") + "---\n" + labelled("staging", "s")
    files = {"a.yaml": clusters, "s.yaml": application_set("web", "team-a"), "x.yaml": application("web-staging")}
    written(tmp_path, files)
    assert problems(tmp_path) == [
        f"x.yaml, document 1: Application 'web-staging' is already in {origin('staging')}; "
        "names and aliases must be unique",
        f"{origin('production')}: spec.project: there is no AppProject 'team-a'; there is: default",
        f"{origin('staging')}: spec.project: there is no AppProject 'team-a'; there is: default",
    ]
    (tmp_path / "x.yaml").unlink()
    written(tmp_path, {"p.yaml": project("team-a")})
    assert [line.partition(", project")[0] for line in problems(tmp_path)] == [
        f"{origin('production')}: spec.destination: for Application 'web-production'",
        f"{origin('staging')}: spec.destination: for Application 'web-staging'",
    ]


def test_a_set_that_makes_a_name_twice(tmp_path: Path) -> None:
    elements = "[{list: {elements: [{name: production, env: a}, {name: production, env: a}]}}]"
    text = re.sub(r"generators: .*", f"generators: {elements}", application_set("web"))
    (said,) = problems(written(tmp_path, {"a.yaml": cluster("production"), "s.yaml": text}))
    place = "s.yaml, document 1, ApplicationSet web, spec.generators[0].list.elements[{}] with name=production, env=a"
    told = f"{place.format(1)}: Application 'web-production' is already in {place.format(0)}"
    assert said == f"{told}; names and aliases must be unique"


def test_what_is_wrong_with_several_sets_is_told(tmp_path: Path) -> None:
    wrong = application_set("web").replace("path: k8s", 'path: "{{gone}}"')
    files = {
        "a.yaml": labelled("production", "p") + "---\n" + labelled("staging", "s"),
        "s.yaml": wrong,
        "t.yaml": wrong.replace("gone", "lost"),
        "x.yaml": application("lost", "nowhere"),
    }
    first, second = problems(written(tmp_path, files))
    assert first.startswith(f"{origin('production')}: spec.source.path: there is no parameter {{{{gone}}}}; there is: ")
    assert second.startswith(f"{origin('production', 't.yaml, document 1')}: spec.source.path: there is no parameter")


def test_a_set_is_not_filled_in_while_a_cluster_cannot_be_read(tmp_path: Path) -> None:
    wrong = cluster("production").replace("secret:", "sekret:")
    files = {"a.yaml": wrong, "s.yaml": application_set("web").replace("path: k8s", 'path: "{{gone}}"')}
    assert [line.partition(": ")[0] for line in problems(written(tmp_path, files))] == ["a.yaml, document 1"]


def test_the_example_is_valid(tmp_path: Path) -> None:
    made = load_configuration(EXAMPLES / "config")
    found = {one.name: (made.cluster_for(one).name, one.source.target_revision) for one in made.applications}
    assert found == {
        "agent-staging": ("staging", "main"),
        "agent-production": ("production", "stable"),
        "cafe-staging": ("staging", "main"),
        "cafe-production": ("production", "main"),
        "shop": ("staging", "main"),
    }
    text = (EXAMPLES / "config" / "agent.yaml").read_text()
    files = {
        "agent.yaml": re.sub(r"(?m)^    # (?=- |  )", "    ", text),
        "clusters.yaml": (EXAMPLES / "config" / "clusters.yaml").read_text(),
    }
    assert problems(written(tmp_path, files)) == [
        "agent.yaml, document 1, ApplicationSet agent, spec.generators[2].list.elements[0] with name=edge, "
        "metadata.labels.env=edge, values.branch=edge: spec.destination: no Cluster has the name or alias 'edge'; "
        "there is: staging, production"
    ]
