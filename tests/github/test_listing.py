"""What a commit holds, where one request is not enough."""

from typing import Any

import pytest

from deployer.errors import SourceError
from deployer.github.client import GitHub
from deployer.github.listing import CUT, MAX_LISTINGS, Listing
from deployer.github.trees import MAX_ENTRIES, TREES
from deployer.repository import Repository
from local.github import GitHub as LocalGitHub
from tests.faults.proxy import Answer, Proxy
from tests.local.github.helpers import Clone, ask

FILES = ["README.md", "deploy/k8s/a/1.yaml", "deploy/k8s/a/2.yaml", "deploy/k8s/b/c/3.yaml", "deploy/k8s/web.yaml"]
K8S = {"a", "a/1.yaml", "a/2.yaml", "b", "b/c", "b/c/3.yaml", "web.yaml"}
ADDRESS = "/api/v3/repos/acme/web/git/trees/"


@pytest.fixture
def commit(clone: Clone) -> str:
    commit = clone.commit("first", {**{path: path for path in FILES}, "docs/x/y.md": "y", "k8s-old/z.yaml": "z"})
    clone.push("main")
    return commit


def sha(clone: Clone, path: str) -> str:
    return clone.git("rev-parse", f"HEAD:{path}")


def cut_short(server: LocalGitHub, tree: str) -> Answer:
    """What GitHub says of a tree that is too large: some of it, and that this is not all."""
    whole = ask(server, f"/repos/acme/web/git/trees/{tree}?recursive=1").json()
    return Answer(200, {**whole, "tree": whole["tree"][:2], "truncated": True})


def trees(proxy: Proxy) -> list[str]:
    return [one.path.removeprefix(ADDRESS) for one in proxy.seen]


def test_one_request_is_enough_for_most(faulty: GitHub, repository: Repository, proxy: Proxy, commit: str) -> None:
    listing = Listing(faulty, repository, commit)
    assert set(listing.below("deploy/k8s", recurse=True)) == K8S
    assert set(listing.below("deploy/k8s", recurse=False)) == {"a", "b", "web.yaml"}
    assert set(listing.below("", recurse=False)) == {"README.md", "deploy", "docs", "k8s-old"}
    assert trees(proxy) == [f"{commit}?recursive=1"]


def test_a_truncated_tree_is_not_taken_for_the_whole(
    faulty: GitHub, repository: Repository, proxy: Proxy, server: LocalGitHub, clone: Clone, commit: str
) -> None:
    proxy.play("recursive", cut_short(server, commit))
    listing = Listing(faulty, repository, commit)
    assert set(listing.below("deploy/k8s", recurse=True)) == K8S
    # Only what is on the way, and the folder that is wanted.
    assert trees(proxy) == [
        f"{commit}?recursive=1",
        commit,
        sha(clone, "deploy"),
        f"{sha(clone, 'deploy/k8s')}?recursive=1",
    ]
    assert set(listing.below("deploy", recurse=False)) == {"k8s"}
    assert len(proxy.seen) == 4, "what is known is not asked for again"


def test_a_truncated_folder_is_walked_too(
    faulty: GitHub, repository: Repository, proxy: Proxy, server: LocalGitHub, clone: Clone, commit: str
) -> None:
    for tree in (commit, sha(clone, "deploy/k8s"), sha(clone, "deploy/k8s/b")):
        proxy.play(f"{tree}.recursive", cut_short(server, tree))
    listing = Listing(faulty, repository, commit)
    assert set(listing.below("deploy/k8s", recurse=True)) == K8S
    found = listing.below("", recurse=True)
    assert set(found) >= {*FILES, "docs/x/y.md", "k8s-old/z.yaml"}
    assert found["deploy/k8s/b/c/3.yaml"].sha == sha(clone, "deploy/k8s/b/c/3.yaml")


@pytest.mark.parametrize("most", [1, 3, 6])
def test_a_walk_finds_what_one_request_would(
    github: GitHub, repository: Repository, server: LocalGitHub, commit: str, most: int
) -> None:
    whole = Listing(github, repository, commit).below("", recurse=True)
    server.most_tree_entries = most
    TREES.clear()
    assert Listing(github, repository, commit).below("", recurse=True) == whole


def test_without_the_folders_below_only_the_way_is_listed(
    faulty: GitHub, repository: Repository, proxy: Proxy, server: LocalGitHub, clone: Clone, commit: str
) -> None:
    proxy.play("recursive", cut_short(server, commit))
    listing = Listing(faulty, repository, commit)
    assert set(listing.below("deploy/k8s", recurse=False)) == {"a", "b", "web.yaml"}
    assert trees(proxy)[1:] == [commit, sha(clone, "deploy"), sha(clone, "deploy/k8s")]
    entry = listing.entry("deploy/k8s/b/c/3.yaml")
    assert entry
    assert (entry.is_file, entry.size) == (True, len("deploy/k8s/b/c/3.yaml"))
    assert trees(proxy)[4:] == [sha(clone, "deploy/k8s/b"), sha(clone, "deploy/k8s/b/c")]
    assert listing.entry("gone/x") is None


def test_a_path_that_leads_through_no_folder_costs_nothing(
    faulty: GitHub, repository: Repository, proxy: Proxy, server: LocalGitHub, commit: str
) -> None:
    proxy.play("recursive", cut_short(server, commit))
    listing = Listing(faulty, repository, commit)
    assert listing.entry("README.md/x/y") is None
    assert listing.below("README.md", recurse=True) == {}
    assert listing.below("README.md", recurse=False) == {}
    assert listing.below("gone/away", recurse=True) == {}
    assert len(proxy.seen) == 2


def test_the_next_application_asks_for_nothing_that_is_known(
    faulty: GitHub, repository: Repository, proxy: Proxy, commit: str
) -> None:
    whole = Listing(faulty, repository, commit).below("", recurse=True)
    assert Listing(faulty, repository, commit).below("", recurse=True) == whole
    assert len(proxy.seen) == 1


def test_another_repository_has_lists_of_its_own(
    faulty: GitHub, repository: Repository, proxy: Proxy, commit: str
) -> None:
    Listing(faulty, repository, commit)
    with pytest.raises(SourceError, match="GitHub knows nothing at GET /repos/acme/other/git/trees"):
        Listing(faulty, Repository(repository.host, "acme/other"), commit)


def test_a_repository_that_was_too_large_is_not_asked_for_whole_again(
    faulty: GitHub, repository: Repository, proxy: Proxy, server: LocalGitHub, clone: Clone, commit: str
) -> None:
    server.most_tree_entries = 8  # the whole has 15, `deploy/k8s` has 7
    assert set(Listing(faulty, repository, commit).below("deploy/k8s", recurse=True)) == K8S
    assert trees(proxy)[:2] == [f"{commit}?recursive=1", commit]
    del proxy.seen[:]
    later = clone.commit("second", {"docs/x/y.md": "changed"})
    clone.push("main")
    assert set(Listing(faulty, repository, later).below("deploy/k8s", recurse=True)) == K8S
    assert trees(proxy) == [later], "the folders are as they were"
    del proxy.seen[:]
    CUT.clear()
    latest = clone.commit("third", {"deploy/k8s/web.yaml": "changed"})
    clone.push("main")
    assert set(Listing(faulty, repository, latest).below("deploy/k8s", recurse=True)) == K8S
    assert trees(proxy)[:2] == [f"{latest}?recursive=1", latest], "once it is forgotten, it is tried again"
    assert len(proxy.seen) == 4


def test_a_branch_that_is_smaller_than_one_that_was_too_large_is_listed_whole(
    faulty: GitHub, repository: Repository, proxy: Proxy, server: LocalGitHub, clone: Clone, commit: str
) -> None:
    large = clone.commit("large", {f"large/{number}/x.yaml": str(number) for number in range(20)})
    clone.push("HEAD:large")
    server.most_tree_entries = 45
    Listing(faulty, repository, large).below("deploy/k8s", recurse=True)
    clone.git("reset", "-q", "--hard", commit)
    small = clone.commit("small", {f"few/{number}/x.yaml": f"few {number}" for number in range(7)})
    clone.push("main")
    del proxy.seen[:]
    listing = Listing(faulty, repository, small)
    for number in range(7):
        assert listing.entry(f"few/{number}/x.yaml")
    assert set(listing.below("deploy/k8s", recurse=True)) == K8S
    few = [sha(clone, "few"), *(sha(clone, f"few/{number}") for number in range(3))]
    assert trees(proxy) == [small, *few, f"{small}?recursive=1"], "a hint, which is given up where it costs more"


def test_a_hint_that_is_still_right_costs_one_request(
    faulty: GitHub, repository: Repository, proxy: Proxy, server: LocalGitHub, clone: Clone, commit: str
) -> None:
    large = clone.commit("large", {f"large/{number}/x.yaml": str(number) for number in range(20)})
    clone.push("main")
    server.most_tree_entries = 45
    Listing(faulty, repository, large)
    later = clone.commit("later", {f"large/{number}/x.yaml": f"later {number}" for number in range(10)})
    clone.push("main")
    del proxy.seen[:]
    listing = Listing(faulty, repository, later)
    assert all(listing.entry(f"large/{number}/x.yaml") for number in range(10))
    assert set(listing.below("large", recurse=True)) >= {f"{number}/x.yaml" for number in range(20)}
    whole = sorted(one for one in trees(proxy) if "recursive" in one)
    assert whole == sorted([f"{later}?recursive=1", f"{sha(clone, 'large')}?recursive=1"])


def test_a_folder_whose_files_were_asked_for_is_listed_with_all_below_at_once(
    faulty: GitHub, repository: Repository, proxy: Proxy, server: LocalGitHub, clone: Clone, commit: str
) -> None:
    names = {f"{number}/x.yaml" for number in range(MAX_LISTINGS + 20)}
    many = clone.commit("many", {f"many/{name}": name for name in names})
    clone.push("main")
    proxy.play("recursive", cut_short(server, many))
    listing = Listing(faulty, repository, many)
    assert listing.entry("many/.argocd-source.yaml") is None
    assert set(listing.below("many", recurse=True)) >= names
    assert set(listing.below("many", recurse=True)) >= names
    tree = sha(clone, "many")
    assert trees(proxy) == [f"{many}?recursive=1", many, tree, f"{tree}?recursive=1"]


def test_a_folder_that_cannot_be_listed_whole_is_an_error(
    faulty: GitHub, repository: Repository, proxy: Proxy, server: LocalGitHub, clone: Clone, commit: str
) -> None:
    proxy.play("recursive", cut_short(server, commit))
    proxy.play(sha(clone, "deploy"), cut_short(server, sha(clone, "deploy")))
    listing = Listing(faulty, repository, commit)
    with pytest.raises(
        SourceError, match=f"acme/web at {commit[:7]}: GitHub cannot list all of the folder deploy: split"
    ):
        listing.below("deploy/k8s", recurse=True)


def entries(number: int, **other: Any) -> list[dict[str, Any]]:
    one = {"mode": "100644", "type": "blob", "size": 1}
    return [{"path": f"file-{at}.yaml", "sha": f"{at:040x}", **one, **other} for at in range(number)]


def test_more_entries_than_memory_should_hold_are_an_error(
    faulty: GitHub, repository: Repository, proxy: Proxy, commit: str
) -> None:
    proxy.play("trees", Answer(200, {"tree": entries(MAX_ENTRIES + 1), "truncated": False}))
    with pytest.raises(SourceError, match=r"has more than 200,000 files and folders around \.: point the application"):
        Listing(faulty, repository, commit)


def test_more_requests_than_fair_are_an_error(
    faulty: GitHub, repository: Repository, proxy: Proxy, commit: str
) -> None:
    folders = entries(MAX_LISTINGS, mode="040000", type="tree")
    proxy.play("trees", Answer(200, {"tree": [], "truncated": True}))
    proxy.play("trees", Answer(200, {"tree": folders, "truncated": False}))
    proxy.play("trees", *[Answer(200, {"tree": [], "truncated": False})] * MAX_LISTINGS)
    listing = Listing(faulty, repository, commit)
    with pytest.raises(SourceError, match="more than 100 requests would be needed to list it: point the application's"):
        listing.below("", recurse=True)
    assert len(proxy.seen) == MAX_LISTINGS


@pytest.mark.parametrize(
    "answer",
    [
        {"truncated": False},
        {"tree": []},
        {"tree": {}, "truncated": False},
        {"tree": [{}], "truncated": False},
        {"tree": entries(1, sha="x"), "truncated": False},
        {"tree": entries(1, size=None), "truncated": False},
    ],
)
def test_an_answer_that_is_no_list_is_told(
    faulty: GitHub, repository: Repository, proxy: Proxy, commit: str, answer: object
) -> None:
    proxy.play("trees", Answer(200, answer))
    with pytest.raises(SourceError, match=r"GitHub's answer to GET /repos/acme/web/git/trees/.* as it is documented"):
        Listing(faulty, repository, commit)
