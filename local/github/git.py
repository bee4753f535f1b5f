"""Git's plumbing commands, run so that neither a person's configuration nor an argument can change what they do."""

import os
import re
import subprocess
from pathlib import Path

SHA = re.compile(r"[0-9a-f]{40}")
ZEROS = "0" * 40  # git's and GitHub's way to write "no object"


def environment() -> dict[str, str]:
    """Return the environment of every git process: the PATH, and nothing of the person's own configuration."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
    }


def git(folder: Path, *arguments: str, stdin: bytes = b"", check: bool = True) -> bytes:
    """Run a git command in a bare repository and return what it prints.

    Anything that a client sent goes in through `stdin`, or is matched against `SHA` first: it is never an option.

    Raises:
        subprocess.CalledProcessError: git failed, and `check` is set.
    """
    command = ["git", f"--git-dir={folder}", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, env=environment(), check=check, timeout=60).stdout
