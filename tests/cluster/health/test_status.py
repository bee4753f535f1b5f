import pytest

from deployer.cluster.health.status import (
    Health,
    Status,
    condition,
    degraded,
    dig,
    healthy,
    is_true,
    number,
    objects,
    progressing,
    said,
    text,
    unobserved,
    worst,
)

OBJ = {
    "metadata": {"generation": 2, "name": "web"},
    "spec": None,
    "status": {
        "observedGeneration": 2,
        "ready": True,
        "conditions": [{"type": "Ready", "status": "True"}, "odd", None],
    },
}


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([], Status.HEALTHY),
        ([Status.HEALTHY, Status.SUSPENDED], Status.SUSPENDED),
        ([Status.PROGRESSING, Status.SUSPENDED], Status.PROGRESSING),
        ([Status.PROGRESSING, Status.MISSING], Status.MISSING),
        ([Status.DEGRADED, Status.MISSING], Status.DEGRADED),
        ([Status.DEGRADED, Status.UNKNOWN, Status.HEALTHY], Status.UNKNOWN),
    ],
)
def test_worst(statuses: list[Status], expected: Status) -> None:
    assert worst(Health(status, "why") for status in statuses).status == expected


def test_of_several_worst_the_first_speaks() -> None:
    assert worst([healthy("a"), degraded("b"), degraded("c"), progressing("d")]) == degraded("b")


def test_statuses_are_the_words_of_argo_cd() -> None:
    assert [*Status] == ["Healthy", "Suspended", "Progressing", "Missing", "Degraded", "Unknown"]


def test_reading() -> None:
    assert dig(OBJ, "status", "observedGeneration") == 2
    assert dig(OBJ, "spec", "replicas") is None
    assert dig(OBJ, "metadata", "name", "x") is None
    assert text(OBJ, "metadata", "name") == "web"
    assert text(OBJ, "metadata", "generation") == ""
    assert number(OBJ, "metadata", "generation") == 2
    assert number(OBJ, "status", "ready", default=5) == 5
    assert objects(OBJ, "status", "conditions") == [{"type": "Ready", "status": "True"}]
    assert objects(OBJ, "status") == []
    assert condition(OBJ, "Ready") == {"type": "Ready", "status": "True"}
    assert condition(OBJ, "Stalled") == {}
    assert is_true(OBJ, "Ready")
    assert not is_true(OBJ, "Stalled")


@pytest.mark.parametrize(
    ("one", "words"),
    [
        ({"reason": "A", "message": "b"}, "A: b"),
        ({"reason": "A", "message": ""}, "A"),
        ({"message": "b"}, "b"),
        ({}, ""),
    ],
)
def test_said(one: dict[str, str], words: str) -> None:
    assert said(one) == words


def test_unobserved() -> None:
    assert not unobserved(OBJ)
    assert unobserved({"metadata": {"generation": 1}})
    assert not unobserved({"metadata": {}})
