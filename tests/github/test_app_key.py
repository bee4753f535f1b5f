"""The private key of a GitHub App, and its web tokens."""

import re
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption as Encryption
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from deployer.errors import ConfigurationError, SecretError, SourceError
from deployer.github.app import App
from deployer.github.app_key import AppKey
from deployer.github.client import GitHub
from local.github import GitHub as LocalGitHub
from local.github.apps import App as LocalApp
from tests.faults.proxy import Answer, Proxy
from tests.github.apps import WEB, http_date, made, refused


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


@pytest.mark.usefixtures("installed", "commit")
def test_a_key_of_another_app_is_told(server: LocalGitHub, registered: LocalApp) -> None:
    other = server.apps.register("other", permissions={})
    with GitHub(server.api_url, App(str(registered.number), lambda fresh: other.private_key, print)) as github:
        error = refused(github)
    assert "DEPLOYER_GITHUB_APP_KEY is no private key of the App that DEPLOYER_GITHUB_APP_ID names" in str(error)
    assert error.status == 401


@pytest.mark.usefixtures("installed", "commit")
@pytest.mark.parametrize(("app_id", "status"), [("4711", 403), ("Iv23nobody", 401)])
def test_an_app_that_github_does_not_know_is_told(
    server: LocalGitHub, registered: LocalApp, app_id: str, status: int
) -> None:
    with GitHub(server.api_url, App(app_id, lambda fresh: registered.private_key, print)) as github:
        error = refused(github)
    assert "there is no App as DEPLOYER_GITHUB_APP_ID says: its settings show its App ID" in str(error)
    assert error.status == status
    assert ("GET", "/app/installations") not in server.requests, "there is nothing more to find out"


def test_an_app_whose_keys_are_all_deleted_is_told(server: LocalGitHub, registered: LocalApp) -> None:
    other = server.apps.register("other", permissions={}, public_key="")
    with GitHub(server.api_url, App(str(other.number), lambda fresh: registered.private_key, print)) as github:
        said = str(refused(github, "/app"))
    assert (
        "the App has no private key: make one in its settings, and store it where DEPLOYER_GITHUB_APP_KEY says" in said
    )


@pytest.mark.usefixtures("installed", "commit")
def test_a_clock_that_is_wrong_is_told(proxy: Proxy, faulty_as_app: GitHub) -> None:
    message = "'Expiration time' claim ('exp') must be a numeric value representing the future time at which …"
    date = {"Date": http_date(time.time() + 1_000)}
    proxy.play("GET .*/installation", Answer(401, {"message": message}, date))
    said = str(refused(faulty_as_app))
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
    first = app._key._last
    assert first
    app._key._last = type(first)(first.authorization, first.key, first.made - 60)
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


def test_a_web_token_is_used_for_four_minutes(registered: LocalApp, hidden: list[str]) -> None:
    key = AppKey("1", lambda fresh: registered.private_key, hidden.append)
    first = key.authorization()
    for seconds, others in ((230, 0), (10, 1)):
        assert key._last
        key._last = type(key._last)(key._last.authorization, key._last.key, key._last.made - seconds)
        assert key.authorization()
        assert len(hidden) == 1 + others
    assert first == f"Bearer {hidden[0]}"


def test_a_key_that_stays_wrong_is_not_read_for_each_request(server: LocalGitHub, registered: LocalApp) -> None:
    other = server.apps.register("other", permissions={})
    asked: list[bool] = []

    def read(fresh: bool) -> str:
        asked.append(fresh)
        return other.private_key

    app = App(str(registered.number), read, lambda secret: None)
    with GitHub(server.api_url, app) as github:
        for _ in range(3):
            refused(github, "/app")
        assert asked == [False, True]
        app._key._read_anew -= 10
        refused(github, "/app")
    assert asked == [False, True, True]


def test_threads_that_are_refused_together_read_the_key_once(registered: LocalApp) -> None:
    other = pem(RSA)
    asked: list[bool] = []

    def read(fresh: bool) -> str:
        asked.append(fresh)
        return other if fresh else registered.private_key

    key = AppKey("1", read, lambda secret: None)
    first = key.authorization()
    found = {key.instead(first) for _ in range(3)}
    assert (asked, len(found), first in found) == ([False, True], 1, False)
    assert key.instead("Bearer of.yesterday") in found


@pytest.mark.usefixtures("installed", "commit")
def test_a_key_that_takes_long_to_read_holds_up_nobody_who_has_a_token(
    server: LocalGitHub, registered: LocalApp
) -> None:
    reading = threading.Event()

    def read(fresh: bool) -> str:
        if fresh:
            reading.set()
            time.sleep(1.5)
        return registered.private_key

    with GitHub(server.api_url, App(str(registered.number), read, lambda secret: None)) as github:
        github.request("GET", WEB)
        server.fail("/app$", 401)
        with ThreadPoolExecutor(1) as pool:
            slow = pool.submit(github.request, "GET", "/app")
            assert reading.wait(5)
            began = time.monotonic()
            github.request("GET", WEB)
            assert time.monotonic() - began < 1
            with pytest.raises(SourceError, match="401"):
                slow.result()
