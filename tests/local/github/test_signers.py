from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from local.github import GitHub
from tests.local.github.helpers import Clone, ask, signing_key

WEB = "/repos/acme/web"
ADA = "ada@example.com"  # who commits


@pytest.fixture
def key(tmp_path: Path) -> tuple[Path, str]:
    return signing_key(tmp_path / "key")


@pytest.fixture
def signed(clone: Clone, first: str, key: tuple[Path, str]) -> str:
    sha = clone.commit("signed", {"a.yaml": "kind: Job\n"}, key[0])
    clone.push("main")
    return sha


def verification(github: GitHub, sha: str) -> Any:
    """Return what both routes say, which is the same."""
    plain = ask(github, f"{WEB}/git/commits/{sha}").json()["verification"]
    assert ask(github, f"{WEB}/commits/{sha}").json()["commit"]["verification"] == plain
    return plain


def test_a_commit_that_was_signed_with_a_known_key(
    github: GitHub, clone: Clone, signed: str, key: tuple[Path, str]
) -> None:
    github.signers.add("other@example.com", signing_key(key[0].with_name("other"))[1])
    github.signers.add(ADA, key[1])

    found = verification(github, signed)

    assert (found["verified"], found["reason"]) == (True, "valid")
    assert found["signature"].startswith("-----BEGIN SSH SIGNATURE-----\n")
    raw = clone.git("cat-file", "commit", signed)
    assert found["payload"].startswith(raw.partition("gpgsig")[0])
    assert found["payload"].endswith("\n\nsigned\n")
    assert "gpgsig" not in found["payload"]
    assert datetime.fromisoformat(found["verified_at"]).tzinfo
    compared = ask(github, f"{WEB}/compare/{clone.git('rev-parse', 'HEAD~1')}...main").json()
    assert compared["commits"][0]["commit"]["verification"] == found


def test_a_commit_that_was_not_signed(github: GitHub, first: str) -> None:
    assert verification(github, first) == {
        "verified": False,
        "reason": "unsigned",
        "signature": None,
        "payload": None,
        "verified_at": None,
    }


def test_a_key_that_nobody_made_known(github: GitHub, signed: str, key: tuple[Path, str]) -> None:
    github.signers.add(ADA, signing_key(key[0].with_name("other"))[1])
    found = verification(github, signed)
    assert (found["verified"], found["reason"], found["verified_at"]) == (False, "unknown_key", None)
    assert found["signature"]
    assert found["payload"]


@pytest.mark.parametrize(("known", "reason"), [(False, "no_user"), (True, "bad_email")])
def test_somebody_elses_key(github: GitHub, signed: str, key: tuple[Path, str], known: bool, reason: str) -> None:
    github.signers.add("mallory@example.com", key[1])
    if known:
        github.signers.add(ADA, signing_key(key[0].with_name("other"))[1])
    assert verification(github, signed)["reason"] == reason


def forged(clone: Clone, signed: str, before: str, after: str) -> str:
    """Push the commit with something else in it, and return its SHA."""
    raw = clone.git("cat-file", "commit", signed) + "\n"
    assert before in raw
    sha = clone.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=raw.replace(before, after))
    clone.push(f"{sha}:refs/heads/forged")
    return sha


def test_a_signature_that_does_not_fit_what_was_signed(
    github: GitHub, clone: Clone, signed: str, key: tuple[Path, str]
) -> None:
    github.signers.add(ADA, key[1])
    sha = forged(clone, signed, "\n\nsigned", "\n\nforged")
    assert (verification(github, sha)["verified"], verification(github, sha)["reason"]) == (False, "invalid")
    assert verification(github, signed)["verified"] is True


@pytest.mark.parametrize(
    ("kind", "reason"), [("PGP SIGNATURE", "unknown_key"), ("ODD SIGNATURE", "unknown_signature_type")]
)
def test_signatures_of_other_kinds(github: GitHub, clone: Clone, signed: str, kind: str, reason: str) -> None:
    assert verification(github, forged(clone, signed, "SSH SIGNATURE", kind))["reason"] == reason


def test_what_was_valid_once_stays_so(github: GitHub, signed: str, key: tuple[Path, str]) -> None:
    assert verification(github, signed)["reason"] == "unknown_key"
    github.signers.add(ADA, key[1])
    at = verification(github, signed)["verified_at"]
    assert at
    assert verification(github, signed)["verified_at"] == at
