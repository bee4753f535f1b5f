"""The deployer and kubectl, side by side: each with a cluster of its own, equally far away."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bench import relay
from bench.measured import measure
from bench.servers import environment
from bench.synced import Synced, synced
from bench.warm import Warm
from local.kubectl import KUBECTL
from local.leash import Leash
from local.world import World

OURS, THEIRS = "staging", "production"
"""The clusters: the same objects in one would be fought over."""

_APPLICATION = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: {name}}}
spec:
  source: {{repoURL: {url}, targetRevision: main, path: manifests, directory: {{recurse: true}}}}
  destination: {{name: staging}}
  syncPolicy: {{automated: {{}}}}
---
"""
_CLUSTER = """\
apiVersion: deployer/v1alpha1
kind: Cluster
metadata: {{name: staging}}
spec: {{kubeconfig: {{secret: {secret}}}}}
"""


def repository_url(world: World, application: str) -> str:
    """Where the repository of an application is."""
    return f"{world.github.git_url}/acme/{application}.git"


@dataclass(frozen=True)
class Sides:
    """Both at one distance."""

    leash: Leash
    _deployer: dict[str, str]
    _kubectl: dict[str, str]

    def deployer(self, application: str) -> Synced:
        """Sync an application, as a whole process; raises RuntimeError where that fails."""
        command = [sys.executable, "-m", "deployer", "sync", application, "--no-wait", "-o", "json"]
        ran = measure(self.leash, command, self._deployer)
        return synced(ran.seconds, json.loads(ran.output), ran.peak)

    def start(self) -> float:
        """Seconds that the deployer's process takes where it has nothing to do."""
        return measure(self.leash, [sys.executable, "-m", "deployer", "--version"], self._deployer).seconds

    def warm(self, application: str) -> Warm:
        """A process that syncs an application again and again."""
        return Warm(application, self._deployer, self.leash.folder / "warm.log")

    def kubectl(self, folder: Path) -> float:
        """Apply a folder, as a whole process; returns seconds, raises RuntimeError where that fails."""
        options = ("--server-side", "--force-conflicts", "--field-manager=bench")
        return self._run_kubectl("apply", *options, "-R", "-f", str(folder))

    def await_definitions(self) -> None:
        """Wait until what kubectl's cluster has for definitions is served."""
        self._run_kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")

    def _run_kubectl(self, *arguments: str) -> float:
        return measure(self.leash, [KUBECTL, *arguments], self._kubectl).seconds


def place(leash: Leash, world: World, round_trip: float, applications: Sequence[str]) -> Sides:
    """Start relays to both clusters, and configure applications for the deployer's.

    Args:
        leash: what ends the relays, and has the files.
        world: with the clusters `OURS` and `THEIRS`.
        round_trip: to both clusters, in seconds.
        applications: by name.
    """
    urls = [world.clusters[name].url for name in (OURS, THEIRS)]
    ports = relay.start(leash, round_trip, [urlsplit(url).port or 0 for url in urls])
    ours, theirs = (
        world.clusters[name].deployer_kubeconfig.replace(url, f"https://127.0.0.1:{port}")
        for name, url, port in zip((OURS, THEIRS), urls, ports, strict=True)
    )
    secret = f"projects/local/secrets/{leash.folder.name}"
    world.secret_manager.put(secret, ours.encode())
    configuration = leash.folder / "deployer.yaml"
    documents = [_APPLICATION.format(name=name, url=repository_url(world, name)) for name in applications]
    configuration.write_text("".join(documents) + _CLUSTER.format(secret=secret))
    kubeconfig = leash.folder / "kubeconfig"
    kubeconfig.touch(mode=0o600)
    kubeconfig.write_text(theirs)
    settings = {name: value for name, value in world.exports.items() if not name.startswith("DEPLOYER_LOCAL_")}
    return Sides(
        leash,
        {**environment(), **settings, "DEPLOYER_CONFIG": str(configuration)},
        # kubectl keeps what it has discovered in its home.
        {**environment(), "HOME": str(leash.folder), "KUBECONFIG": str(kubeconfig)},
    )
