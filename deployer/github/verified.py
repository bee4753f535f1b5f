"""Whether GitHub verifies the signature of a commit.

https://docs.github.com/authentication/managing-commit-signature-verification/about-commit-signature-verification
"""

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Literal

from cachetools import TTLCache

from deployer.github.client import GitHub
from deployer.http import excerpt
from deployer.repository import Repository


@dataclass(frozen=True)
class Signature:
    """What GitHub says of a commit's signature; `words` say what is wrong with it, or awaited.

    One that is refused may be verified later all the same, as when its key is uploaded.
    """

    state: Literal["verified", "waiting", "refused"]
    words: str = ""


VERIFIED = Signature("verified")

# GitHub keeps for good that a commit was verified, whatever becomes of the key; but of a GitHub Enterprise Server an
# administrator may end that, or it is too old for it, so it is believed for minutes:
# https://docs.github.com/enterprise-server@3.17/admin/configuring-settings/configuring-user-applications-for-your-enterprise/disabling-persistent-commit-verification
KNOWN: TTLCache[tuple[str, str, str], Signature] = TTLCache(10_000, ttl=300)
_LOCK = Lock()

_WAITING = "GitHub's check of its signature"
# GitHub's words for why it does not verify a commit (https://docs.github.com/rest/git/commits), and four more that only
# the schemas of its webhooks and of GraphQL have (https://docs.github.com/graphql/reference/enums#gitsignaturestate).
_PASSES = ("gpgverify_error", "gpgverify_unavailable", "ocsp_error", "ocsp_pending")
_REASONS: Mapping[str, str] = {
    "unsigned": "not signed",
    "unknown_key": "signed with a key that no GitHub account has",
    "expired_key": "signed with a key that has expired",
    "not_signing_key": "signed with a key that is not for signing",
    "unknown_signature_type": "signed in a way that GitHub does not know",
    "no_user": "signed, but no GitHub account has its committer's e-mail address",
    "unverified_email": "signed, but its committer has not verified that e-mail address at GitHub",
    "bad_email": "signed with a key that is for another e-mail address than its committer's",
    "malformed_signature": "signed, but its signature cannot be read",
    "invalid": "signed, but its signature does not fit",
    "bad_cert": "signed with a certificate that GitHub does not trust",
    "ocsp_revoked": "signed with a certificate that was revoked",
}


def read_signature(github: GitHub, repository: Repository, commit: str) -> Signature:
    """Ask GitHub whether it verifies a commit. It takes one request, and none where it did so in the last minutes.

    Args:
        github: where to ask.
        repository: whose commit.
        commit: its SHA.

    Raises:
        SourceError: GitHub cannot be reached, or refuses, or says nothing of signatures.
    """
    key = (github.host, repository.full_name, commit)
    with _LOCK:
        if known := KNOWN.get(key):
            return known
    answer = github.request("GET", f"/repos/{repository.full_name}/git/commits/{commit}").object("verification")
    found = VERIFIED if answer.flag("verified") else _refused(answer.text("reason"))
    if found == VERIFIED:
        with _LOCK:
            KNOWN[key] = found
    return found


def _refused(reason: str) -> Signature:
    """What a reason means; one that nobody knows is no better than the others."""
    if reason in _PASSES:
        return Signature("waiting", _WAITING)
    return Signature("refused", _REASONS.get(reason, f"not verified by GitHub ({excerpt(reason)})"))
