"""Holds processes so that none outlives the one that started them, however that one ends.

A small process, the leash, waits at the end of a pipe. When the pipe closes (its holder closed it, ended, crashed or
was killed), the leash ends every process of its process group and removes their folder.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

_GRACE = 3.0  # seconds between asking processes to end and killing them


class Leash:
    """Runs processes whose logs and files are in `folder`; a context manager. At its end both are gone.

    The processes are in a process group of their own: Ctrl-C in the terminal reaches the holder alone, which decides.
    """

    def __init__(self, folder: Path) -> None:
        """Make the folder, which must not be there yet, and start the leash."""
        folder.mkdir(parents=True, mode=0o700)
        self.folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        self._leash = subprocess.Popen(
            # -I: the folder of this file must not come before the standard library
            [sys.executable, "-I", __file__, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            process_group=0,
        )

    def run(
        self, name: str, argv: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a process on the leash.

        Args:
            name: of its log, which is <name>.log in the folder; it may begin with a folder's name and `/`.
            argv: the program and its arguments.
            env: its environment; None is that of this process.
            cwd: its working folder; None is that of this process.
        """
        with self._log(name).open("ab") as log:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=env,
                cwd=cwd,
                process_group=self._leash.pid,
            )
        self._processes.append(process)
        return process

    def tail(self, name: str, lines: int = 10) -> str:
        """The last lines of a process's log."""
        return "\n".join(self._log(name).read_text(errors="replace").splitlines()[-lines:])

    def close(self) -> None:
        """End every process, and remove the folder. Returns when both are done."""
        if self._leash.stdin:
            self._leash.stdin.close()
        self._leash.wait()
        for process in self._processes:
            process.kill()  # has an effect only where somebody killed the leash
            process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"


def _main(folder: str) -> None:
    """Be the leash: wait for the holder's end, then clear up. This process leads the group of those it ends."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.buffer.read()
    os.killpg(0, signal.SIGTERM)
    deadline = time.monotonic() + _GRACE
    while others := _others():
        if time.monotonic() > deadline:
            for process in others:
                with contextlib.suppress(ProcessLookupError):  # ended by itself meanwhile
                    os.kill(process, signal.SIGKILL)
        time.sleep(0.02)
    shutil.rmtree(folder)


def _others() -> list[int]:
    """The other living processes of this process group. Ended ones that nobody has waited for do not count."""
    if Path("/proc/self/stat").exists():
        listing = "\n".join(map(_proc_line, Path("/proc").glob("[0-9]*")))
    else:
        ps = ["ps", "-A", "-o", "pid=,stat=,pgid="]
        listing = subprocess.run(ps, capture_output=True, text=True, check=True, process_group=0).stdout
    rows = (line.split() for line in listing.splitlines())
    group = str(os.getpgid(0))
    return [int(row[0]) for row in rows if row and row[0] != group and row[1][0] not in "ZX" and row[2] == group]


def _proc_line(folder: Path) -> str:
    """What `ps` says of a process (slim Linux images have no `ps`): process id, state, group; "" where it has ended."""
    try:
        state, _, group, *_ = (folder / "stat").read_text().rpartition(")")[2].split()  # see proc_pid_stat(5)
    except OSError:
        return ""
    return f"{folder.name} {state} {group}"


if __name__ == "__main__":
    _main(sys.argv[1])
