"""What the tests of inventory and Lease share: a namespace, an account with few rights, and a way through a proxy."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml

from deployer.cluster.connection import Cluster, connect
from local.control_plane import ControlPlane
from tests.faults.proxy import Proxy


def make_namespace(cluster: Cluster, name: str) -> None:
    """Create a namespace."""
    cluster.request("POST", "/api/v1/namespaces", body={"metadata": {"name": name}})


@contextmanager
def through_proxy(plane: ControlPlane, folder: Path) -> Iterator[tuple[Proxy, Cluster]]:
    """A connection that faults can be played on."""
    with Proxy(plane.url, folder) as proxy:
        cluster = connect(plane.name, proxy.kubeconfig(plane.deployer_kubeconfig).encode(), "the-secret")
        yield proxy, cluster
        cluster.close()


@contextmanager
def narrow(
    plane: ControlPlane, cluster: Cluster, namespace: str, rules: Sequence[Mapping[str, Sequence[str]]]
) -> Iterator[Cluster]:
    """The connection of an account that has these rights in a namespace, and no others."""
    connection = connect(plane.name, narrow_kubeconfig(plane, cluster, namespace, rules).encode(), "the-secret")
    yield connection
    connection.close()


def narrow_kubeconfig(
    plane: ControlPlane, cluster: Cluster, namespace: str, rules: Sequence[Mapping[str, Sequence[str]]]
) -> str:
    """The kubeconfig of an account that has these rights in a namespace, and no others."""
    rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
    accounts = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    metadata = {"name": "narrow"}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "narrow"}
    subject = {"kind": "ServiceAccount", "name": "narrow", "namespace": namespace}
    cluster.request("POST", accounts, body={"metadata": metadata})
    cluster.request("POST", f"{rbac}/roles", body={"metadata": metadata, "rules": rules})
    body = {"metadata": metadata, "roleRef": role, "subjects": [subject]}
    cluster.request("POST", f"{rbac}/rolebindings", body=body)
    token = cluster.request("POST", f"{accounts}/narrow/token", body={"spec": {}})["status"]["token"]
    config = yaml.safe_load(plane.deployer_kubeconfig)
    config["users"][0]["user"] = {"token": token}
    return str(yaml.safe_dump(config))
