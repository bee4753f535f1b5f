"""Where the time of one push goes, from `git push` to the status on the commit, with neighbours near and far."""

import http.client
import json
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench import relay
from bench.clone import Clone
from bench.figures import CONSOLE
from bench.push_tables import print_tables
from bench.servers import delivery
from bench.steps import Timeline, steps
from local.example import EXAMPLES
from local.function import start_function
from local.leash import Leash
from local.world import World

_ROUND_TRIPS = (0.0, 0.03, 0.1)
"""Seconds between the deployer and GitHub, Secret Manager and the cluster."""
_ROUNDS = 3
"""First pushes at each distance: of a function that was just started, to a namespace that is not there yet."""
_CHANGES = 4
"""Small changes after each first push."""

_REPOSITORY = "acme/shop"
_TIMEOUT = 120.0
_APPLICATION = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: {name}, annotations: {{deployer/timeout: "60"}}}}
spec:
  source: {{repoURL: {url}, targetRevision: main, path: .}}
  destination: {{name: staging, namespace: {name}}}
  syncPolicy: {{automated: {{}}, syncOptions: [CreateNamespace=true]}}
---
apiVersion: deployer/v1alpha1
kind: Cluster
metadata: {{name: staging}}
spec: {{kubeconfig: {{secret: projects/local/secrets/{name}}}}}
"""


def run(folder: Path) -> None:
    """Push the example, then small changes, at each distance in turn; print what each step took.

    Its files go to `folder`.
    """
    first: dict[float, list[dict[str, float]]] = {round_trip: [] for round_trip in _ROUND_TRIPS}
    changes: dict[float, list[dict[str, float]]] = {round_trip: [] for round_trip in _ROUND_TRIPS}
    with World(folder / "world", ["staging"], lambda line: CONSOLE.print(line, style="dim")) as world:
        world.github.webhook_url = None  # deliveries go to the functions of this benchmark
        clone = _Clone(folder / "clone", f"{world.github.git_url}/{_REPOSITORY}.git")
        for number in range(_ROUNDS):
            for round_trip in _ROUND_TRIPS:
                name = f"shop-{number}-{round_trip * 1000:.0f}"
                with Leash(folder / name) as leash, _far_away(leash, world, name, round_trip) as function:
                    first[round_trip].append(_push(world, clone, function))
                    changes[round_trip] += [_push(world, clone, function) for _ in range(_CHANGES)]
    print_tables(first, changes)


@dataclass(frozen=True)
class _Function:
    """A function that runs one application."""

    application: str
    url: str
    repository_url: str
    log: Path


class _Clone(Clone):
    """The example's repository, as its developer has it."""

    def __init__(self, folder: Path, url: str) -> None:
        shutil.copytree(EXAMPLES / "shop", folder)
        super().__init__(folder, url)
        self._commits = ["0" * 40]

    def greet(self) -> tuple[str, str]:
        """Commit another greeting; returns the commits before and after."""
        settings = self.folder / "settings.yaml"
        greeting = f'  GREETING: "hello, for the {len(self._commits)}. time"'
        lines = settings.read_text().splitlines()
        settings.write_text("\n".join(greeting if "GREETING" in line else line for line in lines) + "\n")
        self._commits.append(self.commit(greeting.strip()))
        return self._commits[-2], self._commits[-1]


@contextmanager
def _far_away(leash: Leash, world: World, name: str, round_trip: float) -> Iterator[_Function]:
    """Start a function for an application of this name, with relays between it and all that it talks to."""
    cluster, exports = world.clusters["staging"], world.exports
    targets = [urlsplit(world.github.git_url).port, int(world.secret_manager.address.rpartition(":")[2])]
    ports = relay.start(leash, round_trip, [int(port or 0) for port in (*targets, urlsplit(cluster.url).port)])
    github, secret_manager, api_server = (f"127.0.0.1:{port}" for port in ports)
    kubeconfig = cluster.deployer_kubeconfig.replace(cluster.url, f"https://{api_server}")
    world.secret_manager.put(f"projects/local/secrets/{name}", kubeconfig.encode())
    repository_url = f"http://{github}/{_REPOSITORY}.git"
    configuration = leash.folder / "deployer.yaml"
    configuration.write_text(_APPLICATION.format(name=name, url=repository_url))
    settings = {
        "DEPLOYER_CONFIG": str(configuration),
        "DEPLOYER_WEBHOOK_SECRET": exports["DEPLOYER_WEBHOOK_SECRET"],
        "DEPLOYER_GITHUB_TOKEN": exports["DEPLOYER_GITHUB_TOKEN"],
        "DEPLOYER_GITHUB_API_URL": f"http://{github}/api/v3",
        "DEPLOYER_SECRET_MANAGER_ENDPOINT": secret_manager,
    }
    yield _Function(name, start_function(leash, settings), repository_url, leash.folder / "function.log")


def _push(world: World, clone: _Clone, function: _Function) -> dict[str, float]:
    """Push a change and deliver it; returns the seconds of each step.

    Raises:
        RuntimeError: it did not succeed.
    """
    before, after = clone.greet()
    began = time.time()
    clone.push()
    pushed = time.time()
    guid = _deliver(world, function, before, after)
    told = world.github.statuses.of(_REPOSITORY, after)
    if not told or told[-1].state != "success":
        end = "\n".join(function.log.read_text().splitlines()[-5:])
        raise RuntimeError(f"a push of the example did not succeed; the function's log ends with:\n{end}")
    looked, *_, done = _log(function.log, guid)
    if "durations" not in done:
        raise RuntimeError("the function's log does not say how long the steps of a deployment took")
    at = datetime.fromisoformat(looked["time"]).timestamp()
    return steps(Timeline(began, pushed, at, told[-1].created.timestamp()), done["durations"])


def _deliver(world: World, function: _Function, before: str, after: str) -> str:
    """Deliver a push as GitHub would, but that the repository is where the relay is; returns the delivery's id.

    It waits for the answer, which comes when everything is done.
    """
    payload = {
        "ref": "refs/heads/main",
        "before": before,
        "after": after,
        "repository": {"clone_url": function.repository_url, "default_branch": "main"},
    }
    secret = world.exports["DEPLOYER_WEBHOOK_SECRET"]
    request = delivery("push", json.dumps(payload).encode(), 200, secret=secret)
    guid = str(uuid.uuid4())
    with closing(http.client.HTTPConnection(urlsplit(function.url).netloc, timeout=_TIMEOUT)) as connection:
        connection.request("POST", "/", request.body, {**request.headers, "X-GitHub-Delivery": guid})
        connection.getresponse().read()
    return guid


def _log(log: Path, guid: str) -> list[dict[str, Any]]:
    """What the function logged about a delivery."""
    entries = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    return [entry for entry in entries if entry.get("delivery") == guid]
