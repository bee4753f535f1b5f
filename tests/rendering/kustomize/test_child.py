"""The process that becomes the program has given up the network and what memory it may not have."""

import platform
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


def test_time_is_limited_and_no_core_is_written() -> None:
    program = "import resource as r\nprint(r.getrlimit(r.RLIMIT_CPU), r.getrlimit(r.RLIMIT_CORE))"
    assert become(program).stdout == "(60, 60) (0, 0)\n"


def test_nothing_runs_where_the_kernel_does_not_refuse_sockets() -> None:
    # A process whose own filter refuses it any prctl.
    filtered = (
        "import ctypes, struct, runpy, sys\n"
        "code = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *one) for one in "
        "[(0x20, 0, 0, 0), (0x15, 0, 1, {prctl}), (0x06, 0, 0, 0x50001), (0x06, 0, 0, 0x7FFF0000)]))\n"
        "program = ctypes.create_string_buffer(struct.pack('HP', 4, ctypes.addressof(code)))\n"
        "prctl = ctypes.CDLL(None).prctl\n"
        "assert not prctl(38, 1, 0, 0, 0) and not prctl(22, 2, program, 0, 0)\n"
        "sys.argv = ['child', sys.executable, '-c', 'print(1)']\n"
        "runpy.run_path({child!r}, run_name='__main__')\n"
    ).format(prctl={"x86_64": 157, "aarch64": 167}[platform.machine()], child=str(CHILD))
    said = subprocess.run([sys.executable, "-c", filtered], capture_output=True, text=True, timeout=30)
    assert (said.returncode, said.stdout) == (1, "")
    assert "the kernel does not refuse sockets to a process (seccomp); allow that" in said.stderr
