"""Who this process is to Google, as a token server and a metadata server say it."""

import base64
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deployer.errors import TokenError
from deployer.google_token import GoogleToken
from tests.google import EMAIL, Google


def test_a_token_is_asked_for_once_while_it_is_good(google: Google) -> None:
    token = GoogleToken()
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: token.header(), range(8))) == {"Bearer good-token"}
    assert google.given == 1
    assert token.principal() == EMAIL
    assert token.quota_project() == ""


def test_a_token_is_renewed_before_it_ends(google: Google) -> None:
    google.lifetime = 200
    token = GoogleToken()
    token.header()
    google.tokens.append("another-token")
    assert token.header() == "Bearer another-token"
    assert google.given == 2


def test_those_who_are_refused_together_renew_it_once(google: Google) -> None:
    token = GoogleToken()
    refused = token.header()
    google.tokens = ["another-token"]
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: token.renewed(refused), range(8))) == {"Bearer another-token"}
    assert google.given == 2


def test_a_refusal_tells_its_code_and_nothing_else(google: Google) -> None:
    google.faults.append((google.address, (400, {"error": "invalid_grant", "error_description": "s3cret"})))
    with pytest.raises(TokenError) as caught:
        GoogleToken().header()
    said = "Google gives no access token (invalid_grant): on a machine of yours, gcloud auth application-default login"
    assert (str(caught.value), caught.value.transient) == (said, False)


def test_what_may_pass_is_told_as_such(google: Google, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in google.with_key(token_uri="http://127.0.0.1:1/token").items():
        monkeypatch.setenv(name, value)
    token = GoogleToken()
    with pytest.raises(TokenError, match=r"Google gives no access token .*try again later") as caught:
        token.header()
    assert caught.value.transient
    assert token.principal() == ""


def test_a_key_that_is_not_there_is_told(google: Google, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/does/not/exist")
    with pytest.raises(
        TokenError, match=r"no Google credentials here .*: on a machine of yours, gcloud auth"
    ) as caught:
        GoogleToken().header()
    assert not caught.value.transient


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("id_token", "account", "email"),
    [
        (f"{encoded({'alg': 'none'})}.{encoded({'email': 'ada@example.com'})}.{encoded('')}", "", "ada@example.com"),
        ("no token", "", ""),
        (None, "", ""),
        (None, "ada@example.com", "ada@example.com"),
    ],
)
def test_a_person_is_known_by_what_google_says_of_them(
    google: Google,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    id_token: str | None,
    account: str,
    email: str,
) -> None:
    google.tunnels["oauth2.googleapis.com"] = google.address
    person = {"client_id": "c", "client_secret": "s", "refresh_token": "r", "quota_project_id": "acme"}
    file = tmp_path / "adc.json"
    file.write_text(json.dumps({"type": "authorized_user", "account": account, **person}))
    token = {"access_token": "ya29", "expires_in": 3600, **({"id_token": id_token} if id_token else {})}
    google.faults.append(("oauth2.googleapis.com", (200, token)))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    found = GoogleToken()
    assert (found.header(), found.principal(), found.quota_project()) == ("Bearer ya29", email, "acme")


def test_on_google_cloud_the_metadata_server_says_who_it_is(google: Google) -> None:
    program = "from deployer.google_token import google_token as it; print(it().header(), it().principal())"
    clean = {name: value for name, value in os.environ.items() if name != "GOOGLE_APPLICATION_CREDENTIALS"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**clean, **google.on_google_cloud(), "CLOUDSDK_CONFIG": "/does/not/exist"},
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.stdout, done.stderr) == (f"Bearer good-token {EMAIL}\n", "")
    asked = google.requests(google.address)
    assert any("userinfo.email" in path for path in asked), "RBAC would see a number"
