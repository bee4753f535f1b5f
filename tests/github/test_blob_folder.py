"""What was fetched is kept on the disk."""

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployer.github.blob_folder import BlobFolder
from deployer.github.client import GitHub
from deployer.github.files import BLOBS, keep_in, read_tree
from deployer.repository import Repository
from tests.local.github.helpers import Clone

PLACE = ("github.com", "acme/web")


@pytest.fixture
def errors() -> list[OSError]:
    return []


@pytest.fixture
def folder(tmp_path: Path, errors: list[OSError]) -> BlobFolder:
    return BlobFolder(tmp_path / "cache" / "blobs", errors.append)


@pytest.fixture
def kept(tmp_path: Path, errors: list[OSError]) -> Iterator[Path]:
    """The folder that this process keeps blobs in."""
    keep_in(tmp_path / "cache", errors.append)
    yield tmp_path / "cache"
    keep_in(None, errors.append)


def blob(text: str) -> dict[str, bytes]:
    content = text.encode()
    return {hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest(): content}


def files(folder: BlobFolder) -> list[Path]:
    return [path for path in folder.folder.rglob("*") if path.is_file()]


def test_what_was_written_is_read(folder: BlobFolder, errors: list[OSError]) -> None:
    one, two = blob("one"), blob("two")
    assert folder.read(*PLACE, one) == {}
    folder.write(*PLACE, one | two)
    assert folder.read(*PLACE, [*one, *two, "0" * 40]) == one | two
    assert BlobFolder(folder.folder, errors.append).read(*PLACE, one) == one
    assert errors == []


def test_each_repository_has_its_own(folder: BlobFolder) -> None:
    one = blob("one")
    folder.write("github.com", "acme/web", one)
    for place in (("github.com", "acme/other"), ("ghe.example.com", "acme/web")):
        assert folder.read(*place, one) == {}


def test_nobody_else_may_read_it(folder: BlobFolder) -> None:
    folder.write(*PLACE, blob("one"))
    found = [folder.folder, *folder.folder.rglob("*")]
    assert [stat.S_IMODE(path.stat().st_mode) for path in found] == [0o700, 0o700, 0o700, 0o600]


def test_a_damaged_file_is_not_there_and_written_anew(folder: BlobFolder) -> None:
    one = blob("one")
    folder.write(*PLACE, one)
    (path,) = files(folder)
    for damage in (b"", b"two", b"one\0"):
        path.write_bytes(damage)
        assert folder.read(*PLACE, one) == {}
        folder.write(*PLACE, one)
        assert folder.read(*PLACE, one) == one


def test_what_was_wanted_least_of_late_goes(tmp_path: Path, errors: list[OSError]) -> None:
    folder = BlobFolder(tmp_path, errors.append, most=1_000)
    blobs = [blob(letter * 100) for letter in "abcdefghijk"]
    for number, one in enumerate(blobs[:10]):
        folder.write(*PLACE, one)
        newest = max(files(folder), key=lambda path: path.stat().st_mtime)
        os.utime(newest, (number, number))
    assert folder.read(*PLACE, blobs[0]) == blobs[0], "it is wanted now"
    folder.write(*PLACE, blobs[10])
    left = [bool(folder.read(*PLACE, one)) for one in blobs]
    assert left == [True, False, False, False, *[True] * 7]
    BlobFolder(tmp_path, errors.append, most=300).write(*PLACE, blob("x"))
    assert sum(path.stat().st_size for path in files(folder)) <= 300


def test_a_disk_that_fails_is_told_once_and_does_no_harm(tmp_path: Path, errors: list[OSError]) -> None:
    (tmp_path / "file").write_text("no folder")
    folder = BlobFolder(tmp_path / "file", errors.append)
    for _ in range(2):
        folder.write(*PLACE, blob("one"))
        assert folder.read(*PLACE, blob("one")) == {}
    assert [type(error) for error in errors] == [FileExistsError]


def test_half_a_file_is_never_there(folder: BlobFolder, errors: list[OSError]) -> None:
    one = blob("one")
    folder.write(*PLACE, blob("two"))
    (path,) = files(folder)
    ((sha, content),) = one.items()
    home = path.parent.parent
    (home / sha[:2] / sha[2:]).mkdir(parents=True)  # so that it cannot be put there
    folder.write(*PLACE, one)
    assert files(folder) == [path]
    assert len(errors) == 1
    assert content == b"one"


def test_the_next_process_fetches_what_is_new_only(
    github: GitHub, repository: Repository, clone: Clone, kept: Path, errors: list[OSError]
) -> None:
    commit = clone.commit("first", {"a": "1", "b": "2", "c": "3"})
    clone.push("main")
    tree = read_tree(github, repository, commit)
    assert tree.read(["a", "b"]) == {"a": b"1", "b": b"2"}
    BLOBS.clear()
    keep_in(kept, errors.append)
    asked = github.requests
    assert tree.read(["a", "b"]) == {"a": b"1", "b": b"2"}
    assert github.requests == asked
    BLOBS.clear()
    assert tree.read(["a", "b", "c"]) == {"a": b"1", "b": b"2", "c": b"3"}
    assert github.requests == asked + 1
    assert errors == []


def test_without_a_folder_nothing_is_written(
    github: GitHub, repository: Repository, clone: Clone, tmp_path: Path
) -> None:
    commit = clone.commit("first", {"a": "1"})
    clone.push("main")
    before = sorted(tmp_path.rglob("*"))
    read_tree(github, repository, commit).read(["a"])
    assert [path for path in sorted(tmp_path.rglob("*")) if path not in before] == []
