"""What the tests of a deployment share: the bench's application, its cluster, and what GitHub was asked about it."""

from typing import Any

from deployer.application import Application, parse_application
from deployer.cluster_document import ClusterDocument
from tests.world import Bench

STAGING = ClusterDocument("staging", (), "projects/local/secrets/staging-kubeconfig", {}, "test.yaml")


def application(bench: Bench, timeout: float = 30, url: str = "", **source: Any) -> Application:
    """The bench's application, of which the world's own function knows nothing."""
    return parse_application(
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": bench.name, "annotations": {"deployer/timeout": str(timeout)}},
            "spec": {
                "source": {"repoURL": url or bench.clone.url, "targetRevision": "main", "path": ".", **source},
                "destination": {"name": "staging", "namespace": bench.name},
                "syncPolicy": {"syncOptions": ["CreateNamespace=true"]},
            },
        },
        "test.yaml",
    )


def asked(bench: Bench, since: int = 0) -> list[str]:
    """What GitHub was asked about the bench's repository by a job: such as `GET ref`, `GET blobs`, `POST graphql`."""
    root = f"/repos/{bench.repository}/"
    found = [
        (verb, path.removeprefix(root).removeprefix("/"))
        for verb, path in bench.world.github.requests[since:]
        if path.startswith(root) or path == "/graphql"
    ]
    return [f"{verb} {path.removeprefix('git/').split('/')[0]}" for verb, path in found]
