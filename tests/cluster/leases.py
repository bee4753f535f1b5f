"""What the tests of a Lease share: one of somebody else's, and a process that holds one."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deployer.cluster.connection import Cluster
from deployer.cluster.lease import Lease
from deployer.errors import ClusterError
from local.world import World

NAME = "deployer-web"
_ROOT = Path(__file__).parents[2]
LONG_AGO, FAR_AHEAD = "2001-01-01T00:00:00.000000Z", "2101-01-01T00:00:00.000000Z"


def path(namespace: str, name: str = f"/{NAME}") -> str:
    """Of the Lease; without a name, of all of them."""
    return f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases{name}"


def live(cluster: Cluster, namespace: str) -> dict[str, Any]:
    return cluster.request("GET", path(namespace))


def leases(cluster: Cluster, namespace: str) -> list[Any]:
    return list(cluster.request("GET", path(namespace, ""))["items"])


def change(cluster: Cluster, namespace: str, body: dict[str, Any]) -> None:
    cluster.request("PATCH", path(namespace), body=body, content_type="application/merge-patch+json")


def make(cluster: Cluster, namespace: str, holder: str, duration: int, renewed: str, name: str = NAME) -> None:
    """A Lease of somebody else's, whose clock says when it was renewed."""
    spec = {"holderIdentity": holder, "leaseDurationSeconds": duration, "renewTime": renewed, "acquireTime": renewed}
    cluster.request("POST", path(namespace, ""), body={"metadata": {"name": name}, "spec": spec})


def lost(lease: Lease, within: float) -> str:
    """Wait until `check` refuses, and return how it says so."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            lease.check()
        except ClusterError as error:
            return str(error)
        time.sleep(0.02)
    raise AssertionError(f"still held after {within} s")


_HOLDER = """\
import sys
from pathlib import Path
from deployer.cluster.connection import connect_with_file
from deployer.cluster.lease import holding
from deployer.errors import ClusterError

kubeconfig, namespace = sys.argv[1:]
with holding(connect_with_file(Path(kubeconfig), None), namespace, "deployer-web", "another", 0, 2) as lease:
    print("held", flush=True)
    for line in sys.stdin:
        try:
            lease.check()
            print("would write", flush=True)
        except ClusterError as error:
            print(error, flush=True)
"""


@contextmanager
def another_process(world: World, namespace: str) -> Iterator["subprocess.Popen[str]"]:
    """A process that holds the Lease for 2 s at a time, and answers each line with whether it would write."""
    config = world.exports["DEPLOYER_LOCAL_KUBECONFIG_STAGING"]
    argv = [sys.executable, "-c", _HOLDER, config, namespace]
    with subprocess.Popen(argv, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def asked(process: "subprocess.Popen[str]") -> str:
    assert process.stdin
    assert process.stdout
    process.stdin.write("go\n")
    process.stdin.flush()
    return process.stdout.readline().strip()
