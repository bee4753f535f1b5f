"""A page of the documentation, done as its reader does it: in one shell on a terminal, block after block."""

import contextlib
import os
import re
import signal
import subprocess
import termios
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.docs.commands import Step

_END = "\x1e"
"""Stands behind what a block has printed, and behind its exit status: nobody prints it."""

_VARYING = [
    (r"\b(?:[0-9a-f]{40}|[0-9a-f]{7})\b", "COMMIT"),
    (r"\b\d+(?:\.\d+)? (?:ms|s|min)\b", "DURATION"),
    (r"\b\d{4}-\d\d-\d\d\b", "DATE"),
    (r"\b\d\d:\d\d(?::\d\d)?\b", "TIME"),
    (r"\b127\.0\.0\.1:\d+\b", "ADDRESS"),
    (r"(?:-[a-z0-9]{6,10})?-[bcdfghjklmnpqrstvwxz2456789]{5}\b", "-POD"),  # what Kubernetes puts behind names
    (r"\b\d+[smhd](?:\d+[smh])?\b", "AGE"),
    (r"\S*/deployer-local/", "STATE/"),
    (r"\.venv/bin/kubectl\b", "kubectl"),  # the world names the one that is on the PATH, if there is one
    (r"[ \t]+", " "),  # columns are as wide as what stands in them
]


@dataclass(frozen=True)
class Ran:
    """What became of a step: the exit status of the first command that failed, else 0, and what it printed."""

    status: int
    printed: str


class Terminal:
    """A terminal of 120 columns without colour; a context manager that ends what still runs on it."""

    def __init__(self, command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        """Start a command.

        Args:
            command: its words.
            folder: where it runs.
            environment: its whole environment, besides that of the terminal.
        """
        self._text = ""
        master, slave = os.openpty()
        mode = termios.tcgetattr(slave)
        mode[1] &= ~termios.OPOST  # lines end with \n, not with \r\n
        termios.tcsetattr(slave, termios.TCSANOW, mode)
        size = {"TERM": "dumb", "NO_COLOR": "1", "GIT_PAGER": "cat", "COLUMNS": "120", "LINES": "50"}
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env={**environment, **size},
            stdin=subprocess.DEVNULL,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self._reader = threading.Thread(target=self._read, args=(master,))
        self._reader.start()

    def _read(self, master: int) -> None:
        data = b""
        with contextlib.suppress(OSError), os.fdopen(master, "rb", buffering=0) as file:  # EIO: nobody writes any more
            while more := file.read(65536):
                data += more
                self._text = data.decode(errors="replace")

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *exception: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self._reader.join(10)

    @property
    def text(self) -> str:
        """What stands on it by now."""
        return self._text


def run(
    steps: Sequence[Step],
    folder: Path,
    environment: Mapping[str, str],
    timeout: float,
) -> list[Ran]:
    """Do what a page says, from its first step to its last.

    Args:
        steps: its blocks and files.
        folder: what looks like a clone; files are written there.
        environment: of the shell.
        timeout: seconds for all of it.

    Returns:
        What became of each; the last one may be missing what was cut off by the time-out, or by `exit`.
    """
    script = "trap '_failed=${_failed:-$?}' ERR\n"  # of a block, the first command that fails: none may in its middle
    for number, step in enumerate(steps):
        written = folder.parent / f"step-{number}"
        written.write_text(step.fence.text)
        if file := step.fence.marks.get("file"):
            script += f"mkdir -p $(dirname '{file}') && cp '{written}' '{file}'\n"
        else:
            script += f"source '{written}'\n"
        script += f"printf '{_END}%s{_END}' \"${{_failed:-0}}\"; _failed=\n"
    terminal = Terminal(["bash", "-u", "-c", script], folder, environment)
    with terminal, contextlib.suppress(subprocess.TimeoutExpired):
        terminal.process.wait(timeout)
    *ended, rest = re.split(f"{_END}(\\d+){_END}", terminal.text)
    ran = [Ran(int(status), printed) for printed, status in zip(ended[::2], ended[1::2], strict=True)]
    return ran if len(ran) == len(steps) else [*ran, Ran(-1, rest)]


def alike(text: str) -> str:
    """A text in which all that varies from one run to the next is the same."""
    for pattern, name in _VARYING:
        text = re.sub(pattern, name, text)
    return "\n".join(line.strip() for line in text.strip().splitlines())


def fits(said: str, printed: str) -> bool:
    """Whether what a page says is printed is what was printed.

    A line with only `…` stands for any lines, and `…` in a line for any text.
    """
    pattern = ""
    for line in alike(said).splitlines():
        pattern += r"(?:.*\n)*?" if line == "…" else re.escape(line).replace("…", ".*") + r"\n"
    return re.fullmatch(pattern, alike(printed) + "\n") is not None
