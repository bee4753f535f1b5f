from collections.abc import Iterator
from pathlib import Path

import pytest

from deployer.github.blobs import REFUSED
from deployer.github.client import GitHub
from deployer.github.files import BLOBS
from deployer.github.known import ANSWERS
from deployer.github.listing import CUT
from deployer.github.touched import FOLDERS
from deployer.github.trees import TREES
from deployer.github.verified import KNOWN
from deployer.repository import Repository
from local.github import GitHub as LocalGitHub
from tests.faults.proxy import Proxy
from tests.local.github.helpers import SECRET, TOKEN, Clone


@pytest.fixture(autouse=True)
def nothing_read() -> None:
    """A process that has read nothing yet: the next GitHub may have the port of the last."""
    BLOBS.clear()
    TREES.clear()
    CUT.clear()
    REFUSED.clear()
    ANSWERS.clear()
    FOLDERS.clear()
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
