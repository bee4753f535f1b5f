"""Processes of `deployer sync` that are watched by what they say, and killed."""

import os
import subprocess
import sys
import time
from itertools import pairwise

from tests.world import Bench


def start(bench: Bench, *arguments: str) -> subprocess.Popen[bytes]:
    """Begin a sync as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "deployer", "sync", *arguments],
        env={**os.environ, **bench.world.exports},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def undisturbed(bench: Bench, *arguments: str) -> list[float]:
    """Sync to the end; returns the seconds from each line that it says to the next, or to the end."""
    with start(bench, *arguments) as process:
        assert process.stderr
        times = [time.monotonic() for _ in process.stderr]
    assert process.returncode == 0
    return [later - earlier for earlier, later in pairwise([*times, time.monotonic()])]


def killed(bench: Bench, line: int, seconds: float, *arguments: str) -> None:
    """Sync, and be killed so many seconds after a line was said."""
    with start(bench, *arguments) as process:
        assert process.stderr
        for _ in range(line + 1):
            process.stderr.readline()
        time.sleep(seconds)
        process.kill()
