from collections.abc import Iterator
from pathlib import Path

import pytest

from local.github import GitHub
from tests.local.github.helpers import SECRET, TOKEN, Clone, Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def github(tmp_path: Path) -> Iterator[GitHub]:
    with GitHub(tmp_path / "github", token=TOKEN, webhook_url=None, webhook_secret=SECRET) as github:
        yield github


@pytest.fixture
def clone(tmp_path: Path, github: GitHub) -> Clone:
    return Clone(tmp_path / "clone", f"{github.git_url}/acme/web.git")


@pytest.fixture
def first(clone: Clone) -> str:
    """The SHA of a commit that is on main."""
    sha = clone.commit("first", {"a.yaml": "kind: Pod\n", "apps/web/b.yaml": "kind: Service\n"})
    clone.push("main")
    return sha
