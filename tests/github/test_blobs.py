"""The content of files, in few requests and exactly."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import pytest

from deployer.errors import SourceError
from deployer.github.blobs import MAX_TEXT, QUERY_BYTES, QUERY_FILES, REFUSED, Wanted, divide, query_of
from deployer.github.client import GitHub
from deployer.github.files import CommitTree, read_tree
from deployer.github.transport import PARALLEL
from deployer.http import Timeouts
from deployer.repository import Repository
from deployer.retry import ATTEMPTS
from local.github import GitHub as LocalGitHub
from tests.faults.proxy import Answer, Cut, Fault, Proxy, Silent
from tests.local.github.helpers import TOKEN, Clone

FILES = {"a.yaml": "a: 1\n", "b.yaml": "b: 2\n", "c.yaml": "c: 3\n"}
CONTENT = {name: text.encode() for name, text in FILES.items()}
QUERY = "POST /api/graphql"
REST = "GET /api/v3/repos/acme/web/git/blobs/"
AT_ONCE = {"Retry-After": "0"}


@pytest.fixture
def commit(clone: Clone) -> str:
    commit = clone.commit("first", FILES)
    clone.push("main")
    return commit


@pytest.fixture
def tree(faulty: GitHub, repository: Repository, commit: str, proxy: Proxy) -> CommitTree:
    """Listed already; what the proxy sees from now on is about files."""
    tree = read_tree(faulty, repository, commit)
    tree.entry("a.yaml")
    del proxy.seen[:]
    return tree


def sha(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def wanted(*sizes: int) -> list[Wanted]:
    return [Wanted(f"{number}.yaml", f"{number:040x}", size) for number, size in enumerate(sizes)]


def asked(proxy: Proxy) -> list[str]:
    """What was asked for: a query, or a file of the REST API."""
    return ["query" if one.method == "POST" else "rest" for one in proxy.seen]


def told(contents: Mapping[str, str | None]) -> Answer:
    """GitHub's answer to the query for the three files, by name of the blob in it."""
    blobs = {name: None if text is None else {"text": text} for name, text in contents.items()}
    return Answer(200, {"data": {"repository": blobs}})


@pytest.mark.parametrize(
    ("sizes", "queries", "others"),
    [
        ([], [], []),
        ([5], [], [5]),
        ([5, 6], [[5, 6]], []),
        ([MAX_TEXT, MAX_TEXT + 1, 7], [[MAX_TEXT, 7]], [MAX_TEXT + 1]),
        ([MAX_TEXT + 1, 7], [], [MAX_TEXT + 1, 7]),
        ([MAX_TEXT + 1] * 3, [], [MAX_TEXT + 1] * 3),
        ([1] * (QUERY_FILES + 1), [[1] * QUERY_FILES, [1]], []),
        ([MAX_TEXT] * 5, [[MAX_TEXT] * (QUERY_BYTES // MAX_TEXT), [MAX_TEXT]], []),
        ([0, 0], [[0, 0]], []),
    ],
)
def test_who_is_asked_for_what(sizes: list[int], queries: list[list[int]], others: list[int]) -> None:
    found = divide(wanted(*sizes))
    assert [[one.size for one in batch] for batch in found[0]] == queries
    assert [one.size for one in found[1]] == others


def test_a_query_names_each_blob_by_its_id() -> None:
    assert query_of(wanted(1, 1)) == (
        "query ($owner: String!, $name: String!) { repository(owner: $owner, name: $name) { "
        f'b0: object(oid: "{"0" * 40}") {{ ...content }} b1: object(oid: "{"0" * 39}1") {{ ...content }} }} }} '
        "fragment content on Blob { text }"
    )


def test_many_files_take_a_query_for_each_hundred(
    faulty: GitHub, repository: Repository, clone: Clone, proxy: Proxy
) -> None:
    files = {f"{number}.yaml": f"number: {number}\n" for number in range(250)}
    commit = clone.commit("many", files)
    clone.push("main")
    found = read_tree(faulty, repository, commit).read(files)
    assert found == {name: text.encode() for name, text in files.items()}
    assert asked(proxy) == ["rest", "query", "query", "query"], "the first one is the tree"


@pytest.mark.parametrize(
    ("content", "exact"),
    [
        (b"", True),
        (b"a: 1\r\nb: 2\r\n", True),
        (b"\xef\xbb\xbfa: 1\n", True),
        ('a: "\\u0000 \u2028 \U0001f600 \x7f\t"'.encode(), True),
        (b"no line end", True),
        (b"a: 1\n" * (MAX_TEXT // 5), True),
        (b"a: 1\n" * (MAX_TEXT // 5) + b"\n", False),
        (b"caf\xe9", False),
        (b"\xed\xa0\x80", False),
        (b"\xff\xfea\0:\0 \x001\0", False),
        (b"\x7fELF\0\1\2", False),
    ],
    ids=["empty", "crlf", "bom", "odd", "no end", "large", "too large", "latin-1", "surrogate", "utf-16", "binary"],
)
def test_each_file_comes_exactly(
    faulty: GitHub, repository: Repository, clone: Clone, proxy: Proxy, content: bytes, exact: bool
) -> None:
    (clone.folder / "x").write_bytes(content)
    (clone.folder / ".gitattributes").write_text("* -text\n")
    commit = clone.commit("first", FILES)
    clone.push("main")
    assert read_tree(faulty, repository, commit).read([*FILES, "x"]) == {**CONTENT, "x": content}
    assert sorted(asked(proxy)[1:]) == (["query"] if exact else ["query", "rest"])
    assert not REFUSED


def test_one_file_takes_no_query(tree: CommitTree, proxy: Proxy) -> None:
    assert tree.read(["a.yaml"]) == {"a.yaml": CONTENT["a.yaml"]}
    assert asked(proxy) == ["rest"]


@pytest.mark.parametrize(
    "fault",
    [
        Answer(404, {"message": "Not Found"}),
        Answer(403, {"message": "Resource not accessible by personal access token"}),
        Answer(405, b"<html>not here</html>"),
        Answer(200, b"<html>a proxy's page</html>"),
        Answer(200, {"errors": [{"message": "Field 'object' doesn't exist on type 'Repository'"}]}),
        Answer(200, {"data": {"repository": None}}),
        Answer(
            200,
            {
                "data": {"repository": {"b0": None}},
                "errors": [{"type": "FORBIDDEN", "path": ["repository", "b0"], "message": "no"}],
            },
        ),
    ],
    ids=["404", "403", "405", "a page", "another schema", "no repository", "errors beside data"],
)
def test_where_graphql_refuses_the_rest_api_is_asked_and_for_a_while_at_once(
    faulty: GitHub, repository: Repository, tree: CommitTree, proxy: Proxy, clone: Clone, fault: Fault
) -> None:
    proxy.play(QUERY, fault)
    assert tree.read(FILES) == CONTENT
    assert asked(proxy) == ["query", "rest", "rest", "rest"]
    later = clone.commit("second", {"a.yaml": "new", "b.yaml": "newer"})
    clone.push("main")
    del proxy.seen[:]
    assert read_tree(faulty, repository, later).read(FILES) == {**CONTENT, "a.yaml": b"new", "b.yaml": b"newer"}
    assert asked(proxy) == ["rest", "rest", "rest"], "the tree, and two files"
    REFUSED.clear()
    latest = clone.commit("third", {"a.yaml": "3", "b.yaml": "4"})
    clone.push("main")
    del proxy.seen[:]
    read_tree(faulty, repository, latest).read(FILES)
    assert asked(proxy) == ["rest", "query"]


def test_one_query_of_several_that_fails_is_no_refusal(
    faulty: GitHub, repository: Repository, clone: Clone, proxy: Proxy
) -> None:
    files = {f"{number}.yaml": f"number: {number}\n" for number in range(QUERY_FILES + 5)}
    commit = clone.commit("many", files)
    clone.push("main")
    proxy.play(QUERY, Answer(403, {"message": "no"}))
    found = read_tree(faulty, repository, commit).read(files)
    assert found == {name: text.encode() for name, text in files.items()}
    assert asked(proxy).count("query") == 2
    assert not REFUSED


def test_a_query_that_fails_is_sent_again_first(tree: CommitTree, proxy: Proxy) -> None:
    proxy.play(QUERY, Answer(502, b"<html>", AT_ONCE))
    assert tree.read(FILES) == CONTENT
    assert asked(proxy) == ["query", "query"]


@pytest.mark.parametrize(
    "fault",
    [
        Answer(502, b"<html>", AT_ONCE),
        Answer(200, {"errors": [{"message": "Something went wrong while executing your query."}]}, AT_ONCE),
    ],
    ids=["502", "too much for it"],
)
def test_a_fault_of_graphql_that_may_pass_does_not_turn_it_off(tree: CommitTree, proxy: Proxy, fault: Fault) -> None:
    with proxy.always(QUERY, fault):
        assert tree.read(FILES) == CONTENT
    assert asked(proxy)[-3:] == ["rest"] * 3
    assert not REFUSED


def test_a_query_without_text_beside_one_that_fails_is_no_refusal(
    faulty: GitHub, repository: Repository, clone: Clone, proxy: Proxy
) -> None:
    contents = {f"{number:03}": b"\xff%d" % number for number in range(QUERY_FILES + 5)}
    for name, content in contents.items():
        (clone.folder / name).write_bytes(content)
    commit = clone.commit("binary", {})
    clone.push("main")
    proxy.play(QUERY, Answer(403, {"message": "no"}))
    assert read_tree(faulty, repository, commit).read(contents) == contents
    assert not REFUSED


def test_where_nobody_answers_what_is_left_is_not_sent(
    server: LocalGitHub, repository: Repository, clone: Clone, proxy: Proxy
) -> None:
    files = {f"{number}.yaml": f"{number}" + "a: 1\n" * (MAX_TEXT // 5 - 2) for number in range(4 * (PARALLEL + 4))}
    commit = clone.commit("many", files)
    clone.push("main")
    with GitHub(f"{proxy.url}/api/v3", TOKEN, Timeouts(read=0.5)) as github:
        tree = read_tree(github, repository, commit)
        tree.entry("0.yaml")
        del proxy.seen[:]
        with proxy.always(QUERY, Silent()), pytest.raises(SourceError, match=r"silent for 0\.5 s"):
            tree.read(files)
    assert len(proxy.seen) == ATTEMPTS * PARALLEL


def test_what_graphql_leaves_out_or_has_wrong_is_asked_for_by_itself(tree: CommitTree, proxy: Proxy) -> None:
    names = {sha(text): name for name, text in CONTENT.items()}
    proxy.play(QUERY, told({"b0": FILES["a.yaml"], "b1": None, "b2": "another file"}))
    assert tree.read(FILES) == CONTENT
    assert asked(proxy) == ["query", "rest", "rest"]
    left = {names[one.path.rpartition("/")[2]] for one in proxy.seen[1:]}
    assert left == {"b.yaml", "c.yaml"}
    assert not REFUSED


@pytest.mark.parametrize("blob", ["text", {"text": 1}, {"oid": "x"}, [1]])
def test_an_answer_that_is_not_as_documented_is_not_believed(tree: CommitTree, proxy: Proxy, blob: object) -> None:
    proxy.play(QUERY, Answer(200, {"data": {"repository": {"b0": blob, "b1": {"text": "\ud800"}}}}))
    assert tree.read(FILES) == CONTENT
    assert asked(proxy) == ["query", "rest", "rest", "rest"]


def test_content_that_is_wrong_in_both_is_refused(tree: CommitTree, proxy: Proxy) -> None:
    proxy.play(QUERY, told({"b0": "evil", "b1": FILES["b.yaml"], "b2": FILES["c.yaml"]}))
    proxy.play(REST, Answer(200, {"content": "ZXZpbA==", "encoding": "base64"}))
    with pytest.raises(SourceError, match=r"acme/web at .{7}: what GitHub sent for a\.yaml is not that file"):
        tree.read(FILES)
    assert tree.read(FILES) == CONTENT, "nothing wrong is kept"


def test_too_many_requests_are_not_answered_with_more_of_them(tree: CommitTree, proxy: Proxy) -> None:
    told = {"message": "You have exceeded a secondary rate limit."}
    proxy.play(QUERY, *[Answer(403, told, {"Retry-After": "60"})] * 4)
    with pytest.raises(SourceError, match="rate limit") as raised:
        tree.read(FILES)
    assert raised.value.retry_after == 60
    assert set(asked(proxy)) == {"query"}
    assert not REFUSED


def test_points_that_are_used_up_leave_the_rest_api(tree: CommitTree, proxy: Proxy) -> None:
    error = {"type": "RATE_LIMITED", "message": "API rate limit exceeded for user ID 1."}
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "9999999999"}
    proxy.play(QUERY, Answer(200, {"errors": [error]}, headers))
    assert tree.read(FILES) == CONTENT
    assert asked(proxy) == ["query", "rest", "rest", "rest"]


def test_where_nobody_is_the_rest_api_is_not_asked(tree: CommitTree, proxy: Proxy) -> None:
    told = r"GitHub cannot be reached at .* POST /api/graphql"
    with proxy.always(QUERY, Cut()), pytest.raises(SourceError, match=told):
        tree.read(FILES)
    assert set(asked(proxy)) == {"query"}
    assert not REFUSED


def test_a_repository_that_was_renamed_meanwhile_is_still_read(tree: CommitTree, server: LocalGitHub) -> None:
    server.rename("acme/web", "acme/shop")
    assert tree.read(FILES) == CONTENT


@pytest.mark.parametrize("how", ["deleted", "made private"])
def test_a_repository_that_is_gone_meanwhile_is_told_with_two_requests(
    tree: CommitTree, server: LocalGitHub, proxy: Proxy, how: str
) -> None:
    if how == "deleted":
        server.delete("acme/web")
    else:
        server.restrict(TOKEN, [])
    with pytest.raises(
        SourceError,
        match=r"acme/web at .{7}: c\.yaml cannot be read, as if the repository had been deleted, renamed or made "
        r"private: GitHub knows nothing at GET /repos/acme/web/git/blobs/.* check repoURL",
    ) as raised:
        tree.read(FILES)
    assert raised.value.status == 404
    assert asked(proxy) == ["query", "rest"]
    assert not REFUSED


def test_a_fault_that_may_pass_says_so(tree: CommitTree, proxy: Proxy) -> None:
    proxy.play(REST, *[Answer(503, {"message": "busy"}, AT_ONCE)] * 4)
    with pytest.raises(SourceError, match=r"a\.yaml cannot be read: GitHub answered 503") as raised:
        tree.read(["a.yaml"])
    assert (raised.value.transient, raised.value.retry_after) == (True, 0)


def test_another_repository_is_asked_by_graphql_all_the_same(
    faulty: GitHub, tree: CommitTree, proxy: Proxy, server: LocalGitHub, tmp_path: Path
) -> None:
    proxy.play(QUERY, Answer(404, {"message": "Not Found"}))
    tree.read(FILES)
    other = Clone(tmp_path / "other", f"{server.git_url}/acme/other.git")
    commit = other.commit("first", FILES)
    other.push("main")
    del proxy.seen[:]
    assert read_tree(faulty, Repository(faulty.host, "acme/other"), commit).read(FILES) == CONTENT
    assert asked(proxy) == ["rest", "query"]
