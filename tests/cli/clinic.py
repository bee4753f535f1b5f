"""A patient for `deployer doctor`: a configuration of a test's own, and what the doctor says of it."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.world import Bench, config_map, deployment

Deployer = Callable[..., subprocess.CompletedProcess[str]]
FILES = {"a.yaml": config_map("a"), "web.yaml": deployment("web")}


@dataclass(frozen=True)
class Findings:
    """What the doctor said: its exit status, and each check by section and name."""

    status: int
    checks: dict[tuple[str, str], dict[str, str]]
    everything: str

    def of(self, section: str, name: str) -> tuple[str, str, str]:
        """Status, message and hint of one check."""
        check = self.checks[section, name]
        return check["status"], check["message"], check["hint"]

    def statuses(self, section: str) -> dict[str, str]:
        """The status of each check of a section."""
        return {name: check["status"] for (found, name), check in self.checks.items() if found == section}


class Clinic:
    """A configuration of a test's own, over the clusters and the GitHub of the world."""

    def __init__(self, bench: Bench, deployer: Deployer, folder: Path) -> None:
        self.bench = bench
        self.config = folder / "config"
        self.config.mkdir()
        self._deployer = deployer
        self.repository = f"repository {bench.repository}"

    def write(self, name: str, document: dict[str, Any]) -> None:
        """Add a document."""
        (self.config / f"{name}.yaml").write_text(yaml.safe_dump(document))

    def cluster(self, name: str, kubeconfig: str | None = None) -> None:
        """Add a cluster: the world's of that name, or one with a kubeconfig of its own."""
        secret = f"projects/local/secrets/{name if kubeconfig is None else self.bench.name}-kubeconfig"
        if kubeconfig is not None:
            self.bench.world.secret_manager.put(secret, kubeconfig.encode())
        spec = {"kubeconfig": {"secret": secret}}
        self.write(
            name, {"apiVersion": "deployer/v1alpha1", "kind": "Cluster", "metadata": {"name": name}, "spec": spec}
        )

    def application(
        self, cluster: str = "staging", *, options: tuple[str, ...] = (), namespaced: bool = True, **source: Any
    ) -> None:
        """Add the bench's application; where it is not `namespaced`, its objects name their namespaces themselves."""
        where = {"repoURL": self.bench.clone.url, "targetRevision": "main", "path": ".", **source}
        self.write(
            "application",
            {
                "apiVersion": "argoproj.io/v1alpha1",
                "kind": "Application",
                "metadata": {"name": "web"},
                "spec": {
                    "source": where,
                    "destination": {"name": cluster, **({"namespace": self.bench.name} if namespaced else {})},
                    "syncPolicy": {"automated": {}, "syncOptions": list(options)},
                },
            },
        )

    def examine(self, **changes: str) -> Findings:
        """Run `deployer doctor -o json`."""
        done = self._deployer("doctor", "-o", "json", **{"DEPLOYER_CONFIG": str(self.config), **changes})
        assert "Traceback" not in done.stderr, done.stderr
        document = json.loads(done.stdout)
        assert set(document) == {"checks", "ok"}
        assert document["ok"] == (done.returncode == 0)
        for check in document["checks"]:
            assert set(check) == {"section", "name", "status", "message", "hint"}
            assert check["status"] in ("ok", "warning", "failed", "skipped")
            assert check["hint"] or check["status"] in ("ok", "skipped"), check
        checks = {(check["section"], check["name"]): check for check in document["checks"]}
        assert len(checks) == len(document["checks"]), "each check has a name of its own"
        assert document["ok"] == all(check["status"] != "failed" for check in checks.values())
        return Findings(done.returncode, checks, done.stdout + done.stderr)


def kubeconfig(bench: Bench, **user: Any) -> str:
    """The deployer's kubeconfig for `staging`, with another user where one is given."""
    config = yaml.safe_load(bench.world.clusters["staging"].deployer_kubeconfig)
    config["users"][0]["user"] = user or config["users"][0]["user"]
    return yaml.safe_dump(config)


def at(bench: Bench, url: str) -> str:
    """The deployer's kubeconfig for `staging`, at another address."""
    config = yaml.safe_load(kubeconfig(bench))
    config["clusters"][0]["cluster"]["server"] = url
    return yaml.safe_dump(config)
