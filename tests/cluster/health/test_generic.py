from typing import Any

import pytest

from deployer.cluster.health import health


def conditions(*pairs: tuple[str, str], message: str = "why") -> dict[str, Any]:
    return {"conditions": [{"type": kind, "status": status, "message": message} for kind, status in pairs]}


@pytest.mark.parametrize(
    ("status", "expected", "message"),
    [
        (None, "Healthy", "it exists"),
        ({}, "Healthy", "it exists"),
        ({"observedGeneration": 1}, "Progressing", "the latest change has not been seen by its controller yet"),
        ({"observedGeneration": 3}, "Progressing", "the latest change has not been seen by its controller yet"),
        ({"observedGeneration": 2}, "Healthy", "it exists"),
        (conditions(("Reconciling", "True"), ("Ready", "True")), "Progressing", "why"),
        (conditions(("Reconciling", "True"), ("Stalled", "True")), "Progressing", "why"),
        (conditions(("Stalled", "True"), ("Ready", "True")), "Degraded", "why"),
        (conditions(("Stalled", "False"), ("Reconciling", "False"), ("Ready", "True")), "Healthy", "why"),
        (conditions(("Ready", "False")), "Progressing", "why"),
        (conditions(("Ready", "Unknown")), "Progressing", "why"),
        (conditions(("Available", "False")), "Healthy", "it exists"),
        (conditions(("Reconciling", "True"), message=""), "Progressing", "its controller is working on it"),
        (conditions(("Stalled", "True"), message=""), "Degraded", "its controller cannot go on (condition Stalled)"),
        (conditions(("Ready", "True"), message=""), "Healthy", "it is ready"),
        (conditions(("Ready", "False"), message=""), "Progressing", "it is not ready yet"),
        ("a text", "Healthy", "it exists"),
        ({"conditions": "a text"}, "Healthy", "it exists"),
    ],
)
def test_generic(status: object, expected: str, message: str) -> None:
    metadata = {"name": "web", "generation": 2}
    found = health({"apiVersion": "example.com/v1", "kind": "Thing", "metadata": metadata, "status": status})
    assert (found.status, found.message) == (expected, message)
