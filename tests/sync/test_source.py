"""From a tree to manifests: which tool reads a source, and what the files beside the manifests change."""

import json
from pathlib import Path
from typing import Any

import pytest

from deployer.cli.disk import DiskTree
from deployer.errors import ConfigurationError, DeployerError, RenderError, SourceError
from deployer.fields import Fields
from deployer.limits import DEFAULT_LIMITS, Limits
from deployer.source import Source, parse_source
from deployer.sync.source import fetch_source, render_fetched
from tests.world import config_map

KUSTOMIZATION = "resources: [a.yaml]\nnamePrefix: built-\n"


def source(path: str = "k8s", **settings: Any) -> Source:
    return parse_source(Fields({"repoURL": "https://github.com/acme/web", "path": path, **settings}, "web.yaml"))


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def names(folder: Path, *sources: Source, limits: Limits = DEFAULT_LIMITS, allow_empty: bool = False) -> list[str]:
    """The names of what is rendered."""
    variables = {"ARGOCD_APP_NAME": "shop"}
    fetched = [fetch_source(DiskTree(folder), one, limits, variables) for one in sources or (source(),)]
    return [one.name for one in render_fetched(fetched, limits, allow_empty=allow_empty)]


def test_a_source_without_a_manifest_is_an_error_that_says_where(tmp_path: Path) -> None:
    write(tmp_path, {"k8s/values.yaml": "a: 1", "b/values.yaml": "a: 1"})
    with pytest.raises(RenderError, match=f"there are no manifests at k8s in {tmp_path}: check `path`"):
        names(tmp_path)
    with pytest.raises(RenderError, match=f"no manifests at k8s in {tmp_path} and b in {tmp_path}: check"):
        names(tmp_path, source(), source("b"))
    assert names(tmp_path, allow_empty=True) == []


def test_a_kustomization_is_built_unless_the_source_says_otherwise(tmp_path: Path) -> None:
    write(tmp_path, {"k8s/kustomization.yaml": KUSTOMIZATION, "k8s/a.yaml": config_map("a")})
    assert names(tmp_path) == ["built-a"]
    assert names(tmp_path, source(kustomize={"nameSuffix": "-x"})) == ["built-a-x"]
    assert names(tmp_path, source(directory={"exclude": "k*"})) == ["a"]
    assert names(tmp_path, source("k8s/a.yaml")) == ["a"]


def test_variables_of_argo_cd_are_filled_in(tmp_path: Path) -> None:
    write(tmp_path, {"k8s/kustomization.yaml": KUSTOMIZATION, "k8s/a.yaml": config_map("a")})
    one = source(kustomize={"commonLabels": {"app": "$ARGOCD_APP_NAME"}})
    fetched = fetch_source(DiskTree(tmp_path), one, DEFAULT_LIMITS, {"ARGOCD_APP_NAME": "shop"})
    assert render_fetched([fetched], DEFAULT_LIMITS)[0].labels == {"app": "shop"}


def test_several_sources_are_one_after_the_other(tmp_path: Path) -> None:
    write(tmp_path, {"k8s/kustomization.yaml": KUSTOMIZATION, "k8s/a.yaml": config_map("a")})
    write(tmp_path, {"plain/b.yaml": config_map("b")})
    assert names(tmp_path, source("plain"), source()) == ["b", "built-a"]
    with pytest.raises(RenderError, match=r"^plain/b\.yaml, document 1: .* is in plain/b\.yaml, document 1 already"):
        names(tmp_path, source("plain"), source("plain"))
    limits = Limits(total_bytes=len(config_map("a")) + len(KUSTOMIZATION) + 10)
    assert names(tmp_path, source(), limits=limits) == ["built-a"]
    with pytest.raises(RenderError, match="the Kustomize build of k8s: up to here the files have"):
        names(tmp_path, source("plain"), source(), limits=limits)


def test_what_kustomize_built_is_all_manifests(tmp_path: Path) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
    marked = {**body, "data": {"text": "# +argocd:skip-file-rendering"}}
    write(tmp_path, {"k8s/kustomization.yaml": KUSTOMIZATION, "k8s/a.yaml": json.dumps(marked)})
    assert names(tmp_path) == ["built-a"], "it is no file that a comment leaves out"
    hook = {**body, "metadata": {"name": "a", "annotations": {"argocd.argoproj.io/hook": "Never"}}}
    write(tmp_path, {"k8s/a.yaml": json.dumps(hook)})
    with pytest.raises(RenderError, match=r"^the Kustomize build of k8s, document 1: ConfigMap/built-a: .*'Never'"):
        names(tmp_path)


def test_files_beside_the_manifests_count_that_of_the_application_last(tmp_path: Path) -> None:
    write(tmp_path, {"k8s/kustomization.yaml": KUSTOMIZATION, "k8s/a.yaml": config_map("a")})
    write(tmp_path, {"k8s/.argocd-source.yaml": json.dumps({"kustomize": {"namePrefix": "x-", "nameSuffix": "-x"}})})
    assert names(tmp_path) == ["x-a-x"], "what the kustomization says of it no longer counts"
    write(tmp_path, {"k8s/.argocd-source-shop.yaml": json.dumps({"kustomize": {"nameSuffix": "-y"}})})
    write(tmp_path, {"k8s/.argocd-source-other.yaml": "kustomize: {nameSuffix: -z}"})
    assert names(tmp_path) == ["x-a-y"]
    (tmp_path / "k8s/.argocd-source.yaml").unlink()
    (tmp_path / "k8s/.argocd-source.yaml").symlink_to("../shared.yaml")
    write(tmp_path, {"shared.yaml": "directory: {include: '*'}\nkustomize: null"})
    (tmp_path / "k8s/.argocd-source-shop.yaml").unlink()
    assert names(tmp_path) == ["a"], "a link is followed"


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("kustomize: [", RenderError, r"^k8s/\.argocd-source\.yaml, document 1, line 2: "),
        ("kustomise: {}", ConfigurationError, r"k8s/\.argocd-source\.yaml: kustomise: unknown field"),
        ("plugin: {name: x}", ConfigurationError, r"k8s/\.argocd-source\.yaml: plugin: plugins are not"),
        ("- a", ConfigurationError, r"k8s/\.argocd-source\.yaml: must be a mapping"),
        ("kustomize: {}\n---\nkustomize: {}", ConfigurationError, r"\.argocd-source\.yaml holds 2 documents, and one"),
        ("version https://git-lfs.github.com/spec/v1\n", SourceError, r"k8s/\.argocd-source\.yaml is kept in Git LFS"),
    ],
)
def test_a_file_beside_the_manifests_that_is_wrong_is_named(
    tmp_path: Path, text: str, kind: type[DeployerError], message: str
) -> None:
    write(tmp_path, {"k8s/a.yaml": config_map("a"), "k8s/.argocd-source.yaml": text})
    with pytest.raises(kind, match=message):
        names(tmp_path)


def test_one_that_is_empty_or_a_folder_changes_nothing(tmp_path: Path) -> None:
    write(tmp_path, {"k8s/a.yaml": config_map("a"), "k8s/.argocd-source.yaml": "# nothing\n"})
    (tmp_path / "k8s/.argocd-source-shop.yaml").mkdir()
    assert names(tmp_path) == ["a"]


def test_a_file_of_git_lfs_is_refused_by_name(tmp_path: Path) -> None:
    write(tmp_path, {"k8s/a.yaml": "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"})
    with pytest.raises(SourceError, match=r"k8s/a\.yaml is kept in Git LFS, .* commit the file itself"):
        names(tmp_path)


def test_files_beside_the_manifests_are_weighed_before_they_are_read(tmp_path: Path) -> None:
    write(tmp_path, {"k8s/a.yaml": config_map("a")})
    with (tmp_path / "k8s/.argocd-source.yaml").open("wb") as file:
        file.truncate(1_000_000_000_000)  # it takes no room on the disk, and more memory than there is
    with pytest.raises(RenderError, match=r"k8s/\.argocd-source\.yaml: 1,000,000,000,000 bytes, where 10,000,000 are"):
        names(tmp_path)


def test_a_directory_beside_a_kustomization_makes_it_plain(tmp_path: Path) -> None:
    write(tmp_path, {"k8s/kustomization.yaml": KUSTOMIZATION, "k8s/a.yaml": config_map("a")})
    write(tmp_path, {"k8s/.argocd-source.yaml": "directory: {recurse: false}"})
    assert names(tmp_path) == ["a"]
