"""Many small applications of one repository, each with a folder and a namespace of its own."""

import json
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from local.control_plane import ControlPlane
from local.kubectl import KUBECTL
from local.world import World

_APPLICATION = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: {name}, annotations: {{deployer/timeout: "120"}}}}
spec:
  source: {{repoURL: "{url}", targetRevision: main, path: {path}}}
  destination: {{name: {cluster}, namespace: {name}}}
  syncPolicy: {{automated: {{}}, syncOptions: [CreateNamespace=true]}}
"""
_MANIFESTS = """\
apiVersion: v1
kind: ConfigMap
metadata: {{name: settings}}
data: {{greeting: "hello {number}"}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec: {{containers: [{{name: web, image: "nginx:1.29.3"}}]}}
"""


_CLUSTER = """\
apiVersion: deployer/v1alpha1
kind: Cluster
metadata: {{name: {name}}}
spec: {{kubeconfig: {{secret: projects/local/secrets/{name}-kubeconfig}}}}
"""


def documents(prefix: str, count: int, url: str, clusters: Sequence[str]) -> dict[str, str]:
    """Make a configuration: the clusters, and applications `PREFIX-000` and so on, for each cluster in turn.

    Returns:
        A file for each document, by name.
    """
    made = {f"cluster-{name}.yaml": _CLUSTER.format(name=name) for name in clusters}
    for number in range(count):
        name, cluster = f"{prefix}-{number:03}", clusters[number % len(clusters)]
        made[f"{name}.yaml"] = _APPLICATION.format(name=name, url=url, path=f"apps/{number:03}", cluster=cluster)
    return made


def manifests(count: int) -> dict[str, str]:
    """Make what they are made from, a ConfigMap and a Deployment of one pod each: files by path."""
    return {f"apps/{number:03}/all.yaml": _MANIFESTS.format(number=number) for number in range(count)}


def configure(folder: Path, files: Mapping[str, str]) -> None:
    """Write a configuration; what was there before is no part of it any more."""
    for old in folder.glob("*"):
        old.unlink()
    write(folder, files)


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write files below a folder."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def healthy(cluster: ControlPlane, prefix: str) -> int:
    """How many of the applications have a pod that is ready, in a cluster."""
    command = [KUBECTL, "--kubeconfig", str(cluster.admin_kubeconfig), "get", "deployments", "-A", "-o", "json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed: {done.stderr}")
    return ready(json.loads(done.stdout)["items"], prefix)


def ready(deployments: Iterable[Mapping[str, Any]], prefix: str) -> int:
    """Count the Deployments, in namespaces of a prefix, that have a pod which is ready."""
    return sum(
        one["metadata"]["namespace"].startswith(f"{prefix}-") and one.get("status", {}).get("readyReplicas", 0) > 0
        for one in deployments
    )


def last_status(world: World, name: str, commit: str) -> tuple[str, str]:
    """What a commit of the repository `acme/NAME` was told last, of all applications together: state and words."""
    told = [one for one in world.github.statuses.of(f"acme/{name}", commit) if one.context == "deployer"]
    return (told[-1].state, told[-1].description or "") if told else ("pending", "")
