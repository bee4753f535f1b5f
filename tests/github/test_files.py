"""The files of a repository at a commit."""

import base64

import pytest

from deployer.errors import SourceError
from deployer.github.client import GitHub
from deployer.github.files import BLOBS, CommitTree, read_tree
from deployer.github.revision import resolve
from deployer.rendering.files import paths_at, read_files
from deployer.repository import Repository
from local.github import GitHub as LocalGitHub
from tests.faults.proxy import Answer, Proxy
from tests.local.github.helpers import Clone

FILES = {"README.md": "read me", "k8s/web.yaml": "web", "k8s/sub/db.yaml": "db", "k8s-old/x.yaml": "x", "one.yaml": "1"}


@pytest.fixture
def tree(github: GitHub, repository: Repository, clone: Clone) -> CommitTree:
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
def test_the_files_at_a_path(tree: CommitTree, path: str, recurse: bool, paths: list[str]) -> None:
    assert paths_at(tree, path, recurse=recurse) == paths
    prefix = "" if path in (".", "one.yaml") else "k8s/" if path.endswith("web.yaml") else f"{path.rstrip('/')}/"
    assert read_files(tree, path, paths, max_bytes=1_000) == {name: FILES[prefix + name].encode() for name in paths}


def test_a_path_that_is_not_there_is_named(tree: CommitTree) -> None:
    with pytest.raises(SourceError, match=r"acme/web at [0-9a-f]{7} has no path 'k8x': check the application's `path`"):
        paths_at(tree, "k8x", recurse=False)


def test_a_tree_costs_one_request_and_its_files_one(tree: CommitTree, github: GitHub) -> None:
    read_files(tree, "k8s", ["web.yaml", "sub/db.yaml"], max_bytes=1_000)
    assert github.requests == 2


def test_thirty_files_cost_three_requests_and_the_next_application_of_the_push_none(
    github: GitHub, repository: Repository, clone: Clone
) -> None:
    files = {f"{number}.yaml": f"{number}: x" for number in range(30)}
    clone.commit("first", {f"{folder}/{path}": text for folder in ("a", "b") for path, text in files.items()})
    clone.push("main")
    wanted = {path: text.encode() for path, text in files.items()}
    commit = resolve(github, repository, "main")
    assert read_files(read_tree(github, repository, commit), "a", list(files), max_bytes=10_000) == wanted
    assert github.requests == 3
    assert read_files(read_tree(github, repository, commit), "b", list(files), max_bytes=10_000) == wanted
    assert github.requests == 3


def test_a_file_is_asked_for_once_whatever_its_paths(
    faulty: GitHub, repository: Repository, proxy: Proxy, clone: Clone
) -> None:
    commit = clone.commit("first", {"a": "same", "b/c": "same", "d": "other"})
    clone.push("main")
    assert read_tree(faulty, repository, commit).read(["a", "b/c", "d", "a"]) == {
        "a": b"same",
        "b/c": b"same",
        "d": b"other",
    }
    assert [one.path for one in proxy.seen[1:]] == ["/api/graphql"]


@pytest.mark.parametrize("path", ["gone", "k8s", ""])
def test_what_is_no_file_is_not_read(tree: CommitTree, path: str) -> None:
    with pytest.raises(SourceError, match=f"acme/web at [0-9a-f]{{7}} has no file '{path}'"):
        tree.read(["one.yaml", path])


def test_nothing_is_read_without_a_request(tree: CommitTree, github: GitHub) -> None:
    assert tree.read([]) == {}
    assert github.requests == 1


def test_what_was_read_once_is_not_read_again_at_any_commit(
    github: GitHub, repository: Repository, clone: Clone, tree: CommitTree
) -> None:
    read_files(tree, "k8s", ["web.yaml", "sub/db.yaml"], max_bytes=1_000)
    commit = clone.commit("second", {"k8s/web.yaml": "web, changed"})
    clone.push("main")
    before = github.requests
    later = read_tree(github, repository, commit)
    found = read_files(later, "k8s", ["web.yaml", "sub/db.yaml"], max_bytes=1_000)
    assert found == {"web.yaml": b"web, changed", "sub/db.yaml": b"db"}
    assert github.requests - before == 2


def test_a_repository_is_told_nothing_of_another(
    github: GitHub, tree: CommitTree, clone: Clone, server: LocalGitHub
) -> None:
    read_files(tree, "k8s", ["web.yaml"], max_bytes=1_000)
    other = Clone(clone.folder.with_name("other"), f"{server.git_url}/acme/other.git")
    commit = other.commit("first", FILES)
    other.push("main")
    before = github.requests
    read_files(read_tree(github, Repository(github.host, "acme/other"), commit), "k8s", ["web.yaml"], max_bytes=1_000)
    assert github.requests - before == 2


def test_what_is_kept_is_bounded(github: GitHub, repository: Repository, clone: Clone) -> None:
    assert BLOBS.kept.maxsize == 32_000_000
    large = "x" * 9_000_000
    commit = clone.commit("large", {f"{number}.yaml": f"{number}{large}" for number in range(4)})
    clone.push("main")
    tree = read_tree(github, repository, commit)
    read_files(tree, ".", [f"{number}.yaml" for number in range(4)], max_bytes=100_000_000)
    assert BLOBS.kept.currsize <= BLOBS.kept.maxsize
    assert len(BLOBS.kept) == 3


def test_small_files_count_for_what_they_take(tree: CommitTree) -> None:
    tree.read(["one.yaml"])
    assert BLOBS.kept.currsize == 1 + 360


def test_a_later_commit_does_not_change_what_is_read(tree: CommitTree, clone: Clone) -> None:
    clone.commit("second", {"k8s/web.yaml": "changed"})
    clone.push("main")
    assert read_files(tree, "k8s", ["web.yaml"], max_bytes=1_000) == {"web.yaml": b"web"}


def test_files_that_are_too_large_are_not_fetched(tree: CommitTree, github: GitHub) -> None:
    asked = github.requests
    with pytest.raises(SourceError, match="the manifest files have 5 bytes, and 4 are allowed; split the application"):
        read_files(tree, "k8s", ["web.yaml", "sub/db.yaml"], max_bytes=4)
    assert github.requests == asked


def linked(github: GitHub, repository: Repository, clone: Clone, name: str, target: str) -> CommitTree:
    """A repository with a link."""
    link = clone.folder / name
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(target)
    commit = clone.commit("links", {"shared/base.yaml": "base", "deploy/web/sub/db.yaml": "db"})
    clone.push("main")
    return read_tree(github, repository, commit)


def test_a_link_inside_the_repository_is_followed(github: GitHub, repository: Repository, clone: Clone) -> None:
    tree = linked(github, repository, clone, "k8s/link.yaml", "../shared/base.yaml")
    assert read_files(tree, "k8s", paths_at(tree, "k8s", recurse=False), max_bytes=1_000) == {"link.yaml": b"base"}


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("../../outside.yaml", "the link k8s/link.yaml leaves the repository"),
        ("/etc/passwd", "the link k8s/link.yaml leaves the repository"),
        ("nowhere.yaml", "has no path 'k8s/nowhere.yaml', where the link k8s/link.yaml leads"),
        ("../shared", "the link k8s/link.yaml leads to 'shared', which is no file: correct it"),
        ("link.yaml", "k8s/link.yaml leads through more than 10 links"),
    ],
)
def test_links_out_of_the_repository_and_to_nowhere_are_refused(
    github: GitHub, repository: Repository, clone: Clone, target: str, reason: str
) -> None:
    tree = linked(github, repository, clone, "k8s/link.yaml", target)
    with pytest.raises(SourceError, match=reason):
        read_files(tree, "k8s", ["link.yaml"], max_bytes=1_000)


def test_a_link_that_is_no_path_is_not_fetched(github: GitHub, repository: Repository, clone: Clone) -> None:
    target = clone.git("hash-object", "-w", "--stdin", stdin="x" * 5_000)
    clone.git("update-index", "--add", "--cacheinfo", f"120000,{target},link.yaml")
    clone.git("commit", "-q", "-m", "no link that a system would make")
    clone.push("main")
    tree = read_tree(github, repository, clone.head())
    with pytest.raises(SourceError, match=r"link\.yaml is a link of 5,000 bytes: make it a file"):
        read_files(tree, ".", paths_at(tree, ".", recurse=False), max_bytes=10_000)
    assert github.requests == 1


@pytest.mark.parametrize(
    ("path", "recurse", "files"),
    [
        ("k8s", True, {"sub/db.yaml": b"db"}),
        ("k8s", False, {}),
        ("k8s/sub", False, {"db.yaml": b"db"}),
        ("k8s/sub/db.yaml", False, {"db.yaml": b"db"}),
    ],
)
def test_an_applications_path_may_lead_through_a_link(
    github: GitHub, repository: Repository, clone: Clone, path: str, recurse: bool, files: dict[str, bytes]
) -> None:
    tree = linked(github, repository, clone, "k8s", "deploy/web")
    assert read_files(tree, path, paths_at(tree, path, recurse=recurse), max_bytes=1_000) == files
    assert github.requests == 2 + len(files), "a link is asked for once"


def test_an_applications_path_may_be_a_link_to_a_file(github: GitHub, repository: Repository, clone: Clone) -> None:
    tree = linked(github, repository, clone, "k8s/link.yaml", "../shared/base.yaml")
    assert paths_at(tree, "k8s/link.yaml", recurse=False) == ["link.yaml"]
    assert read_files(tree, "k8s/link.yaml", ["link.yaml"], max_bytes=1_000) == {"link.yaml": b"base"}


def test_a_path_that_leads_out_of_the_repository_is_refused(
    github: GitHub, repository: Repository, clone: Clone
) -> None:
    tree = linked(github, repository, clone, "k8s", "../elsewhere")
    with pytest.raises(SourceError, match="the link k8s leaves the repository"):
        paths_at(tree, "k8s", recurse=False)


def test_what_a_link_leads_to_counts_for_the_size(github: GitHub, repository: Repository, clone: Clone) -> None:
    linked(github, repository, clone, "k8s/link.yaml", "../large.yaml")
    clone.commit("large", {"large.yaml": "x" * 2_000})
    clone.push("main")
    tree = read_tree(github, repository, clone.head())
    with pytest.raises(SourceError, match="the manifest files have 2,000 bytes, and 1,000 are allowed"):
        read_files(tree, "k8s", ["link.yaml"], max_bytes=1_000)


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
            paths_at(tree, path, recurse=recurse)
    else:
        assert paths_at(tree, path, recurse=recurse) == ["a.yaml"]


@pytest.mark.parametrize(
    "content",
    [base64.b64encode(b"evil").decode(), "", "x"],
    ids=["another file", "nothing", "no base64"],
)
def test_a_wrong_blob_is_refused(
    faulty: GitHub, repository: Repository, proxy: Proxy, tree: CommitTree, content: str
) -> None:
    lying = CommitTree(faulty, repository, tree.listing)
    proxy.play("git/blobs", Answer(200, {"content": content, "encoding": "base64"}))
    with pytest.raises(
        SourceError, match=r"what GitHub sent for k8s/web\.yaml is not that file: its id does not match"
    ):
        read_files(lying, "k8s", ["web.yaml"], max_bytes=1_000)


def test_a_truncated_tree_is_not_taken_for_the_whole(
    github: GitHub, repository: Repository, clone: Clone, server: LocalGitHub
) -> None:
    clone.commit("first", {f"k8s/{number}.yaml": str(number) for number in range(5)} | {"a/b": "c", "k8s/sub/x": "y"})
    clone.push("main")
    server.most_tree_entries = 3
    tree = read_tree(github, repository, clone.head())
    names = [f"{number}.yaml" for number in range(5)]
    assert paths_at(tree, "k8s", recurse=True) == [*names, "sub/x"]
    assert read_files(tree, "k8s", names, max_bytes=1_000) == {f"{number}.yaml": b"%d" % number for number in range(5)}
