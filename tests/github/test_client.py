"""The connection to GitHub, and to one that has faults."""

import logging
from pathlib import Path

import pytest

from deployer.errors import ConfigurationError, DeployerError, SecretError, SourceError
from deployer.github.client import GitHub
from deployer.github.credentials import Token
from deployer.repository import Repository
from local.github import GitHub as LocalGitHub
from tests.faults.proxy import Answer, Cut, Proxy
from tests.local.github.helpers import TOKEN, Clone


@pytest.mark.parametrize(
    ("api_url", "host"),
    [
        ("https://api.github.com", "github.com"),
        ("https://API.GitHub.com", "github.com"),
        ("https://api.acme.ghe.com", "acme.ghe.com"),
        ("https://Git.Example.com/api/v3", "git.example.com"),
        ("https://api.example.com/api/v3", "api.example.com"),
        ("https://api.github.com.example.com", "api.github.com.example.com"),
        ("http://127.0.0.1:4321/api/v3", "127.0.0.1:4321"),
    ],
)
def test_the_host_is_where_repositories_are_cloned_from(api_url: str, host: str) -> None:
    assert GitHub(api_url, "t").host == host


def test_requests_are_counted(github: GitHub, clone: Clone) -> None:
    clone.commit("first", {"a": "1"})
    clone.push("main")
    assert github.request("GET", "/repos/acme/web").text("full_name") == "acme/web"
    assert github.requests == 1


def test_a_wrong_token_is_told_and_not_shown(server: LocalGitHub) -> None:
    with pytest.raises(SourceError, match=r"refused the token \(401.*set DEPLOYER_GITHUB_TOKEN") as caught:
        GitHub(server.api_url, "wr0ng-token").request("GET", "/repos/acme/web")
    assert caught.value.status == 401
    assert "wr0ng-token" not in str(caught.value)


def test_a_token_that_was_exchanged_is_read_anew_once(server: LocalGitHub, clone: Clone) -> None:
    clone.commit("first", {"a": "1"})
    clone.push("main")
    tokens = ["another-one", TOKEN]
    with GitHub(server.api_url, Token("expired-token", lambda: tokens.pop())) as github:
        assert github.request("GET", "/repos/acme/web").text("full_name") == "acme/web"
        assert github.request("GET", "/repos/acme/web").text("full_name") == "acme/web"
        assert github.requests == 3
        assert tokens == ["another-one"]


def test_a_token_that_is_still_wrong_is_not_read_again_and_again(server: LocalGitHub) -> None:
    tokens = ["wr0ng-token"] * 3
    with GitHub(server.api_url, Token("wr0ng-token", lambda: tokens.pop())) as github:
        for _ in range(2):
            with pytest.raises(SourceError, match="refused the token"):
                github.request("GET", "/repos/acme/web")
        assert github.requests == 2
    assert len(tokens) == 2


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (SecretError("secret s: Secret Manager cannot be reached", transient=True), "secret s: Secret Manager cannot"),
        (None, "GitHub's token holds a character that no token has"),
    ],
)
def test_a_token_that_cannot_be_read_anew_is_told_and_not_read_again(
    server: LocalGitHub, error: DeployerError | None, said: str
) -> None:
    asked: list[str] = []

    def renew() -> str:
        asked.append("again")
        if error:
            raise error
        return "tw0 words"

    with GitHub(server.api_url, Token("wr0ng-token", renew)) as github:
        with pytest.raises(SourceError) as caught:
            github.request("GET", "/repos/acme/web")
        assert str(caught.value).startswith(f"GitHub refused the token (401), and it cannot be read anew: {said}")
        assert (caught.value.status, caught.value.transient) == (401, False)
        assert "tw0 words" not in str(caught.value)
        with pytest.raises(SourceError, match="set DEPLOYER_GITHUB_TOKEN"):
            github.request("GET", "/repos/acme/web")
        assert github.requests == 2
    assert asked == ["again"]


def test_what_github_does_not_know_is_named(github: GitHub) -> None:
    with pytest.raises(SourceError, match=r"GET /repos/acme/nothing \(404\).*check repoURL") as caught:
        github.request("GET", "/repos/acme/nothing")
    assert caught.value.status == 404


def test_a_refusal_is_told_in_githubs_words(github: GitHub, clone: Clone) -> None:
    clone.commit("first", {"a": "1"})
    clone.push("main")
    with pytest.raises(SourceError, match="GitHub answered 422 to POST /repos/acme/web/statuses/") as caught:
        github.request("POST", f"/repos/acme/web/statuses/{'1' * 40}", {"state": "success"})
    assert caught.value.status == 422


@pytest.mark.parametrize("token", ["", "two words", "ghp_x\n", "ghp_\xe9", "ghp_\u2026", "a\x00"])
def test_a_token_that_cannot_be_sent_is_told_and_not_shown(token: str) -> None:
    with pytest.raises(ConfigurationError, match=r"a character that no token has.*set DEPLOYER_GITHUB_TOKEN") as caught:
        GitHub("https://api.github.com", token)
    assert not token or token not in str(caught.value)


def test_faults_that_pass_are_not_noticed(faulty: GitHub, proxy: Proxy, clone: Clone) -> None:
    clone.commit("first", {"a": "1"})
    clone.push("main")
    proxy.play("GET ", Answer(502, headers={"Retry-After": "0"}), Cut(), Answer(503, headers={"Retry-After": "0"}))
    assert faulty.request("GET", "/repos/acme/web").text("full_name") == "acme/web"
    assert faulty.requests == len(proxy.seen) == 4


@pytest.mark.parametrize("body", [b"<html>ok</html>", b"[]", b""])
def test_a_success_that_is_no_answer_is_told(faulty: GitHub, proxy: Proxy, body: bytes) -> None:
    proxy.play("GET ", Answer(200, body))
    with pytest.raises(SourceError, match="GitHub answered GET /repos/acme/web with something that is no JSON object"):
        faulty.request("GET", "/repos/acme/web")


def test_a_list_is_asked_for(github: GitHub, clone: Clone) -> None:
    commit = clone.commit("first", {"a": "1"})
    clone.push("main")
    github.request("POST", f"/repos/acme/web/statuses/{commit}", {"state": "success", "context": "x"})
    assert [one.text("context") for one in github.request_list(f"/repos/acme/web/commits/{commit}/statuses")] == ["x"]


def test_the_token_and_the_version_of_the_api_go_with_every_request(faulty: GitHub, proxy: Proxy, clone: Clone) -> None:
    clone.commit("first", {"a": "1"})
    clone.push("main")
    faulty.request("GET", "/repos/acme/web")
    sent = proxy.seen[0].headers
    assert (sent["authorization"], sent["user-agent"]) == (f"token {TOKEN}", "deployer")
    assert sent["x-github-api-version"] == "2022-11-28"


def test_the_library_does_not_log_answers_nor_write_to_standard_error(
    github: GitHub, clone: Clone, caplog: pytest.LogCaptureFixture
) -> None:
    clone.commit("first", {"a": "1"})
    clone.push("main")
    with caplog.at_level(logging.DEBUG):
        github.request("GET", "/repos/acme/web")
    assert "full_name" not in caplog.text
    assert logging.getLogger("github").handlers == []


WEB = Repository("github.com", "acme/web")
QUERY = 'query ($owner: String!) { repository(owner: $owner, name: "web") { id } }'


def test_a_query_reads_without_a_turn_and_is_sent_again(faulty: GitHub, proxy: Proxy) -> None:
    found = Answer(200, {"data": {"repository": {"id": "x"}}})
    proxy.play("POST /api/graphql", Answer(502, headers={"Retry-After": "0"}), Cut(), *[found] * 100)
    for _ in range(100):  # of writes, GitHub takes 80 a minute
        assert faulty.graphql(WEB, QUERY, {"owner": "acme"}).object("repository").text("id") == "x"
    assert faulty.requests == 102
    assert {one.headers["authorization"] for one in proxy.seen} == {f"token {TOKEN}"}
    assert {(one.method, one.path) for one in proxy.seen} == {("POST", "/api/graphql")}


@pytest.mark.parametrize("root", ["", "/api/v3"])
def test_queries_go_where_the_root_of_the_rest_api_says(server: LocalGitHub, tmp_path: Path, root: str) -> None:
    with Proxy(server.git_url, tmp_path) as proxy, GitHub(f"{proxy.url}{root}", TOKEN) as github:
        proxy.play("POST ", Answer(200, {"data": {}}))
        github.graphql(WEB, QUERY, {})
    assert [one.path for one in proxy.seen] == ["/graphql" if not root else "/api/graphql"]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (
            {"data": {"repository": None}, "errors": [{"type": "NOT_FOUND", "message": "Could not"}]},
            r"\(404: Could not\)",
        ),
        ({"data": None}, "has no 'data' as it is documented"),
        (
            {"message": "Bad news", "documentation_url": "x"},
            "no answer to POST /api/graphql for acme/web: Bad news; rep",
        ),
        (b"<html>", "something that is no JSON object"),
    ],
)
def test_a_query_without_an_answer_is_told(faulty: GitHub, proxy: Proxy, answer: object, told: str) -> None:
    proxy.play("POST ", Answer(200, answer))
    with pytest.raises(SourceError, match=told):
        faulty.graphql(WEB, QUERY, {})


def test_a_query_is_not_led_to_another_host(faulty: GitHub, proxy: Proxy) -> None:
    proxy.play("POST ", Answer(307, headers={"Location": "https://example.com/graphql"}))
    with pytest.raises(SourceError, match="to another host"):
        faulty.graphql(WEB, QUERY, {})
