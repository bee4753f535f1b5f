"""The example application: changed, committed, pushed and followed, as its developer would."""

import json
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from local.world import EXAMPLES

REPOSITORY = "acme/shop"
_WHO = ("-c", "user.name=Ada Example", "-c", "user.email=ada@example.com")


def push(folder: Path, exports: Mapping[str, str]) -> str:
    """Change the example's greeting, commit and push.

    Args:
        folder: the clone to work in; made from `examples/shop` the first time.
        exports: of the running world.

    Returns:
        The SHA of the commit.
    """
    if not folder.exists():
        shutil.copytree(EXAMPLES / "shop", folder)
        _git(folder, "init", "--quiet", "--initial-branch=main")
        _git(folder, "remote", "add", "origin", f"{exports['DEPLOYER_LOCAL_GIT_URL']}/{REPOSITORY}.git")
        message = "The shop opens"
    else:
        count = int(_git(folder, "rev-list", "--count", "HEAD"))
        settings = folder / "settings.yaml"
        lines = settings.read_text().splitlines()
        greeting = f'  GREETING: "hello, world, for the {count + 1}. time"'
        settings.write_text("\n".join(greeting if "GREETING" in line else line for line in lines) + "\n")
        message = f"Greet for the {count + 1}. time"
    _git(folder, "add", "--all")
    _git(folder, *_WHO, "commit", "--quiet", "--message", message)
    _git(folder, "push", "--quiet", "origin", "main")
    return _git(folder, "rev-parse", "HEAD")


def follow(exports: Mapping[str, str], commit: str, progress: Callable[[str], None], timeout: float = 150.0) -> bool:
    """Follow a commit's status until it is settled.

    Args:
        exports: of the running world.
        commit: the SHA.
        progress: told of each new description.
        timeout: seconds.

    Returns:
        Whether it became `success` in time.
    """
    deadline = time.monotonic() + timeout
    shown = ""
    while time.monotonic() < deadline:
        for status in _statuses(exports, commit):
            line = f"{status['context']}: {status['state']}: {status['description']}"
            if line != shown:
                shown = line
                progress(line)
            if status["state"] != "pending":
                return bool(status["state"] == "success")
        time.sleep(0.1)
    progress(f"no final status within {timeout:g} s")
    return False


def _statuses(exports: Mapping[str, str], commit: str) -> list[dict[str, Any]]:
    request = urllib.request.Request(  # noqa: S310 (an address of this world)
        f"{exports['DEPLOYER_LOCAL_GITHUB_URL']}/repos/{REPOSITORY}/commits/{commit}/status",
        headers={"Authorization": f"Bearer {exports['DEPLOYER_LOCAL_GITHUB_TOKEN']}"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        statuses: list[dict[str, Any]] = json.load(answer)["statuses"]
    return statuses


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()
