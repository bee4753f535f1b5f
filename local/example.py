"""The example applications: changed, committed, pushed and followed, as their developer would."""

import json
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"

_WHO = ("-c", "user.name=Ada Example", "-c", "user.email=ada@example.com")


@dataclass(frozen=True)
class Example:
    """An application of `examples`: its folder's name, the file whose greeting changes, and its Applications' names."""

    name: str
    changed: str
    applications: tuple[str, ...]

    @property
    def repository(self) -> str:
        """Where it is pushed to."""
        return f"acme/{self.name}"


SHOP = Example("shop", "settings.yaml", ("shop",))
CAFE = Example("cafe", "base/menu.env", ("cafe-staging", "cafe-production"))
BY_NAME = {one.name: one for one in (SHOP, CAFE)}


def push(folder: Path, exports: Mapping[str, str], example: Example = SHOP) -> str:
    """Change an example's greeting, commit and push it.

    Args:
        folder: the clone to work in; made from `examples` the first time.
        exports: of the running world, whose configuration gets the example's Applications if it has them not.
        example: which one.

    Returns:
        The SHA of the commit.
    """
    configure(Path(exports["DEPLOYER_CONFIG"]), exports["DEPLOYER_LOCAL_GIT_URL"], example)
    if not folder.exists():
        shutil.copytree(EXAMPLES / example.name, folder)
        _git(folder, "init", "--quiet", "--initial-branch=main")
        _git(folder, "remote", "add", "origin", f"{exports['DEPLOYER_LOCAL_GIT_URL']}/{example.repository}.git")
        message = f"The {example.name} opens"
    else:
        # Others may have pushed from clones of their own, as whoever follows the tutorial does.
        _git(folder, "fetch", "--quiet", "origin", "main")
        _git(folder, "reset", "--quiet", "--hard", "FETCH_HEAD")
        count = int(_git(folder, "rev-list", "--count", "HEAD"))
        changed = folder / example.changed
        greeting = rf"\1\2hello, world, for the {count + 1}. time\2"
        changed.write_text(re.sub(r'(GREETING[:=] ?)("?).*', greeting, changed.read_text()))
        message = f"Greet for the {count + 1}. time"
    _git(folder, "add", "--all")
    _git(folder, *_WHO, "commit", "--quiet", "--message", message)
    _git(folder, "push", "--quiet", "origin", "main")
    return _git(folder, "rev-parse", "HEAD")


def configure(folder: Path, git_url: str, example: Example, first: str = "staging") -> None:
    """Put an example's Applications into a configuration that has them not, with the address of a local GitHub.

    Args:
        folder: the configuration.
        git_url: where the local GitHub serves git.
        example: which one.
        first: the cluster that takes the place of `staging`.
    """
    file = folder / f"{example.name}.yaml"
    if not file.exists():
        documents = (EXAMPLES / "config" / file.name).read_text().replace("https://github.com", git_url)
        file.write_text(documents.replace("name: staging", f"name: {first}"))


def follow(
    exports: Mapping[str, str],
    commit: str,
    progress: Callable[[str], None],
    timeout: float = 150.0,
    example: Example = SHOP,
) -> bool:
    """Follow a commit's statuses until each application of an example has settled.

    Args:
        exports: of the running world.
        commit: the SHA.
        progress: told of each new description.
        timeout: seconds.
        example: which one.

    Returns:
        Whether they all became `success` in time.
    """
    deadline = time.monotonic() + timeout
    shown: dict[str, str] = {}
    while time.monotonic() < deadline:
        statuses = {one["context"]: one for one in _statuses(exports, example.repository, commit)}
        for context, status in statuses.items():
            line = f"{context}: {status['state']}: {status['description']}"
            if shown.get(context) != line:
                shown[context] = line
                progress(line)
        states = [statuses.get(f"deployer/{name}", {}).get("state", "pending") for name in example.applications]
        if "pending" not in states:
            return set(states) == {"success"}
        time.sleep(0.1)
    progress(f"no final status within {timeout:g} s")
    return False


def _statuses(exports: Mapping[str, str], repository: str, commit: str) -> list[dict[str, Any]]:
    request = urllib.request.Request(  # noqa: S310 (an address of this world)
        f"{exports['DEPLOYER_LOCAL_GITHUB_URL']}/repos/{repository}/commits/{commit}/status",
        headers={"Authorization": f"Bearer {exports['DEPLOYER_LOCAL_GITHUB_TOKEN']}"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        statuses: list[dict[str, Any]] = json.load(answer)["statuses"]
    return statuses


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()
