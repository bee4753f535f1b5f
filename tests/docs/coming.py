"""Somebody who comes from another tool: what they have before, and a page's blocks, done one after the other."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from local.kubectl import KUBECTL
from tests.docs.commands import ROOT, Fence, fences
from tests.local.kubectl import Kubectl
from tests.world import Bench

HOW_TO = ROOT / "docs" / "how-to"
RUN_HERE = "tests/docs/test_coming.py"
"""What stands in the mark `run by` of the blocks that are run here."""


def page(name: str) -> list[Fence]:
    return fences((HOW_TO / name).read_text())


class Reader:
    """Somebody who does what a page says, in one shell: block after block, with a look around between them."""

    def __init__(self, bench: Bench, folder: Path, name: str) -> None:
        self.bench = bench
        self.folder = folder
        self.kubectl = Kubectl(bench.world.clusters["staging"].admin_kubeconfig)
        self._todo = [fence for fence in page(name) if fence.marks.get("run by") == RUN_HERE]
        self._state = folder / "state"
        self._state.touch()
        programs = folder / "bin"
        programs.mkdir()
        (programs / "kubectl").symlink_to(KUBECTL)
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("DEPLOYER_", "GIT_"))}
        person = {
            f"GIT_{role}_{what}": "ada@example.com" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
        }
        self._environment = {
            **clean,
            **bench.world.exports,
            **person,
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
        }

    def write(self, fence: Fence, file: str) -> None:
        path = self.folder / file
        path.parent.mkdir(exist_ok=True)
        path.write_text(self.here(fence.text))

    def here(self, text: str) -> str:
        """A text of the page with what this world has for what the page's example has."""
        found = {
            "https://github.com/acme/shop.git": self.bench.clone.url,
            "acme/shop-manifests": self.bench.repository,
            "projects/acme/": "projects/local/",
            "production": "staging",
            "shop": self.bench.name,
            ".venv/bin/python": sys.executable,
        }
        return re.sub("|".join(map(re.escape, found)), lambda match: found[match[0]], text)

    def next(self, marker: str, folder: Path | None = None) -> str:
        """Run the page's next block, which has a marker in it; returns what it prints."""
        block = self._todo.pop(0).text
        assert marker in block
        return self.run(self.here(block), folder)

    def run(self, script: str, folder: Path | None = None, **more: str) -> str:
        """Run a script in the shell, and return what it prints."""
        config = self.bench.world.exports["DEPLOYER_LOCAL_KUBECONFIG_STAGING"]
        script = f"set -euo pipefail\nsource '{self._state}'\n{script}\nexport -p | grep ' DEPLOYER_' > '{self._state}'"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=folder or self.folder,
            env={"KUBECONFIG": config, **self._environment, **more},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    @property
    def done(self) -> bool:
        return not self._todo


def web(image: str) -> dict[str, Any]:
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": image}]}}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}


def settings(**data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": data}
