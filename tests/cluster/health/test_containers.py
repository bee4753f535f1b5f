from typing import Any

import pytest

from deployer.cluster.health.containers import ending, shorten, waiting, waiting_reason


def pod(policy: str = "File", where: str = "containers") -> dict[str, Any]:
    return {"spec": {where: [{"name": "web", "terminationMessagePolicy": policy}]}}


def container(code: int, reason: str = "Error", message: str = "", state: str = "state") -> dict[str, Any]:
    return {"name": "web", state: {"terminated": {"exitCode": code, "reason": reason, "message": message}}}


@pytest.mark.parametrize(
    ("message", "short"),
    [
        ("", ""),
        ("a\n  b\tc", "a b c"),
        ("x" * 200, "x" * 200),
        ("x" * 201, "x" * 199 + "…"),
    ],
)
def test_shorten(message: str, short: str) -> None:
    assert shorten(message) == short


@pytest.mark.parametrize(
    ("state", "reason", "words"),
    [
        ({}, "", ""),
        ({"running": {}}, "", ""),
        ({"waiting": {}}, "", ""),
        ({"waiting": {"reason": "ContainerCreating"}}, "ContainerCreating", "container web: ContainerCreating"),
        (
            {"waiting": {"reason": "ErrImagePull", "message": "not\nfound"}},
            "ErrImagePull",
            "container web: ErrImagePull: not found",
        ),
    ],
)
def test_waiting(state: dict[str, Any], reason: str, words: str) -> None:
    assert waiting_reason({"name": "web", "state": state}) == reason
    assert waiting({"name": "web", "state": state}) == words


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ({"name": "web", "state": {"running": {}}}, ""),
        (container(0, "Completed", "all done"), ""),
        (container(1), "exit code 1"),
        (container(1, reason=""), "exit code 1"),
        (container(137, "OOMKilled"), "OOMKilled, exit code 137"),
        (container(1, message="no database\n"), "exit code 1: no database"),
        (container(128, "StartError", 'exec: "web": not found'), 'StartError, exit code 128: exec: "web": not found'),
    ],
)
def test_ending(status: dict[str, Any], words: str) -> None:
    assert ending(pod(), status) == words


def test_the_last_ending() -> None:
    assert ending(pod(), container(3, state="lastState"), "lastState") == "exit code 3"
    assert ending(pod(), container(3, state="lastState")) == ""


@pytest.mark.parametrize("where", ["containers", "initContainers"])
def test_a_log_is_never_shown(where: str) -> None:
    status = container(1, message="password=hunter2")
    assert ending(pod("FallbackToLogsOnError", where), status) == "exit code 1"
