"""Nodes without machines; kwok plays their kubelets (see stages.yaml)."""

import json
from typing import Any

_NODES = ("node-1", "node-2", "node-3")
_SIZE = {"cpu": "32", "memory": "128Gi", "pods": "500"}


def nodes() -> list[dict[str, Any]]:
    """The nodes, as manifests."""
    return [
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {
                "name": name,
                "labels": {
                    "kubernetes.io/hostname": name,
                    "kubernetes.io/os": "linux",
                    "kubernetes.io/arch": "amd64",
                },
            },
            "status": {"allocatable": _SIZE, "capacity": _SIZE},
        }
        for name in _NODES
    ]


def are_ready(answer: bytes | None) -> bool:
    """Whether pods can be scheduled on every node: its kubelet says Ready, and no taint keeps pods away any more.

    Args:
        answer: the API server's list of nodes, in JSON; None where it could not be had.
    """
    return answer is not None and all(
        not node["spec"].get("taints")
        and any(c["type"] == "Ready" and c["status"] == "True" for c in node["status"].get("conditions", ()))
        for node in json.loads(answer)["items"]
    )
