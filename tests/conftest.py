"""What several tests share: a whole world on this machine, started once."""

import contextlib
import logging
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from deployer.cluster.connection import Cluster, connect
from deployer.errors import ClusterError
from deployer.google_token import google_token
from local.functions import Queue
from local.leash import Leash
from local.pubsub import MissingError, find_emulator
from local.world import World
from tests.door import Door
from tests.google import Google
from tests.world import Bench

# The same examples each time: a test that fails today must fail tomorrow, and on another machine.
settings.register_profile(
    "repeatable",
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],  # as a busy machine is
)
settings.load_profile("repeatable")


def _say(line: str) -> None:
    sys.__stderr__.write(f"{line}\n")  # type: ignore[union-attr]  # the first build takes minutes: show it


# All tests share one token: they ask for more in an hour, and set more statuses, than it may.
_MUCH = {"DEPLOYER_GITHUB_SHARE": "100000"}


def _lift_limits(world: World) -> None:
    limits = world.github.limits
    limits.primary.limit = limits.creations.limit = limits.creations_per_hour.limit = 100_000


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Clusters `staging` and `production`, GitHub, Secret Manager and the function."""

    with World(tmp_path_factory.mktemp("world") / "world", ["staging", "production"], _say, settings=_MUCH) as world:
        _lift_limits(world)
        yield world


@pytest.fixture(scope="session")
def emulator() -> Path:
    """Google's Pub/Sub emulator; tests that need it are skipped where it, gcloud or Java is missing."""
    try:
        return find_emulator()
    except MissingError as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def pubsub_world(emulator: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world of its own, like `world`, where jobs travel through Google's Pub/Sub emulator."""
    folder = tmp_path_factory.mktemp("pubsub") / "world"
    with World(folder, ["staging", "production"], _say, queue=Queue("pubsub"), settings=_MUCH) as world:
        _lift_limits(world)
        yield world


@pytest.fixture(scope="session")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """The function alone, with an empty configuration."""
    with Leash(tmp_path_factory.mktemp("door") / "leash") as leash:
        yield Door.start(leash)


@pytest.fixture
def staging(world: World) -> Iterator[Cluster]:
    """The deployer's own connection to the cluster `staging`."""
    cluster = connect("staging", world.clusters["staging"].deployer_kubeconfig.encode(), "the-secret")
    yield cluster
    cluster.close()


@pytest.fixture
def namespace(staging: Cluster) -> Iterator[str]:
    """The name of a namespace for one test, which makes it if it needs it; gone when the test is."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    yield name
    with contextlib.suppress(ClusterError):  # the test need not have made it
        staging.request("DELETE", f"/api/v1/namespaces/{name}")


@pytest.fixture(scope="session")
def google_hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Google]:
    """The hosts of Google's APIs, on this machine."""
    with Google(tmp_path_factory.mktemp("google")) as google:
        yield google


@pytest.fixture
def google(google_hosts: Google, monkeypatch: pytest.MonkeyPatch) -> Iterator[Google]:
    """Google as this process meets it, which has the key of a service account."""
    google_hosts.reset()
    for name, value in google_hosts.with_key().items():
        monkeypatch.setenv(name, value)
    for name in ("HTTPS_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    google_token.cache_clear()
    yield google_hosts
    google_token.cache_clear()


@pytest.fixture
def bench(world: World, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """An application of its own for a test: name, repository, namespace; gone when the test is."""
    with Bench(world, tmp_path_factory.mktemp("clone")) as bench:
        yield bench


@pytest.fixture
def deployer(world: World) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`python -m deployer` against the world; keyword arguments change its environment."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("DEPLOYER_")}

    def run(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "deployer", *arguments],
            env={**clean, **world.exports, **changes},
            cwd=Path(__file__).parents[1],
            capture_output=True,
            text=True,
            timeout=180,
        )

    return run


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """What is logged, also where an earlier test has had the log set up."""
    logger = logging.getLogger("deployer")
    before, logger.propagate = logger.propagate, True
    caplog.set_level(logging.INFO, "deployer")
    yield caplog
    logger.propagate = before
