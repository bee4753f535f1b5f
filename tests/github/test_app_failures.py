"""A GitHub App where GitHub has faults, or refuses a token: few requests, few seconds, and nobody is held up."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from deployer.errors import SourceError
from deployer.github.app import App
from deployer.github.client import GitHub, _Call
from deployer.http import Timeouts
from deployer.retry import ATTEMPTS, PATIENCE
from local.github import GitHub as LocalGitHub
from tests.faults.proxy import Answer, Late, Proxy, Silent
from tests.github.apps import WEB, age, forget, made, refused, token_of


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


@pytest.mark.usefixtures("installed", "commit")
def test_a_fault_of_github_may_pass(server: LocalGitHub, as_app: GitHub, app: App) -> None:
    server.fail("/access_tokens$", 502, headers={"Retry-After": "0"})
    server.fail("/installation$", 503, headers={"Retry-After": "0"})
    assert as_app.request("GET", WEB).text("full_name") == "acme/web"
    forget(app)
    server.fail("/access_tokens$", 502, headers={"Retry-After": "0"})
    assert as_app.request("GET", WEB).text("full_name") == "acme/web"
    assert made(server) == 4


@pytest.mark.usefixtures("installed", "commit")
def test_a_repository_whose_token_is_waited_for_holds_up_no_other(
    proxy: Proxy, faulty_as_app: GitHub, app: App
) -> None:
    token_of(app, faulty_as_app, "acme/web")
    proxy.play("GET .*/acme/other/installation", Answer(404, {"message": "Not Found"}, delay=1.5))
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(token_of, app, faulty_as_app, "acme/other")
        time.sleep(0.2)
        began = time.monotonic()
        token_of(app, faulty_as_app, "acme/web")
        assert time.monotonic() - began < 1
        with pytest.raises(SourceError, match="or there is no such repository"):
            slow.result()


def together(github: GitHub) -> list[tuple[int, float]]:
    """How sixteen threads that ask at once are refused, and after how many seconds."""

    def ask(_: int) -> tuple[int, float]:
        began = time.monotonic()
        with pytest.raises(SourceError) as caught:
            github.request("GET", WEB)
        return caught.value.status, time.monotonic() - began

    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(ask, range(16)))


@pytest.mark.usefixtures("installed", "commit")
def test_threads_share_a_fault_of_github_and_ask_again_as_one(server: LocalGitHub, as_app: GitHub) -> None:
    with server.outage("/access_tokens$", 500):
        assert {status for status, _ in together(as_app)} == {500}
    assert made(server) == ATTEMPTS


@pytest.mark.usefixtures("installed", "commit")
def test_a_rate_limit_is_heeded_by_all_for_as_long_as_github_says(
    proxy: Proxy, faulty_as_app: GitHub, app: App
) -> None:
    limit = Answer(403, {"message": "You have exceeded a secondary rate limit"}, {"Retry-After": "60"})
    with proxy.always("POST .*/access_tokens", limit):
        assert {status for status, _ in together(faulty_as_app)} == {403}
    assert made(proxy) == 1
    with pytest.raises(SourceError, match="rate limit for this installation of the GitHub App") as caught:
        faulty_as_app.request("GET", WEB)
    assert caught.value.transient
    assert 50 < (caught.value.retry_after or 0) < 60, "what is left of it"
    app._refusals["acme/web"] = type(app._refusals["acme/web"])(caught.value, time.monotonic())
    assert faulty_as_app.request("GET", WEB).text("full_name") == "acme/web"


@pytest.mark.usefixtures("commit")
def test_an_app_that_is_not_installed_is_found_out_once_for_all(server: LocalGitHub, as_app: GitHub, app: App) -> None:
    assert {status for status, _ in together(as_app)} == {403}
    asked = [("GET", f"{WEB}/installation"), ("GET", "/app/installations")]
    assert server.requests == asked
    time.sleep(2)
    refused(as_app)
    assert server.requests == asked * 2, "and asked again soon"


@pytest.mark.usefixtures("installed", "commit")
def test_threads_that_wait_for_the_same_token_do_not_wait_one_after_the_other(proxy: Proxy, app: App) -> None:
    """Each alone would wait for the silence to end: sixteen times as long."""
    with (
        GitHub(f"{proxy.url}/api/v3", app, Timeouts(1, 0.5, 30)) as github,
        proxy.always("POST .*/access_tokens", Silent()),
    ):
        seconds = [seconds for _, seconds in together(github)]
    assert max(seconds) < ATTEMPTS * (0.5 + 2) + 1
    assert made(proxy) == ATTEMPTS


@pytest.mark.usefixtures("installed", "commit")
def test_all_that_a_request_needs_has_one_deadline(proxy: Proxy, app: App) -> None:
    """Three requests of a second each: where it is installed, a token, and the repository."""
    with GitHub(f"{proxy.url}/api/v3", app, Timeouts(1, 1.5, 1.5)) as github, proxy.always("", Late(1)):
        call = _Call("GET", WEB, None, "acme/web", f"GET {WEB}")
        began = time.monotonic()
        with pytest.raises(
            SourceError, match=r"cannot be reached .* its answer had not ended after 0\.\d+ s"
        ) as caught:
            github._send(call)
        assert 1 < time.monotonic() - began < 2
        assert caught.value.transient
