"""Threads that need the same heavy libraries at once, in a process that has not imported them yet."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: a
contexts: [{name: a, context: {cluster: a, user: a}}]
clusters: [{name: a, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: a, user: {token: t}}]
"""
ALL_AT_ONCE = f"""
import contextlib
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from deployer.cluster.connection import connect
from deployer.errors import DeployerError
from deployer.github.client import GitHub
from deployer.secrets import read_secret

sys.setswitchinterval(1e-5)  # as on a busy machine
ready = threading.Barrier(12)

def use(number):
    ready.wait()
    with contextlib.suppress(DeployerError):  # nobody is there to answer
        if number % 3 == 0:
            connect("a", {KUBECONFIG.encode()!r}, "the-secret").close()
        elif number % 3 == 1:
            GitHub("http://127.0.0.1:1", "t").request("GET", "/")
        else:
            read_secret("projects/a/secrets/b", "127.0.0.1:1")

with ThreadPoolExecutor(12) as pool:
    list(pool.map(use, range(12)))
print("well")
"""


@pytest.mark.parametrize("attempt", range(3))
def test_no_thread_meets_a_library_that_another_is_importing(attempt: int) -> None:
    done = subprocess.run([sys.executable, "-c", ALL_AT_ONCE], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert (done.stdout.strip(), done.returncode) == ("well", 0), done.stderr
