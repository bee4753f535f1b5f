"""The command line as people use it: real processes, without a terminal and on one."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deployer.cluster.connection import Cluster
from local.world import World
from tests.cli.clinic import Clinic, Deployer
from tests.world import Bench

ROOT = Path(__file__).parents[2]
DEPLOYER = (sys.executable, "-m", "deployer")
Run = Callable[..., subprocess.CompletedProcess[str]]


def environment(changes: Mapping[str, str]) -> dict[str, str]:
    """This process's environment, without what would change what the command line does."""
    strange = ("DEPLOYER_", "NO_COLOR", "FORCE_COLOR", "KUBECONFIG", "COLUMNS", "TERM", "PYTHONUNBUFFERED")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(strange)}
    return {**clean, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", **changes}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """`python -m deployer` in a folder of the test's own, without a terminal; keywords are its environment."""

    def run(*arguments: str | Path, **changes: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*DEPLOYER, *map(str, arguments)],
            cwd=tmp_path,
            env=environment(changes),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
        )

    return run


@dataclass(frozen=True)
class Screen:
    """What a command wrote on a terminal: every byte as text, and the lines without colour."""

    status: int
    raw: str

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", self.raw).splitlines()]


def on_terminal(command: Sequence[str], cwd: Path, changes: Mapping[str, str] | None = None) -> Screen:
    """Run a command with standard output and error on a pseudo-terminal of 80 columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen(
        command, cwd=cwd, env=environment(changes or {}), stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    seen = b""
    while True:
        try:
            seen += os.read(ours, 65536)
        except OSError:  # how a pseudo-terminal says that its other side is closed
            break
    os.close(ours)
    return Screen(process.wait(timeout=60), seen.decode())


@pytest.fixture
def clinic(bench: Bench, deployer: Deployer, tmp_path: Path) -> Clinic:
    """A patient for `deployer doctor`."""
    return Clinic(bench, deployer, tmp_path)


@pytest.fixture
def kubeconfig(world: World, tmp_path: Path) -> Path:
    """A person's kubeconfig for the cluster `staging`."""
    path = tmp_path / "kubeconfig"
    path.write_text(world.clusters["staging"].deployer_kubeconfig)
    return path


@pytest.fixture
def made(staging: Cluster, namespace: str) -> str:
    """A namespace that exists, for one test."""
    staging.request("POST", "/api/v1/namespaces", body={"metadata": {"name": namespace}})
    return namespace


@pytest.fixture
def k8s(tmp_path: Path) -> Path:
    """An empty folder for manifests."""
    path = tmp_path / "k8s"
    path.mkdir()
    return path


@pytest.fixture
def sync(run: Run, kubeconfig: Path, made: str) -> Run:
    """`deployer sync PATH` to a namespace of the test's own."""

    def sync(*arguments: str | Path, **changes: str) -> subprocess.CompletedProcess[str]:
        return run("sync", *arguments, "--kubeconfig", kubeconfig, "-n", made, **changes)

    return sync


@pytest.fixture
def diff(run: Run, kubeconfig: Path, made: str) -> Run:
    """`deployer diff PATH` against a namespace of the test's own."""

    def diff(*arguments: str | Path, **changes: str) -> subprocess.CompletedProcess[str]:
        return run("diff", *arguments, "--kubeconfig", kubeconfig, "-n", made, **changes)

    return diff


def config_maps(cluster: Cluster, namespace: str) -> dict[str, Any]:
    """The data of each ConfigMap that a test made."""
    items = cluster.request("GET", f"/api/v1/namespaces/{namespace}/configmaps")["items"]
    return {one["metadata"]["name"]: one["data"] for one in items if one["metadata"]["name"] != "kube-root-ca.crt"}


def outcome(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The one document on standard output."""
    document: dict[str, Any] = json.loads(done.stdout)
    assert set(document) == {
        *("application", "cluster", "revision", "outcome", "health", "message", "objects", "durations", "requests")
    }
    return document
