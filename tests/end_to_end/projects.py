"""Applications of projects, for the tests of what a project allows, and when."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.world import Bench

CONFIG_MAPS = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "create", "patch", "delete"]}


def config(bench: Bench) -> Path:
    """The folder of the world's configuration."""
    return Path(bench.world.exports["DEPLOYER_CONFIG"])


def configure(bench: Bench, *, destination: dict[str, str] | None = None, prune: bool = False, **options: Any) -> None:
    """Write the application's document, as one of its own project; `destination` is over the bench's."""
    bench.configure(**options)
    file = config(bench) / f"{bench.name}.yaml"
    document = json.loads(file.read_text())
    document["spec"] |= {"project": bench.name, "destination": destination or document["spec"]["destination"]}
    if prune:
        document["spec"]["syncPolicy"]["automated"] = {"prune": True}
    file.write_text(json.dumps(document))


def write_project(bench: Bench, **spec: Any) -> Path:
    """Write the project of the application's name, which allows its own namespace in staging, and what `spec` says."""
    narrow = {
        "sourceRepos": [bench.clone.url],
        "destinations": [{"name": "staging", "namespace": bench.name}],
        "clusterResourceWhitelist": [{"group": "", "kind": "Namespace", "name": bench.name}],
    }
    document = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": {"name": bench.name},
        "spec": {**narrow, **spec},
    }
    file = config(bench) / f"{bench.name}-project.yaml"
    file.write_text(json.dumps(document))
    return file


@contextmanager
def in_project(bench: Bench, **spec: Any) -> Iterator[Bench]:
    """Have the application be one of a project of its own."""
    file = write_project(bench, **spec)
    configure(bench)
    try:
        yield bench
    finally:
        (config(bench) / f"{bench.name}.yaml").unlink()
        file.unlink()


def make_account(bench: Bench, *rules: dict[str, list[str]], name: str = "team") -> str:
    """Make the application's namespace, and there an account that has these rights, and may see the namespace."""
    here = {"namespace": bench.name}
    seeing = {"apiGroups": [""], "resources": ["namespaces"], "resourceNames": [bench.name], "verbs": ["get"]}
    rbac = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": name, **here}}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}
    items = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": bench.name}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, **here}},
        {**rbac, "kind": "Role", "rules": [seeing, *rules]},
        {
            **rbac,
            "kind": "RoleBinding",
            "roleRef": role,
            "subjects": [{"kind": "ServiceAccount", "name": name, **here}],
        },
    ]
    file = bench.clone.folder.parent / f"{name}-account.json"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    bench.kubectl("apply", "-f", str(file))
    return f"system:serviceaccount:{bench.name}:{name}"
