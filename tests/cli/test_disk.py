"""A folder on this disk is read as a commit of it would be."""

import os
from pathlib import Path

import pytest

from deployer.cli.disk import DiskTree, enclosing
from deployer.cli.target import render_path
from deployer.errors import RenderError, SourceError
from deployer.limits import Limits
from deployer.rendering.files import paths_at, read_files
from deployer.tree import Entry, follow
from tests.local.github.helpers import Clone
from tests.world import config_map


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "k8s"
    for name in ("b", "a", "below/d", "below/deeper/e"):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / f"{name}.yaml").write_text(config_map(Path(name).name))
    return path


def names(path: Path, *, recurse: bool = False) -> list[str]:
    return [manifest.name for manifest in render_path(path, recurse=recurse)]


def test_what_is_in_a_folder(folder: Path) -> None:
    (folder / "README.md").write_text("read me")
    (folder / "link").symlink_to("below")
    tree = DiskTree(folder)
    assert tree.where == str(folder)
    assert tree.below("", recurse=False) == {
        "a.yaml": Entry("100644", "", len(config_map("a"))),
        "b.yaml": Entry("100644", "", len(config_map("b"))),
        "README.md": Entry("100644", "", 7),
        "below": Entry("040000", "", 0),
        "link": Entry("120000", "", 5),
    }
    assert sorted(tree.below("below", recurse=True)) == ["d.yaml", "deeper", "deeper/e.yaml"]
    assert tree.read(["README.md", "link"]) == {"README.md": b"read me", "link": b"below"}
    assert tree.entry("link/d.yaml") is None, "no link on the way is followed"
    assert tree.entry("nothing") is None
    assert tree.entry("README.md/x") is None


def test_what_git_keeps_and_other_repositories_do_not_count(tmp_path: Path) -> None:
    clone = Clone(tmp_path / "clone", "unused")
    clone.commit("first", {"a.yaml": config_map("a")})
    (clone.folder / "vendor/lib").mkdir(parents=True)
    (clone.folder / "vendor/lib/.git").write_text("gitdir: elsewhere")
    tree = DiskTree(clone.folder)
    found = tree.below("", recurse=True)
    assert [path for path, entry in found.items() if entry.is_submodule] == ["vendor/lib"]
    assert not any(path.startswith(".git") for path in found)
    with pytest.raises(RenderError, match="vendor/lib is a submodule, which is not supported"):
        names(clone.folder, recurse=True)
    assert enclosing(clone.folder / "vendor") == clone.folder


def test_a_folders_manifests_are_rendered(folder: Path) -> None:
    assert names(folder) == ["a", "b"]
    assert names(folder, recurse=True) == ["a", "b", "d", "e"]
    assert names(folder / "b.yaml") == ["b"]


def test_a_folder_without_manifests_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text("a: 1")
    with pytest.raises(RenderError, match=f"there are no manifests at {tmp_path}: check `path`"):
        names(tmp_path)


def test_the_size_is_looked_at_before_anything_is_read(tmp_path: Path) -> None:
    with (tmp_path / "huge.yaml").open("wb") as file:
        file.truncate(1_000_000_000_000)  # it takes no room on the disk, and more memory than there is
    for path in (tmp_path, tmp_path / "huge.yaml"):
        with pytest.raises(RenderError, match="the manifest files have 1,000,000,000,000 bytes, and 10,000,000 are"):
            names(path)


def test_several_files_are_weighed_together(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.yaml").write_bytes(b"x" * 60)
    tree = DiskTree(tmp_path)
    with pytest.raises(SourceError, match="the manifest files have 120 bytes, and 100 are allowed"):
        read_files(tree, ".", paths_at(tree, ".", recurse=False), max_bytes=Limits(total_bytes=100).total_bytes)


def test_a_link_inside_the_folder_is_followed(folder: Path) -> None:
    (folder / "link.yaml").symlink_to("below/d.yaml")
    assert names(folder) == ["a", "b", "d"]


def test_the_folder_itself_may_be_a_link(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    assert names(tmp_path / "link") == ["a", "b"]


@pytest.mark.parametrize("to", ["../secret.yaml", "below/../../secret.yaml", "/etc/passwd", "first.txt"])
def test_a_link_that_leaves_the_folder_is_refused(folder: Path, to: str) -> None:
    (folder.parent / "secret.yaml").write_text(config_map("secret"))
    (folder / "first.txt").symlink_to("../secret.yaml")
    (folder / "link.yaml").symlink_to(to)
    with pytest.raises(RenderError, match=r"the link .* leaves the repository"):
        names(folder)


def test_a_link_may_lead_to_what_the_repository_holds_elsewhere(folder: Path) -> None:
    (folder.parent / "shared.yaml").write_text(config_map("shared"))
    (folder / "link.yaml").symlink_to("../shared.yaml")
    (folder.parent / ".git").mkdir()
    assert names(folder) == ["a", "b", "shared"]


@pytest.mark.parametrize("to", ["nothing.yaml", "link.yaml", "below"])
def test_a_link_that_leads_to_no_file_is_refused(folder: Path, to: str) -> None:
    (folder / "link.yaml").symlink_to(to)
    with pytest.raises(RenderError, match=r"link\.yaml leads|where the link link\.yaml leads"):
        names(folder)


def test_a_chart_is_refused(folder: Path) -> None:
    (folder / "Chart.yaml").touch()
    with pytest.raises(RenderError, match=r"Chart\.yaml makes this a Helm chart, which is not supported yet"):
        names(folder)


def test_kustomize_renders_a_folder_as_the_deployer_does(folder: Path) -> None:
    (folder / "below/kustomization.yaml").write_text("namePrefix: base-\nresources: [d.yaml]\n")
    overlay = folder / "overlay"
    overlay.mkdir()
    (overlay / "kustomization.yaml").write_text("namePrefix: over-\nresources: [../below]\n")
    assert names(overlay) == ["over-base-d"], "where there is no repository it may name what stands elsewhere"
    (folder / ".git").mkdir()
    assert names(overlay) == ["over-base-d"]
    with pytest.raises(RenderError, match=r"overlay is a Kustomize folder, which is built as a whole; leave --recurse"):
        names(overlay, recurse=True)
    assert names(folder / "below/d.yaml", recurse=True) == ["d"]
    (overlay / ".git").mkdir()
    with pytest.raises(RenderError, match=r"kustomization\.yaml.*\.\./below"):
        names(overlay)


def test_the_file_beside_the_manifests_counts(folder: Path) -> None:
    (folder / ".argocd-source.yaml").write_text("directory: {exclude: a.yaml}\n")
    (folder / ".argocd-source-shop.yaml").write_text("directory: {exclude: '*'}\n")
    assert names(folder) == ["b"], "and that of an application does not: a path is none"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_below_that_cannot_be_read_is_not_left_out(folder: Path) -> None:
    (folder / "below/deeper").chmod(0)
    try:
        with pytest.raises(RenderError, match="below/deeper cannot be read: Permission denied"):
            names(folder, recurse=True)
    finally:
        (folder / "below/deeper").chmod(0o700)


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=f"{tmp_path}/gone.yaml cannot be read: No such file or directory"):
        DiskTree(tmp_path).read(["gone.yaml"])
    with pytest.raises(SourceError, match=f"{tmp_path}/gone cannot be read: No such file or directory"):
        DiskTree(tmp_path).below("gone", recurse=False)
    assert follow(DiskTree(tmp_path), ".") == ("", Entry("040000", "", 0))
