"""A GitHub App: tokens for one repository each, and for no more than is needed."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deployer.errors import SourceError
from deployer.github.app import HELPFUL, NEEDED, App, lacking
from deployer.github.client import GitHub
from deployer.github.refusals import LackingError
from deployer.github.statuses import set_status
from deployer.repository import Repository
from local.github import GitHub as LocalGitHub
from local.github.apps import App as LocalApp
from local.github.apps import Installation
from tests.faults.proxy import Answer, Proxy
from tests.github.apps import EVERYTHING, WEB, age, http_date, made, token_of
from tests.local.github.helpers import Clone


def test_reads_and_statuses_are_the_installations(
    server: LocalGitHub, as_app: GitHub, installed: Installation, commit: str
) -> None:
    assert as_app.request("GET", WEB).text("full_name") == "acme/web"
    set_status(as_app, Repository(as_app.host, "acme/web"), commit, "success", "deployer/web", "all is well")
    assert server.requests[:3] == [
        ("GET", f"{WEB}/installation"),
        ("POST", f"/app/installations/{installed.number}/access_tokens"),
        ("GET", WEB),
    ]
    assert (made(server), as_app.requests) == (1, 4)


@pytest.mark.usefixtures("commit")
def test_a_token_is_for_one_repository_and_for_what_is_needed(
    server: LocalGitHub, as_app: GitHub, app: App, installed: Installation
) -> None:
    value = token_of(app, as_app)
    token = server.tokens.find(f"token {value}")
    assert token.permissions == {**NEEDED, **HELPFUL}
    assert token.repositories
    assert len(token.repositories) == 1
    with (
        GitHub(server.api_url, value) as narrow,
        pytest.raises(SourceError, match="403: Resource not accessible by int"),
    ):
        narrow.request_list(f"{WEB}/hooks")


@pytest.mark.usefixtures("commit")
def test_a_token_has_no_more_than_was_granted(server: LocalGitHub, as_app: GitHub, app: App) -> None:
    registered = server.apps.named(app.account("acme/web").split()[1])
    assert registered
    server.apps.install(registered, "acme", permissions={"contents": "read", "statuses": "read", "checks": "write"})
    token = server.tokens.find(f"token {token_of(app, as_app)}")
    assert token.permissions == {"metadata": "read", "contents": "read", "statuses": "read", "checks": "read"}


@pytest.mark.usefixtures("installed", "commit")
def test_a_doctor_asks_for_more(server: LocalGitHub, registered: LocalApp, hidden: list[str]) -> None:
    app = App(registered.client_id, lambda fresh: registered.private_key, hidden.append, {"repository_hooks": "read"})
    with GitHub(server.api_url, app) as github:
        assert github.request_list(f"{WEB}/hooks") == []
        assert server.tokens.find(f"token {token_of(app, github)}").permissions["repository_hooks"] == "read"


@pytest.mark.usefixtures("installed", "commit")
def test_connections_and_threads_share_a_token(server: LocalGitHub, app: App) -> None:
    def ask(number: int) -> str:
        with GitHub(server.api_url, app) as github:
            return github.request("GET", WEB).text("full_name")

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(16))) == {"acme/web"}
    assert made(server) == 1
    assert server.requests.count(("GET", f"{WEB}/installation")) == 1


@pytest.mark.usefixtures("installed")
def test_each_repository_has_a_token_of_its_own(server: LocalGitHub, as_app: GitHub, app: App, tmp_path: Path) -> None:
    for name in ("web", "api"):
        clone = Clone(tmp_path / name, f"{server.git_url}/acme/{name}.git")
        clone.commit("first", {"a": "1"})
        clone.push("main")
    names = {as_app.request("GET", f"/repos/ACME/{name}").text("name") for name in ("web", "api", "Web")}
    assert names == {"web", "api"}
    assert made(server) == 2
    assert token_of(app, as_app, "acme/web") != token_of(app, as_app, "acme/api")


@pytest.mark.usefixtures("installed", "commit")
def test_a_token_is_renewed_before_it_ends(server: LocalGitHub, as_app: GitHub, app: App) -> None:
    server.apps.token_seconds = 6  # of which the first half is used
    first = token_of(app, as_app)
    assert token_of(app, as_app) == first
    deadline = time.monotonic() + 5
    while token_of(app, as_app) == first:
        assert time.monotonic() < deadline, "it was not renewed while it was good"
        time.sleep(0.05)
    assert server.tokens.find(f"token {first}"), "the old one is still good"
    assert made(server) == 2


@pytest.mark.usefixtures("installed", "commit")
@pytest.mark.parametrize(("ahead", "lasts", "renewals"), [(-3_700, 3_600, 0), (3_700, 1, 1)])
def test_githubs_clock_says_when_a_token_ends(
    proxy: Proxy, faulty_as_app: GitHub, app: App, ahead: float, lasts: float, renewals: int
) -> None:
    """By this machine's, the first has ended before it comes, and the second is good for an hour."""
    now = time.time() + ahead
    ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(now) + lasts))
    answer = Answer(201, {"token": "ghs_clock", "expires_at": ends}, {"Date": http_date(now)})
    proxy.play("POST .*/access_tokens", answer, answer)
    assert token_of(app, faulty_as_app) == "ghs_clock"
    time.sleep(0.7)
    token_of(app, faulty_as_app)
    assert made(proxy) == 1 + renewals


def test_an_account_and_not_an_hours_token_has_a_budget(server: LocalGitHub, app: App) -> None:
    assert app.account("acme/web") == app.account("acme/api") != app.account("beta/web")


@pytest.mark.usefixtures("installed")
def test_what_is_created_is_counted_by_installation(
    server: LocalGitHub, app: App, registered: LocalApp, commit: str
) -> None:
    """Of 80 a minute, one in a hundred is none, but one at least; the second has another token."""
    another = App(str(registered.number), lambda fresh: registered.private_key, lambda secret: None)
    said = {"state": "success", "context": "deployer/x"}
    with GitHub(server.api_url, app, share=1) as github:
        github.request("POST", f"{WEB}/statuses/{commit}", said)
    with GitHub(server.api_url, another, share=1) as github:
        with pytest.raises(SourceError, match="was not sent: this process may send 1 in 62 s"):
            github.request("POST", f"{WEB}/statuses/{commit}", said)
        assert github.request("GET", WEB).text("full_name") == "acme/web", "reading is not counted"


@pytest.mark.usefixtures("installed", "commit")
def test_what_is_secret_is_hidden(as_app: GitHub, app: App, hidden: list[str]) -> None:
    token = token_of(app, as_app)
    assert hidden[-1] == token
    assert [one.count(".") for one in hidden] == [2, 0], "the web token is hidden as well"
    assert token not in repr(vars(app))
    assert hidden[0] not in repr(vars(app._key))


@pytest.mark.usefixtures("installed", "commit")
def test_the_private_key_does_not_show_in_what_holds_it(as_app: GitHub, app: App, registered: LocalApp) -> None:
    as_app.request("GET", WEB)
    assert app._key._last
    assert app._key._last.key == registered.private_key
    for holder in (app, app._key):
        assert repr(registered.private_key)[1:-1] not in repr(vars(holder))


@pytest.mark.usefixtures("installed", "commit")
def test_an_answer_without_a_time_is_taken_for_one_of_now(proxy: Proxy, faulty_as_app: GitHub, app: App) -> None:
    ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3_600))
    answer = {"token": "ghs_clock", "expires_at": ends}
    proxy.play("POST .*/access_tokens", Answer(201, answer, {"Date": "soon"}))
    assert [token_of(app, faulty_as_app) for _ in range(2)] == ["ghs_clock"] * 2
    assert made(proxy) == 1


def test_what_is_lacking_is_named() -> None:
    assert lacking({"contents": "write", "statuses": "read"}, NEEDED) == ["metadata: read", "statuses: write"]
    assert lacking({**NEEDED}, NEEDED) == []


@pytest.mark.usefixtures("commit")
def test_a_permission_that_is_granted_later_is_used_from_the_next_token_on(
    server: LocalGitHub, as_app: GitHub, app: App, registered: LocalApp, commit: str
) -> None:
    installation = server.apps.install(registered, "acme", permissions={"contents": "read"})
    first = token_of(app, as_app)
    installation.permissions = dict(EVERYTHING)
    assert token_of(app, as_app) == first
    app._tokens.clear()
    assert server.tokens.find(f"token {token_of(app, as_app)}").may("statuses", "write")


@pytest.mark.usefixtures("commit")
def test_a_permission_that_is_lacking_is_asked_for_anew_once_a_minute(
    server: LocalGitHub, as_app: GitHub, app: App, registered: LocalApp, commit: str
) -> None:
    installation = server.apps.install(registered, "acme", permissions={"contents": "read"})

    def tell() -> str:
        said = {"state": "success", "context": "x"}
        return as_app.request("POST", f"{WEB}/statuses/{commit}", said).text("state")

    for seconds, tokens in ((0, 1), (55, 1), (10, 2), (0, 2)):
        age(app, seconds)
        with pytest.raises(LackingError, match="and accept in the settings of its installation, the permission stat"):
            tell()
        assert made(server) == tokens
    installation.permissions = dict(EVERYTHING)
    age(app, 65)
    assert (tell(), made(server)) == ("success", 3)
