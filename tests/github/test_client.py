"""The connection to GitHub, against a server that answers as GitHub does."""

import socket

import pytest

from deployer.errors import SourceError
from deployer.github.client import GitHub
from local.github import GitHub as LocalGitHub
from tests.local.github.helpers import Clone


def test_the_host_is_where_repositories_are_cloned_from(server: LocalGitHub) -> None:
    assert GitHub("https://api.github.com", "t").host == "github.com"
    assert GitHub("https://Git.Example.com/api/v3", "t").host == "git.example.com"
    assert f"http://{GitHub(server.api_url, 't').host}" == server.git_url


def test_requests_are_counted(github: GitHub, clone: Clone) -> None:
    clone.commit("first", {"a": "1"})
    clone.push("main")
    assert github.request("GET", "/repos/acme/web")["full_name"] == "acme/web"
    assert github.requests == 1


def test_a_wrong_token_is_told_and_not_shown(server: LocalGitHub) -> None:
    with pytest.raises(SourceError, match=r"refused the token \(401.*set DEPLOYER_GITHUB_TOKEN") as caught:
        GitHub(server.api_url, "wr0ng-token").request("GET", "/repos/acme/web")
    assert caught.value.status == 401
    assert "wr0ng-token" not in str(caught.value)


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


def test_a_github_that_is_not_there_is_told() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        where = f"GitHub cannot be reached at 127.0.0.1:{port} for GET /repos"
        with (
            GitHub(f"http://127.0.0.1:{port}/api/v3", "t") as github,
            pytest.raises(SourceError, match=where) as caught,
        ):
            github.request("GET", "/repos/acme/web")
    assert caught.value.status == 0
