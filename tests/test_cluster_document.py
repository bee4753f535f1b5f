from typing import Any

import pytest

from deployer.cluster_document import ClusterDocument, parse_cluster
from deployer.errors import ConfigurationError

SECRET = "projects/acme/secrets/production-kubeconfig"


def parse(metadata: Any = None, **spec: Any) -> ClusterDocument:
    head = {"apiVersion": "deployer/v1alpha1", "kind": "Cluster", "metadata": metadata or {"name": "production"}}
    return parse_cluster({**head, "spec": {"kubeconfig": {"secret": SECRET}, **spec}}, "a.yaml, document 1")


def test_a_cluster() -> None:
    made = parse(
        {"name": "production", "labels": {"env": "production"}},
        aliases=["in-cluster", "https://kubernetes.default.svc"],
    )
    assert made == ClusterDocument(
        "production",
        ("in-cluster", "https://kubernetes.default.svc"),
        SECRET,
        {"env": "production"},
        "a.yaml, document 1",
    )
    assert made.names == ("production", "in-cluster", "https://kubernetes.default.svc")


@pytest.mark.parametrize(
    "secret",
    [
        *(SECRET, f"{SECRET}/versions/latest", f"{SECRET}/versions/7", "projects/example.com:acme/secrets/A_b-1"),
        "projects/123456/secrets/x/versions/blue",
        "file:/secrets/kubeconfig",
    ],
)
def test_secret(secret: str) -> None:
    assert parse(kubeconfig={"secret": secret}).kubeconfig_secret == secret


@pytest.mark.parametrize(
    "secret",
    [
        *("production-kubeconfig", "projects/acme/secrets", "projects/acme/secrets/", "projects/../secrets/x"),
        *(
            f"{SECRET}/versions",
            f"{SECRET}/versions/",
            f"{SECRET}/x",
            f"/{SECRET}",
            f"{SECRET}\n",
            "projects/a/secrets/a b",
        ),
    ],
)
def test_secret_refused(secret: str) -> None:
    with pytest.raises(ConfigurationError, match=r"spec\.kubeconfig\.secret: is not the name of a secret; allowed: "):
        parse(kubeconfig={"secret": secret})


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"kubeconfig": None}, "spec.kubeconfig.secret: is missing"),
        (
            {"kubeconfig": {"secret": "file:kubeconfig"}},
            "spec.kubeconfig.secret: is not the absolute path of a mounted",
        ),
        ({"kubeconfig": {"file": "x"}}, "spec.kubeconfig.file: unknown field"),
        ({"gke": {"cluster": "x"}}, "spec.gke: not supported yet"),
        ({"alias": []}, "spec.alias: unknown field; did you mean aliases"),
        ({"aliases": ["a", "a"]}, "spec.aliases: an alias is empty, stands there twice"),
        ({"aliases": [""]}, "spec.aliases: an alias is empty"),
        ({"aliases": ["production"]}, "spec.aliases: .*the cluster's own name"),
        (
            {"kubeconfig": {"secret": "projects/acme/locations/europe-west1/secrets/x"}},
            "spec.kubeconfig.secret: regional secrets are not supported yet",
        ),
    ],
)
def test_what_is_wrong_is_refused(spec: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^a.yaml, document 1: {message}"):
        parse(**spec)


def test_a_cluster_has_a_name() -> None:
    with pytest.raises(ConfigurationError, match=r"metadata\.name: 'A' is no name"):
        parse({"name": "A"})
