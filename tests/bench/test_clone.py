import subprocess
from pathlib import Path

import pytest

from bench.clone import Clone


def test_what_the_folder_holds_is_pushed(tmp_path: Path) -> None:
    origin, folder = tmp_path / "origin.git", tmp_path / "clone"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", origin], check=True)
    folder.mkdir()
    clone = Clone(folder, str(origin))
    (folder / "one").write_text("1\n")
    first = clone.commit("One")
    (folder / "one").unlink()
    (folder / "two").write_text("2\n")
    second = clone.commit("Two")
    clone.push()
    assert _git(origin, "rev-list", "main").split() == [second, first]
    assert _git(origin, "ls-tree", "--name-only", "main").split() == ["two"]


def test_what_git_says_when_it_fails(tmp_path: Path) -> None:
    clone = Clone(tmp_path, str(tmp_path / "nowhere"))
    with pytest.raises(RuntimeError, match=r"git push -q origin main failed: .*main"):
        clone.push()


def _git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout
