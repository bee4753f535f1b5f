"""How requests travel, through a proxy that plays the faults of the way."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from deployer.errors import SourceError
from deployer.github.transport import MOST_AT_ONCE, PARALLEL, Received, Transport, redirected
from deployer.http import MAX_ANSWER, Timeouts
from local.github import GitHub as LocalGitHub
from tests.faults.proxy import Answer, Cut, Fault, Proxy, Silent, Slow
from tests.local.github.helpers import TOKEN, Clone, ask

HEADERS = {"Authorization": f"token {TOKEN}", "User-Agent": "test"}
WEB = "/api/v3/repos/acme/web"


@pytest.fixture
def transport(proxy: Proxy, clone: Clone) -> Iterator[Transport]:
    clone.commit("first", {"a": "1"})
    clone.push("main")
    transport = Transport(f"{proxy.url}/api/v3")
    yield transport
    transport.close()


def get(transport: Transport, url: str = WEB) -> Received:
    return transport.send("GET", url, None, HEADERS, "GET /it")


def post(transport: Transport, commit: str) -> Received:
    return transport.send("POST", f"{WEB}/statuses/{commit}", '{"state": "success"}', HEADERS, "POST /it")


def test_connections_are_kept_and_shared_by_threads(transport: Transport, proxy: Proxy) -> None:
    for _ in range(3):
        assert get(transport).status == 200
    assert proxy.connections == 1
    with ThreadPoolExecutor(PARALLEL) as pool:
        assert {answer.status for answer in pool.map(lambda _: get(transport), range(3 * PARALLEL))} == {200}
    assert proxy.connections <= PARALLEL
    assert transport.requests == len(proxy.seen) == 3 + 3 * PARALLEL


def test_all_connections_of_a_process_send_only_so_much_at_once(proxy: Proxy) -> None:
    transports = [Transport(proxy.url) for _ in range(5)]
    start = time.monotonic()
    with proxy.always("GET", Answer(200, delay=0.5)), ThreadPoolExecutor(MOST_AT_ONCE + 1) as pool:
        answers = list(pool.map(lambda number: get(transports[number % 5]), range(MOST_AT_ONCE + 1)))
    assert {answer.status for answer in answers} == {200}
    assert time.monotonic() - start >= 1, "the last one waited for its turn"
    for transport in transports:
        transport.close()


def test_nobody_waits_for_a_turn_beyond_the_deadline(proxy: Proxy) -> None:
    transport, impatient = Transport(proxy.url), Transport(proxy.url, Timeouts(whole=0.3))
    with proxy.always("GET", Answer(200, delay=3)), ThreadPoolExecutor(MOST_AT_ONCE) as pool:
        others = [pool.submit(get, transport) for _ in range(MOST_AT_ONCE)]
        while transport.requests < MOST_AT_ONCE:
            time.sleep(0.05)
        start = time.monotonic()
        with pytest.raises(SourceError, match=r"GET /it had no turn within 0\.3 s: this process has 64") as raised:
            get(impatient)
        assert time.monotonic() - start < 2
    assert raised.value.transient
    assert {one.result().status for one in others} == {200}
    assert impatient.requests == 0
    transport.close()
    impatient.close()


@pytest.mark.parametrize(
    ("fault", "timeouts", "cause"),
    [
        pytest.param(Cut(), Timeouts(), "Remote end closed connection without response", id="cut before the answer"),
        pytest.param(Cut(after=20), Timeouts(), "IncompleteRead(20 bytes read, ", id="cut in the middle of the body"),
        pytest.param(Slow(0.02), Timeouts(whole=0.3), "its answer had not ended after 0.3 s", id="slow bytes"),
        pytest.param(
            Slow(0.02, headers=True), Timeouts(whole=0.3), "its answer had not ended after 0.3 s", id="slow headers"
        ),
        pytest.param(Slow(0.6), Timeouts(read=0.3), "it was silent for 0.3 s", id="very slow bytes"),
        pytest.param(Silent(), Timeouts(read=0.3), "it was silent for 0.3 s", id="black hole"),
    ],
)
def test_an_answer_that_does_not_come_is_told_and_may_come_later(
    transport: Transport, proxy: Proxy, fault: Fault, timeouts: Timeouts, cause: str
) -> None:
    proxy.play("GET ", fault)
    impatient = Transport(proxy.url, timeouts)
    with pytest.raises(SourceError) as caught:
        get(impatient)
    told = str(caught.value)
    assert told.startswith(f"GitHub cannot be reached at {urlsplit(proxy.url).netloc} for GET /it: {cause}")
    assert told.endswith("; check the network, and DEPLOYER_GITHUB_API_URL")
    assert caught.value.transient
    impatient.close()
    assert get(transport).status == 200


@pytest.mark.usefixtures("transport")
@pytest.mark.parametrize("fault", [Silent(), Cut(), Slow(0.6)])
def test_no_cause_of_an_error_holds_the_token(proxy: Proxy, fault: Fault) -> None:
    proxy.play("GET ", fault)
    impatient = Transport(proxy.url, Timeouts(read=0.3))
    with pytest.raises(SourceError) as caught:
        get(impatient)
    impatient.close()
    error: BaseException | None = caught.value.__cause__
    assert error
    while error:
        assert getattr(error, "request", None) is None
        assert TOKEN not in repr(vars(error))
        error = error.__cause__ or error.__context__


def test_a_github_that_is_not_there_is_told() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{nobody.getsockname()[1]}"
        with pytest.raises(SourceError, match=f"cannot be reached at {host} for GET /it: .* Connection refused; check"):
            get(Transport(f"http://{host}/api/v3"))


def test_a_github_that_takes_no_connections_is_told() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        with socket.create_connection(full.getsockname()):  # the only one that it has a place for
            impatient = Transport(f"http://127.0.0.1:{full.getsockname()[1]}", Timeouts(connect=0.2))
            with pytest.raises(SourceError, match=r"no connection within 0\.2 s; check the network"):
                get(impatient)


def test_an_answer_that_is_too_large_is_not_read_to_its_end(transport: Transport, proxy: Proxy) -> None:
    proxy.play("GET ", Answer(200, b"x" * (MAX_ANSWER + 1)))
    with pytest.raises(SourceError, match="for GET /it: the answer is larger than 64,000,000 bytes") as caught:
        get(transport)
    assert not caught.value.transient


def test_a_certificate_counts_only_if_its_authority_is_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Proxy("https://127.0.0.1:1", tmp_path) as proxy:
        proxy.play("GET ", Answer(200))
        transport = Transport(proxy.url)
        with pytest.raises(SourceError, match=r"certificate verify failed.*name its file in REQUESTS_CA_BUNDLE") as bad:
            get(transport)
        assert not bad.value.transient
        (tmp_path / "ca.crt").write_bytes(proxy._authority.certificate)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.crt"))
        assert get(transport).status == 200
        transport.close()


def test_a_proxy_of_the_environment_is_used(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.setenv("no_proxy", "")
    proxy.play("GET http://github.invalid/api/v3/repos/acme/web", Answer(200))
    transport = Transport("http://github.invalid/api/v3")
    assert get(transport).status == 200
    monkeypatch.setenv("no_proxy", "github.invalid")
    with pytest.raises(SourceError, match=r"github\.invalid for GET /it: "):
        get(transport)
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with pytest.raises(SourceError, match="Connection refused; check the proxy that HTTPS_PROXY names"):
        get(transport)
    transport.close()


def test_an_answer_through_a_proxy_of_the_environment_has_a_deadline_too(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.setenv("no_proxy", "")
    proxy.play("GET ", Silent())
    transport, start = Transport("http://github.invalid/api/v3", Timeouts(read=3, whole=0.3)), time.monotonic()
    with pytest.raises(SourceError, match=r"its answer had not ended after 0\.3 s"):
        get(transport)
    assert time.monotonic() - start < 2
    transport.close()


def test_a_password_in_netrc_is_not_sent(
    transport: Transport, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login ada password other\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert get(transport).status == 200
    assert proxy.seen[0].headers["authorization"] == HEADERS["Authorization"]


def test_cookies_are_not_kept(transport: Transport, proxy: Proxy) -> None:
    proxy.play("GET ", Answer(200, headers={"Set-Cookie": "session=1"}))
    get(transport)
    get(transport)
    assert "cookie" not in proxy.seen[1].headers


def test_a_read_follows_a_redirect_on_the_same_host_with_its_query(transport: Transport, proxy: Proxy) -> None:
    proxy.play("GET .*/repos/acme/old", Answer(301, headers={"Location": f"{proxy.url}{WEB}/git/trees/main"}))
    answer = get(transport, "/api/v3/repos/acme/old/git/trees/main?recursive=1")
    assert answer.status == 200
    assert proxy.seen[1].path == f"{WEB}/git/trees/main?recursive=1"
    assert transport.requests == 2


def test_a_write_is_repeated_where_a_redirect_says_so(
    transport: Transport, proxy: Proxy, clone: Clone, server: LocalGitHub
) -> None:
    proxy.play("POST ", Answer(307, headers={"Location": f"{proxy.url}{WEB}/statuses/{clone.head()}"}))
    assert post(transport, "1" * 40).status == 201
    assert ask(server, f"/repos/acme/web/commits/{clone.head()}/status").json()["state"] == "success"


@pytest.mark.parametrize("status", [301, 302])
def test_a_write_to_a_renamed_repository_is_no_success(transport: Transport, proxy: Proxy, status: int) -> None:
    proxy.play("POST ", Answer(status, headers={"Location": f"{proxy.url}{WEB}"}))
    with pytest.raises(SourceError, match=f"redirects POST /it \\({status}\\).* renamed or moved; change repoURL"):
        post(transport, "1" * 40)
    assert len(proxy.seen) == 1


def test_the_token_goes_to_no_other_host(transport: Transport, proxy: Proxy, server: LocalGitHub) -> None:
    proxy.play("GET ", Answer(301, headers={"Location": f"{server.git_url}{WEB}"}))
    with pytest.raises(SourceError, match=r"redirects GET /it to another host \(301\), where the token must not go"):
        get(transport)
    assert server.requests == []


def test_redirects_in_circles_end(transport: Transport, proxy: Proxy) -> None:
    proxy.play("GET ", *[Answer(302, headers={"Location": WEB})] * 9)
    with pytest.raises(SourceError, match="redirects GET /it more than 3 times"):
        get(transport)
    assert len(proxy.seen) == 4


def test_redirects_have_one_deadline_together(transport: Transport, proxy: Proxy) -> None:
    proxy.play("GET ", *[Answer(302, headers={"Location": WEB}, delay=0.2)] * 4)
    impatient = Transport(proxy.url, Timeouts(whole=0.5))
    with pytest.raises(SourceError, match=r"its answer had not ended after 0\.5 s"):
        get(impatient)
    impatient.close()
    assert impatient.requests == 3, "each of them keeps within it"


def test_an_answer_that_is_not_made_up_yet_may_come_later(transport: Transport, proxy: Proxy) -> None:
    proxy.play("GET ", Answer(202))
    with pytest.raises(SourceError, match=r"no answer to GET /it yet \(202\)") as caught:
        get(transport)
    assert caught.value.transient


HERE = "https://api.github.com/repos/acme/web/git/trees/main?recursive=1"


@pytest.mark.parametrize(
    ("status", "location", "target"),
    [
        (200, "https://api.github.com/x", None),
        (301, "", None),
        (304, "https://api.github.com/x", None),
        (301, "https://api.github.com/repositories/1", "https://api.github.com/repositories/1?recursive=1"),
        (302, "/repositories/1?recursive=true", "https://api.github.com/repositories/1?recursive=true"),
        (307, "https://API.github.com:443/x#y", "https://api.github.com/x?recursive=1"),
        (308, "https://ada:pw@api.github.com/x", "https://api.github.com/x?recursive=1"),
    ],
)
def test_where_an_answer_leads(status: int, location: str, target: str | None) -> None:
    received = Received(status, {"location": location} if location else {}, "")
    assert redirected("GET", HERE, received, "GET /it") == target


@pytest.mark.parametrize(
    "location",
    [
        *("http://api.github.com/x", "https://api.github.com:8443/x", "https://api.github.com.evil.example/x"),
        *("//evil.example/x", "https://api.github.com@evil.example/x", "https://[evil/x", "https://evil.example:x/"),
    ],
)
def test_it_never_leads_to_another_host(location: str) -> None:
    with pytest.raises(SourceError, match="to another host"):
        redirected("GET", HERE, Received(301, {"location": location}, ""), "GET /it")
