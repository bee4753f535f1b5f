"""What the tests of the queue share: applications that the world's own function does not see, and the log."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from deployer.configuration import Configuration, load_configuration
from deployer.settings import Settings
from tests.world import Bench


def configure(
    bench: Bench,
    settings: Settings,
    path: str,
    *,
    url: str = "",
    timeout: float = 30,
    automated: Any = None,
    cluster: str = "staging",
    annotations: Mapping[str, str] | None = None,
    target_revision: str = "main",
    **policy: Any,
) -> str:
    """Write an application for a folder of the bench's repository; `automated` False is manual. Returns its name."""
    name = f"{bench.name}-{path}"
    annotations = {"deployer/timeout": str(timeout), **(annotations or {})}
    document = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": name, "annotations": annotations},
        "spec": {
            "source": {"repoURL": url or bench.clone.url, "targetRevision": target_revision, "path": path},
            "destination": {"name": cluster, "namespace": bench.name},
            "syncPolicy": {
                "syncOptions": ["CreateNamespace=true"],
                **({} if automated is False else {"automated": automated or {}}),
                **policy,
            },
        },
    }
    assert settings.config
    (settings.config / f"{name}.yaml").write_text(json.dumps(document))
    return name


def cluster_at(bench: Bench, settings: Settings, name: str, kubeconfig: str) -> None:
    """Write a cluster that is reached with a kubeconfig of its own."""
    secret = f"projects/local/secrets/{bench.name}-{name}"
    bench.world.secret_manager.put(secret, kubeconfig.encode())
    head = {"apiVersion": "deployer/v1alpha1", "kind": "Cluster", "metadata": {"name": name}}
    assert settings.config
    (settings.config / f"{name}.yaml").write_text(json.dumps({**head, "spec": {"kubeconfig": {"secret": secret}}}))


def dead(bench: Bench, settings: Settings, name: str = "dead") -> None:
    """Write a cluster that nobody answers for."""
    config = yaml.safe_load(bench.world.clusters["staging"].deployer_kubeconfig)
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    cluster_at(bench, settings, name, yaml.safe_dump(config))


def configuration_of(settings: Settings) -> Configuration:
    """The configuration, as it is now."""
    return load_configuration(settings.require_config())


def told(bench: Bench, commit: str, context: str) -> list[tuple[str, str | None]]:
    """The statuses of that name that a commit was given, the oldest first."""
    every = bench.world.github.statuses.of(bench.repository, commit)
    return [(one.state, one.description) for one in every if one.context == context]


def say(bench: Bench, commit: str, context: str, state: str, description: str = "") -> None:
    """Give a commit a status."""
    status = {"state": state, "context": context, "description": description}
    bench.world.github.statuses.add(bench.repository, commit, status)


def asked(bench: Bench) -> list[str]:
    """What GitHub was asked about the bench's repository since `requests` was cleared."""
    root = f"/repos/{bench.repository}/"
    return [f"{verb} {path.partition(root)[2]}" for verb, path in bench.world.github.requests if root in path]


def lines(log: pytest.LogCaptureFixture, level: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Message and fields of each line."""
    return [
        (record.getMessage(), record.__dict__["fields"]) for record in log.records if level in ("", record.levelname)
    ]
