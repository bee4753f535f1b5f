"""What GitHub has answered already: it is asked every time, and what has not changed is free."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from deployer.errors import SourceError
from deployer.github.client import GitHub
from deployer.github.credentials import Token
from deployer.github.files import read_tree
from deployer.github.known import ANSWERS, MAX_ANSWER, Known, keep, recall
from deployer.github.revision import resolve
from deployer.github.statuses import read_statuses
from deployer.github.transport import PARALLEL
from deployer.repository import Repository
from deployer.retry import ATTEMPTS
from local.github import GitHub as LocalGitHub
from tests.faults.proxy import Answer, Cut, Proxy
from tests.local.github.helpers import TOKEN, Clone

OTHER = "ghp_other"
MARKED = {"ETag": 'W/"1"'}


@pytest.fixture
def commit(clone: Clone) -> str:
    commit = clone.commit("first", {"a": "1"})
    clone.push("main")
    return commit


def went(proxy: Proxy) -> list[tuple[str | None, int]]:
    """The mark that each request had, and the status that came back."""
    return [(one.headers.get("if-none-match"), one.status) for one in proxy.seen]


def test_what_has_not_changed_is_free(
    server: LocalGitHub, faulty: GitHub, repository: Repository, proxy: Proxy, commit: str
) -> None:
    server.statuses.add("acme/web", commit, {"state": "success", "context": "deployer/shop", "description": "größer"})
    first = resolve(faulty, repository, "main"), read_statuses(faulty, repository, commit, "deployer/shop")
    used = server.limits.primary.used
    for _ in range(3):
        assert (
            resolve(faulty, repository, "main"),
            read_statuses(faulty, repository, commit, "deployer/shop"),
        ) == first
    assert server.limits.primary.used == used
    assert [status for _, status in went(proxy)] == [200, 200] + [304] * 6
    assert faulty.requests == 8, "each was sent"


def test_what_has_changed_is_seen_at_once(
    server: LocalGitHub, faulty: GitHub, repository: Repository, proxy: Proxy, clone: Clone, commit: str
) -> None:
    assert resolve(faulty, repository, "main") == commit
    assert read_statuses(faulty, repository, commit, "deployer/shop") == ()
    newer = clone.commit("second", {"a": "2"})
    clone.push("main")
    server.statuses.add("acme/web", commit, {"state": "success", "context": "deployer/shop"})
    assert resolve(faulty, repository, "main") == newer
    assert len(read_statuses(faulty, repository, commit, "deployer/shop")) == 1
    clone.push("--force", f"{commit}:refs/heads/main")
    assert resolve(faulty, repository, "main") == commit
    assert [status for _, status in went(proxy)] == [200] * 5


def test_a_ref_that_is_gone_is_gone(faulty: GitHub, repository: Repository, clone: Clone, commit: str) -> None:
    clone.push("main:preview")
    assert resolve(faulty, repository, "preview") == commit
    clone.push(":preview")
    with pytest.raises(SourceError, match="no branch or tag preview"):
        resolve(faulty, repository, "preview")


def test_one_process_knows_what_each_of_its_connections_was_told(proxy: Proxy, commit: str) -> None:
    for _ in range(2):
        with GitHub(f"{proxy.url}/api/v3", TOKEN) as github:
            github.request("GET", "/repos/acme/web")
    assert [status for _, status in went(proxy)] == [200, 304]


def test_what_one_token_was_told_is_nothing_to_another(server: LocalGitHub, proxy: Proxy, commit: str) -> None:
    server.tokens.add(OTHER, scopes=("repo",))
    for token in (TOKEN, OTHER, TOKEN):
        with GitHub(f"{proxy.url}/api/v3", token) as github:
            github.request("GET", "/repos/acme/web")
    assert [bool(mark) for mark, _ in went(proxy)] == [False, False, True]


def test_a_token_that_is_refused_gets_no_answer_that_is_known(
    server: LocalGitHub, proxy: Proxy, repository: Repository, commit: str
) -> None:
    with GitHub(f"{proxy.url}/api/v3", Token(TOKEN, lambda: OTHER)) as github:
        assert resolve(github, repository, "main") == commit
        proxy.play("GET ", Answer(401, {"message": "Bad credentials"}))
        with pytest.raises(SourceError, match="refused the token"):
            resolve(github, repository, "main")
        server.tokens.add(OTHER, scopes=("repo",))
        assert resolve(github, repository, "main") == commit
    marks = went(proxy)
    assert [status for _, status in marks] == [200, 401, 401, 200]
    assert [bool(mark) for mark, _ in marks] == [False, True, False, False]


def test_a_file_is_kept_by_what_it_holds_and_not_here_too(github: GitHub, repository: Repository, commit: str) -> None:
    tree = read_tree(github, repository, resolve(github, repository, "main"))
    assert tree.read(["a"]) == {"a": b"1"}
    assert [address.rpartition("/git/")[2] for _, address in ANSWERS] == ["ref/heads/main"]


def test_an_answer_that_was_cut_is_not_kept(faulty: GitHub, proxy: Proxy, commit: str) -> None:
    proxy.play("GET ", Cut(after=20))
    assert faulty.request("GET", "/repos/acme/web").text("full_name") == "acme/web"
    faulty.request("GET", "/repos/acme/web")
    assert [bool(mark) for mark, _ in went(proxy)] == [False, False, True]


@pytest.mark.parametrize(("status", "times"), [(404, 1), (403, 1), (500, ATTEMPTS)])
def test_a_refusal_is_not_kept_and_takes_nothing_away(
    faulty: GitHub, proxy: Proxy, commit: str, status: int, times: int
) -> None:
    faulty.request("GET", "/repos/acme/web")
    headers = {**MARKED, "Retry-After": "0"} if status == 500 else MARKED
    proxy.play("GET ", *[Answer(status, {"message": "no"}, headers)] * times)
    with pytest.raises(SourceError, match=str(status)):
        faulty.request("GET", "/repos/acme/web")
    faulty.request("GET", "/repos/acme/web")
    assert went(proxy)[-1] == (went(proxy)[1][0], 304)


def test_an_answer_without_a_mark_is_asked_for_again(faulty: GitHub, proxy: Proxy, commit: str) -> None:
    proxy.play("GET ", *[Answer(200, {"full_name": name}) for name in ("one", "two")])
    assert [faulty.request("GET", "/repos/acme/web").text("full_name") for _ in range(2)] == ["one", "two"]
    assert went(proxy) == [(None, 200), (None, 200)]


def test_nothing_that_is_unchanged_without_having_been_asked_for_so_is_believed(faulty: GitHub, proxy: Proxy) -> None:
    proxy.play("GET ", Answer(304, b"", MARKED))
    with pytest.raises(SourceError, match="GitHub answered 304 to GET /x"):
        faulty.request("GET", "/x")


def test_a_redirect_leads_to_what_is_known_there(faulty: GitHub, proxy: Proxy, commit: str) -> None:
    for name in ("old", "older"):
        proxy.play(
            f"/repos/acme/{name}", *[Answer(301, headers={"Location": f"{proxy.url}/api/v3/repos/acme/web"})] * 2
        )
        assert faulty.request("GET", f"/repos/acme/{name}").text("full_name") == "acme/web"
    assert [(one.path.rpartition("/")[2], one.status) for one in proxy.seen] == [
        *(("old", 301), ("web", 200)),
        *(("older", 301), ("web", 304)),
    ]


def test_a_write_is_never_asked_whether_it_still_holds(faulty: GitHub, proxy: Proxy, commit: str) -> None:
    path = f"/repos/acme/web/statuses/{commit}"
    faulty.request_list(path)
    faulty.request("POST", path, {"state": "success", "context": "x"})
    assert went(proxy) == [(None, 200), (None, 201)]
    assert len(faulty.request_list(path)) == 1


def test_threads_share_what_is_known(faulty: GitHub, repository: Repository, proxy: Proxy, commit: str) -> None:
    resolve(faulty, repository, "main")
    with ThreadPoolExecutor(PARALLEL) as pool:
        found = set(pool.map(lambda _: resolve(faulty, repository, "main"), range(3 * PARALLEL)))
    assert found == {commit}
    assert [status for _, status in went(proxy)[1:]] == [304] * 3 * PARALLEL


def test_it_holds_only_so_much() -> None:
    text = "x" * (MAX_ANSWER - 2_000)
    for number in range(20):
        keep("token t", f"https://api.github.com/{number}", '"1"', text)
    assert 7 <= len(ANSWERS) < 10
    assert ANSWERS.currsize <= ANSWERS.maxsize
    assert recall("token t", "https://api.github.com/19") == Known('"1"', text)
    assert recall("token t", "https://api.github.com/0") is None


@pytest.mark.parametrize("etag", [None, "", "1", '"two words"', '"x\r\nHost: y"', f'"{"x" * 201}"', '"\xe9"'])
def test_a_mark_that_is_none_is_not_sent_back(etag: str | None) -> None:
    keep("token t", "https://api.github.com/x", etag, "{}")
    assert recall("token t", "https://api.github.com/x") is None


def test_an_answer_that_is_too_large_is_not_kept() -> None:
    keep("token t", "https://api.github.com/x", '"1"', "x" * MAX_ANSWER)
    keep("token t", "https://api.github.com/y", '"1"', "\U0001f600" * (MAX_ANSWER // 4))
    assert len(ANSWERS) == 0


def test_no_token_is_kept() -> None:
    keep("token t0ken-value", "https://api.github.com/x", '"1"', "{}")
    assert "t0ken-value" not in repr(dict(ANSWERS))
