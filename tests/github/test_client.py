"""The connection to GitHub, against a server that answers as GitHub does."""

import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import pytest

from deployer.errors import SourceError
from deployer.github.client import GitHub, refusal
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


LIMITED = {"message": "API rate limit exceeded for user ID 1."}
NOW = 1_000.0


@pytest.mark.parametrize(
    ("status", "data", "headers", "transient", "retry_after"),
    [
        (500, {"message": "Server Error"}, {}, True, None),
        (502, None, {}, True, None),
        (503, {}, {"retry-after": "3"}, True, 3),
        (403, {"message": "Resource not accessible by personal access token"}, {}, False, None),
        (403, {}, {"x-ratelimit-remaining": "17", "x-ratelimit-reset": "1010"}, False, None),
        (403, LIMITED, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1010"}, True, 10),
        (403, LIMITED, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "990"}, True, 0),
        (403, {"message": "You have exceeded a secondary rate limit."}, {"retry-after": "5"}, True, 5),
        (403, {"message": "You have exceeded a secondary rate limit."}, {}, True, 60),
        (429, {}, {}, True, 60),
        (429, {}, {"retry-after": "soon"}, True, 60),
        (401, {"message": "Bad credentials"}, {}, False, None),
        (404, {"message": "Not Found"}, {"retry-after": "5"}, False, None),
        (409, {"message": "Git Repository is empty."}, {}, False, None),
        (422, {"message": "Validation Failed"}, {}, False, None),
    ],
)
def test_what_may_pass_and_after_how_long(
    status: int, data: object, headers: dict[str, str], transient: bool, retry_after: float | None
) -> None:
    error = refusal(status, data, headers, "GET /x", NOW)
    assert (error.status, error.transient, error.retry_after) == (status, transient, retry_after)


class Faulty(BaseHTTPRequestHandler):
    """A GitHub that answers 502 twice, hangs up once, and then works."""

    faults: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "cut":
            self.close_connection = True
            return
        body = b'{"full_name": "acme/web"}'
        self.send_response(502 if fault else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


def test_faults_that_pass_are_not_noticed() -> None:
    Faulty.faults = ["502", "cut", "502"]
    with HTTPServer(("127.0.0.1", 0), Faulty) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with GitHub(f"http://127.0.0.1:{server.server_port}", "t") as github:
            assert github.request("GET", "/repos/acme/web")["full_name"] == "acme/web"
            assert github.requests == 4
        server.shutdown()
