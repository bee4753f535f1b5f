"""A world's second way to deploy: a Pub/Sub and a `sync` of their own, beside the world's inline function."""

import json
import os
import subprocess
import time
from collections.abc import Callable
from typing import Any

from deployer.github.client import GitHub
from deployer.github.statuses import State, context_of, set_status
from deployer.job import Job
from deployer.queue.message import CLUSTER, parse
from deployer.repository import parse_repository
from local.function import Function
from local.functions import of_target
from local.leash import Leash
from local.ports import free_ports
from local.world import World
from tests.cli.conftest import DEPLOYER, ROOT
from tests.push_server import PushServer
from tests.world import Bench

TOPIC = "projects/local/topics/by-hand"
_JOBS = "projects/local/subscriptions/by-hand"


class QueuedWorld:
    """`deployer` where jobs travel through a Pub/Sub, whose only subscription pushes them to a `sync`."""

    def __init__(self, world: World, leash: Leash, server: PushServer) -> None:
        self.server = server
        settings = {name: value for name, value in world.exports.items() if not name.startswith("DEPLOYER_LOCAL_")}
        settings |= {
            "DEPLOYER_QUEUE": "pubsub",
            "DEPLOYER_PUBSUB_TOPIC": TOPIC,
            "DEPLOYER_PUBSUB_ENDPOINT": server.endpoint,
        }
        self.settings = settings
        self._function = Function(leash, of_target("sync", settings), "sync", "sync").start()
        server.create_topic(TOPIC)
        self.jobs = server.subscribe(TOPIC, _JOBS, self._function.url, ordered=True)

    @property
    def published(self) -> list[tuple[Job, str]]:
        """The jobs, and the cluster that each is for."""
        found = []
        for message in self.server.published[TOPIC]:
            job = parse(message.data)
            assert isinstance(job, Job)
            assert message.ordering_key == job.application
            found.append((job, message.attributes[CLUSTER]))
        return found

    def environment(self, *, outside: bool = True, **changes: str) -> dict[str, str]:
        """The environment of Ada; she is `outside`, and has no access to a cluster, unless that is said."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("DEPLOYER_")}
        (nobody,) = free_ports(1)
        away = {"DEPLOYER_SECRET_MANAGER_ENDPOINT": f"127.0.0.1:{nobody}"} if outside else {}
        return {**clean, **self.settings, **away, "PYTHONPATH": str(ROOT), "USER": "ada", **changes}

    def run(self, *arguments: str, outside: bool = True, **changes: str) -> subprocess.CompletedProcess[str]:
        """Run `python -m deployer` to its end."""
        return subprocess.run(
            [*DEPLOYER, *arguments],
            env=self.environment(outside=outside, **changes),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """Begin `python -m deployer`, and return when it has published its job, which is held back: `resume`."""
        self.jobs.pause()
        before = len(self.published)
        process = subprocess.Popen(
            [*DEPLOYER, *arguments],
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        until(lambda: len(self.published) > before)
        return process


def until(reached: Callable[[], bool]) -> None:
    """Wait for something."""
    deadline = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def tell(bench: Bench, commit: str, state: State, description: str) -> None:
    """Tell a commit something about the application, as another job does."""
    exports = bench.world.exports
    with GitHub(exports["DEPLOYER_GITHUB_API_URL"], exports["DEPLOYER_GITHUB_TOKEN"]) as github:
        repository = parse_repository(bench.clone.url)
        set_status(github, repository, commit, state, context_of(bench.name), description)


def history(bench: Bench) -> list[dict[str, Any]]:
    """The past syncs, the newest first."""
    found: list[dict[str, Any]] = json.loads(bench.live("configmap", f"deployer-{bench.name}")["data"]["history"])
    return found
