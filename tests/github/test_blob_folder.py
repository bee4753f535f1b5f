"""What was fetched is kept on the disk."""

import errno
import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from deployer.github.blob_folder import BlobFolder
from deployer.github.client import GitHub
from deployer.github.files import BLOBS, keep_in, read_tree
from deployer.repository import Repository
from tests.local.github.helpers import Clone

PLACE = ("github.com", "acme/web")
BLOCK = 4_096


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


def sizes(blobs: Mapping[str, bytes]) -> dict[str, int]:
    return {sha: len(content) for sha, content in blobs.items()}


def files(folder: BlobFolder) -> list[Path]:
    return [path for path in folder.folder.rglob("*") if path.is_file()]


def test_what_was_written_is_read(folder: BlobFolder, errors: list[OSError]) -> None:
    one, two = blob("one"), blob("two")
    assert folder.read(*PLACE, sizes(one)) == {}
    folder.write(*PLACE, one | two)
    assert folder.read(*PLACE, sizes(one | two) | {"0" * 40: 3}) == one | two
    assert BlobFolder(folder.folder, errors.append).read(*PLACE, sizes(one)) == one
    assert errors == []


def test_each_repository_has_its_own(folder: BlobFolder) -> None:
    one = blob("one")
    folder.write("github.com", "acme/web", one)
    for place in (("github.com", "acme/other"), ("ghe.example.com", "acme/web")):
        assert folder.read(*place, sizes(one)) == {}


def test_nobody_else_may_read_it(folder: BlobFolder) -> None:
    folder.write(*PLACE, blob("one"))
    found = [folder.folder, *folder.folder.rglob("*")]
    assert [stat.S_IMODE(path.stat().st_mode) for path in found] == [0o700] * 4 + [0o600]


def test_a_damaged_file_is_not_there_and_written_anew(folder: BlobFolder) -> None:
    one = blob("one")
    folder.write(*PLACE, one)
    (path,) = files(folder)
    for damage in (b"", b"two", b"one\0", b"x" * 9):
        path.write_bytes(damage)
        assert folder.read(*PLACE, sizes(one)) == {}
        folder.write(*PLACE, one)
        assert folder.read(*PLACE, sizes(one)) == one


def test_what_was_wanted_least_of_late_goes(tmp_path: Path, errors: list[OSError]) -> None:
    folder = BlobFolder(tmp_path, errors.append, most=10 * BLOCK)
    blobs = [blob(letter * 100) for letter in "abcdefghijk"]
    for number, one in enumerate(blobs[:10]):
        folder.write(*PLACE, one)
        newest = max(files(folder), key=lambda path: path.stat().st_mtime)
        os.utime(newest, (number, number))
    assert folder.read(*PLACE, sizes(blobs[0])) == blobs[0], "it is wanted now"
    BlobFolder(tmp_path, errors.append, most=10 * BLOCK).write(*PLACE, blobs[10])
    left = [bool(folder.read(*PLACE, sizes(one))) for one in blobs]
    assert left == [True, False, False, False, *[True] * 7]
    BlobFolder(tmp_path, errors.append, most=3 * BLOCK).write(*PLACE, blob("x"))
    assert len(files(folder)) == 2
    assert errors == []


def test_the_bound_is_of_what_the_disk_gives_and_of_all_processes(tmp_path: Path, errors: list[OSError]) -> None:
    folders = [BlobFolder(tmp_path, errors.append, most=50 * BLOCK) for _ in range(10)]
    for number in range(200):
        folders[number % 10].write(*PLACE, blob(str(number)))
        assert len(files(folders[0])) <= 51 + 10 * 5, "each may have a tenth that the others have not seen"
    assert sum(path.stat().st_blocks * 512 for path in files(folders[0])) <= 100 * BLOCK


def test_only_what_is_its_own_is_ever_deleted(tmp_path: Path, errors: list[OSError]) -> None:
    elsewhere = tmp_path / "elsewhere" / "ab"
    folder = BlobFolder(tmp_path / "cache", errors.append, most=1)
    folder.write(*PLACE, blob("one"))
    ours = tmp_path / "cache" / "deployer-blobs-v1"
    (home,) = ours.iterdir()
    mine = [
        tmp_path / "cache" / "a" / "b" / "c",
        tmp_path / "cache" / ("0" * 40) / "ab" / ("1" * 38),
        ours / "photos" / "ab" / ("1" * 38),
        home / "abc" / ("1" * 38),
        home / "ab" / "letter.txt",
        home / "ab" / "tmp_half_written",
        elsewhere / ("1" * 38),
    ]
    for path in mine:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
    (ours / ("2" * 40)).symlink_to(elsewhere.parent)
    (home / "cd").symlink_to(elsewhere)
    (home / "ab" / ("3" * 38)).symlink_to(elsewhere / ("1" * 38))
    left = home / "ab" / "tmpleft"
    left.write_text("by a process that is no more")
    os.utime(left, (1, 1))
    BlobFolder(tmp_path / "cache", errors.append, most=1).write(*PLACE, blob("two"))
    assert [path for path in mine if not path.exists()] == []
    assert not left.exists()
    assert errors == []


@pytest.mark.parametrize("level", [0, 1])
def test_nothing_is_written_through_a_link(
    folder: BlobFolder, errors: list[OSError], tmp_path: Path, level: int
) -> None:
    folder.write(*PLACE, blob("one"))
    (path,) = files(folder)
    link = path.parents[2 - level]
    link.rename(tmp_path / "elsewhere")
    link.symlink_to(tmp_path / "elsewhere")
    before = sorted((tmp_path / "elsewhere").rglob("*"))
    folder.write(*PLACE, blob("two"))
    assert sorted((tmp_path / "elsewhere").rglob("*")) == before
    assert [str(error) for error in errors] == [f"[Errno 20] It is a link: '{link}'"]


def test_one_file_that_is_odd_is_no_matter_for_the_others(folder: BlobFolder, errors: list[OSError]) -> None:
    blobs = {sha: content for letter in "abcdefgh" for sha, content in blob(letter).items()}
    folder.write(*PLACE, blobs)
    by_sha = {path.parent.name + path.name: path for path in files(folder)}
    directory, pipe, link, locked = list(blobs)[:4]
    for sha in (directory, pipe, link):
        by_sha[sha].unlink()
    by_sha[directory].mkdir()
    os.mkfifo(by_sha[pipe])
    by_sha[link].symlink_to(by_sha[locked])
    found = folder.read(*PLACE, sizes(blobs))
    assert found == {sha: content for sha, content in blobs.items() if sha not in (directory, pipe, link)}
    folder.write(*PLACE, blobs)
    assert folder.read(*PLACE, sizes(blobs)) == {sha: text for sha, text in blobs.items() if sha != directory}
    assert [type(error) for error in errors] == [IsADirectoryError]


def test_a_folder_that_cannot_be_written_is_read_all_the_same(
    folder: BlobFolder, errors: list[OSError], monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = {sha: content for letter in "abc" for sha, content in blob(letter).items()}
    folder.write(*PLACE, blobs)

    def refuse(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "utime", refuse)  # what a disk that is mounted so does; root is stopped by no mode
    assert folder.read(*PLACE, sizes(blobs)) == blobs
    assert errors == []


def test_a_disk_that_fails_is_told_once_and_does_no_harm(tmp_path: Path, errors: list[OSError]) -> None:
    (tmp_path / "file").write_text("no folder")
    folder = BlobFolder(tmp_path / "file", errors.append)
    for _ in range(2):
        folder.write(*PLACE, blob("one"))
        assert folder.read(*PLACE, sizes(blob("one"))) == {}
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
