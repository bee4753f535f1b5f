"""Reading many objects of one repository through one git process, as a query that asks for many does."""

import subprocess
from types import TracebackType
from typing import IO, Self, cast

from local.github.git import environment
from local.github.repository import GitObject, Repository


class GitBatch:
    """A `git cat-file --batch` of a repository, which begins with the first object; a context manager."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._process: subprocess.Popen[bytes] | None = None

    def read(self, name: str) -> GitObject | None:
        """Return the object that a full SHA, or `<SHA>:<path>`, stands for, or None if there is none."""
        path = name.partition(":")[2]
        if "\n" in name or "\0" in name or path.startswith(("./", "../")):  # git takes the last two for where it runs
            return None
        self._process = process = self._process or self._start()
        stdin, stdout = cast(IO[bytes], process.stdin), cast(IO[bytes], process.stdout)
        stdin.write(f"{name}\n".encode())
        stdin.flush()
        answer = stdout.readline()  # "<name> missing", or "<SHA> <type> <size>"
        if answer.endswith(b" missing\n"):
            return None
        sha, kind, size = answer.decode().split()
        data = stdout.read(int(size))
        stdout.read(1)
        return GitObject(sha, kind, data)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process:
            self._process.communicate(timeout=60)

    def _start(self) -> subprocess.Popen[bytes]:
        command = ["git", f"--git-dir={self._repository.path}", "cat-file", "--batch"]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=environment())
