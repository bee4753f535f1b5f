"""The identity of a service, from a metadata server."""

import time
from collections.abc import Iterator

import pytest

from deployer.deadline import within
from deployer.errors import TokenError
from deployer.google_token import GoogleToken
from deployer.metadata_server import ServiceIdentity, is_service
from local.ports import free_ports
from tests.google_apis import ACCOUNT, Answer, Google

TOKEN = "/token"


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Iterator[Google]:
    with Google() as google:
        monkeypatch.setenv("GCE_METADATA_HOST", google.endpoint)
        monkeypatch.setenv("K_SERVICE", "webhook")
        monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
        yield google


def test_a_token_is_kept_until_shortly_before_its_end(google: Google) -> None:
    token = GoogleToken()
    assert token.header() == token.header() == "Bearer ya29.first"
    (seen,) = google.asked(TOKEN)
    assert seen.path.startswith("/computeMetadata/v1/instance/service-accounts/default/token?scopes=https://www.google")
    assert "cloud-platform," in seen.path


def test_one_that_ends_soon_is_exchanged(google: Google) -> None:
    google.answers[TOKEN] = [Answer(200, {"access_token": "ya29.old", "expires_in": 224})]
    token = GoogleToken()
    assert token.header() == "Bearer ya29.old", "the server has no newer one yet"
    assert token.header() == "Bearer ya29.first"


def test_one_that_is_refused_is_exchanged(google: Google) -> None:
    google.tokens = ["ya29.first", "ya29.second"]
    token = GoogleToken()
    assert token.renewed(token.header()) == "Bearer ya29.second"


def test_its_account_is_known(google: Google) -> None:
    assert GoogleToken().principal() == ACCOUNT
    google.answers["/email"] = [Answer(404)]
    assert GoogleToken().principal() == ""


def test_a_fault_that_passes_is_not_noticed(google: Google) -> None:
    google.answers[TOKEN] = [Answer(503), Answer(0)]
    assert GoogleToken().header() == "Bearer ya29.first"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(404, "c4n4ry"), "gives no access token: it answers 404; check that the service has an account"),
        (Answer(200, "c4n4ry"), "answers with something that is no access token"),
        (Answer(200, {"expires_in": 1}), "answers with something that is no access token"),
        (Answer(200, {"access_token": "c4n4ry", "expires_in": "soon"}), "answers with something that is no"),
        (Answer(200, []), "answers with something that is no access token"),
    ],
)
def test_what_is_no_token_is_told_without_its_words(google: Google, answer: Answer, said: str) -> None:
    google.answers[TOKEN] = [answer]
    with pytest.raises(TokenError, match=f"^the metadata server {said}") as caught:
        ServiceIdentity(["scope"]).refresh()
    assert "c4n4ry" not in str(caught.value)
    assert not caught.value.transient


def test_whoever_has_a_deadline_waits_no_longer(google: Google) -> None:
    google.answers[TOKEN] = [Answer(200, delay=3)] * 9
    start = time.monotonic()
    with pytest.raises(TokenError, match="cannot be reached") as caught, within(0.5):
        ServiceIdentity(["scope"]).refresh()
    assert time.monotonic() - start < 1.5
    assert caught.value.transient


def test_nobody_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GCE_METADATA_HOST", f"127.0.0.1:{free_ports(1)[0]}")
    with pytest.raises(TokenError, match=r"gives no access token: http://127.0.0.1:\d+ cannot be reached"), within(0.3):
        ServiceIdentity(["scope"]).refresh()


def test_only_a_service_without_other_credentials_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.delenv("K_SERVICE", raising=False)
    assert not is_service()
    monkeypatch.setenv("K_SERVICE", "webhook")
    assert is_service()
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/key.json")
    assert not is_service()
