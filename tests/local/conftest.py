from collections.abc import Iterator
from pathlib import Path

import pytest

from local.build import Programs, ensure_built
from local.control_plane import ControlPlane
from local.leash import Leash
from tests.local.kubectl import Kubectl


@pytest.fixture(scope="session")
def programs() -> Programs:
    return ensure_built(print)


@pytest.fixture
def leash(tmp_path: Path) -> Iterator[Leash]:
    with Leash(tmp_path / "leash") as leash:
        yield leash


@pytest.fixture(scope="session")
def cluster(programs: Programs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with Leash(tmp_path_factory.mktemp("cluster") / "leash") as leash:
        cluster = ControlPlane.start("tested", programs, leash)
        yield cluster
        cluster.stop()


@pytest.fixture
def kubectl(cluster: ControlPlane) -> Kubectl:
    """Speaks to `cluster` as its administrator."""
    return Kubectl(cluster.admin_kubeconfig)
