import os
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from local.github import GitHub
from tests.local.github.helpers import SECRET, TOKEN, Clone, ask


def test_the_first_push_makes_a_repository_that_can_be_cloned(github: GitHub, clone: Clone, tmp_path: Path) -> None:
    clone.commit("first", {"a/b.yaml": "kind: Pod\n"})
    clone.push("main")

    clone.git("clone", "-q", clone.url, str(tmp_path / "copy"))

    assert (tmp_path / "copy/a/b.yaml").read_text() == "kind: Pod\n"


def test_a_large_push_and_fetch_arrive_whole(github: GitHub, clone: Clone, tmp_path: Path) -> None:
    """Git sends such a pack in chunks, without its length."""
    (clone.folder / "large.bin").write_bytes(noise := os.urandom(5_000_000))
    clone.commit("large", {})
    clone.push("main")

    clone.git("clone", "-q", clone.url, str(tmp_path / "copy"))

    assert (tmp_path / "copy/large.bin").read_bytes() == noise


def test_a_fetch_with_a_compressed_request(github: GitHub, clone: Clone, tmp_path: Path) -> None:
    """Git compresses a negotiation of more than 1,024 bytes: many commits that the other side may have."""
    clone.commit("first", {"a": "1"})
    clone.push("main")
    clone.git("clone", "-q", clone.url, str(tmp_path / "copy"))
    newest = clone.commit("second", {"a": "2"})
    clone.push("main")
    other = Clone(tmp_path / "other", clone.url)
    for number in range(60):
        other.commit(str(number), {})

    other.git("fetch", "-q", "origin", "main")

    assert other.git("rev-parse", "FETCH_HEAD") == newest


def test_names_have_no_case_and_keep_their_spelling(github: GitHub, clone: Clone, tmp_path: Path) -> None:
    sha = clone.commit("first", {})
    clone.push("main")

    clone.git("push", "-q", f"{github.git_url}/ACME/Web", "main:other")

    assert ask(github, "/repos/aCMe/WEB/git/ref/heads/other").json()["object"]["sha"] == sha
    assert ask(github, "/repos/ACME/web").json()["full_name"] == "acme/web"


@pytest.mark.parametrize(("pushed", "expected"), [(["trunk"], "trunk"), (["other", "main"], "main")])
def test_the_default_branch_is_main_or_the_first_one_pushed(
    github: GitHub, clone: Clone, pushed: list[str], expected: str
) -> None:
    clone.commit("first", {})
    clone.push(*(f"main:refs/heads/{name}" for name in pushed))

    assert ask(github, "/repos/acme/web").json()["default_branch"] == expected


def test_the_default_branch_cannot_be_deleted(github: GitHub, clone: Clone) -> None:
    clone.commit("first", {})
    clone.push("main")

    assert "refusing to delete the current branch" in clone.git("push", "origin", ":main", check=False)
    assert ask(github, "/repos/acme/web/git/ref/heads/main").status == 200


def test_a_repository_outlives_a_restart(github: GitHub, clone: Clone, tmp_path: Path) -> None:
    sha = clone.commit("first", {})
    clone.push("main")
    github.stop()

    with GitHub(tmp_path / "github", token=TOKEN, webhook_url=None, webhook_secret=SECRET) as again:
        assert ask(again, "/repos/acme/web/commits/main").json()["sha"] == sha


def test_pushes_side_by_side_make_one_repository(github: GitHub, tmp_path: Path) -> None:
    clones = [Clone(tmp_path / f"c{number}", f"{github.git_url}/acme/busy.git") for number in range(4)]
    shas = [clone.commit(str(number), {}) for number, clone in enumerate(clones)]
    threads = [
        threading.Thread(target=clone.push, args=(f"main:refs/heads/b{number}",)) for number, clone in enumerate(clones)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    refs = [ask(github, f"/repos/acme/busy/git/ref/heads/b{number}").json() for number in range(4)]
    assert [ref["object"]["sha"] for ref in refs] == shas


def test_a_clone_of_nothing_is_refused(github: GitHub, clone: Clone, tmp_path: Path) -> None:
    said = clone.git("clone", f"{github.git_url}/acme/none.git", str(tmp_path / "copy"), check=False)
    assert "not found" in said
    assert not (tmp_path / "github/acme").exists()


@pytest.mark.parametrize(
    "path",
    [
        "acme/../web.git",
        "..%2F../web.git",
        "acme/...git",
        "acme/..",
        "-acme/web.git",
        "acme/we%20b.git",
        "acme/web%00.git",
        f"acme/{'x' * 101}.git",
        f"{'x' * 40}/web.git",
    ],
)
def test_no_other_name_makes_anything(github: GitHub, tmp_path: Path, path: str) -> None:
    address = f"{github.git_url}/{path}/info/refs?service=git-receive-pack"
    with pytest.raises(urllib.error.HTTPError, match="404") as caught, urllib.request.urlopen(address, timeout=10):
        pass
    caught.value.close()

    assert sorted(tmp_path.rglob("*")) == []


def test_files_of_the_repository_are_not_served(github: GitHub, clone: Clone) -> None:
    clone.commit("first", {})
    clone.push("main")
    for path in ("config", "HEAD", "objects/info/packs"):
        with pytest.raises(urllib.error.HTTPError, match="404") as caught:
            urllib.request.urlopen(f"{clone.url}/{path}", timeout=10)
        caught.value.close()
