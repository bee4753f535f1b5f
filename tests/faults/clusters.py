"""What the tests of an API server at fault share: kinds, and how errors end."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from deployer.cluster.discovery import Resource
from deployer.errors import ClusterError
from tests.faults.proxy import Proxy

CONFIG_MAP = Resource("", "v1", "ConfigMap", "configmaps", namespaced=True)
DEPLOYMENT = Resource("apps", "v1", "Deployment", "deployments", namespaced=True)
NAMESPACE = Resource("", "v1", "Namespace", "namespaces", namespaced=False)
ROLE = Resource("rbac.authorization.k8s.io", "v1", "Role", "roles", namespaced=True)
ROLE_BINDING = Resource("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings", namespaced=True)
SECRET = Resource("", "v1", "Secret", "secrets", namespaced=True)
SERVICE_ACCOUNT = Resource("", "v1", "ServiceAccount", "serviceaccounts", namespaced=True)

ADDRESS = "check that it is up, and the server's address in the kubeconfig in the-secret"
IN_BETWEEN = "check the server's address in the kubeconfig in the-secret, and what stands in between"


def body_of(resource: Resource, name: str, namespace: str = "", **fields: Any) -> dict[str, Any]:
    version = f"{resource.group}/{resource.version}" if resource.group else resource.version
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": version, "kind": resource.kind, "metadata": metadata, **fields}


def refusal(act: Callable[..., Any], *arguments: Any, **named: Any) -> ClusterError:
    with pytest.raises(ClusterError) as caught:
        act(*arguments, **named)
    return caught.value


def statuses(proxy: Proxy) -> list[int]:
    return [seen.status for seen in proxy.seen]


def with_token(payload: bytes, token: str) -> bytes:
    config = yaml.safe_load(payload)
    config["users"][0]["user"] = {"token": token}
    return yaml.safe_dump(config).encode()
