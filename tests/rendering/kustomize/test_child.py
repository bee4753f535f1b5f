"""The process that becomes the program has given up the network and what memory it may not have."""

import subprocess
import sys
from pathlib import Path

CHILD = Path(__file__).parents[3] / "deployer" / "rendering" / "kustomize" / "child.py"


def become(program: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-I", "-S", str(CHILD), sys.executable, "-c", program]
    return subprocess.run(command, capture_output=True, text=True, timeout=30)


def test_a_socket_is_refused_even_on_this_machine() -> None:
    said = become("import socket\ntry:\n    socket.socket()\nexcept PermissionError:\n    print('refused')")
    assert (said.returncode, said.stdout) == (0, "refused\n")


def test_other_work_is_not_refused() -> None:
    assert become("print(open('/dev/null').read() + 'done')").stdout == "done\n"


def test_memory_is_limited() -> None:
    said = become("try:\n    bytearray(600 << 20)\nexcept MemoryError:\n    print('none')")
    assert said.stdout == "none\n"


def test_no_file_is_written(tmp_path: Path) -> None:
    said = become(f"print(open({str(tmp_path / 'a')!r}, 'wb', buffering=0).write(b'a'))")
    assert "File too large" in said.stderr
    assert (tmp_path / "a").stat().st_size == 0
