"""APP or PATH, and the files at a PATH."""

import json
import os
from pathlib import Path

import pytest

from deployer.application import Directory
from deployer.cli.target import AppTarget, find_target, read_path
from deployer.errors import ConfigurationError, RenderError
from deployer.limits import DEFAULT_LIMITS, Limits
from deployer.rendering.render import render

SHOP = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "Application",
    "metadata": {"name": "shop"},
    "spec": {
        "source": {"repoURL": "https://github.com/acme/shop.git", "path": "."},
        "destination": {"name": "production", "namespace": "shop"},
    },
}
PRODUCTION = {
    "apiVersion": "deployer/v1alpha1",
    "kind": "Cluster",
    "metadata": {"name": "production"},
    "spec": {"kubeconfig": {"secret": "projects/acme/secrets/production"}},
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder without a configuration."""
    for name in [name for name in os.environ if name.startswith("DEPLOYER_")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def configured(here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder, and a configuration with the application `shop`."""
    config = tmp_path / "config"
    config.mkdir()
    (config / "shop.json").write_text(json.dumps(SHOP))
    (config / "production.json").write_text(json.dumps(PRODUCTION))
    monkeypatch.setenv("DEPLOYER_CONFIG", str(config))
    return here


@pytest.mark.parametrize("text", ["k8s", "./k8s", "../here/k8s", ".", "..", "k8s/a.yaml", "a.yaml"])
def test_a_path_needs_no_configuration(here: Path, text: str) -> None:
    (here / "k8s").mkdir()
    (here / "k8s/a.yaml").touch()
    (here / "a.yaml").touch()
    assert find_target(text) == Path(text)


def test_what_holds_a_slash_is_never_an_application(configured: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (configured / "shop").mkdir()
    assert find_target("./shop") == Path("shop")
    # Not even a configuration that cannot be read stands in the way.
    monkeypatch.setenv("DEPLOYER_CONFIG", "nowhere")
    assert find_target("./shop") == Path("shop")


def test_an_application_is_found_by_its_name(configured: Path) -> None:
    found = find_target("shop")
    assert isinstance(found, AppTarget)
    assert found.application.name == "shop"
    assert found.configuration.cluster_for(found.application).name == "production"
    assert found.settings.github_api_url == "https://api.github.com"


def test_a_path_that_is_no_application_is_a_path(configured: Path) -> None:
    (configured / "k8s").mkdir()
    assert find_target("k8s") == Path("k8s")


def test_what_is_both_is_refused(configured: Path) -> None:
    (configured / "shop").mkdir()
    with pytest.raises(ConfigurationError, match=r"shop is an application and a path: write \./shop for the path"):
        find_target("shop")


def test_what_is_neither_is_refused_with_what_there_is(configured: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no file or folder shob, and there is no application 'shob'.* shop"):
        find_target("shob")


def test_without_a_configuration_a_name_says_what_is_missing(here: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no file or folder shop; for an application .* set DEPLOYER_CONFIG"):
        find_target("shop")


@pytest.mark.parametrize("text", ["./nothing", "nothing/below", "/nothing"])
def test_a_path_that_is_not_there_is_named(here: Path, text: str) -> None:
    with pytest.raises(ConfigurationError, match=f"there is no file or folder {text}"):
        find_target(text)


ALL = Directory(recurse=True)
FLAT = Directory()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "k8s"
    for name in ("b.yaml", "a.yml", "c.json", "README.md", "below/d.yaml", "below/deeper/e.yaml"):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(name)
    return path


def test_a_folders_manifest_files_are_read(folder: Path) -> None:
    assert read_path(folder, FLAT, DEFAULT_LIMITS) == {"a.yml": b"a.yml", "b.yaml": b"b.yaml", "c.json": b"c.json"}


def test_the_folders_below_are_read_where_that_is_asked_for(folder: Path) -> None:
    assert list(read_path(folder, ALL, DEFAULT_LIMITS)) == [
        "a.yml",
        "b.yaml",
        "below/d.yaml",
        "below/deeper/e.yaml",
        "c.json",
    ]


def test_one_file_is_read_alone(folder: Path) -> None:
    assert read_path(folder / "b.yaml", FLAT, DEFAULT_LIMITS) == {"b.yaml": b"b.yaml"}


@pytest.mark.parametrize("files", [{"a.yaml": b"a" * 60, "b.yaml": b"b" * 60}, {"a.yaml": b"a" * 101}])
def test_what_is_too_large_is_refused_in_the_words_of_a_rendering(tmp_path: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(RenderError) as theirs:
        render(files, FLAT, Limits(total_bytes=100))
    for path in (tmp_path, *(tmp_path / name for name in files if len(files) == 1)):
        with pytest.raises(RenderError) as ours:
            read_path(path, FLAT, Limits(total_bytes=100))
        assert str(ours.value) == str(theirs.value)


def test_the_size_is_looked_at_before_anything_is_read(tmp_path: Path) -> None:
    with (tmp_path / "huge.yaml").open("wb") as file:
        file.truncate(1_000_000_000_000)  # it takes no room on the disk, and more memory than there is
    for path in (tmp_path, tmp_path / "huge.yaml"):
        with pytest.raises(RenderError, match=r"huge\.yaml: .* 1,000,000,000,000 bytes, .* DEPLOYER_MAX_BYTES"):
            read_path(path, FLAT, DEFAULT_LIMITS)


def test_a_link_inside_the_folder_is_followed(folder: Path) -> None:
    (folder / "link.yaml").symlink_to("below/d.yaml")
    assert read_path(folder, FLAT, DEFAULT_LIMITS)["link.yaml"] == b"below/d.yaml"


def test_the_folder_itself_may_be_a_link(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    assert read_path(tmp_path / "link", ALL, DEFAULT_LIMITS) == read_path(folder, ALL, DEFAULT_LIMITS)


def test_a_link_to_a_folder_is_not_followed_as_git_does_not(folder: Path) -> None:
    (folder / "again").symlink_to("below")
    (folder / "outside.yaml").symlink_to("..")
    assert list(read_path(folder, ALL, DEFAULT_LIMITS)) == [
        "a.yml",
        "b.yaml",
        "below/d.yaml",
        "below/deeper/e.yaml",
        "c.json",
    ]


@pytest.mark.parametrize("to", ["../secret.yaml", "below/../../secret.yaml", "/etc/passwd"])
def test_a_link_that_leaves_the_folder_is_refused(folder: Path, to: str) -> None:
    (folder.parent / "secret.yaml").write_text("secret")
    (folder / "link.yaml").symlink_to(to)
    with pytest.raises(RenderError, match=r"link\.yaml is a link that leads out of .*: copy the file instead"):
        read_path(folder, FLAT, DEFAULT_LIMITS)


def test_a_chain_of_links_that_leaves_the_folder_is_refused(folder: Path) -> None:
    (folder.parent / "secret.yaml").write_text("secret")
    (folder / "first.txt").symlink_to("../secret.yaml")
    (folder / "link.yaml").symlink_to("first.txt")
    with pytest.raises(RenderError, match=r"link\.yaml is a link that leads out of"):
        read_path(folder, FLAT, DEFAULT_LIMITS)


@pytest.mark.parametrize("to", ["nothing.yaml", "link.yaml"])
def test_a_link_that_leads_nowhere_is_refused(folder: Path, to: str) -> None:
    (folder / "link.yaml").symlink_to(to)
    with pytest.raises(RenderError, match=r"link\.yaml is a link that leads nowhere"):
        read_path(folder, FLAT, DEFAULT_LIMITS)


@pytest.mark.parametrize("name", ["kustomization.yaml", "Chart.yaml", ".argocd-source.yaml"])
def test_another_tools_folder_is_refused(folder: Path, name: str) -> None:
    (folder / name).touch()
    with pytest.raises(RenderError, match=f"{name} .* not supported yet"):
        read_path(folder, FLAT, DEFAULT_LIMITS)


def test_another_tools_folder_below_does_not_count(folder: Path) -> None:
    (folder / "below/kustomization.yaml").touch()
    assert "below/kustomization.yaml" in read_path(folder, ALL, DEFAULT_LIMITS)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    gone = tmp_path / "gone.yaml"
    with pytest.raises(RenderError, match=f"{gone} cannot be read: No such file or directory"):
        read_path(gone, FLAT, DEFAULT_LIMITS)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_below_that_cannot_be_read_is_not_left_out(folder: Path) -> None:
    (folder / "below/deeper").chmod(0)
    try:
        with pytest.raises(RenderError, match="below/deeper cannot be read: Permission denied"):
            read_path(folder, ALL, DEFAULT_LIMITS)
    finally:
        (folder / "below/deeper").chmod(0o700)
