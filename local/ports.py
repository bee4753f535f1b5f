"""Free TCP ports of 127.0.0.1."""

import socket
from contextlib import ExitStack


def free_ports(count: int) -> list[int]:
    """`count` different ports that are free at this moment.

    All are held at once before they are let go, so that they differ. The kernel picks them at random, so two callers at
    the same time seldom get the same one; where that matters, the caller tries again.
    """
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
