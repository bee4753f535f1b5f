"""Where the running world is noted: one at a time for each person, found by `env`, `push` and `down`."""

import fcntl
import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO


def state_folder() -> Path:
    """The folder for the world's files, outside the repository (XDG base directory specification)."""
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "deployer-local"


@dataclass(frozen=True)
class Noted:
    """A world that is up: the process that holds it, and what scripts need to know (environment variables)."""

    pid: int
    exports: Mapping[str, str]


class Note:
    """The note of one world, and the lock that says whether it is up: a lock goes when its process does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock: IO[str] | None = None

    def claim(self) -> bool:
        """Take the lock for this process; False where another world is up."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = (self.folder / "lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return False
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock
        (self.folder / "world.json").unlink(missing_ok=True)
        return True

    def release(self) -> None:
        """Forget the world."""
        (self.folder / "world.json").unlink(missing_ok=True)
        if self._lock:
            self._lock.close()
            self._lock = None

    def write(self, noted: Noted) -> None:
        """Note a world that is up. The file holds secrets of that world, so it is the owner's alone."""
        temporary = self.folder / "world.json.new"
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(asdict(noted), file)
        temporary.replace(self.folder / "world.json")

    def read(self) -> Noted | None:
        """The world that is up; None where there is none, or it is still starting."""
        if self.holder() is None:
            return None
        try:
            return Noted(**json.loads((self.folder / "world.json").read_text()))
        except FileNotFoundError:
            return None

    def holder(self) -> int | None:
        """The process of the world that is up, or starting; None where there is none."""
        try:
            with (self.folder / "lock").open() as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    while not (pid := lock.read()):  # it has just taken the lock
                        time.sleep(0.01)
                    return int(pid)
        except FileNotFoundError:
            pass
        return None

    def wait_until_released(self, timeout: float) -> bool:
        """Wait until no world is up; False where that takes longer than `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while self.holder() is not None:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        return True
