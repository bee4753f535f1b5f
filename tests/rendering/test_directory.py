from typing import Any

import pytest

from deployer.errors import RenderError
from deployer.fields import Fields
from deployer.limits import Limits
from deployer.rendering.directory import is_kustomize, manifest_paths, wanted
from deployer.source import Directory, Source, parse_source


@pytest.mark.parametrize(
    ("path", "directory", "expected"),
    [
        ("web.yaml", Directory(), True),
        ("web.yml", Directory(), True),
        ("web.json", Directory(), True),
        ("web.jsonnet", Directory(), True),
        (".hidden.yaml", Directory(), True),
        ("web.YAML", Directory(), False),
        ("web.yaml.tmpl", Directory(), False),
        ("README.md", Directory(), False),
        ("yaml", Directory(), False),
        ("sub/web.yaml", Directory(), False),
        ("sub/web.yaml", Directory(recurse=True), True),
        ("web.yaml", Directory(include="*.yml"), False),
        ("web.yml", Directory(include="*.yml"), True),
        ("web.txt", Directory(include="*.txt"), False),
        ("sub/web.yaml", Directory(include="*.yaml"), False),
        ("sub/web.yaml", Directory(recurse=True, include="sub/*"), True),
        ("web.yaml", Directory(exclude="{web,db}.yaml"), False),
        ("web.yaml", Directory(include="*.yaml", exclude="web.*"), False),
        ("db.yaml", Directory(include="*.yaml", exclude="web.*"), True),
    ],
)
def test_wanted(path: str, directory: Directory, expected: bool) -> None:
    assert wanted(path, directory) is expected


def test_manifest_paths_are_sorted_and_limited() -> None:
    paths = ["web.yaml", "README.md", "db.yaml", "sub/web.yaml"]
    assert manifest_paths(paths, Directory(), Limits(files=2)) == ["db.yaml", "web.yaml"]
    with pytest.raises(RenderError) as error:
        manifest_paths(paths, Directory(recurse=True), Limits(files=2))
    expected = "3 manifest files, where 2 are allowed; split the application, or raise DEPLOYER_MAX_FILES"
    assert str(error.value) == expected


def source(**settings: Any) -> Source:
    return parse_source(Fields({"repoURL": "https://github.com/acme/web", **settings}, "web.yaml"))


@pytest.mark.parametrize("name", ["kustomization.yaml", "kustomization.yml", "Kustomization"])
def test_a_kustomization_makes_a_folder_kustomizes(name: str) -> None:
    assert is_kustomize(["web.yaml", name], source())
    assert not is_kustomize(["web.yaml", f"below/{name}", f"not-{name}"], source())


def test_the_settings_of_a_tool_say_which_one_it_is() -> None:
    assert not is_kustomize(["kustomization.yaml"], source(directory={"recurse": True}))
    assert is_kustomize(["web.yaml"], source(kustomize={"namePrefix": "a-"}))
    assert is_kustomize(["Chart.yaml"], source(kustomize={"namePrefix": "a-"}))
    assert not is_kustomize(["Chart.yaml"], source(directory={"recurse": True}))


def test_a_chart_is_refused_by_its_name() -> None:
    with pytest.raises(RenderError, match=r"Chart\.yaml makes this a Helm chart, which is not supported yet"):
        is_kustomize(["web.yaml", "kustomization.yaml", "Chart.yaml"], source())
    assert not is_kustomize(["below/Chart.yaml"], source())
