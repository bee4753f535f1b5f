"""Which files a push touches, as far as its payload tells."""

from typing import Any

import pytest

from deployer.pushed_files import changed_files

AFTER = "a" * 40


def commit(name: str = AFTER, **files: Any) -> dict[str, Any]:
    return {"id": name, "added": [], "modified": [], "removed": [], **files}


def changed(*commits: Any, after: str = AFTER) -> tuple[str, ...] | None:
    return changed_files({"after": after, "commits": list(commits)})


@pytest.mark.parametrize(
    ("commits", "files"),
    [
        ([commit(added=["a"])], ("a",)),
        ([commit(modified=["k8s/b c.yaml"])], ("k8s/b c.yaml",)),
        ([commit(removed=["a"])], ("a",)),
        ([commit(added=["b", "é"], modified=["a"], removed=["c"])], ("a", "b", "c", "é")),
        ([commit("1" * 40, added=["b"]), commit(modified=["b", "a"])], ("a", "b")),
    ],
)
def test_the_files_of_all_commits(commits: list[Any], files: tuple[str, ...]) -> None:
    assert changed(*commits) == files


@pytest.mark.parametrize(
    "commits",
    [
        [],
        [commit()],  # too large for GitHub, a merge, or an empty one
        [commit("1" * 40), commit(added=["a"])],
        [commit("1" * 40, added=["a"])],  # the newest is not among them
        [commit(added=["a"]), commit("1" * 40, added=["a"])],
        [commit(added=["a"])] * 2048,
        [commit(added=None, modified=["a"])],
        [commit(added="ab")],
        [commit(added=["a", 1])],
        [commit(added=[None])],
        [{"id": AFTER, "added": ["a"]}],
        [None, commit(added=["a"])],
        ["x"],
    ],
    ids=lambda commits: f"{len(commits)} {str(commits)[:40]}",
)
def test_what_is_not_known(commits: list[Any]) -> None:
    assert changed(*commits) is None


@pytest.mark.parametrize("commits", [None, {}, "ab", 1])
def test_what_github_does_not_send(commits: object) -> None:
    assert changed_files({"after": AFTER, "commits": commits}) is None
    assert changed_files({}) is None


def test_an_event_stays_small() -> None:
    names = [f"{number:0128}" for number in range(128)]
    assert changed(
        commit(added=names),
    ) == tuple(names)
    assert changed(commit(added=[*names, "x"])) is None
    assert changed(commit(added=["é" * 8192])) == ("é" * 8192,)
    assert changed(commit(added=["é" * 8193])) is None
    assert changed(commit("1" * 40, added=names), commit(added=names)) == tuple(names)
    assert changed(commit(added=["\ud800"])) == ("\ud800",)
