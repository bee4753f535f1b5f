"""The files of a repository at a commit."""

import base64
import json
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from deployer.errors import SourceError
from deployer.github.client import GitHub
from deployer.github.files import Tree, read_tree
from deployer.repository import Repository
from tests.local.github.helpers import Clone

FILES = {"README.md": "read me", "k8s/web.yaml": "web", "k8s/sub/db.yaml": "db", "k8s-old/x.yaml": "x", "one.yaml": "1"}


@pytest.fixture
def tree(github: GitHub, repository: Repository, clone: Clone) -> Tree:
    commit = clone.commit("first", FILES)
    clone.push("main")
    return read_tree(github, repository, commit)


@pytest.mark.parametrize(
    ("path", "recurse", "paths"),
    [
        (".", False, ["README.md", "one.yaml"]),
        (".", True, sorted(FILES)),
        ("k8s", False, ["web.yaml"]),
        ("k8s", True, ["sub/db.yaml", "web.yaml"]),
        ("k8s/", False, ["web.yaml"]),
        ("k8s/sub", False, ["db.yaml"]),
        ("one.yaml", False, ["one.yaml"]),
        ("k8s/web.yaml", False, ["web.yaml"]),
    ],
)
def test_the_files_at_a_path(tree: Tree, path: str, recurse: bool, paths: list[str]) -> None:
    assert tree.paths(path, recurse=recurse) == paths
    prefix = "" if path in (".", "one.yaml") else "k8s/" if path.endswith("web.yaml") else f"{path.rstrip('/')}/"
    assert tree.read(path, paths, max_bytes=1_000) == {name: FILES[prefix + name].encode() for name in paths}


def test_a_path_that_is_not_there_is_named(tree: Tree) -> None:
    with pytest.raises(SourceError, match=r"acme/web at [0-9a-f]{7} has no path 'k8x': check the application's `path`"):
        tree.paths("k8x", recurse=False)


def test_a_tree_costs_one_request_and_a_file_one(tree: Tree, github: GitHub) -> None:
    tree.read("k8s", ["web.yaml", "sub/db.yaml"], max_bytes=1_000)
    assert github.requests == 3


def test_a_later_commit_does_not_change_what_is_read(tree: Tree, clone: Clone) -> None:
    clone.commit("second", {"k8s/web.yaml": "changed"})
    clone.push("main")
    assert tree.read("k8s", ["web.yaml"], max_bytes=1_000) == {"web.yaml": b"web"}


def test_files_that_are_too_large_are_not_fetched(tree: Tree, github: GitHub) -> None:
    asked = github.requests
    with pytest.raises(SourceError, match="the manifest files have 5 bytes, and 4 are allowed; split the application"):
        tree.read("k8s", ["web.yaml", "sub/db.yaml"], max_bytes=4)
    assert github.requests == asked


def linked(github: GitHub, repository: Repository, clone: Clone, target: str) -> Tree:
    (clone.folder / "k8s").mkdir()
    (clone.folder / "k8s" / "link.yaml").symlink_to(target)
    commit = clone.commit("links", {"shared/base.yaml": "base"})
    clone.push("main")
    return read_tree(github, repository, commit)


def test_a_link_inside_the_repository_is_followed(github: GitHub, repository: Repository, clone: Clone) -> None:
    tree = linked(github, repository, clone, "../shared/base.yaml")
    assert tree.read("k8s", tree.paths("k8s", recurse=False), max_bytes=1_000) == {"link.yaml": b"base"}


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("../../outside.yaml", "the link k8s/link.yaml leaves the repository"),
        ("/etc/passwd", "the link k8s/link.yaml leaves the repository"),
        ("nowhere.yaml", "leads to 'k8s/nowhere.yaml', which is no file there"),
        ("../shared", "leads to 'shared', which is no file there"),
        ("link.yaml", "goes through more than 10 others"),
    ],
)
def test_a_link_that_leads_nowhere_good_is_refused(
    github: GitHub, repository: Repository, clone: Clone, target: str, reason: str
) -> None:
    tree = linked(github, repository, clone, target)
    with pytest.raises(SourceError, match=reason):
        tree.read("k8s", ["link.yaml"], max_bytes=1_000)


@pytest.mark.parametrize(
    ("path", "recurse", "refused"), [(".", True, True), ("vendor/lib", False, True), (".", False, False)]
)
def test_a_submodule_is_refused_where_it_would_count(
    github: GitHub, repository: Repository, clone: Clone, path: str, recurse: bool, refused: bool
) -> None:
    first = clone.commit("first", {"a.yaml": "a"})
    clone.git("update-index", "--add", "--cacheinfo", f"160000,{first},vendor/lib")
    clone.git("commit", "-q", "-m", "a submodule")
    clone.push("main")
    tree = read_tree(github, repository, clone.head())
    if refused:
        with pytest.raises(SourceError, match="vendor/lib is a submodule, which is not supported"):
            tree.paths(path, recurse=recurse)
    else:
        assert tree.paths(path, recurse=recurse) == ["a.yaml"]


class Liar(BaseHTTPRequestHandler):
    """A GitHub that answers every request for a blob with other content than was asked for."""

    def do_GET(self) -> None:
        body = json.dumps({"content": base64.b64encode(b"evil").decode(), "encoding": "base64"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


def test_what_does_not_match_its_id_is_refused(tree: Tree) -> None:
    with HTTPServer(("127.0.0.1", 0), Liar) as liar:
        threading.Thread(target=liar.serve_forever, daemon=True).start()
        lying = replace(tree, github=GitHub(f"http://127.0.0.1:{liar.server_port}", "t"))
        with pytest.raises(SourceError, match=r"web\.yaml is not that file: its id does not match"):
            lying.read("k8s", ["web.yaml"], max_bytes=1_000)
        liar.shutdown()


def test_a_tree_that_is_cut_off_is_not_taken_for_the_whole(
    github: GitHub, repository: Repository, clone: Clone
) -> None:
    # GitHub's limit is 100,000 entries; git makes such a tree without touching the disk for each.
    blob = clone.git("hash-object", "-w", "--stdin", stdin="x")
    entries = "".join(f"100644 blob {blob}\tfile-{number:06}.yaml\n" for number in range(100_001))
    tree = clone.git("mktree", stdin=entries)
    commit = clone.git("commit-tree", tree, "-m", "large")
    clone.push(f"{commit}:refs/heads/main")
    with pytest.raises(SourceError, match="too large for one tree"):
        read_tree(github, repository, commit)
