from collections.abc import Iterator
from pathlib import Path

import pytest

from deployer.github.app import App
from deployer.github.blobs import REFUSED
from deployer.github.client import GitHub
from deployer.github.files import BLOBS
from deployer.github.known import ANSWERS
from deployer.github.listing import CUT
from deployer.github.trees import TREES
from deployer.github.verified import KNOWN
from deployer.repository import Repository
from local.github import GitHub as LocalGitHub
from local.github.apps import App as LocalApp
from local.github.apps import Installation
from tests.faults.proxy import Proxy
from tests.github.apps import EVERYTHING
from tests.local.github.helpers import SECRET, TOKEN, Clone


@pytest.fixture(autouse=True)
def nothing_read() -> None:
    """A process that has read nothing yet: the next GitHub may have the port of the last."""
    BLOBS.clear()
    TREES.clear()
    CUT.clear()
    REFUSED.clear()
    ANSWERS.clear()
    KNOWN.clear()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LocalGitHub]:
    with LocalGitHub(tmp_path / "github", token=TOKEN, webhook_url=None, webhook_secret=SECRET) as server:
        yield server


@pytest.fixture
def clone(tmp_path: Path, server: LocalGitHub) -> Clone:
    return Clone(tmp_path / "clone", f"{server.git_url}/acme/web.git")


@pytest.fixture
def github(server: LocalGitHub) -> Iterator[GitHub]:
    with GitHub(server.api_url, TOKEN) as github:
        yield github


@pytest.fixture
def repository(github: GitHub) -> Repository:
    return Repository(github.host, "acme/web")


@pytest.fixture
def proxy(server: LocalGitHub, tmp_path: Path) -> Iterator[Proxy]:
    """Stands before the GitHub, and plays faults."""
    with Proxy(server.git_url, tmp_path) as proxy:
        yield proxy


@pytest.fixture
def faulty(proxy: Proxy) -> Iterator[GitHub]:
    """GitHub as it is seen through the proxy."""
    with GitHub(f"{proxy.url}/api/v3", TOKEN) as github:
        yield github


@pytest.fixture
def commit(clone: Clone) -> str:
    commit = clone.commit("first", {"a": "1"})
    clone.push("main")
    return commit


@pytest.fixture
def registered(server: LocalGitHub) -> LocalApp:
    return server.apps.register("deployer", permissions=EVERYTHING)


@pytest.fixture
def installed(server: LocalGitHub, registered: LocalApp) -> Installation:
    return server.apps.install(registered, "acme")


@pytest.fixture
def hidden() -> list[str]:
    """What the App has had hidden from the log."""
    return []


@pytest.fixture
def app(registered: LocalApp, hidden: list[str]) -> App:
    return App(str(registered.number), lambda fresh: registered.private_key, hidden.append)


@pytest.fixture
def as_app(server: LocalGitHub, app: App) -> Iterator[GitHub]:
    with GitHub(server.api_url, app) as github:
        yield github


@pytest.fixture
def faulty_as_app(proxy: Proxy, app: App) -> Iterator[GitHub]:
    """GitHub as an App sees it through the proxy."""
    with GitHub(f"{proxy.url}/api/v3", app) as github:
        yield github
