"""Whether anything at some paths differs between two commits of a real repository."""

import pytest

from deployer.errors import SourceError
from deployer.generate_paths import parse_generate_paths
from deployer.github.client import GitHub
from deployer.github.touched import MAX_LISTS, touched_between
from deployer.github.trees import TREES
from deployer.repository import Repository
from local.github import GitHub as LocalGitHub
from tests.faults.proxy import Answer, Proxy
from tests.local.github.helpers import Clone

FILES = {
    "README.md": "1",
    "apps/web/k8s/web.yaml": "1",
    "apps/web/k8s/deep/er/x.yaml": "1",
    "apps/web/notes.txt": "1",
    "apps/api/api.yaml": "1",
    "base/a.yaml": "1",
    "base/b.txt": "1",
    "single.yaml": "1",
}


@pytest.fixture
def old(clone: Clone) -> str:
    commit = clone.commit("first", FILES)
    clone.push("main")
    return commit


def change(clone: Clone, **files: str) -> str:
    commit = clone.commit("change", files)
    clone.push("--force", "main")
    return commit


@pytest.mark.parametrize(
    ("changed", "touched", "untouched"),
    [
        (
            "apps/web/k8s/web.yaml",
            [".", "/apps", "k8s", "k8s/web.yaml", "k8s/*.yaml", "**.yaml", "/", "/apps/w?b/k8s/*"],
            ["*.yaml", "*.txt", "k8s/deep", "/**/x.yaml", "/base", "/nowhere/at/all", "/apps/*", "k8s/[a-f]*"],
        ),
        ("apps/web/k8s/deep/er/x.yaml", [".", "k8s", "**.yaml", "/**/x.yaml", "/**"], ["k8s/*.yaml", "k8s/*/*.yaml"]),
        ("apps/web/k8s/web.yaml.bak", [".", "k8s"], ["k8s/web.yaml", "k8s/*.yaml"]),
        ("apps/web/notes.txt", [".", "*.txt", "/apps/w?b/notes.txt", "/apps/*/*.txt"], ["k8s", "k8s/*", "/base/*.txt"]),
        ("apps/web/new.txt", [".", "*.txt", "new.txt"], ["k8s", "notes.txt", "new.txt/x"]),
        ("apps/web2/new.yaml", ["/apps", "../web*/new.yaml"], [".", "*", ".;/base"]),
        ("apps/api/api.yaml", ["../api", "/nowhere/*;/**/api.yaml"], [".", ".;/base", "/apps/w?b/notes.txt"]),
        ("README.md", ["/", "/*.md"], [".", "/single.yaml", "/README.md/x"]),
        ("base/a.yaml", ["../../base", ".;/base", "/base/*.{yaml,json}"], [".", "/base/*.txt", "/base/b.txt"]),
        ("base/new.json", ["/base", "/base/*.{yaml,json}"], ["/base/a.yaml", "/{base,lib}/*.txt"]),
        ("single.yaml", ["/single.yaml", "/single.*"], [".", "/single.yaml/x", "/single.yaml/*", "/single.y"]),
        ("new/folder/x.yaml", ["/new", "/new/folder", "/new/**"], ["/new/other", "/new/*.yaml", "/new/folder/x"]),
    ],
)
def test_what_is_touched(
    github: GitHub,
    repository: Repository,
    clone: Clone,
    server: LocalGitHub,
    old: str,
    changed: str,
    touched: list[str],
    untouched: list[str],
) -> None:
    new = change(clone, **{changed: "2"})
    for most in (100_000, 2):  # entries that GitHub lists at once
        server.most_tree_entries = most
        TREES.clear()
        for text in (*touched, *untouched):
            paths = parse_generate_paths(text, "apps/web")
            assert touched_between(github, repository, paths, old, new) is (text in touched), (most, text)
            assert touched_between(github, repository, paths, new, old) is (text in touched), (most, text)


def test_the_same_commit_is_not_asked_for(github: GitHub, repository: Repository, old: str) -> None:
    assert not touched_between(github, repository, ["."], old, old)
    assert github.requests == 0


@pytest.mark.parametrize("path", [".", "apps/web", "base/*.yaml", "**"])
def test_another_commit_with_the_same_files_touches_nothing(
    github: GitHub, repository: Repository, clone: Clone, old: str, path: str
) -> None:
    assert not touched_between(github, repository, [path], old, change(clone))


@pytest.mark.parametrize(
    ("path", "touched"), [("apps/web", True), ("apps/web/k8s", False), ("apps/api", True), ("base", False)]
)
def test_a_renamed_file_touches_where_it_was_and_where_it_is(
    github: GitHub, repository: Repository, clone: Clone, old: str, path: str, touched: bool
) -> None:
    clone.git("mv", "apps/web/notes.txt", "apps/api/notes.txt")
    assert touched_between(github, repository, [path], old, change(clone)) is touched


@pytest.mark.parametrize("path", ["apps/web", "apps/web/k8s/web.yaml", "apps/web/**/*.yaml"])
def test_a_folder_that_is_gone_or_renamed_touches_it(
    github: GitHub, repository: Repository, clone: Clone, old: str, path: str
) -> None:
    clone.git("mv", "apps/web", "apps/www")
    assert touched_between(github, repository, [path], old, change(clone))
    assert not touched_between(github, repository, ["apps/api"], old, clone.head())


@pytest.mark.parametrize("path", ["apps/web/k8s/web.yaml", "apps/**/*.yaml", "apps"])
def test_a_file_that_may_be_executed_now_is_touched(
    github: GitHub, repository: Repository, clone: Clone, old: str, path: str
) -> None:
    (clone.folder / "apps/web/k8s/web.yaml").chmod(0o755)
    assert touched_between(github, repository, [path], old, change(clone))


@pytest.mark.parametrize(
    ("path", "touched"),
    [("apps/web/notes.txt", True), ("apps/web/notes.txt/in", True), ("apps/web/*.txt", True), ("apps/*/*.txt", True)],
)
def test_a_file_that_becomes_a_folder(
    github: GitHub, repository: Repository, clone: Clone, server: LocalGitHub, old: str, path: str, touched: bool
) -> None:
    (clone.folder / "apps/web/notes.txt").unlink()
    new = change(clone, **{"apps/web/notes.txt/in": "2"})
    assert touched_between(github, repository, [path], old, new) is touched
    TREES.clear()
    server.most_tree_entries = 1
    assert touched_between(github, repository, [path], old, new) is touched


def test_nobody_follows_links(github: GitHub, repository: Repository, clone: Clone, old: str) -> None:
    (clone.folder / "link").symlink_to("base")
    linked = change(clone)
    new = change(clone, **{"README.md": "2"})
    assert touched_between(github, repository, ["link"], linked, new), "base may have changed"
    assert touched_between(github, repository, ["link/a.yaml"], linked, new)
    assert touched_between(github, repository, ["link/*"], linked, new)
    assert touched_between(github, repository, ["link"], old, linked)
    assert touched_between(github, repository, ["*nk"], old, linked), "for a glob it is a file"
    assert not touched_between(github, repository, ["*nk"], linked, new)


def submodule(clone: Clone, commit: str) -> str:
    clone.git("update-index", "--add", "--cacheinfo", f"160000,{commit},apps/sub")
    clone.git("commit", "-q", "-m", "a submodule")
    clone.push("main")
    return clone.head()


@pytest.mark.parametrize("path", ["apps/sub", "apps/sub/x.yaml", "apps", "apps/*", "apps/sub/*.yaml"])
def test_a_submodule_is_touched_where_it_moves(
    github: GitHub, repository: Repository, clone: Clone, old: str, path: str
) -> None:
    one, two = submodule(clone, "1" * 40), submodule(clone, "2" * 40)
    expected = path != "apps/sub/*.yaml"  # what is in another repository is at no path of this one
    assert touched_between(github, repository, [path], one, two) is expected
    assert touched_between(github, repository, [path], old, one) is expected
    clone.git("commit", "-q", "--allow-empty", "-m", "nothing")
    clone.push("main")
    assert not touched_between(github, repository, [path], two, clone.head())


def test_a_forced_push_is_compared_like_any_other(
    github: GitHub, repository: Repository, clone: Clone, old: str
) -> None:
    synced = change(clone, **{"apps/web/k8s/web.yaml": "2"})
    clone.git("reset", "-q", "--hard", old)
    new = change(clone, **{"README.md": "3"})
    assert touched_between(github, repository, ["apps/web"], synced, new), "it takes back what was synced"
    assert not touched_between(github, repository, ["apps/api"], synced, new)


def test_of_lost_pushes_nothing_is_lost(github: GitHub, repository: Repository, clone: Clone, old: str) -> None:
    before = change(clone, **{"apps/web/k8s/web.yaml": "2"})
    new = change(clone, **{"README.md": "2"})
    assert not touched_between(github, repository, ["apps/web"], before, new), "the last push says nothing of it"
    assert touched_between(github, repository, ["apps/web"], old, new)


@pytest.mark.parametrize("gone", ["1" * 40, "0" * 40])
def test_a_commit_that_is_gone_is_no_ground_to_leave_anything_out(
    github: GitHub, repository: Repository, old: str, gone: str
) -> None:
    assert touched_between(github, repository, ["nowhere"], gone, old)
    assert touched_between(github, repository, ["nowhere"], old, gone)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(403, {"message": "Resource not accessible by personal access token"}),
        Answer(409, {"message": "Git Repository is empty."}),
        Answer(200, {"tree": [], "truncated": True}),
        Answer(200, {"tree": [{}], "truncated": False}),
        Answer(200, {}),
    ],
)
def test_what_github_does_not_tell_may_have_changed(
    faulty: GitHub, repository: Repository, proxy: Proxy, clone: Clone, old: str, answer: Answer
) -> None:
    proxy.play("git/trees", answer)
    assert touched_between(faulty, repository, ["nowhere"], old, change(clone))


def test_a_fault_that_may_pass_is_for_whoever_asks(
    faulty: GitHub, repository: Repository, proxy: Proxy, clone: Clone, old: str
) -> None:
    proxy.play("git/trees", Answer(403, {"message": "API rate limit exceeded"}, {"Retry-After": "3600"}))
    with pytest.raises(SourceError, match="rate limit") as caught:
        touched_between(faulty, repository, ["nowhere"], old, change(clone))
    assert caught.value.transient


def test_more_requests_than_fair_are_not_sent(
    github: GitHub, repository: Repository, clone: Clone, server: LocalGitHub, old: str
) -> None:
    # Folders that hold the same are one and the same to Git.
    new = change(clone, **{f"many/{number}/x.txt": f"1 {number}" for number in range(MAX_LISTS)})
    newer = change(clone, **{f"many/{number}/x.txt": f"2 {number}" for number in range(MAX_LISTS)})
    assert not touched_between(github, repository, ["many/*/*.yaml"], new, newer)
    TREES.clear()
    server.most_tree_entries = 1
    before = github.requests
    assert touched_between(github, repository, ["many/*/*.yaml"], new, newer), "it might"
    assert github.requests - before == MAX_LISTS


def test_only_folders_that_differ_are_asked_for(
    faulty: GitHub, repository: Repository, proxy: Proxy, clone: Clone, old: str
) -> None:
    new = change(clone, **{"README.md": "2"})
    paths = ["apps/web/k8s", "apps/api", "base", "base/*.yaml"]
    assert not touched_between(faulty, repository, paths, old, new)
    asked = sorted(one.path.removeprefix("/api/v3/repos/acme/web/git/trees/") for one in proxy.seen)
    assert asked == sorted([old, new])


def test_what_is_known_of_a_commit_is_not_asked_for_again(
    github: GitHub, repository: Repository, clone: Clone, old: str
) -> None:
    new = change(clone, **{"apps/web/notes.txt": "2"})
    assert touched_between(github, repository, ["apps/web"], old, new)
    assert github.requests == 4
    assert not touched_between(github, repository, ["apps/api"], old, new)
    assert touched_between(github, repository, ["apps/*/notes.txt"], old, new)
    assert github.requests == 6, "all below apps, at both commits"
    assert touched_between(github, repository, ["apps/w*/notes.txt"], old, new)
    assert github.requests == 6


def test_a_list_that_is_too_large_to_keep_is_read_all_the_same(
    faulty: GitHub, repository: Repository, proxy: Proxy, clone: Clone, old: str
) -> None:
    new = change(clone)
    entry = {"mode": "100644", "type": "blob", "sha": "1" * 40, "size": 1}
    many = [{"path": f"{number}.txt", **entry} for number in range(int(TREES.kept.maxsize))]
    proxy.play(f"git/trees/{old}", Answer(200, {"tree": many, "truncated": False}))
    proxy.play(f"git/trees/{new}", Answer(200, {"tree": [*many, {"path": "x", **entry}], "truncated": False}))
    assert touched_between(faulty, repository, ["x"], old, new)
    assert len(TREES.kept) == 0
