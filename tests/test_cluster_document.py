from typing import Any

import pytest

from deployer.cluster_document import ClusterDocument, Gke, parse_cluster
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
        "projects/acme/locations/europe-west1/secrets/x",
        "projects/acme/locations/europe-west1/secrets/x/versions/7",
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
            "projects/acme/locations/../secrets/x",
            "projects/acme/locations/secrets/x",
        ),
    ],
)
def test_secret_refused(secret: str) -> None:
    with pytest.raises(ConfigurationError, match=r"spec\.kubeconfig\.secret: is not the name of a secret; allowed: "):
        parse(kubeconfig={"secret": secret})


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"kubeconfig": None}, "spec.kubeconfig: is missing; name its secret, or the cluster in spec.gke"),
        ({"kubeconfig": {"secret": None}}, "spec.kubeconfig.secret: is missing"),
        (
            {"kubeconfig": {"secret": "file:kubeconfig"}},
            "spec.kubeconfig.secret: is not the absolute path of a mounted",
        ),
        ({"kubeconfig": {"file": "x"}}, "spec.kubeconfig.file: unknown field"),
        ({"gke": {"cluster": "x"}}, "spec.gke: there is a kubeconfig, too; .*: remove the other"),
        ({"alias": []}, "spec.alias: unknown field; did you mean aliases"),
        ({"aliases": ["a", "a"]}, "spec.aliases: an alias is empty, stands there twice"),
        ({"aliases": [""]}, "spec.aliases: an alias is empty"),
        ({"aliases": ["production"]}, "spec.aliases: .*the cluster's own name"),
    ],
)
def test_what_is_wrong_is_refused(spec: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^a.yaml, document 1: {message}"):
        parse(**spec)


CLUSTER = "projects/acme/locations/europe-west1/clusters/production"


@pytest.mark.parametrize("endpoint", ["dns", "ip", "connect-gateway"])
def test_a_cluster_of_gke(endpoint: str) -> None:
    made = parse(kubeconfig=None, gke={"cluster": CLUSTER, "endpoint": endpoint})
    assert (made.gke, made.kubeconfig_secret) == (Gke("acme", "europe-west1", "production", endpoint), "")
    assert str(made.gke) == CLUSTER


@pytest.mark.parametrize(
    ("gke", "message"),
    [
        ({"endpoint": "dns"}, "spec.gke.cluster: is missing"),
        ({"cluster": CLUSTER}, "spec.gke.endpoint: is missing"),
        (
            {"cluster": CLUSTER, "endpoint": "vpn"},
            "spec.gke.endpoint: 'vpn' is no endpoint; allowed: dns, ip, connect-",
        ),
        (
            {"cluster": f"{CLUSTER}/x", "endpoint": "dns"},
            "spec.gke.cluster: is no cluster; allowed: projects/PROJECT/loc",
        ),
        ({"cluster": CLUSTER.replace("acme", ".."), "endpoint": "dns"}, "spec.gke.cluster: is no cluster"),
        ({"cluster": CLUSTER, "endpoint": "dns", "secret": "x"}, "spec.gke.secret: unknown field"),
        ("x", "spec.gke: must be a mapping"),
    ],
)
def test_what_is_wrong_with_a_cluster_of_gke(gke: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^a.yaml, document 1: {message}"):
        parse(kubeconfig=None, gke=gke)


def test_a_cluster_has_a_name() -> None:
    with pytest.raises(ConfigurationError, match=r"metadata\.name: 'A' is no name"):
        parse({"name": "A"})
