import http.client
import socket
import time
import urllib.error
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from local.github import GitHub
from tests.local.github.helpers import SECRET, TOKEN, Clone, ask

WEB = "/repos/acme/web"
REF = f"{WEB}/git/ref/heads/main"


@pytest.mark.parametrize("status", [401, 403, 404, 409, 422, 429, 500, 502, 503])
def test_the_next_requests_fail_and_then_no_more(github: GitHub, first: str, status: int) -> None:
    fault = github.fail("/git/ref/", status, times=2)

    assert ask(github, WEB).status == 200
    assert [ask(github, REF).status for _ in range(3)] == [status, status, 200]
    assert fault.left == 0
    assert github.requests.count(("GET", REF)) == 3


def test_what_a_failure_says(github: GitHub, first: str) -> None:
    github.fail(REF, 403, headers={"Retry-After": "7", "X-RateLimit-Remaining": "0"}, body={"message": "slow down"})
    github.fail(REF, 502, body="<html>Unicorn!</html>")
    github.fail(REF, 500)

    limited, page, plain = (ask(github, REF) for _ in range(3))

    assert (limited.status, limited.json()) == (403, {"message": "slow down"})
    assert (limited.headers["retry-after"], limited.headers["x-ratelimit-remaining"]) == ("7", "0")
    assert (page.status, page.body, page.headers["content-type"]) == (
        502,
        b"<html>Unicorn!</html>",
        "text/html; charset=utf-8",
    )
    assert (plain.status, plain.json()["message"], plain.json()["status"]) == (500, "Internal Server Error", "500")


def test_a_connection_that_is_cut(github: GitHub, first: str) -> None:
    github.fail(REF, None)
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        ask(github, REF)
    assert ask(github, REF).status == 200


def test_a_post_that_is_cut_has_done_nothing(github: GitHub, first: str) -> None:
    github.fail("/statuses/", None, method="POST")
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        ask(github, f"{WEB}/statuses/{first}", {"state": "success"})
    assert github.statuses.of("acme/web", first) == []


def test_an_answer_that_ends_too_early(github: GitHub, first: str) -> None:
    github.fail(REF, 200, headers={"Content-Length": "1000"}, body={"ref": "refs/heads/main"})
    with pytest.raises(http.client.IncompleteRead):
        ask(github, REF)


def test_a_failure_of_one_method(github: GitHub, first: str) -> None:
    github.fail("/statuses", 500, method="POST")
    assert ask(github, f"{WEB}/commits/main/statuses").status == 200
    assert ask(github, f"{WEB}/statuses/{first}", {"state": "success"}).status == 500


def test_failures_can_be_forgotten(github: GitHub, first: str) -> None:
    github.fail(".", 500, times=1000)
    assert ask(github, REF).status == 500
    github.heal()
    assert ask(github, REF).status == 200


@pytest.mark.parametrize(
    ("path", "method", "expected"),
    [("", None, (503, 503, 503)), ("/statuses", None, (200, 503, 503)), ("/statuses", "POST", (200, 200, 503))],
)
def test_an_outage_lasts_as_long_as_its_block(
    github: GitHub, first: str, path: str, method: str | None, expected: tuple[int, ...]
) -> None:
    def asked() -> tuple[int, ...]:
        said = ask(github, f"{WEB}/statuses/{first}", {"state": "success"})
        return ask(github, REF).status, ask(github, f"{WEB}/commits/main/statuses").status, said.status

    with github.outage(path, method=method):
        assert [asked() for _ in range(3)] == [expected] * 3
    assert asked() == (200, 200, 201)
    assert len(github.statuses.of("acme/web", first)) == 1


def test_an_outage_may_cut_connections_and_end_with_an_error(github: GitHub, first: str) -> None:
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)), github.outage(REF, None):
        ask(github, REF)
    assert ask(github, REF).status == 200


def test_what_is_down_refuses_connections_and_comes_back_where_it_was(github: GitHub, clone: Clone, first: str) -> None:
    for _ in range(2):
        with github.down():
            with pytest.raises(urllib.error.URLError, match="Connection refused"):
                ask(github, REF)
            assert "onnect" in clone.git("ls-remote", "origin", check=False)
        assert ask(github, REF).json()["object"]["sha"] == first
    assert github.requests.count(("GET", REF)) == 2


def test_who_is_being_served_is_cut_off_by_what_is_down(github: GitHub, first: str) -> None:
    address = urlsplit(github.api_url)
    with socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=10) as connection:
        connection.sendall(f"GET {address.path}{REF} HTTP/1.1\r\n".encode())  # the rest never comes
        assert ask(github, REF).status == 200  # so it has been let in before, as it came before
        start = time.monotonic()
        with github.down():
            assert connection.recv(100) == b""
        assert time.monotonic() - start < 5
    assert ask(github, REF).status == 200


def test_it_may_be_stopped_after_it_was_down(tmp_path: Path) -> None:
    github = GitHub(tmp_path / "github", token=TOKEN, webhook_url=None, webhook_secret=SECRET).start()
    with github.down(), pytest.raises(urllib.error.URLError):
        ask(github, "/rate_limit")
    github.stop()
    with pytest.raises(urllib.error.URLError, match="Connection refused"):
        ask(github, "/rate_limit")


def test_a_port_that_is_taken_is_no_address(github: GitHub, tmp_path: Path) -> None:
    port = int(github.git_url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        GitHub(tmp_path / "other", port=port, token=TOKEN, webhook_url=None, webhook_secret=SECRET)
