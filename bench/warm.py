"""Syncs in a process that has synced before, as a function instance is by its second push."""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.servers import ROOT
from bench.synced import Synced, synced
from deployer.cli.outcome import as_document
from deployer.cli.target import find_target
from deployer.sync.deploy import deploy
from deployer.sync.how import How


class Warm:
    """A process that syncs one application whenever it is told to; a context manager."""

    def __init__(self, application: str, environment: Mapping[str, str], log: Path) -> None:
        """Start it.

        Args:
            application: the name.
            environment: all of the process's variables.
            log: the file for what it says.
        """
        self._log = log
        with log.open("wb") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bench.warm", application],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=environment,
                cwd=ROOT,
                text=True,
                bufsize=1,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def sync(self) -> Synced:
        """Sync once.

        Raises:
            RuntimeError: it came to nothing; with the end of the log.
        """
        if self._process.stdin is None or self._process.stdout is None:
            raise AssertionError("both were asked for")
        with contextlib.suppress(BrokenPipeError):  # it has ended: the log says why
            self._process.stdin.write("sync\n")
        answer = self._process.stdout.readline()  # comes in time: each of the deployer's requests has a time-out
        if not answer:
            raise RuntimeError(f"the warm process ended; its log ends with:\n{self._log.read_text()[-2000:]}")
        return synced(**json.loads(answer))


def _main(application: str) -> None:
    """Sync once for each line that comes in; ends when nobody is there to send one."""
    for _ in sys.stdin:
        begin = time.perf_counter()
        target = find_target(application)
        if isinstance(target, Path):
            raise ValueError(f"{application} is a path, not an application")
        placement = target.configuration.placement(application)
        deployed = deploy(placement, target.settings, How(timeout=0), lambda step: None)
        seconds = time.perf_counter() - begin
        sys.stdout.write(json.dumps({"seconds": seconds, "document": as_document(deployed)}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _main(sys.argv[1])
