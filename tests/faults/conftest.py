from collections.abc import Iterator
from pathlib import Path

import pytest

from deployer.cluster.connection import Cluster, connect
from deployer.cluster.objects import apply
from deployer.http import Timeouts
from local.world import World
from tests.faults.clusters import NAMESPACE, body_of
from tests.faults.proxy import Proxy


@pytest.fixture
def proxy(world: World, tmp_path: Path) -> Iterator[Proxy]:
    with Proxy(world.clusters["staging"].url, tmp_path) as proxy:
        yield proxy


@pytest.fixture
def payload(world: World, proxy: Proxy) -> bytes:
    """The deployer's kubeconfig for the way through the proxy."""
    return proxy.kubeconfig(world.clusters["staging"].deployer_kubeconfig).encode()


@pytest.fixture
def cluster(payload: bytes) -> Iterator[Cluster]:
    cluster = connect("staging", payload, "the-secret")
    yield cluster
    cluster.close()


@pytest.fixture
def hurried(payload: bytes) -> Iterator[Cluster]:
    """A connection that waits a second at most, so that tests need not wait longer."""
    cluster = connect("staging", payload, "the-secret", timeouts=Timeouts(read=0.5, whole=1))
    yield cluster
    cluster.close()


@pytest.fixture
def place(staging: Cluster, namespace: str) -> str:
    """A namespace that is there."""
    apply(staging, NAMESPACE, body_of(NAMESPACE, namespace), dry_run=False)
    return namespace
