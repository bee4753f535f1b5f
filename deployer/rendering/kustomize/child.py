"""A process that becomes kubectl, once it has given up the network, and more time and memory than it may have.

It is run as a file, apart from the deployer. Proxies that lead nowhere do not stop a program of Go's from asking this
very machine: they are passed by for its own addresses (golang.org/x/net/http/httpproxy). What the kernel refuses,
nothing passes by.
"""

import ctypes
import os
import platform
import resource
import struct
import sys

MEGABYTES = 512
"""How much memory the program may have: with 8,000 Deployments, which it cannot build in time, it takes 290."""

_SECONDS = 60
"""How long it may compute, should nobody be left to end it."""

# https://docs.kernel.org/userspace-api/seccomp_filter.html: the machine's name for itself, and its number of `socket`.
_MACHINES = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}
_NO_NEW_PRIVS, _SECCOMP, _FILTER = 38, 22, 2
_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x0005000D  # with EACCES


def refuse_sockets() -> None:
    """Have the kernel refuse any socket to this process from now on; elsewhere than on Linux, proxies are all there is.

    Ends the process where the kernel does not.
    """
    if platform.machine() not in _MACHINES or not sys.platform.startswith("linux"):
        return
    machine, socket = _MACHINES[platform.machine()]
    instructions = [
        (_LOAD, 0, 0, 4),
        (_JUMP_IF_EQUAL, 0, 3, machine),
        (_LOAD, 0, 0, 0),
        (_JUMP_IF_EQUAL, 0, 1, socket),
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _ALLOW),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *one) for one in instructions))
    program = ctypes.create_string_buffer(struct.pack("HP", len(instructions), ctypes.addressof(code)))
    prctl = ctypes.CDLL(None).prctl
    if prctl(_NO_NEW_PRIVS, 1, 0, 0, 0) or prctl(_SECCOMP, _FILTER, program, 0, 0):
        sys.exit("the kernel does not refuse sockets to a process (seccomp); allow that where the deployer runs")


def main() -> None:
    """Become the program that is named first on the command line, with the arguments that follow."""
    resource.setrlimit(resource.RLIMIT_DATA, (MEGABYTES << 20, MEGABYTES << 20))
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # which would hold Secrets
    refuse_sockets()
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606  # with no shell, on purpose


if __name__ == "__main__":
    main()
