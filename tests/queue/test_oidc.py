"""Tokens of pushes, checked with certificates that a server gives as Google does."""

import base64
import hashlib
import hmac
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.queue import oidc
from deployer.queue.oidc import CLOCK_SKEW, PushTokens, RefusedTokenError, push_tokens
from deployer.settings import Settings
from tests.google_apis import AUDIENCE, PUSHER, Answer, Google, Signer

CERTS = "/oauth2/v1/certs"


@pytest.fixture(scope="session")
def signer() -> Signer:
    return Signer("first")


@pytest.fixture(scope="session")
def other() -> Signer:
    return Signer("second")


@pytest.fixture
def google(signer: Signer) -> Iterator[Google]:
    with Google() as google:
        google.certificates = {signer.name: signer.certificate}
        yield google


@pytest.fixture
def tokens(google: Google) -> PushTokens:
    return PushTokens(AUDIENCE, PUSHER, f"http://{google.endpoint}")


def refused(tokens: PushTokens, authorization: str | None) -> RefusedTokenError:
    with pytest.raises(RefusedTokenError) as caught:
        tokens.check(authorization)
    return caught.value


def test_a_token_of_pubsubs_is_let_in(tokens: PushTokens, signer: Signer) -> None:
    tokens.check(f"Bearer {signer.token()}")
    tokens.check(f"bearer {signer.token(iss='accounts.google.com')}")


def test_certificates_are_read_once(tokens: PushTokens, signer: Signer, google: Google) -> None:
    for _ in range(3):
        tokens.check(f"Bearer {signer.token()}")
    assert len(google.asked(CERTS)) == 1


@pytest.mark.parametrize(
    ("changes", "status", "why"),
    [
        ({"aud": "https://elsewhere.example"}, 401, "its token is for another audience than DEPLOYER_PUSH_AUDIENCE"),
        ({"aud": None}, 401, "its token is for another audience"),
        ({"aud": [AUDIENCE, "https://elsewhere.example"]}, 401, "its token is for another audience"),
        ({"iss": "https://elsewhere.example"}, 401, "its token is not issued by https://accounts.google.com"),
        ({"iss": None}, 401, "its token is not issued by https://accounts.google.com"),
        ({"email": "eve@evil.iam.gserviceaccount.com"}, 403, "of another account than DEPLOYER_PUSH_ACCOUNT"),
        ({"email": None}, 403, "of another account than DEPLOYER_PUSH_ACCOUNT"),
        ({"email": PUSHER.upper()}, 403, "of another account than DEPLOYER_PUSH_ACCOUNT"),
        ({"email_verified": False}, 403, "of another account than DEPLOYER_PUSH_ACCOUNT"),
        ({"email_verified": None}, 403, "of another account than DEPLOYER_PUSH_ACCOUNT"),
        ({"email_verified": "true"}, 403, "of another account than DEPLOYER_PUSH_ACCOUNT"),
        ({"exp": None}, 401, "its token has expired, or Google has not signed it"),
        ({"iat": None}, 401, "its token has expired, or Google has not signed it"),
        ({"exp": "soon"}, 401, "its token has expired, or Google has not signed it"),
    ],
)
def test_what_a_token_has_to_say(
    tokens: PushTokens, signer: Signer, changes: dict[str, Any], status: int, why: str
) -> None:
    error = refused(tokens, f"Bearer {signer.token(**changes)}")
    assert (error.status, why in str(error)) == (status, True)


def test_clocks_may_differ_a_little(tokens: PushTokens, signer: Signer) -> None:
    now = int(time.time())
    tokens.check(f"Bearer {signer.token(exp=now - CLOCK_SKEW // 2)}")
    tokens.check(f"Bearer {signer.token(iat=now + CLOCK_SKEW // 2)}")
    for token in (signer.token(exp=now - CLOCK_SKEW - 2), signer.token(iat=now + CLOCK_SKEW + 10)):
        assert "its token has expired" in str(refused(tokens, f"Bearer {token}"))


def test_another_key_under_a_known_name(tokens: PushTokens, other: Signer) -> None:
    error = refused(tokens, f"Bearer {other.token({'kid': 'first'})}")
    assert (error.status, str(error)) == (401, "its token has expired, or Google has not signed it")


@pytest.mark.parametrize("header", [{"kid": None}, {"kid": ["first"]}, {"kid": "unknown"}])
def test_a_token_names_the_key_that_signed_it(tokens: PushTokens, signer: Signer, header: dict[str, object]) -> None:
    error = refused(tokens, f"Bearer {signer.token(header)}")
    assert (error.status, str(error)) == (401, "its token is signed by no key of Google's")


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "ES256", None, ["RS256"]])
def test_no_other_algorithm_counts(tokens: PushTokens, signer: Signer, algorithm: object) -> None:
    assert refused(tokens, f"Bearer {signer.token({'alg': algorithm})}").status == 401


def test_the_public_certificate_is_no_shared_secret(tokens: PushTokens, signer: Signer) -> None:
    """CVE-2016-10555 and its like: a token with HS256 was checked with the public key as its secret."""
    head, claims, _ = signer.token({"alg": "HS256"}).split(".")
    digest = hmac.new(signer.certificate.encode(), f"{head}.{claims}".encode(), hashlib.sha256).digest()
    signature = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    assert refused(tokens, f"Bearer {head}.{claims}.{signature}").status == 401


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Bearer a.b", "Bearer ä.ö.ü", "Bearer a.b.c"]
)
def test_no_token_is_no_entry(tokens: PushTokens, authorization: str | None) -> None:
    assert refused(tokens, authorization).status == 401


def test_a_token_that_is_nested_too_deeply(tokens: PushTokens) -> None:
    deep = base64.urlsafe_b64encode(b"[" * 100_000).decode()
    assert refused(tokens, f"Bearer {deep}.{deep}.").status == 401


@given(st.text(max_size=40) | st.from_regex(r"[\w-]{0,20}\.[\w-]{0,20}\.[\w-]{0,20}"))
def test_no_header_makes_it_fail_otherwise(text: str) -> None:
    assert refused(PushTokens(AUDIENCE, PUSHER, "http://127.0.0.1:1"), f"Bearer {text}").status in (401, 503)


def test_neither_answer_nor_log_shows_the_token(
    tokens: PushTokens, signer: Signer, log: pytest.LogCaptureFixture
) -> None:
    token = signer.token(aud="https://elsewhere.example")
    error = refused(tokens, f"Bearer {token}")
    for part in (*token.split("."), "elsewhere.example"):
        assert part not in f"{error} {error.reason} {error.__cause__} {log.text}"
    assert error.reason == "this takes what Pub/Sub pushes, with its token"
    assert error.reason == refused(tokens, None).reason, "whoever asks learns nothing from what is wrong"


class TestCertificates:
    def test_a_key_that_is_new_has_them_read_anew(self, google: Google, signer: Signer, other: Signer) -> None:
        tokens = PushTokens(AUDIENCE, PUSHER, f"http://{google.endpoint}", pause=0)
        tokens.check(f"Bearer {signer.token()}")
        google.certificates[other.name] = other.certificate
        tokens.check(f"Bearer {other.token()}")
        assert len(google.asked(CERTS)) == 2

    def test_unknown_keys_have_them_read_seldom(self, tokens: PushTokens, google: Google, signer: Signer) -> None:
        for number in range(5):
            refused(tokens, f"Bearer {signer.token({'kid': f'made up {number}'})}")
        assert len(google.asked(CERTS)) == 1
        tokens.check(f"Bearer {signer.token()}")

    @pytest.mark.parametrize("control", ["public, max-age=0, must-revalidate", "max-age=1"])
    def test_they_are_kept_as_long_as_google_says(self, google: Google, signer: Signer, control: str) -> None:
        google.answers[CERTS] = [Answer(200, google.certificates, {"Cache-Control": control})]
        tokens = PushTokens(AUDIENCE, PUSHER, f"http://{google.endpoint}", pause=0.2)
        tokens.check(f"Bearer {signer.token()}")
        tokens.check(f"Bearer {signer.token()}")
        assert len(google.asked(CERTS)) == 1, "not twice within the pause"
        time.sleep(1.1)
        tokens.check(f"Bearer {signer.token()}")
        assert len(google.asked(CERTS)) == 2

    def test_one_that_is_taken_back_ends(self, google: Google, signer: Signer, other: Signer) -> None:
        google.answers[CERTS] = [Answer(200, google.certificates, {"Cache-Control": "max-age=0"})]
        tokens = PushTokens(AUDIENCE, PUSHER, f"http://{google.endpoint}", pause=0)
        tokens.check(f"Bearer {signer.token()}")
        google.certificates = {other.name: other.certificate}
        assert refused(tokens, f"Bearer {signer.token()}").status == 401

    @pytest.mark.parametrize(
        "answer",
        [
            Answer(503),
            Answer(0),
            Answer(200, "<html>"),
            Answer(200, ["first"]),
            Answer(200, {}),
            Answer(200, {"keys": [{}]}),
            Answer(302),
        ],
    )
    def test_those_that_were_read_go_on_being_good(
        self, google: Google, signer: Signer, answer: Answer, log: pytest.LogCaptureFixture
    ) -> None:
        first = Answer(200, google.certificates, {"Cache-Control": "max-age=0"})
        google.answers[CERTS] = [first, answer]
        tokens = PushTokens(AUDIENCE, PUSHER, f"http://{google.endpoint}", pause=0)
        tokens.check(f"Bearer {signer.token()}")
        tokens.check(f"Bearer {signer.token()}")
        assert len(google.asked(CERTS)) == 2
        assert "Google's certificates cannot be read: " in log.text

    def test_without_any_nobody_is_let_in_and_pubsub_comes_again(self, google: Google, signer: Signer) -> None:
        google.answers[CERTS] = [Answer(503)]
        tokens = PushTokens(AUDIENCE, PUSHER, f"http://{google.endpoint}", pause=0.3)
        assert refused(tokens, f"Bearer {signer.token()}").status == 503
        assert refused(tokens, f"Bearer {signer.token()}").status == 503
        assert len(google.asked(CERTS)) == 1
        time.sleep(0.4)
        tokens.check(f"Bearer {signer.token()}")

    def test_one_that_is_none(self, google: Google, signer: Signer) -> None:
        google.certificates = {signer.name: "-----BEGIN CERTIFICATE-----"}
        tokens = PushTokens(AUDIENCE, PUSHER, f"http://{google.endpoint}")
        assert refused(tokens, f"Bearer {signer.token()}").status == 401


@pytest.mark.parametrize(("audience", "account"), [("", PUSHER), (AUDIENCE, "")])
def test_half_a_check_is_none(audience: str, account: str) -> None:
    with pytest.raises(ValueError, match="any account"):
        PushTokens(audience, account)


def test_without_the_settings_the_platform_has_checked() -> None:
    assert push_tokens(Settings()) is None


def test_an_emulator_has_certificates_of_its_own(google: Google, signer: Signer) -> None:
    settings = Settings(push_audience=AUDIENCE, push_account=PUSHER, pubsub_endpoint=google.endpoint)
    tokens = push_tokens(settings)
    assert tokens
    tokens.check(f"Bearer {signer.token()}")
    assert push_tokens(settings) is tokens


def test_certificates_are_googles_own() -> None:
    assert oidc.GOOGLE + oidc.CERTIFICATES == "https://www.googleapis.com/oauth2/v1/certs"
