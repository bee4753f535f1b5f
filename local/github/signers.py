"""Who signed a commit, and whether GitHub believes it: signatures made with SSH keys, checked by git itself.

https://docs.github.com/en/rest/git/commits#get-a-commit-object has the reasons,
https://docs.github.com/en/authentication/managing-commit-signature-verification the rules.
"""

import re
import subprocess
import tempfile
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from local.github.git import environment
from local.github.objects import parse_commit
from local.github.repository import GitObject, Repository

_SIGNATURE = re.compile(rb"^gpgsig .*\n(?: .*\n)*", re.MULTILINE)
_OTHER_KINDS = ("-----BEGIN PGP SIGNATURE-----", "-----BEGIN SIGNED MESSAGE-----")  # no key of these is known here


class Verification(NamedTuple):
    """What GitHub makes of a signature; `verified_at` is when it was first found valid."""

    reason: str
    signature: str | None = None
    payload: str | None = None
    verified_at: datetime | None = None

    @property
    def verified(self) -> bool:
        """Whether it is valid."""
        return self.reason == "valid"


class Signers:
    """The public keys that accounts have made known; what was found valid once stays so, as on GitHub."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: list[tuple[str, str]] = []
        self._valid: dict[tuple[Path, str], Verification] = {}

    def add(self, email: str, public_key: str) -> None:
        """Make the SSH key of an account with a verified e-mail address known: a line such as `ssh-ed25519 AAAA…`."""
        with self._lock:
            self._keys.append((email, " ".join(public_key.split()[:2])))

    def verify(self, repository: Repository, commit: GitObject) -> Verification:
        """Return what there is to say of a commit's signature."""
        signature = parse_commit(commit).signature
        if not signature:
            return Verification("unsigned")
        known = repository.path, commit.sha
        with self._lock:
            if found := self._valid.get(known):
                return found
            keys = list(self._keys)
        payload = _SIGNATURE.sub(b"", commit.data, count=1).decode(errors="replace")
        reason = self._reason(repository, commit, signature, keys)
        found = Verification(reason, signature, payload, datetime.now(UTC) if reason == "valid" else None)
        if found.verified:
            with self._lock:
                self._valid[known] = found
        return found

    def _reason(self, repository: Repository, commit: GitObject, signature: str, keys: list[tuple[str, str]]) -> str:
        if signature.startswith(_OTHER_KINDS):
            return "unknown_key"
        if not signature.startswith("-----BEGIN SSH SIGNATURE-----"):
            return "unknown_signature_type"
        committer = parse_commit(commit).committer.email
        own = [key for key in keys if key[0].lower() == committer.lower()]
        if _check(repository, commit.sha, own).returncode == 0:
            return "valid"
        checked = _check(repository, commit.sha, keys)
        if checked.returncode == 0:  # somebody else's key
            return "bad_email" if own else "no_user"
        return "unknown_key" if b"No principal matched" in checked.stderr else "invalid"


def _check(repository: Repository, sha: str, keys: list[tuple[str, str]]) -> subprocess.CompletedProcess[bytes]:
    """Have git check a commit's signature, for which these keys and nobody else's are allowed."""
    with tempfile.NamedTemporaryFile("w", suffix=".allowed-signers") as allowed:
        allowed.writelines(f'{email} namespaces="git" {key}\n' for email, key in keys)
        allowed.flush()
        settings = ("-c", f"gpg.ssh.allowedSignersFile={allowed.name}")
        command = ["git", f"--git-dir={repository.path}", *settings, "verify-commit", "--raw", sha]
        return subprocess.run(command, capture_output=True, env=environment(), timeout=60)
