"""An application of 30 files in a repository of 50,000 costs few requests."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployer.github.client import GitHub
from deployer.github.files import read_tree
from deployer.github.revision import resolve
from deployer.rendering.files import paths_at, read_files
from deployer.repository import Repository
from local.github import GitHub as LocalGitHub
from tests.github import monorepo
from tests.github.monorepo import APPLICATION, FILES, NAME, application
from tests.local.github.helpers import SECRET, TOKEN

SECONDS = 3.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("monorepo") / "github"
    monorepo.make(folder)
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[LocalGitHub]:
    with LocalGitHub(folder, token=TOKEN, webhook_url=None, webhook_secret=SECRET) as server:
        yield server


@pytest.fixture
def repository(github: GitHub) -> Repository:
    return Repository(github.host, NAME)


def fetch(github: GitHub, repository: Repository, path: str = APPLICATION) -> dict[str, bytes]:
    """Read what the application needs, as a sync does: the ref, the tree, the files."""
    tree = read_tree(github, repository, resolve(github, repository, "main"))
    return read_files(tree, path, paths_at(tree, path, recurse=True), max_bytes=1_000_000)


def content(version: str = "1", **changed: str) -> dict[str, bytes]:
    return {path: text.encode() for path, text in {**application(version), **changed}.items()}


def test_it_takes_three_requests_and_less_than_three_seconds(github: GitHub, repository: Repository) -> None:
    begin = time.monotonic()
    assert fetch(github, repository) == content()
    assert time.monotonic() - begin < SECONDS
    assert github.requests == 3, "the ref, the tree, the files"


def test_the_second_application_of_a_push_asks_for_its_files_only(github: GitHub, repository: Repository) -> None:
    fetch(github, repository)
    other = "teams/team-03/services/service-003"
    assert len(fetch(github, repository, other)) == FILES // 1_000
    assert github.requests == 5, "the ref again, and the files"
    fetch(github, repository, other)
    assert github.requests == 6, "the ref again"


def test_the_next_push_fetches_the_tree_and_what_changed(
    server: LocalGitHub, folder: Path, github: GitHub, repository: Repository
) -> None:
    fetch(github, repository)
    before = resolve(github, repository, "main")
    server.move(NAME, "main", monorepo.change(folder, {f"{APPLICATION}/07.yaml": "a: 2\n"}))
    try:
        asked = github.requests
        assert fetch(github, repository) == content(**{"07.yaml": "a: 2\n"})
        assert github.requests - asked == 3, "the ref, the tree, one file"
    finally:
        server.move(NAME, "main", before)


def test_what_is_too_large_for_one_list_is_walked_and_known_then(
    server: LocalGitHub, github: GitHub, repository: Repository
) -> None:
    most, server.most_tree_entries = server.most_tree_entries, 10_000
    try:
        assert fetch(github, repository) == content()
        # The whole in vain, the root, the four folders on the way, the application's, the files, after the ref.
        assert github.requests == 9
        fetch(github, repository, "teams/team-03/services/service-003")
        assert github.requests == 14, "the ref, two folders on the way, its own, and the files"
    finally:
        server.most_tree_entries = most
