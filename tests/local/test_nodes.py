import json
from typing import Any

import pytest

from local.nodes import are_ready, nodes

READY = {"spec": {}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([READY, READY], True),
        ([READY, {"spec": {}, "status": {}}], False),
        ([READY, {"spec": {}, "status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}}], False),
        ([{**READY, "spec": {"taints": [{"key": "node.kubernetes.io/not-ready"}]}}, READY], False),
    ],
)
def test_all_must_be_ready_and_free_of_taints(items: list[dict[str, Any]], expected: bool) -> None:
    assert are_ready(json.dumps({"items": items}).encode()) is expected


def test_without_an_answer_they_are_not_ready() -> None:
    assert not are_ready(None)


def test_three_nodes_have_names_of_their_own() -> None:
    assert len({node["metadata"]["name"] for node in nodes()}) == 3
