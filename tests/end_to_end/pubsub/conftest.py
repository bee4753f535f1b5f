"""A world where jobs travel through a Pub/Sub of the tests' own, whose faults are the tests' to choose."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from local.functions import Queue
from local.github.tokens import ALL_PERMISSIONS
from local.pubsub import TOPIC, subscriptions
from local.world import World
from tests.end_to_end.pubsub.queued import (
    AUDIENCE,
    DEPLOYER_TOKEN,
    PUSHER,
    TOKEN,
    QueuedBench,
    configure_cluster,
)
from tests.faults.proxy import Proxy
from tests.push_server import PushServer

INSTANCES = 2
BACKOFF = (0.1, 1.0)
FAR = ("far", "down", "busy", "slow")


@pytest.fixture(scope="session")
def pubsub() -> Iterator[PushServer]:
    with PushServer() as server:
        yield server


@pytest.fixture(scope="session")
def world(pubsub: PushServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Clusters `staging` and `production`, and two instances of `sync`, which check what shows them a token.

    GitHub's token is in Secret Manager, so that it may be exchanged.
    """
    settings = {
        "DEPLOYER_GITHUB_SHARE": "100000",  # all tests share one token
        "DEPLOYER_GITHUB_TOKEN": TOKEN,
        "DEPLOYER_PUSH_AUDIENCE": AUDIENCE,
        "DEPLOYER_PUSH_ACCOUNT": PUSHER,
    }
    queue = Queue("pubsub", instances=INSTANCES, concurrency=8, endpoint=pubsub.endpoint)
    folder = tmp_path_factory.mktemp("queued") / "world"
    with World(folder, ["staging", "production"], lambda line: None, queue=queue, settings=settings) as world:
        world.secret_manager.put(TOKEN, DEPLOYER_TOKEN.encode())
        world.github.tokens.add(DEPLOYER_TOKEN, permissions=ALL_PERMISSIONS)
        limits = world.github.limits
        limits.primary.limit = limits.creations.limit = limits.creations_per_hour.limit = 100_000
        Path(world.exports["DEPLOYER_CONFIG"], "shop.yaml").unlink()  # nobody has pushed it
        for one in pubsub.subscriptions.values():
            pubsub.authenticate(one, AUDIENCE, PUSHER)
            one.backoff = BACKOFF
        yield world


@pytest.fixture(scope="session")
def proxies(world: World, pubsub: PushServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Proxy]]:
    """The ways to the clusters of `FAR`, each of which is `staging` through a proxy that plays faults."""
    assert world.sync
    staging, config = world.clusters["staging"], Path(world.exports["DEPLOYER_CONFIG"])
    wanted = subscriptions([*world.clusters, *FAR])
    pubsub.subscriptions[wanted[-1].name].filter = wanted[-1].filter
    with ExitStack() as stack:
        found: dict[str, Proxy] = {}
        for name in FAR:
            proxy = found[name] = stack.enter_context(Proxy(staging.url, tmp_path_factory.mktemp(name)))
            secret = f"projects/local/secrets/{name}-kubeconfig"
            world.secret_manager.put(secret, proxy.kubeconfig(staging.deployer_kubeconfig).encode())
            configure_cluster(config, name, secret)
            world.exports[f"DEPLOYER_LOCAL_KUBECONFIG_{name.upper()}"] = str(staging.admin_kubeconfig)
            (one,) = (one for one in wanted if one.name.endswith(f"/cluster-{name}"))
            made = pubsub.subscribe(TOPIC, one.name, world.sync.url, filter=one.filter, ordered=True, backoff=BACKOFF)
            pubsub.authenticate(made, AUDIENCE, PUSHER)
        yield found


@pytest.fixture
def far(proxies: dict[str, Proxy]) -> Proxy:
    """The way to the cluster `far`."""
    return proxies["far"]


@pytest.fixture(autouse=True)
def calm(world: World, pubsub: PushServer) -> Iterator[None]:
    """Each test leaves Pub/Sub as it found it, with nothing left to push."""
    yield
    pubsub.recover()
    world.github.heal()
    for one in pubsub.subscriptions.values():
        one.newest_first, one.twice, one.dead_letter = False, 0, ""
        one.ordered = not one.name.endswith("/events")
        one.resume()
    assert pubsub.drained(60)


@pytest.fixture
def bench(world: World, pubsub: PushServer, tmp_path: Path) -> Iterator[QueuedBench]:
    """An application of its own for a test, in this world."""
    with QueuedBench(world, tmp_path, pubsub) as bench:
        yield bench
