"""One ApplicationSet that deploys to both clusters of the world, by their labels."""

import copy
import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.projects import config
from tests.world import Bench, config_map

Run = Callable[..., subprocess.CompletedProcess[str]]

BOTH = {"matchExpressions": [{"key": "env", "operator": "In", "values": ["staging", "production"]}]}


def member(bench: Bench, cluster: str) -> Bench:
    """The same repository, seen from the set's application in a cluster; its namespace has the application's name."""
    one = copy.copy(bench)
    one.name, one._cluster = f"{bench.name}-{cluster}", cluster
    return one


def write_set(bench: Bench, selector: Mapping[str, Any]) -> Path:
    """Write the set: the manifests of each cluster are in a folder that its label names."""
    template = {
        "metadata": {"name": f"{bench.name}-{{{{name}}}}", "annotations": {"deployer/timeout": "60"}},
        "spec": {
            "source": {"repoURL": bench.clone.url, "targetRevision": "main", "path": "{{metadata.labels.env}}"},
            "destination": {"name": "{{values.cluster}}", "namespace": f"{bench.name}-{{{{nameNormalized}}}}"},
            "syncPolicy": {"automated": {"prune": True}, "syncOptions": ["CreateNamespace=true"]},
        },
    }
    document = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "ApplicationSet",
        "metadata": {"name": bench.name},
        "spec": {
            "generators": [{"clusters": {"selector": selector, "values": {"cluster": "{{name}}"}}}],
            "template": template,
        },
    }
    file = config(bench) / f"{bench.name}-set.yaml"
    file.write_text(json.dumps(document))
    return file


@pytest.fixture
def members(bench: Bench) -> Iterator[tuple[Bench, Bench]]:
    """The applications of one set in staging and in production."""
    file = write_set(bench, BOTH)
    staging, production = member(bench, "staging"), member(bench, "production")
    with staging, production:
        yield staging, production
        file.unlink()


def files(value: str) -> dict[str, str]:
    return {f"{cluster}/a.yaml": config_map("a", f"{cluster} {value}") for cluster in ("staging", "production")}


def test_a_set_deploys_to_every_cluster_that_it_selects(members: tuple[Bench, Bench], deployer: Run) -> None:
    staging, production = members
    commit = staging.push(files("1"))
    for one, cluster in ((staging, "staging"), (production, "production")):
        assert one.settled(commit)[0] == "success"
        assert one.live("configmap", "a")["data"] == {"key": f"{cluster} 1"}
        assert one.reconcile() == "in sync"

    rendered = deployer("render", production.name, "-o", "json")
    assert [one["data"] for one in json.loads(rendered.stdout)["items"]] == [{"key": "production 1"}]
    shown = deployer("status", production.name, "-o", "json")
    (found,) = json.loads(shown.stdout)["applications"]
    assert (found["application"], found["cluster"], found["sync"], found["deployed"]) == (
        *(production.name, "production", "Synced", commit),
    )
    assert shown.returncode == 0


def test_what_the_set_selects_no_more_is_orphaned_and_stays(
    bench: Bench, members: tuple[Bench, Bench], deployer: Run
) -> None:
    staging, production = members
    commit = staging.push(files("1"))
    assert [one.settled(commit)[0] for one in members] == ["success", "success"]
    before = production.versions()

    write_set(bench, {"matchLabels": {"env": "staging"}})
    newer = staging.push(files("2"))
    assert staging.settled(newer)[0] == "success"
    assert staging.live("configmap", "a")["data"] == {"key": "staging 2"}
    assert staging.reconcile() == "in sync"
    assert production.versions() == before
    assert production.statuses(newer) == []
    (found,) = json.loads(deployer("status", production.name, "-o", "json").stdout)["applications"]
    assert (found["cluster"], found["sync"], found["deployed"]) == ("production", "orphaned", commit)


def test_a_name_that_the_set_does_not_make_is_answered_with_those_that_it_does(
    bench: Bench, members: tuple[Bench, Bench], deployer: Run
) -> None:
    done = deployer("render", bench.name)
    assert done.returncode == 1
    assert f"there is no application {bench.name!r}; there is: " in done.stderr
    assert all(one.name in done.stderr for one in members)


def test_a_set_with_a_parameter_that_there_is_not_is_told_as_such(
    bench: Bench, members: tuple[Bench, Bench], deployer: Run
) -> None:
    file = write_set(bench, BOTH)
    file.write_text(file.read_text().replace("metadata.labels.env", "metadata.labels.evn"))
    try:
        done = deployer("render", members[0].name)
    finally:
        write_set(bench, BOTH)
    assert done.returncode == 1
    assert (
        f"{file.name}, document 1, ApplicationSet {bench.name}, spec.generators[0].clusters with name=staging: "
        "spec.source.path: there is no parameter {{metadata.labels.evn}}; did you mean metadata.labels.env?"
    ) in done.stderr
