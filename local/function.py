"""The function under functions-framework, as a user would start it."""

import http.client
import os
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from local.leash import Leash
from local.ports import free_ports

_MAIN = Path(__file__).resolve().parents[1] / "main.py"
_TIMEOUT = 30.0


def start_function(leash: Leash, settings: Mapping[str, str], target: str = "webhook") -> str:
    """Start an entry point of `main.py` as a user would, and wait until it answers.

    Args:
        leash: what ends it.
        settings: its `DEPLOYER_` variables; it gets no others.
        target: the entry point. The log of `webhook` is `function.log`, that of any other has its name.

    Returns:
        Its address.

    Raises:
        RuntimeError: it ended, or did not answer within half a minute; with the end of its log.
    """
    (port,) = free_ports(1)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DEPLOYER_")}
    name = "function" if target == "webhook" else target
    function = leash.run(
        name,
        [
            *(sys.executable, "-m", "functions_framework", "--target", target, "--source", str(_MAIN)),
            *("--host", "127.0.0.1", "--port", str(port)),
        ],
        env={**environment, **settings},
    )
    deadline = time.monotonic() + _TIMEOUT
    while not _answers(port):
        if function.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the function {target} did not start; its log ends with:\n{leash.tail(name)}")
        time.sleep(0.05)
    return f"http://127.0.0.1:{port}"


def _answers(port: int) -> bool:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        try:
            connection.request("GET", "/robots.txt")  # functions-framework's own, which calls no function
            connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            return False
    return True
