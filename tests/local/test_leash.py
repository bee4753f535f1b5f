import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local.leash import Leash

# Holds a lock for as long as it lives, says so, and waits.
HOLDER = """
import fcntl, signal, sys, time
{before}
lock = open(sys.argv[1], "w")
fcntl.flock(lock, fcntl.LOCK_EX)
print("locked", flush=True)
time.sleep(600)
"""
STUBBORN = HOLDER.format(before="signal.signal(signal.SIGTERM, signal.SIG_IGN)")
PARENT = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[2], sys.argv[1]])"


def _held(lock: Path) -> bool:
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _until_held(*locks: Path) -> None:
    deadline = time.monotonic() + 10
    while not all(map(_held, locks)):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _argv(program: str, lock: Path) -> list[str]:
    return [sys.executable, "-c", program, str(lock)]


def test_output_goes_to_a_log(tmp_path: Path) -> None:
    with Leash(tmp_path / "folder") as leash:
        program = "import os, sys; print('out', os.environ['A'], os.getcwd()); print('err', file=sys.stderr)"
        process = leash.run("one", [sys.executable, "-uc", program], env={"A": "value"}, cwd=tmp_path)
        assert process.wait(10) == 0
        assert (tmp_path / "folder" / "one.log").read_text() == f"out value {tmp_path}\nerr\n"
        assert leash.tail("one", 1) == "err"


def test_close_ends_processes_and_removes_the_folder(tmp_path: Path) -> None:
    lock, grandchild = tmp_path / "lock", tmp_path / "grandchild"
    with Leash(tmp_path / "folder") as leash:
        process = leash.run("one", _argv(HOLDER.format(before=""), lock))
        leash.run("two", [*_argv(PARENT, grandchild), HOLDER.format(before="")])
        _until_held(lock, grandchild)
    assert process.returncode == -signal.SIGTERM
    assert not _held(lock)
    assert not _held(grandchild)
    assert not (tmp_path / "folder").exists()


def test_a_process_that_will_not_end_is_killed(tmp_path: Path) -> None:
    with Leash(tmp_path / "folder") as leash:
        process = leash.run("one", _argv(STUBBORN, tmp_path / "lock"))
        _until_held(tmp_path / "lock")
    assert process.returncode == -signal.SIGKILL


def test_nothing_is_left_when_the_holder_is_killed(tmp_path: Path) -> None:
    locks = [tmp_path / name for name in ("plain", "stubborn", "grandchild")]
    program = f"""
import sys, time
from pathlib import Path
from local.leash import Leash
leash = Leash(Path({str(tmp_path / "folder")!r}))
leash.run("plain", {_argv(HOLDER.format(before=""), locks[0])!r})
leash.run("stubborn", {_argv(STUBBORN, locks[1])!r})
leash.run("parent", {[*_argv(PARENT, locks[2]), HOLDER.format(before="")]!r})
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", program], cwd=Path(__file__).parents[2]) as holder:
        _until_held(*locks)
        holder.kill()
    deadline = time.monotonic() + 10
    while (tmp_path / "folder").exists() or any(map(_held, locks)):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_ctrl_c_reaches_the_holder_alone(tmp_path: Path) -> None:
    """A terminal's Ctrl-C goes to the process group of the one in front of it."""
    with Leash(tmp_path / "folder") as leash:
        process = leash.run("one", _argv(HOLDER.format(before=""), tmp_path / "lock"))
        assert os.getpgid(process.pid) != os.getpgid(0)


def test_a_folder_that_is_there_already_is_not_touched(tmp_path: Path) -> None:
    with pytest.raises(FileExistsError):
        Leash(tmp_path)
    assert tmp_path.exists()
