"""A delivery as GitHub makes it: what the deployer's own reader and the local GitHub say of it."""

import contextlib
import json
import socket
import ssl
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deployer.cli.delivery import (
    Push,
    headers_of,
    new_delivery,
    parse_address,
    ping_payload,
    post,
    push_payload,
)
from deployer.errors import AnswerError, ConfigurationError
from deployer.repository import Repository
from deployer.webhook import NO_COMMIT, Event, Ignored, Ping, read_delivery
from local.certificates import CertificateAuthority
from local.github import GitHub
from tests.local.github.helpers import TOKEN, Clone, Receiver

SECRET = b"a secret of more than sixteen bytes"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
WEB = Repository("github.com", "acme/web")


def push(**changes: Any) -> Push:
    usual = {"repository": WEB, "ref": "refs/heads/main", "before": "1" * 40, "after": "2" * 40}
    return Push(**{**usual, "default_branch": "main", **changes})


def read(event: str, payload: dict[str, Any]) -> Any:
    body, delivery = json.dumps(payload).encode(), new_delivery()
    return read_delivery(headers_of(event, body, SECRET, delivery), body, [SECRET]), delivery


@pytest.mark.parametrize("repository", [WEB, Repository("127.0.0.1:4321", "acme/web")])
@pytest.mark.parametrize("ref", ["refs/heads/main", "refs/heads/feature/x", "refs/tags/v1"])
def test_a_push_is_read_as_what_it_says(repository: Repository, ref: str) -> None:
    event, delivery = read("push", push_payload(push(repository=repository, ref=ref), NOW))
    assert event == Event("push", repository, ref, "1" * 40, "2" * 40, "main", None, delivery)


def test_a_ping_is_read_as_one() -> None:
    assert read("ping", ping_payload("https://example.com"))[0] == Ping()


@pytest.mark.parametrize(
    ("before", "after", "created", "deleted"),
    [("1" * 40, "2" * 40, False, False), (NO_COMMIT, "2" * 40, True, False), ("1" * 40, NO_COMMIT, False, True)],
)
def test_zeros_make_and_delete(before: str, after: str, created: bool, deleted: bool) -> None:
    payload = push_payload(push(before=before, after=after), NOW)
    assert (payload["created"], payload["deleted"]) == (created, deleted)
    assert (payload["head_commit"] is None, payload["commits"] == []) == (deleted, deleted)
    assert isinstance(read("push", payload)[0], Ignored if deleted else Event)
    assert payload["compare"].endswith("/compare/main" if created else f"{before[:12]}...{after[:12]}")


def test_a_tag_brings_no_commits() -> None:
    payload = push_payload(push(ref="refs/tags/v1"), NOW)
    assert payload["commits"] == []
    assert payload["head_commit"]["id"] == "2" * 40


def same_shape(ours: Any, theirs: Any, place: str = "") -> None:
    """Whatever is said here is said there, and of the same type."""
    if isinstance(ours, dict):
        assert isinstance(theirs, dict), place
        for name, value in ours.items():
            assert name in theirs, f"{place}.{name}"
            same_shape(value, theirs[name], f"{place}.{name}")
    elif isinstance(ours, list) and ours:
        same_shape(ours[0], theirs[0], place)
    else:
        assert type(ours) is type(theirs), place


def test_payloads_and_headers_have_the_shape_of_githubs(tmp_path: Path) -> None:
    with (
        Receiver() as receiver,
        GitHub(tmp_path / "github", token=TOKEN, webhook_url=receiver.url, webhook_secret="s" * 16) as github,
    ):
        clone = Clone(tmp_path / "clone", f"{github.git_url}/acme/web.git")
        clone.commit("first", {"a": "1"})
        clone.push("main")
        commit = clone.commit("second", {"a": "2"})
        clone.push("main")
        theirs = github.wait_for_delivery(commit)
    ours = push_payload(push(), NOW)
    same_shape(ours, theirs.payload)
    assert set(ours) == set(theirs.payload) - {"organization"}, "this one is sent for organisations only"
    apart = {"X-Hub-Signature", "X-GitHub-Enterprise-Host"}  # SHA-1, which is not accepted; other servers'
    assert set(headers_of("push", b"", SECRET, new_delivery())) == set(theirs.headers) - apart


@pytest.mark.parametrize(
    "url",
    [
        *("https://example.com", "https://example.com:8443/hook?a=b", "http://127.0.0.1:8080"),
        *("http://localhost:1/", "http://[::1]:8080/hook"),
    ],
)
def test_https_is_good_anywhere_and_http_on_this_machine(url: str) -> None:
    assert parse_address(url).geturl() == url


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://example.com/hook", "unprotected"),
        ("http://127.0.0.1.example.com", "unprotected"),
        ("ftp://127.0.0.1", "unprotected"),
        ("https://user:s3cret@example.com", "plain web address"),
        ("https:///hook", "plain web address"),
        ("https://example.com/a b", "plain web address"),
        ("https://example.com/\r\nX-Evil: 1", "plain web address"),
        ("https://exämple.com", "plain web address"),
        ("https://example.com:port", "no web address"),
        ("https://[::1", "no web address"),
        ("example.com", "plain web address"),
    ],
)
def test_any_other_address_is_refused_and_not_repeated(url: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        parse_address(url)
    assert "s3cret" not in str(caught.value)


def test_what_is_not_json_is_text() -> None:
    with Receiver() as receiver:
        receiver.status, receiver.text = 404, "<html>nothing here</html>"
        answered = post(parse_address(receiver.url), {"A": "b"}, b"body", 5)
    assert (answered.status, answered.body) == (404, "<html>nothing here</html>")
    assert receiver.received[0].path == "/hook?from=github"
    assert receiver.received[0].body == b"body"


def test_an_answer_that_takes_too_long_names_the_way_out() -> None:
    with Receiver() as receiver:
        receiver.delay = 0.4
        with pytest.raises(AnswerError, match=r"did not answer within 0\.1 s: with the inline queue.*--timeout"):
            post(parse_address(receiver.url), {}, b"", 0.1)


@pytest.mark.parametrize("begin", [b"HTTP/1.1 200 OK\r\nX-Drip: ", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"])
def test_the_whole_answer_must_be_there_in_time(begin: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection, contextlib.suppress(OSError):  # the sender need not have waited
                connection.sendall(begin)
                for _ in range(40):
                    time.sleep(0.05)
                    connection.sendall(b"x")

        thread = threading.Thread(target=drip)
        thread.start()
        start = time.monotonic()
        with pytest.raises(AnswerError, match=r"did not answer within 0\.3 s"):
            post(parse_address(f"http://127.0.0.1:{server.getsockname()[1]}"), {}, b"", 0.3)
        assert time.monotonic() - start < 1
        thread.join()


def test_nobody_there_is_told() -> None:
    with pytest.raises(AnswerError, match=r"http://127\.0\.0\.1:1 cannot be reached: .*refused.*; check --url"):
        post(parse_address("http://127.0.0.1:1"), {}, b"", 5)


def test_somebody_who_speaks_no_http_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def hang_up() -> None:
            connection, _ = server.accept()
            connection.recv(1000)
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(AnswerError, match="gave no answer"):
            post(parse_address(f"http://127.0.0.1:{port}"), {}, b"", 5)
        thread.join()


def test_tls_is_checked(tmp_path: Path) -> None:
    certificate, key = CertificateAuthority("nobody's").server()
    (tmp_path / "crt").write_bytes(certificate)
    (tmp_path / "key").write_bytes(key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "crt", tmp_path / "key")
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            connection, _ = server.accept()
            with pytest.raises(OSError, match="alert"):
                context.wrap_socket(connection, server_side=True)
            connection.close()

        thread = threading.Thread(target=greet)
        thread.start()
        with pytest.raises(AnswerError, match=r"cannot be reached: .*certificate verify failed"):
            post(parse_address(f"https://127.0.0.1:{server.getsockname()[1]}"), {}, b"", 5)
        thread.join()
