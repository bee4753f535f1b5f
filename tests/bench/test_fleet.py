from pathlib import Path
from typing import Any

import pytest

from bench.fleet import configure, documents, manifests, ready, write
from deployer.configuration import load_configuration

_URL = "https://github.com/acme/many.git"


def test_each_application_has_its_folder_and_its_namespace_in_each_cluster_in_turn(tmp_path: Path) -> None:
    configure(tmp_path, documents("many", 3, _URL, ["staging", "production"]))
    made = load_configuration(tmp_path)
    places = [(one.name, one.source.path, one.destination.cluster) for one in made.applications]
    assert places == [
        ("many-000", "apps/000", "staging"),
        ("many-001", "apps/001", "production"),
        ("many-002", "apps/002", "staging"),
    ]
    assert [one.destination.namespace for one in made.applications] == [one.name for one in made.applications]
    assert {one.automated for one in made.applications} == {True}
    assert set(manifests(3)) == {f"{path}/all.yaml" for _, path, _ in places}
    assert len(set(manifests(3).values())) == 3, "none is read once for all"


def test_a_configuration_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    configure(tmp_path, documents("old", 2, _URL, ["staging"]))
    configure(tmp_path, documents("new", 1, _URL, ["staging"]))
    assert [one.name for one in load_configuration(tmp_path).applications] == ["new-000"]


def test_files_are_written_with_their_folders(tmp_path: Path) -> None:
    write(tmp_path, {"a/b/c.yaml": "1", "d.yaml": "2"})
    assert {str(one.relative_to(tmp_path)) for one in tmp_path.rglob("*.yaml")} == {"a/b/c.yaml", "d.yaml"}


@pytest.mark.parametrize(
    ("namespace", "status", "count"),
    [
        ("many-1-000", {"readyReplicas": 1}, 1),
        ("many-1-000", {"replicas": 1}, 0),
        ("many-1-000", {}, 0),
        ("many-10-000", {"readyReplicas": 1}, 0),
        ("kube-system", {"readyReplicas": 1}, 0),
    ],
)
def test_those_that_are_ready(namespace: str, status: dict[str, Any], count: int) -> None:
    assert ready([{"metadata": {"namespace": namespace, "name": "web"}, "status": status}], "many-1") == count
