"""Which commit a range of versions is, as the tags are now."""

import time

import pytest

from deployer.errors import SourceError
from deployer.github.client import GitHub
from deployer.github.revision import LAG, Ref, find_ref, resolve, resolve_after_push
from deployer.repository import Repository
from local.github import GitHub as LocalGitHub
from tests.faults.proxy import Answer, Proxy
from tests.github.test_revision import later
from tests.local.github.helpers import Clone

ZEROS = "0" * 40
TAGS = "git/matching-refs/tags"


def tag(clone: Clone, name: str, *options: str) -> str:
    """Commit something, tag it, and return the commit."""
    commit = clone.commit(name, {"a": name})
    clone.git("tag", *options, name)
    return commit


@pytest.fixture
def commits(clone: Clone) -> dict[str, str]:
    names = ["v1.0.0", "v1.1.0", "v1.2.0-rc.1", "v1.10.0", "v1.9.0", "2.0.0", "latest"]
    commits = {name: tag(clone, name) for name in names}
    commits["v1.10.1"] = tag(clone, "v1.10.1", "-a", "-m", "signed")
    clone.git("branch", "1.x", "v1.0.0")
    clone.git("branch", "9.x", "v1.1.0")
    clone.push("--all")
    clone.push("--tags")
    return commits


@pytest.mark.parametrize(
    ("target_revision", "name"),
    [
        ("^1.2", "v1.10.1"),
        ("~1.10.0", "v1.10.1"),
        ("1.x", "v1.10.1"),
        ("<1.10.1", "v1.10.0"),
        (">=1 <1.9", "v1.1.0"),
        (">=1.1-0 <1.9", "v1.2.0-rc.1"),
        ("1.0 - 1.9", "v1.9.0"),
        ("*", "2.0.0"),
        ("^3 || ^2", "2.0.0"),
    ],
)
def test_a_range_is_the_newest_tag_that_fits(
    github: GitHub, repository: Repository, commits: dict[str, str], target_revision: str, name: str
) -> None:
    assert resolve(github, repository, target_revision) == commits[name]


def test_a_range_costs_one_request_and_one_more_for_an_annotated_tag(
    github: GitHub, repository: Repository, commits: dict[str, str]
) -> None:
    resolve(github, repository, "^2")
    assert github.requests == 1
    resolve(github, repository, "^1.2")
    assert github.requests == 3


def test_the_tag_is_found_with_its_full_name(
    github: GitHub, repository: Repository, clone: Clone, commits: dict[str, str]
) -> None:
    assert find_ref(github, repository, "^1") == Ref("refs/tags/v1.10.1", "tag", clone.git("rev-parse", "v1.10.1"))


def test_a_branch_of_the_tags_name_is_not_taken_for_it(
    github: GitHub, repository: Repository, clone: Clone, commits: dict[str, str]
) -> None:
    clone.push("v1.0.0:refs/heads/2.0.0")
    assert resolve(github, repository, "^2") == commits["2.0.0"]


def test_where_no_tag_fits_a_range_is_a_name_like_any_other(
    github: GitHub, repository: Repository, clone: Clone, commits: dict[str, str]
) -> None:
    assert resolve(github, repository, "9.x") == commits["v1.1.0"]
    assert resolve(github, repository, "refs/heads/1.x") == commits["v1.0.0"], "the way to say the branch"
    tag(clone, "9.0.0")
    clone.push("9.0.0")
    assert resolve(github, repository, "9.x") == clone.head()


@pytest.mark.parametrize(
    ("target_revision", "why"),
    [
        ("^1.11", r"no tag that fits the range \^1\.11 \(the nearest: v1\.10\.1, 2\.0\.0\): check targetRevision"),
        ("=1.3", r"no tag that fits the range =1\.3 \(the nearest: v1\.2\.0-rc\.1, v1\.9\.0; a prerelease fits only"),
        ("8.x", r"no tag that fits the range 8\.x \(the nearest: 2\.0\.0\)"),
    ],
)
def test_a_range_that_no_tag_fits_is_named_with_the_nearest(
    github: GitHub, repository: Repository, commits: dict[str, str], target_revision: str, why: str
) -> None:
    with pytest.raises(SourceError, match=f"acme/web has {why}") as caught:
        resolve(github, repository, target_revision)
    assert caught.value.status == 404


def test_without_any_version_among_the_tags_that_is_what_is_said(
    github: GitHub, repository: Repository, clone: Clone
) -> None:
    clone.commit("first", {"a": "1"})
    clone.push("main")
    with pytest.raises(SourceError, match=r"range \^1 \(no tag is a version at all\)"):
        resolve(github, repository, "^1")


def test_a_repository_that_is_not_there_is_told_from_a_range(github: GitHub) -> None:
    with pytest.raises(SourceError, match="check repoURL"):
        resolve(github, Repository(github.host, "acme/nothing"), "^1")


def refs(*names: str) -> list[dict[str, object]]:
    return [{"ref": f"refs/{name}", "object": {"type": "commit", "sha": f"{at:040}"}} for at, name in enumerate(names)]


def test_tags_on_several_pages_are_all_read(faulty: GitHub, repository: Repository, proxy: Proxy) -> None:
    proxy.play(rf"{TAGS}.*[?&]page=1(&|$)", Answer(200, refs(*(f"tags/1.0.{number}" for number in range(100)))))
    proxy.play(rf"{TAGS}.*[?&]page=2(&|$)", Answer(200, refs("tags/1.0.100", "tags/1.0.101", "tagsale/1.0.999")))
    assert find_ref(faulty, repository, "1.x").name == "refs/tags/1.0.101"
    assert len(proxy.seen) == 2


def test_a_page_that_comes_again_is_the_last(
    github: GitHub, repository: Repository, clone: Clone, server: LocalGitHub
) -> None:
    # As GitHub does it, which answers with all tags whatever the page; here just as many as a page has.
    commit = clone.commit("first", {"a": "1"})
    clone.git("update-ref", "--stdin", stdin="".join(f"create refs/tags/1.0.{at} {commit}\n" for at in range(100)))
    clone.push("main", "--tags")
    assert find_ref(github, repository, "1.x").name == "refs/tags/1.0.99"
    assert github.requests == 2


def test_more_tags_than_fair_are_an_error(faulty: GitHub, repository: Repository, proxy: Proxy) -> None:
    pages = [refs(*(f"tags/{page}.0.{number}" for number in range(100))) for page in range(101)]
    proxy.play(TAGS, *(Answer(200, page) for page in pages))
    with pytest.raises(SourceError, match=r"acme/web has more than 10,000 tags, .*: name a tag or a branch in target"):
        find_ref(faulty, repository, "1.x")
    assert len(proxy.seen) == 100


@pytest.mark.parametrize("found", [[{}], [{"ref": "refs/tags/1.0.0"}], {}, [1]])
def test_an_answer_that_is_no_list_of_refs_is_told(
    faulty: GitHub, repository: Repository, proxy: Proxy, found: object
) -> None:
    proxy.play(TAGS, Answer(200, found))
    with pytest.raises(SourceError, match=f"GET /repos/acme/web/{TAGS}"):
        resolve(faulty, repository, "^1")


def test_a_new_tag_that_is_not_there_yet_is_waited_for(
    github: GitHub, repository: Repository, clone: Clone, commits: dict[str, str]
) -> None:
    newer = tag(clone, "v1.11.0", "-a", "-m", "signed")
    pushing = later(0.7, clone, "v1.11.0")
    after = clone.git("rev-parse", "v1.11.0")
    assert resolve_after_push(github, repository, "^1", ZEROS, after) == newer
    pushing.join()


def test_the_first_tag_that_fits_is_waited_for(
    github: GitHub, repository: Repository, clone: Clone, commits: dict[str, str]
) -> None:
    newer = tag(clone, "v3.0.0")
    pushing = later(0.7, clone, "v3.0.0")
    assert resolve_after_push(github, repository, "^3", ZEROS, newer) == newer
    pushing.join()


def test_a_new_tag_that_is_not_the_newest_is_not_waited_for(
    github: GitHub, repository: Repository, clone: Clone, commits: dict[str, str]
) -> None:
    older = tag(clone, "v1.3.0")
    clone.push("v1.3.0")
    start = time.monotonic()
    assert resolve_after_push(github, repository, "^1", ZEROS, older) == commits["v1.10.1"]
    assert resolve_after_push(github, repository, "^1", ZEROS) == commits["v1.10.1"]
    assert time.monotonic() - start < LAG


def test_a_moved_tag_is_waited_for(
    github: GitHub, repository: Repository, clone: Clone, commits: dict[str, str]
) -> None:
    moved = clone.commit("moved", {"a": "moved"})
    clone.git("tag", "-f", "2.0.0")
    pushing = later(0.7, clone, "-f", "2.0.0")
    assert resolve_after_push(github, repository, "*", commits["2.0.0"], moved) == moved
    pushing.join()


def test_a_new_tag_that_is_gone_again_is_not_waited_for_for_ever(
    github: GitHub, repository: Repository, commits: dict[str, str]
) -> None:
    start = time.monotonic()
    assert resolve_after_push(github, repository, "^1", ZEROS, "1" * 40) == commits["v1.10.1"]
    assert LAG <= time.monotonic() - start < LAG + 5


def test_a_new_branch_is_there_whatever_it_points_at_by_now(
    github: GitHub, repository: Repository, clone: Clone, commits: dict[str, str]
) -> None:
    start = time.monotonic()
    assert resolve_after_push(github, repository, "refs/heads/1.x", ZEROS, "1" * 40) == commits["v1.0.0"]
    assert resolve_after_push(github, repository, "9.x", ZEROS, "1" * 40) == commits["v1.1.0"]
    assert time.monotonic() - start < LAG
