"""Names and trees, as the REST API reads them from a repository."""

import os
import urllib.parse

import pytest

from local.github import GitHub
from tests.local.github.helpers import Clone, ask

WEB = "/repos/acme/web"


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("HEAD", "first"),
        ("main", "first"),
        ("heads/main", "first"),
        ("refs/heads/main", "first"),
        ("feature/x", "second"),
        ("heads/feature/x", "second"),
        ("v1", "first"),
        ("tags/v1", "first"),
        ("heads/v1", None),
        ("tags/main", None),
        ("main~1", None),
        ("main^{tree}", None),
        ("HEAD:a.yaml", None),
        ("--all", None),
        ("*", None),
        ("f" * 40, None),
        ("none", None),
    ],
)
def test_what_stands_for_a_commit(github: GitHub, clone: Clone, first: str, name: str, found: str | None) -> None:
    clone.git("tag", "-a", "-m", "x", "v1")
    clone.git("switch", "-q", "-c", "feature/x")
    second = clone.commit("second", {})
    clone.push("v1", "feature/x")

    answer = ask(github, f"{WEB}/commits/{urllib.parse.quote(name)}", accept="application/vnd.github.sha")

    if found:
        assert (answer.status, answer.body.decode()) == (200, {"first": first, "second": second}[found])
        assert answer.headers["content-type"] == "application/vnd.github.sha; charset=utf-8"
    else:
        assert (answer.status, answer.json()["message"]) == (422, f"No commit found for SHA: {name}")


def test_a_commit_is_found_by_its_full_or_shortened_sha(github: GitHub, first: str) -> None:
    assert ask(github, f"{WEB}/commits/{first}").json()["sha"] == first
    assert ask(github, f"{WEB}/commits/{first[:7]}").json()["sha"] == first
    assert ask(github, f"{WEB}/commits/{first[:6]}").status == 422


def test_a_ref_must_match_whole(github: GitHub, first: str) -> None:
    assert ask(github, f"{WEB}/git/ref/heads/main").json()["ref"] == "refs/heads/main"
    for name in ("heads/mai", "heads/main/", "heads", "heads/*", "main", "HEAD"):
        assert ask(github, f"{WEB}/git/ref/{name}").status == 404, name


def test_every_kind_of_tree_entry(github: GitHub, clone: Clone, first: str) -> None:
    (clone.folder / "script").write_text("#!/bin/sh\n")
    (clone.folder / "script").chmod(0o755)
    (clone.folder / "link").symlink_to("a.yaml")
    clone.git("update-index", "--add", "--cacheinfo", f"160000,{first},vendored")
    (clone.folder / "vendored").mkdir()
    clone.commit("all kinds", {"näme with\ttab": "x"})
    clone.push("main")

    tree = ask(github, f"{WEB}/git/trees/main?recursive=0").json()  # any value means yes

    entries = {entry.pop("path"): entry for entry in tree["tree"]}
    api = f"{github.api_url}{WEB}/git"
    assert {path: (entry["mode"], entry["type"]) for path, entry in entries.items()} == {
        "a.yaml": ("100644", "blob"),
        "apps": ("040000", "tree"),
        "apps/web": ("040000", "tree"),
        "apps/web/b.yaml": ("100644", "blob"),
        "link": ("120000", "blob"),
        "näme with\ttab": ("100644", "blob"),
        "script": ("100755", "blob"),
        "vendored": ("160000", "commit"),
    }
    assert (entries["a.yaml"]["size"], entries["link"]["size"]) == (10, 6)
    assert entries["a.yaml"]["url"] == f"{api}/blobs/{entries['a.yaml']['sha']}"
    assert entries["apps"].keys() == {"mode", "type", "sha", "url"}
    assert entries["vendored"] == {"mode": "160000", "type": "commit", "sha": first}


def test_a_path_that_is_not_utf8_ends_nothing(github: GitHub, clone: Clone) -> None:
    (clone.folder / os.fsdecode(b"caf\xe9")).touch()
    clone.commit("latin", {})
    clone.push("main")

    assert [entry["path"] for entry in ask(github, f"{WEB}/git/trees/main").json()["tree"]] == [
        "caf\N{REPLACEMENT CHARACTER}"
    ]


def test_a_tree_without_recursive_is_one_level(github: GitHub, first: str, clone: Clone) -> None:
    root = clone.git("rev-parse", "HEAD^{tree}")
    for name in (root, first, "main"):
        tree = ask(github, f"{WEB}/git/trees/{name}").json()
        assert [entry["path"] for entry in tree["tree"]] == ["a.yaml", "apps"]
    apps = tree["tree"][1]["sha"]
    assert [entry["path"] for entry in ask(github, f"{WEB}/git/trees/{apps}").json()["tree"]] == ["web"]


def test_a_tree_that_is_too_large_is_cut_and_says_so(github: GitHub, clone: Clone, first: str) -> None:
    blob = clone.git("rev-parse", "HEAD:a.yaml")
    name = "x" * 2000
    count = 4_000  # of 2,058 bytes, which are more than 7 MB
    lines = "".join(f"100644 blob {blob}\t{number:05}{name}\n" for number in range(count))
    clone.git("update-ref", "refs/heads/main", clone.git("commit-tree", "-m", "x", clone.git("mktree", stdin=lines)))
    clone.push("--force", "main")

    tree = ask(github, f"{WEB}/git/trees/main?recursive=1").json()
    assert (github.most_tree_bytes, tree["truncated"]) == (7_000_000, True)
    assert len(tree["tree"]) == 7_000_000 // (len(lines) // count), "so many lines of `git ls-tree` are 7 MB"
    github.most_tree_bytes = 100_000_000
    whole = ask(github, f"{WEB}/git/trees/main?recursive=1").json()
    assert (whole["truncated"], len(whole["tree"])) == (False, count)
    github.most_tree_bytes = 10
    assert ask(github, f"{WEB}/git/trees/main").json()["truncated"] is False  # one level is always whole


def test_a_tree_may_be_too_large_on_demand(github: GitHub, first: str) -> None:
    github.most_tree_entries = 3

    tree = ask(github, f"{WEB}/git/trees/main?recursive=1").json()
    names, pending = [], [tree["sha"]]
    while pending:
        level = ask(github, f"{WEB}/git/trees/{pending.pop()}").json()
        assert level["truncated"] is False
        names += [entry["path"] for entry in level["tree"] if entry["type"] == "blob"]
        pending += [entry["sha"] for entry in level["tree"] if entry["type"] == "tree"]

    assert (tree["truncated"], [entry["path"] for entry in tree["tree"]]) == (True, ["a.yaml", "apps", "apps/web"])
    assert names == ["a.yaml", "b.yaml"]
    github.most_tree_entries = 4
    assert ask(github, f"{WEB}/git/trees/main?recursive=1").json()["truncated"] is False
