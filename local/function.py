"""The function under functions-framework, as a user would start it."""

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Self

from local.leash import Leash
from local.ports import free_ports

MAIN = Path(__file__).resolve().parents[1] / "main.py"
_TIMEOUT = 30.0


def start_function(leash: Leash, settings: Mapping[str, str], target: str = "webhook") -> str:
    """Start an entry point of `main.py` as a user would, and wait until it answers.

    Args:
        leash: what ends it.
        settings: its `DEPLOYER_` variables; it gets no others.
        target: the entry point. The log of `webhook` is `function.log`, that of any other has its name.

    Returns:
        Its address.

    Raises:
        RuntimeError: it ended, or did not answer within half a minute; with the end of its log.
    """
    log = "function" if target == "webhook" else target
    return Function(leash, settings, target, log).start().url


class Function:
    """One instance of an entry point: a process on a port of its own, which stays the same when it is started anew."""

    def __init__(
        self, leash: Leash, settings: Mapping[str, str], target: str, log: str, threads: int = 0, source: Path = MAIN
    ) -> None:
        """Say what it is.

        Args:
            leash: what ends it.
            settings: its `DEPLOYER_` variables; it gets no others.
            target: the entry point.
            log: the name of its log.
            threads: how many requests it takes at once; 0 is what functions-framework thinks right.
            source: the file with the entry point.
        """
        self.log = log
        self._leash = leash
        self._target = target
        self._source = source
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith("DEPLOYER_")}
        self._environment.update(settings)
        if threads:
            self._environment["THREADS"] = str(threads)
        (self.port,) = free_ports(1)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def running(self) -> bool:
        """Whether it has been started, and its process has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> Self:
        """Start it, and wait until it answers.

        Raises:
            RuntimeError: it ended, or did not answer within half a minute; with the end of its log.
        """
        self._process = self._leash.run(
            self.log,
            [
                *(sys.executable, "-m", "functions_framework", "--target", self._target, "--source", str(self._source)),
                *("--host", "127.0.0.1", "--port", str(self.port)),
            ],
            env=self._environment,
        )
        deadline = time.monotonic() + _TIMEOUT
        while not _answers(self.port):
            if not self.running or time.monotonic() > deadline:
                tail = self._leash.tail(self.log)
                raise RuntimeError(f"the function {self._target} did not start; its log ends with:\n{tail}")
            time.sleep(0.05)
        return self

    def kill(self) -> None:
        """Kill it where it stands, as a machine that fails: its processes get no chance to end anything."""
        if self._process is None:
            return
        workers = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        self._process.kill()  # the first to go, as it would start another worker
        for worker in workers:
            with suppress(ProcessLookupError):
                os.kill(int(worker), signal.SIGKILL)
        self._process.wait()


def _answers(port: int) -> bool:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        try:
            connection.request("GET", "/robots.txt")  # functions-framework's own, which calls no function
            connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            return False
    return True
