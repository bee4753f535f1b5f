"""Whether GitHub verifies the signature of a commit."""

import re
import time
from pathlib import Path
from typing import Any

import pytest

from deployer.errors import SourceError
from deployer.github.client import GitHub
from deployer.github.verified import KNOWN, VERIFIED, Signature, read_signature
from deployer.repository import Repository
from local.github import GitHub as LocalGitHub
from tests.faults.proxy import Answer, Proxy
from tests.local.github.helpers import Clone, signing_key

ADDRESS = "/repos/acme/web/git/commits/"
WAITS = Signature("waiting", "GitHub's check of its signature")


@pytest.fixture
def commit(clone: Clone) -> str:
    commit = clone.commit("first", {"a": "1"})
    clone.push("main")
    return commit


def says(verified: object, reason: object = "valid") -> Answer:
    """What GitHub says of a commit."""
    return Answer(200, {"verification": {"verified": verified, "reason": reason, "signature": None, "payload": None}})


def asked(server: LocalGitHub) -> list[tuple[str, str]]:
    return [(method, path) for method, path in server.requests if ADDRESS in path]


def test_what_is_not_signed_is_refused_and_costs_one_request(
    server: LocalGitHub, github: GitHub, repository: Repository, commit: str
) -> None:
    assert read_signature(github, repository, commit) == Signature("refused", "not signed")
    assert github.requests == 1
    assert asked(server) == [("GET", f"{ADDRESS}{commit}")]


def test_asking_again_is_free_for_the_rate_limit(
    server: LocalGitHub, github: GitHub, repository: Repository, commit: str
) -> None:
    read_signature(github, repository, commit)
    used = server.limits.primary.used
    for _ in range(3):
        assert read_signature(github, repository, commit).state == "refused"
    assert (len(asked(server)), server.limits.primary.used) == (4, used)


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("unsigned", "not signed"),
        ("unknown_key", "signed with a key that no GitHub account has"),
        ("expired_key", "signed with a key that has expired"),
        ("not_signing_key", "signed with a key that is not for signing"),
        ("unknown_signature_type", "signed in a way that GitHub does not know"),
        ("no_user", "signed, but no GitHub account has its committer's e-mail address"),
        ("unverified_email", "signed, but its committer has not verified that e-mail address at GitHub"),
        ("bad_email", "signed with a key that is for another e-mail address than its committer's"),
        ("malformed_signature", "signed, but its signature cannot be read"),
        ("invalid", "signed, but its signature does not fit"),
        ("bad_cert", "signed with a certificate that GitHub does not trust"),
        ("ocsp_revoked", "signed with a certificate that was revoked"),
        ("valid", "not verified by GitHub (valid)"),
        ("a new\none", "not verified by GitHub (a new one)"),
    ],
)
def test_each_reason_is_told_in_words_and_may_change(
    proxy: Proxy, faulty: GitHub, repository: Repository, commit: str, reason: str, words: str
) -> None:
    proxy.play(ADDRESS, says(False, reason), says(True))
    assert read_signature(faulty, repository, commit) == Signature("refused", words)
    assert read_signature(faulty, repository, commit) == VERIFIED


@pytest.mark.parametrize("reason", ["gpgverify_error", "gpgverify_unavailable", "ocsp_error", "ocsp_pending"])
def test_what_may_pass_is_waited_for(
    proxy: Proxy, faulty: GitHub, repository: Repository, commit: str, reason: str
) -> None:
    proxy.play(ADDRESS, says(False, reason))
    assert read_signature(faulty, repository, commit) == WAITS


def test_what_was_verified_is_not_asked_for_again_at_once(
    proxy: Proxy, faulty: GitHub, repository: Repository, commit: str
) -> None:
    proxy.play(ADDRESS, says(True))
    assert [read_signature(faulty, repository, commit) for _ in range(3)] == [VERIFIED] * 3
    assert faulty.requests == 1
    other = Repository(repository.host, "acme/other")
    proxy.play("/repos/acme/other/git/commits/", says(False, "unknown_key"))
    assert read_signature(faulty, other, commit).state == "refused", "in another repository nobody has said so"


def test_what_was_verified_is_asked_for_again_after_five_minutes(
    proxy: Proxy, faulty: GitHub, repository: Repository, commit: str
) -> None:
    """A GitHub Enterprise Server may call it verified no longer, once the key is gone."""
    proxy.play(ADDRESS, says(True), says(False, "unknown_key"))
    assert read_signature(faulty, repository, commit) == VERIFIED
    now = time.monotonic()
    KNOWN.expire(now + 290)
    assert read_signature(faulty, repository, commit) == VERIFIED
    KNOWN.expire(now + 310)
    assert read_signature(faulty, repository, commit).state == "refused"


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ({}, "'verification'"),
        ({"verification": None}, "'verification'"),
        ({"verification": {"reason": "valid"}}, "'verified'"),
        ({"verification": {"verified": "true", "reason": "valid"}}, "'verified'"),
        ({"verification": {"verified": 1, "reason": "valid"}}, "'verified'"),
        ({"verification": {"verified": None, "reason": "valid"}}, "'verified'"),
        ({"verification": {"verified": False}}, "'reason'"),
    ],
)
def test_an_answer_that_does_not_say_it_verifies_nothing(
    proxy: Proxy, faulty: GitHub, repository: Repository, commit: str, body: Any, what: str
) -> None:
    proxy.play(ADDRESS, Answer(200, body))
    with pytest.raises(SourceError, match=f"/git/commits/{commit} has no {re.escape(what)} as it is documented"):
        read_signature(faulty, repository, commit)


def test_a_commit_that_is_not_there_is_an_error(github: GitHub, repository: Repository, commit: str) -> None:
    assert commit
    with pytest.raises(SourceError) as raised:
        read_signature(github, repository, "9" * 40)
    assert raised.value.status == 404


def test_a_signed_commit_is_verified_once_github_knows_the_key(
    server: LocalGitHub, github: GitHub, repository: Repository, clone: Clone, tmp_path: Path
) -> None:
    key, public = signing_key(tmp_path / "key")
    commit = clone.commit("signed", {"a": "2"}, key)
    clone.push("main")
    unknown = Signature("refused", "signed with a key that no GitHub account has")
    assert read_signature(github, repository, commit) == unknown
    server.signers.add("ada@example.com", public)
    assert read_signature(github, repository, commit) == VERIFIED
