"""How much of a processor the functions have used: all processes of each, and those that they have waited for."""

import os
from collections.abc import Collection
from pathlib import Path


def cpu_seconds(ports: Collection[int]) -> float:
    """Seconds of processor time, user and system, that the functions at these ports have used so far.

    Each has a process that listens, and workers of the same command line.
    """
    wanted = {str(port).encode() for port in ports}
    return sum(used(stat) for command, stat in _processes() if _serves(command, wanted))


def used(stat: str, ticks: int = os.sysconf("SC_CLK_TCK")) -> float:
    """Seconds that a process has used, with its children that have ended.

    Args:
        stat: what is in its /proc/PID/stat, as proc_pid_stat(5) says.
        ticks: that make a second.
    """
    # The program's name comes second, in parentheses, and may hold anything; the times are the fields 14 to 17.
    return sum(map(int, stat.rpartition(")")[2].split()[11:15])) / ticks


def _serves(command: list[bytes], ports: set[bytes]) -> bool:
    return b"functions_framework" in command and b"--port" in command and command[command.index(b"--port") + 1] in ports


def _processes() -> list[tuple[list[bytes], str]]:
    """The command line and the times of every process that there is."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            found.append(((folder / "cmdline").read_bytes().split(b"\0"), (folder / "stat").read_text()))
        except OSError:  # it has just ended
            continue
    return found
