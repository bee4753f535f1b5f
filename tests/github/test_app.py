"""A GitHub App: tokens for one repository each, and what a person is told where there is none."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption as Encryption
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from deployer.errors import ConfigurationError, SecretError, SourceError
from deployer.github.app import HELPFUL, NEEDED, App, lacking
from deployer.github.client import GitHub
from deployer.github.statuses import set_status
from deployer.repository import Repository
from deployer.retry import PATIENCE
from local.github import GitHub as LocalGitHub
from local.github.apps import App as LocalApp
from local.github.apps import Installation
from tests.faults.proxy import Answer, Proxy
from tests.local.github.helpers import Clone

EVERYTHING = {**NEEDED, **HELPFUL, "contents": "write", "repository_hooks": "write", "issues": "write"}
WEB = "/repos/acme/web"


@pytest.fixture
def registered(server: LocalGitHub) -> LocalApp:
    return server.apps.register("deployer", permissions=EVERYTHING)


@pytest.fixture
def installed(server: LocalGitHub, registered: LocalApp) -> Installation:
    return server.apps.install(registered, "acme")


@pytest.fixture
def commit(clone: Clone) -> str:
    commit = clone.commit("first", {"a": "1"})
    clone.push("main")
    return commit


@pytest.fixture
def hidden() -> list[str]:
    return []


@pytest.fixture
def app(registered: LocalApp, hidden: list[str]) -> App:
    return App(str(registered.number), lambda fresh: registered.private_key, hidden.append)


@pytest.fixture
def as_app(server: LocalGitHub, app: App) -> Iterator[GitHub]:
    with GitHub(server.api_url, app) as github:
        yield github


def made(server: LocalGitHub | Proxy) -> int:
    """How many tokens GitHub was asked for."""
    asked = server.requests if isinstance(server, LocalGitHub) else [(one.method, one.path) for one in server.seen]
    return sum(method == "POST" and path.endswith("/access_tokens") for method, path in asked)


def token_of(app: App, github: GitHub, repository: str = "acme/web") -> str:
    return app.authorization(repository, github.ask).removeprefix("token ")


def forget(app: App) -> None:
    """Have the App take none of what it has for new."""
    for kept in (app._tokens, app._installations):
        kept.clear()


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


def test_each_repository_has_a_token_and_an_account_one_installation(
    server: LocalGitHub, as_app: GitHub, app: App, installed: Installation, tmp_path: Path
) -> None:
    for name in ("web", "api"):
        clone = Clone(tmp_path / name, f"{server.git_url}/acme/{name}.git")
        clone.commit("first", {"a": "1"})
        clone.push("main")
    names = {as_app.request("GET", f"/repos/ACME/{name}").text("name") for name in ("web", "api", "Web")}
    assert names == {"web", "api"}
    assert made(server) == 2
    assert [path for _, path in server.requests if path.endswith("/installation")] == ["/repos/acme/web/installation"]
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
    server: LocalGitHub, app: App, tmp_path: Path, ahead: float, lasts: float, renewals: int
) -> None:
    """By this machine's, the first has ended before it comes, and the second is good for an hour."""
    with Proxy(server.git_url, tmp_path) as proxy, GitHub(f"{proxy.url}/api/v3", app) as github:
        now = time.time() + ahead
        ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(now) + lasts))
        answer = Answer(201, {"token": "ghs_clock", "expires_at": ends}, {"Date": http_date(now)})
        proxy.play("POST .*/access_tokens", answer, answer)
        assert token_of(app, github) == "ghs_clock"
        time.sleep(0.7)
        token_of(app, github)
        assert made(proxy) == 1 + renewals


def http_date(seconds: float) -> str:
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(seconds))


@pytest.mark.usefixtures("installed", "commit")
def test_a_token_that_is_refused_is_made_anew_once(server: LocalGitHub, as_app: GitHub, app: App) -> None:
    as_app.request("GET", WEB)
    first = token_of(app, as_app)
    server.tokens.revoke(first)
    age(app)
    assert as_app.request("GET", WEB).text("full_name") == "acme/web"
    assert made(server) == 2
    age(app)
    with server.outage(f"{WEB}$", 401):
        error = refused(as_app)
    assert "see whether it is still installed, and has this key: deployer doctor" in str(error)
    assert (error.status, made(server)) == (401, 3)


def age(app: App) -> None:
    """Have what the App keeps be older than what GitHub may not know yet."""
    for name, kept in app._tokens.items():
        app._tokens[name] = type(kept)(kept.authorization, kept.made - 60, kept.until)


@pytest.mark.usefixtures("installed", "commit")
def test_a_token_that_github_does_not_know_everywhere_yet_is_tried_again(server: LocalGitHub, as_app: GitHub) -> None:
    fault = server.fail(f"{WEB}$", 401, times=2)
    began = time.monotonic()
    assert as_app.request("GET", WEB).text("full_name") == "acme/web"
    assert (fault.left, made(server)) == (0, 1)
    assert 2 <= time.monotonic() - began < PATIENCE


@pytest.mark.usefixtures("installed", "commit")
def test_requests_that_are_refused_together_make_one_token(server: LocalGitHub, as_app: GitHub, app: App) -> None:
    server.tokens.revoke(token_of(app, as_app))
    age(app)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: as_app.request("GET", WEB).text("full_name"), range(8)))
    assert (answers, made(server)) == (["acme/web"] * 8, 2)


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
    assert hidden[0] not in repr(vars(app))


@pytest.mark.usefixtures("installed", "commit")
def test_a_web_token_begins_in_the_past_and_ends_within_ten_minutes(as_app: GitHub, hidden: list[str]) -> None:
    as_app.request("GET", WEB)
    claims = jwt.decode(hidden[0], options={"verify_signature": False})
    assert claims["iat"] <= time.time() - 55
    assert time.time() < claims["exp"] <= claims["iat"] + 600
    assert jwt.get_unverified_header(hidden[0])["alg"] == "RS256"


def test_the_app_itself_is_asked_with_its_web_token(server: LocalGitHub, as_app: GitHub) -> None:
    assert as_app.request("GET", "/app").text("slug") == "deployer"
    assert made(server) == 0


# What may be wrong.


def refused(github: GitHub, path: str = WEB) -> SourceError:
    with pytest.raises(SourceError) as caught:
        github.request("GET", path)
    assert not caught.value.transient
    assert "DEPLOYER_GITHUB_TOKEN" not in str(caught.value)
    return caught.value


@pytest.mark.usefixtures("commit")
def test_an_app_that_is_installed_nowhere_is_told(as_app: GitHub) -> None:
    error = refused(as_app)
    assert str(error) == ("the GitHub App is not installed for acme (any more): install it there, with acme/web")
    assert error.status == 403, "404 is for what is not there, such as a branch"


@pytest.mark.usefixtures("commit")
def test_an_app_that_is_installed_elsewhere_is_told(server: LocalGitHub, as_app: GitHub, registered: LocalApp) -> None:
    for account in ("Beta", "alpha"):
        server.apps.install(registered, account)
    assert "is not installed for acme (any more); it is for alpha, beta: install" in str(refused(as_app))


@pytest.mark.usefixtures("commit")
def test_a_repository_that_is_not_among_the_chosen_is_told(
    server: LocalGitHub, as_app: GitHub, registered: LocalApp
) -> None:
    installation = server.apps.install(registered, "Acme", repositories=["acme/other"])
    said = str(refused(as_app))
    assert "is installed for acme, but not for acme/web, or there is no such repository (any more): choose it" in said
    assert f"at {server.git_url}/organizations/Acme/settings/installations/{installation.number}" in said
    server.apps.select(installation, None)
    assert as_app.request("GET", WEB).text("full_name") == "acme/web", "it is asked anew"


@pytest.mark.usefixtures("commit")
def test_an_installation_that_ends_in_the_middle_is_told(
    server: LocalGitHub, as_app: GitHub, app: App, registered: LocalApp, installed: Installation
) -> None:
    as_app.request("GET", WEB)
    age(app)
    server.apps.uninstall(installed)
    assert "the GitHub App is not installed for acme (any more)" in str(refused(as_app))
    server.apps.install(registered, "acme")
    assert as_app.request("GET", WEB).text("full_name") == "acme/web", "another installation is found"


@pytest.mark.usefixtures("commit")
def test_one_that_is_suspended_is_told(server: LocalGitHub, as_app: GitHub, app: App, installed: Installation) -> None:
    as_app.request("GET", WEB)
    server.apps.suspend(installed)
    assert "has been suspended" in str(refused(as_app))
    forget(app)
    error = refused(as_app)
    assert "the GitHub App's installation for acme is suspended: unsuspend it at " in str(error)
    assert error.status == 403
    server.apps.unsuspend(installed)
    assert as_app.request("GET", WEB).text("full_name") == "acme/web"


@pytest.mark.usefixtures("commit")
def test_permissions_that_are_changed_are_asked_for_anew(
    server: LocalGitHub, as_app: GitHub, app: App, installed: Installation, commit: str
) -> None:
    as_app.request("GET", WEB)
    installed.permissions = {"metadata": "read", "contents": "read"}
    app._tokens.clear()
    assert as_app.request("GET", WEB).text("full_name") == "acme/web"
    with pytest.raises(SourceError, match="and accept in the settings of its installation, the permission statuses=w"):
        as_app.request("POST", f"{WEB}/statuses/{commit}", {"state": "success", "context": "x"})


@pytest.mark.usefixtures("commit")
def test_one_that_may_not_read_is_told(server: LocalGitHub, as_app: GitHub, registered: LocalApp) -> None:
    server.apps.install(registered, "acme", permissions={"statuses": "write"})
    said = str(refused(as_app))
    assert (
        "the GitHub App may not read acme/web: give it the permission Contents: Read-only in its settings, and" in said
    )


@pytest.mark.usefixtures("installed", "commit")
def test_a_repository_that_was_renamed_is_told(server: LocalGitHub, as_app: GitHub, app: App, commit: str) -> None:
    as_app.request("GET", WEB)
    server.rename("acme/web", "acme/site")
    said = as_app.request("POST", f"{WEB}/statuses/{commit}", {"state": "success", "context": "x"})
    assert said.text("state") == "success", "GitHub redirects to where it is now"
    app._tokens.clear()
    assert "if it was renamed, moved or deleted, change repoURL" in str(refused(as_app))


@pytest.mark.usefixtures("installed", "commit")
def test_a_repository_that_was_deleted_is_told(server: LocalGitHub, as_app: GitHub, app: App) -> None:
    as_app.request("GET", WEB)
    server.delete("acme/web")
    assert "or hides it from this installation of the GitHub App: check repoURL" in str(refused(as_app))
    app._tokens.clear()
    assert "or there is no such repository (any more)" in str(refused(as_app))


@pytest.mark.usefixtures("installed", "commit")
def test_a_key_of_another_app_is_told(server: LocalGitHub, registered: LocalApp) -> None:
    other = server.apps.register("other", permissions={})
    with GitHub(server.api_url, App(str(registered.number), lambda fresh: other.private_key, print)) as github:
        error = refused(github)
    assert "DEPLOYER_GITHUB_APP_KEY is no private key of the App that DEPLOYER_GITHUB_APP_ID names" in str(error)
    assert error.status == 401


@pytest.mark.usefixtures("installed", "commit")
def test_an_app_that_github_does_not_know_is_told(server: LocalGitHub, registered: LocalApp) -> None:
    with GitHub(server.api_url, App("4711", lambda fresh: registered.private_key, print)) as github:
        error = refused(github)
    assert "there is no App as DEPLOYER_GITHUB_APP_ID says: its settings show its App ID" in str(error)
    assert error.status == 403


@pytest.mark.usefixtures("installed", "commit")
def test_a_clock_that_is_wrong_is_told(server: LocalGitHub, app: App, tmp_path: Path) -> None:
    message = "'Expiration time' claim ('exp') must be a numeric value representing the future time at which …"
    date = {"Date": http_date(time.time() + 1_000)}
    with Proxy(server.git_url, tmp_path) as proxy, GitHub(f"{proxy.url}/api/v3", app) as github:
        proxy.play("GET .*/installation", Answer(401, {"message": message}, date))
        said = str(refused(github))
    assert re.search(r"set this machine's clock, which is (1,000|999) s behind GitHub's$", said)


@pytest.mark.usefixtures("installed", "commit")
def test_a_key_that_was_exchanged_is_read_anew(server: LocalGitHub, registered: LocalApp) -> None:
    old = server.apps.register("old", permissions={}).private_key
    asked: list[bool] = []

    def read(fresh: bool) -> str:
        asked.append(fresh)
        return registered.private_key if fresh else old

    with GitHub(server.api_url, App(str(registered.number), read, lambda secret: None)) as github:
        assert github.request("GET", WEB).text("full_name") == "acme/web"
        assert asked == [False, True]


@pytest.mark.usefixtures("installed", "commit")
@pytest.mark.parametrize("fault", ["gone", "none"])
def test_a_key_that_cannot_be_read_anew_is_told(server: LocalGitHub, registered: LocalApp, fault: str) -> None:
    old = server.apps.register("old", permissions={}).private_key

    def read(fresh: bool) -> str:
        if fresh and fault == "gone":
            raise SecretError("secret s: its version is disabled")
        return "hunter2" if fresh else old

    with GitHub(server.api_url, App(str(registered.number), read, lambda secret: None)) as github:
        error = refused(github)
    said = "secret s: its version" if fault == "gone" else "DEPLOYER_GITHUB_APP_KEY leads to something that is no RSA"
    assert f"refused the GitHub App's key (401), and another one cannot be had: {said}" in str(error)
    assert error.status == 401
    assert "hunter2" not in str(error)


def test_a_machine_that_slept_signs_anew(server: LocalGitHub, as_app: GitHub, app: App) -> None:
    """Its clock that never goes back stood still meanwhile, and took the web token for a new one."""
    as_app.request("GET", "/app")
    first = app._itself
    assert first
    app._itself = type(first)(first.authorization, first.made - 60, first.until)
    time.sleep(1)  # a second is what web tokens differ by
    server.fail("/app$", 401)
    assert as_app.request("GET", "/app").text("slug") == "deployer"


def pem(key: Any, encryption: Any = None) -> str:
    text: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())
    return text.decode()


RSA = rsa.generate_private_key(65_537, 2_048)
NO_KEYS: Mapping[str, Callable[[], str]] = {
    "nothing": lambda: "",
    "words": lambda: "hunter2",
    "the public half": lambda: RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
    "an elliptic curve": lambda: pem(ec.generate_private_key(ec.SECP256R1())),
    "one with a password": lambda: pem(RSA, Encryption(b"hunter2")),
    "half of one": lambda: pem(RSA)[:400],
}


@pytest.mark.parametrize("kind", NO_KEYS)
def test_what_is_no_key_is_told_and_not_shown(kind: str) -> None:
    key = NO_KEYS[kind]()
    with pytest.raises(ConfigurationError, match="is no RSA private key as PEM: store the file as it comes") as caught:
        App("1", lambda fresh: key, print).prepare()
    assert not key or key not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_key_is_read_once(registered: LocalApp, hidden: list[str]) -> None:
    asked: list[bool] = []

    def read(fresh: bool) -> str:
        asked.append(fresh)
        return registered.private_key

    app = App("1", read, hidden.append)
    for _ in range(3):
        app.prepare()
    assert (asked, len(hidden)) == ([False], 1)


@pytest.mark.usefixtures("installed", "commit")
def test_a_fault_of_github_may_pass(server: LocalGitHub, as_app: GitHub, app: App) -> None:
    server.fail("/access_tokens$", 502, headers={"Retry-After": "0"})
    server.fail("/installation$", 503, headers={"Retry-After": "0"})
    assert as_app.request("GET", WEB).text("full_name") == "acme/web"
    app._tokens.clear()
    server.fail("/access_tokens$", 502, headers={"Retry-After": "0"})
    assert as_app.request("GET", WEB).text("full_name") == "acme/web"
    assert sum(path.endswith("/installation") for _, path in server.requests) == 2, "it is known already"


@pytest.mark.usefixtures("installed", "commit")
def test_an_answer_without_a_time_is_taken_for_one_of_now(server: LocalGitHub, app: App, tmp_path: Path) -> None:
    with Proxy(server.git_url, tmp_path) as proxy, GitHub(f"{proxy.url}/api/v3", app) as github:
        ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3_600))
        answer = {"token": "ghs_clock", "expires_at": ends}
        proxy.play("POST .*/access_tokens", Answer(201, answer, {"Date": "soon"}))
        assert [token_of(app, github) for _ in range(2)] == ["ghs_clock"] * 2
        assert made(proxy) == 1


@pytest.mark.usefixtures("installed", "commit")
def test_a_repository_whose_token_is_waited_for_holds_up_no_other(
    server: LocalGitHub, app: App, tmp_path: Path
) -> None:
    with Proxy(server.git_url, tmp_path) as proxy, GitHub(f"{proxy.url}/api/v3", app) as github:
        token_of(app, github, "acme/web")
        proxy.play("POST .*/access_tokens", Answer(422, {"message": "no"}, delay=1.5))
        with ThreadPoolExecutor(1) as pool:
            slow = pool.submit(token_of, app, github, "acme/other")
            time.sleep(0.2)
            began = time.monotonic()
            token_of(app, github, "acme/web")
            assert time.monotonic() - began < 1
            with pytest.raises(SourceError, match="or there is no such repository"):
                slow.result()


def test_what_is_lacking_is_named() -> None:
    assert lacking({"contents": "write", "statuses": "read"}, NEEDED) == ["metadata: read", "statuses: write"]
    assert lacking({**NEEDED}, NEEDED) == []
