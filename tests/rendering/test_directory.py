import pytest

from deployer.application import Directory
from deployer.errors import RenderError
from deployer.limits import Limits
from deployer.rendering.directory import manifest_paths, refuse_other_tools, wanted


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


@pytest.mark.parametrize(
    ("name", "tool"),
    [
        ("Chart.yaml", "a Helm chart"),
        ("kustomization.yaml", "a Kustomize folder"),
        ("kustomization.yml", "a Kustomize folder"),
        ("Kustomization", "a Kustomize folder"),
    ],
)
def test_other_tools_are_refused_by_their_name(name: str, tool: str) -> None:
    with pytest.raises(RenderError, match=f"{name} makes this {tool}, which is not supported yet"):
        refuse_other_tools(["web.yaml", name])
    refuse_other_tools(["web.yaml", f"below/{name}", f"not-{name}"])
    refuse_other_tools(["web.yaml", name], explicit_directory=True)


@pytest.mark.parametrize("name", [".argocd-source.yaml", ".argocd-source-shop.yaml"])
def test_overrides_of_the_application_are_refused(name: str) -> None:
    with pytest.raises(RenderError, match=f"{name} overrides the Application's source"):
        refuse_other_tools([name], application="shop", explicit_directory=True)


def test_overrides_of_another_application_do_not_count() -> None:
    refuse_other_tools([".argocd-source-other.yaml", "below/.argocd-source.yaml"], application="shop")
