"""The pages of docs/, done as their readers do them: blocks without a mark are run, and what they print is compared.

A page that is not listed here must have no block that could run: `test_commands.py` sees to it.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.docs.commands import ROOT, steps
from tests.docs.shell import Terminal, fits, run

PAGES = [
    "docs/tutorials/one-machine.md",
    "docs/how-to/add-an-application.md",
    "docs/how-to/mend-out-of-sync.md",
    "docs/how-to/roll-back.md",
    "docs/how-to/order-and-hooks.md",
    "docs/how-to/prune.md",
    "docs/reference/command-line.md",
    "docs/how-to/kustomize.md",
    "docs/how-to/several-tenants.md",
    "docs/how-to/watch-it.md",
    "docs/explanation/drift.md",
    "README.md",  # the last one: it adds applications to the world
]

_TIMEOUT = 120.0
"""Seconds that a page may take."""

_LIVE = "is live"
"""Ends what `make run` says of its first push, before it waits."""


@dataclass(frozen=True)
class Clone:
    """What a reader has: a folder like a fresh clone, the environment of a shell, and what `make run` has printed."""

    folder: Path
    environment: Mapping[str, str]
    git: str
    printed: str


def cloned(folder: Path) -> Path:
    """Make a folder that looks like a clone after `make .venv/ready`; the code in it is this one."""
    folder.mkdir()
    for name in ("deployer", "local", "main.py", "Makefile", "pyproject.toml", "requirements.txt"):
        (folder / name).symlink_to(ROOT / name)
    (folder / ".venv").symlink_to(sys.prefix)
    shutil.copytree(ROOT / "examples", folder / "examples")
    return folder


def environment(folder: Path) -> dict[str, str]:
    """The environment of somebody called ada, whose state and git configuration are in a folder."""
    # MAKE…: where `make test` runs this, a reader's `make` would think itself part of that.
    others = ("DEPLOYER_", "GIT_", "MAKE", "MFLAGS")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    return {
        **clean,
        "USER": "ada",
        "XDG_STATE_HOME": str(folder / "state"),
        "GIT_CONFIG_GLOBAL": str(folder / "gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
    }


@contextlib.contextmanager
def ended(clone: Path, variables: Mapping[str, str]) -> Iterator[None]:
    """End the world in the end, also where this process, and so its children, must not heed Ctrl-C."""
    try:
        yield
    finally:
        subprocess.run([sys.executable, "-m", "local", "down"], cwd=clone, env=variables, check=True)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    """A clone, and the world of `make run` in it, which has pushed the example."""
    folder = tmp_path_factory.mktemp("reader")
    clone, variables = cloned(folder / "clone"), environment(folder)
    # What `make` would make anew is here already: the virtual environment.
    with Terminal(["make", "--assume-old=.venv/ready", "run"], clone, variables) as make, ended(clone, variables):
        deadline = time.monotonic() + 1200  # the first time, Kubernetes is built
        while f"{_LIVE} " not in make.text:
            assert make.process.poll() is None, make.text
            assert time.monotonic() < deadline, make.text
            time.sleep(0.1)
        git = next(line.split()[1] for line in make.text.splitlines() if line.strip().startswith("GitHub"))
        (folder / "gitconfig").write_text(
            f'[user]\n\tname = Ada\n\temail = ada@example.com\n[url "{git}/"]\n\tinsteadOf = https://github.com/\n'
        )
        yield Clone(clone, variables, git, make.text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: Path(page).stem)
def test_a_page_is_true(clone: Clone, page: str) -> None:
    todo = steps((ROOT / page).read_text())
    assert todo
    for step in todo:
        if "starts the world" in step.fence.marks:
            assert step.fence.text == "make run\n"
            assert step.printed is None or fits(step.printed, clone.printed), clone.printed
    todo = [step for step in todo if "starts the world" not in step.fence.marks]
    done = run(todo, clone.folder, clone.environment, _TIMEOUT)
    for step, ran in zip(todo, done, strict=False):
        place = f"{page}:{step.fence.line}"
        wanted = int(step.fence.marks.get("exit status", 0))
        assert ran.status == wanted, f"{place} ends with {ran.status}, and has printed:\n{ran.printed}"
        if step.printed is not None:
            assert fits(step.printed, ran.printed), f"{place} prints something else:\n{ran.printed}"
