import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from local.kubectl import KUBECTL


class Kubectl:
    def __init__(self, kubeconfig: Path) -> None:
        self._kubeconfig = kubeconfig

    def __call__(self, *arguments: str, stdin: str | None = None) -> str:
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def run(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        argv = [KUBECTL, "--kubeconfig", str(self._kubeconfig), *arguments]
        return subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=60)

    def apply(self, *objects: dict[str, Any]) -> None:
        self(
            "apply",
            "--server-side",
            "-f",
            "-",
            stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}),
        )

    def get(self, *arguments: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self("get", *arguments, "-o", "json"))
        return found

    def until(self, right: Callable[[dict[str, Any]], object], *arguments: str, timeout: float = 10) -> dict[str, Any]:
        """Get until it is right."""
        deadline = time.monotonic() + timeout
        while not right(found := self.get(*arguments)):
            assert time.monotonic() < deadline, found.get("status", found)
            time.sleep(0.1)
        return found
