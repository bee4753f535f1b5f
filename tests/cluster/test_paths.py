"""No name in a manifest leads anywhere but to its own object."""

import pytest

from deployer.cluster.discovery import Resource
from deployer.cluster.paths import collection_path, object_path
from deployer.errors import ClusterError

DEPLOYMENT = Resource("apps", "v1", "Deployment", "deployments", namespaced=True)
NAMESPACE = Resource("", "v1", "Namespace", "namespaces", namespaced=False)
ROLE = Resource("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", namespaced=False)


@pytest.mark.parametrize(
    ("resource", "namespace", "name", "path"),
    [
        (DEPLOYMENT, "shop", "web", "/apis/apps/v1/namespaces/shop/deployments/web"),
        (NAMESPACE, "", "shop", "/api/v1/namespaces/shop"),
        (NAMESPACE, "ignored", "shop", "/api/v1/namespaces/shop"),
        (ROLE, "", "system:auth", "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:auth"),
        (ROLE, "", "a?b#c d", "/apis/rbac.authorization.k8s.io/v1/clusterroles/a%3Fb%23c%20d"),
    ],
)
def test_an_object_has_one_path(resource: Resource, namespace: str, name: str, path: str) -> None:
    assert object_path(resource, namespace, name) == path


def test_a_collection_is_of_a_namespace_or_of_all() -> None:
    assert collection_path(DEPLOYMENT, "shop") == "/apis/apps/v1/namespaces/shop/deployments"
    assert collection_path(DEPLOYMENT, "") == "/apis/apps/v1/deployments"


@pytest.mark.parametrize("name", ["../../x", "..", ".", "", "a/b", "a%2fb"])
def test_what_is_no_segment_is_refused(name: str) -> None:
    with pytest.raises(ClusterError, match="cannot be part of an API path"):
        object_path(DEPLOYMENT, "shop", name)


def test_a_namespace_cannot_lead_out_either() -> None:
    with pytest.raises(ClusterError, match="cannot be part of an API path"):
        object_path(DEPLOYMENT, "../kube-system", "web")


def test_a_namespaced_object_needs_a_namespace() -> None:
    with pytest.raises(ClusterError, match="Deployment/web needs a namespace"):
        object_path(DEPLOYMENT, "", "web")
