"""APP or PATH, and the files at a PATH."""

import json
import os
from pathlib import Path

import pytest

from deployer.cli.target import AppTarget, find_target
from deployer.errors import ConfigurationError

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
