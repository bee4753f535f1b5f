"""The real terraform on a copy of the module, with providers that `provider.py` serves: no network, no Google Cloud."""

import contextlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.terraform.provider import serve

ROOT = Path(__file__).parents[2]
MODULE = ROOT / "terraform"

# What the module reads beside its own folder: the function's source.
_SOURCE = ["main.py", "requirements.txt", "deployer"]
_KIND = re.compile(r'^\s*(resource|data)\s+"(\w+)"', re.MULTILINE)
_TIMEOUT = 300  # seconds; everything takes a few


class Terraform:
    """terraform in one folder, such as an example's.

    Args:
        folder: where it runs.
        environment: what it needs to find providers.
    """

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("TF_")} | {
            "CHECKPOINT_DISABLE": "1",  # it does not ask whether there is a newer version
            "TF_IN_AUTOMATION": "1",
            "TF_CLI_CONFIG_FILE": os.devnull,  # no mirror or override of this machine's user
            **environment,
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`terraform ARGUMENTS`, whatever its exit code; stdout and stderr are read as one."""
        return subprocess.run(
            ["terraform", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_TIMEOUT,
            check=False,
        )

    def must(self, *arguments: str) -> str:
        """What `terraform ARGUMENTS` prints; an AssertionError with all of it unless it exits with 0."""
        done = self.run(*arguments, *(["-no-color"] if arguments[0] != "fmt" else []))
        assert done.returncode == 0, f"terraform {' '.join(arguments)} exits with {done.returncode}:\n{done.stdout}"
        return done.stdout

    def plan(self, *arguments: str) -> dict[str, Any]:
        """The plan, as `terraform show -json` tells it; what is known after apply only is left out there."""
        self.must("plan", "-out=plan", "-input=false", *arguments)
        plan: dict[str, Any] = json.loads(self.must("show", "-json", "plan"))
        return plan

    def apply(self, *plan: str) -> dict[str, Any]:
        """Carry a plan out, such as "plan", or a new one; tells what is then in the state, as `show -json` does."""
        self.must("apply", "-auto-approve", "-input=false", *plan)
        state: dict[str, Any] = json.loads(self.must("show", "-json"))["values"]
        return state


def copy_module(target: Path, *, source: bool = True) -> Path:
    """Copy the module and what it ships, for a test to plant a fault in.

    Args:
        target: an empty folder.
        source: whether to copy the function's source. Without, a line stands for each file of it, and everything is
            ten times as fast: Terraform takes seconds to compare large texts.

    Returns:
        The copy's `terraform/`.
    """
    ignore = shutil.ignore_patterns("__pycache__", ".terraform*", "*.tfstate*")
    shutil.copytree(MODULE, target / "terraform", ignore=ignore)
    for name in _SOURCE:
        if not source:
            file = target / (name if Path(name).suffix else f"{name}/__init__.py")
            file.parent.mkdir(exist_ok=True)
            file.write_text(f"# {name}\n")
        elif (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target / name, ignore=ignore)
        else:
            shutil.copy(ROOT / name, target / name)
    return target / "terraform"


def kinds_in(folder: Path) -> set[str]:
    """The kinds of resources and data that the Terraform files of a folder use, such as "data google_project"."""
    texts = [path.read_text() for path in folder.rglob("*.tf")]
    return {f"{kind} {name}" for text in texts for kind, name in _KIND.findall(text) if name != "terraform_data"}


@contextlib.contextmanager
def served(folder: Path, module: Path) -> Iterator[Terraform]:
    """terraform in `folder`, after `init`, with the providers served that `module`'s files ask for."""
    with serve(kinds_in(module)) as reattach:
        terraform = Terraform(folder, {"TF_REATTACH_PROVIDERS": reattach})
        terraform.must("init", "-input=false")
        yield terraform
