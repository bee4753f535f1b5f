"""How long a command takes, and how much memory it has at most.

The command is started by a small process of its own: Linux counts the memory of whoever starts a command as the
command's, too (`setmax_mm_hiwater_rss` in its fs/exec.c), and that of a benchmark with a world in it is large.
"""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from bench.servers import ROOT
from local.leash import Leash

_TIMEOUT = 180.0


@dataclass(frozen=True)
class Ran:
    """A command that succeeded: its seconds, the bytes that were resident at most, and what it printed."""

    seconds: float
    peak: int
    output: str


def measure(leash: Leash, command: Sequence[str], environment: Mapping[str, str]) -> Ran:
    """Run a command to its end, as a whole process.

    Args:
        leash: what ends it, should this process end before.
        command: the program and its arguments.
        environment: all of its variables.

    Raises:
        RuntimeError: it failed, or did not end in time; with the end of what it said.
    """
    process = leash.run("measured", [sys.executable, "-m", "bench.measured", *command], env=environment, cwd=ROOT)
    if process.wait():  # ends in time: the command has a time-out
        raise RuntimeError(leash.tail("measured"))
    *_, last = (leash.folder / "measured.log").read_text().splitlines()  # each command's is below the one before
    return Ran(**json.loads(last))


def _main(command: Sequence[str]) -> None:
    begin = time.perf_counter()
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_TIMEOUT, check=False
    )
    seconds = time.perf_counter() - begin
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with status {done.returncode}:\n{done.stdout}{done.stderr}")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    sys.stdout.write(json.dumps(asdict(Ran(seconds, peak, done.stdout))) + "\n")


if __name__ == "__main__":
    _main(sys.argv[1:])
