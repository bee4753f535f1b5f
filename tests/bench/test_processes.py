import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from bench.processes import cpu_seconds, used

_STAT = "42 (a (b) 1 2 3) S 1 42 42 0 -1 4194304 100 0 0 0 150 50 25 75 20 0 1 0 100 1 1"
# It has the command line of a function, and works for a while with a child that it waits for.
_WORK = """
import subprocess, sys, time
burn = "import time; end = time.process_time() + 0.2\\nwhile time.process_time() < end: pass"
exec(burn)
subprocess.run([sys.executable, "-c", burn])
print("done", flush=True)
time.sleep(60)
"""


def test_the_times_of_a_process_and_of_the_children_that_it_waited_for() -> None:
    assert used(_STAT, ticks=100) == 3.0


@pytest.fixture
def port() -> Iterator[int]:
    """That of a process which has worked for 0.2 s, and whose child has, too."""
    port = 100_000 + os.getpid()  # nobody listens there
    command = [sys.executable, "-c", _WORK, "functions_framework", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "done\n"
        yield port
        process.kill()


def test_what_the_functions_at_some_ports_have_used(port: int) -> None:
    found = cpu_seconds([port])
    assert 0.4 <= found < 2
    time.sleep(0.1)
    assert cpu_seconds([port]) - found < 0.1, "it sleeps"
    assert cpu_seconds([port + 1]) == cpu_seconds([]) == 0
