"""A repository as its developer has it."""

import subprocess
from pathlib import Path

from local.github.git import environment

_WHO = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")


class Clone:
    """A folder, whose files are committed and pushed."""

    def __init__(self, folder: Path, url: str) -> None:
        """Make a repository of a folder that is there, and that has no commit yet."""
        self.folder = folder
        self._git("init", "-q", "-b", "main")
        self._git("remote", "add", "origin", url)

    def commit(self, message: str) -> str:
        """Commit what the folder holds now; returns the commit."""
        self._git("add", "--all")
        self._git(*_WHO, "commit", "-qm", message)
        return self._git("rev-parse", "HEAD")

    def push(self, what: str = "main") -> None:
        """Push what is committed, or what a refspec says."""
        self._git("push", "-q", "origin", what)

    def _git(self, *arguments: str) -> str:
        command = ["git", *arguments]
        done = subprocess.run(command, cwd=self.folder, env=environment(), capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} failed: {done.stderr}")
        return done.stdout.strip()
