import pytest

from bench.synced import REST, START, Synced, shares, synced

_DOCUMENT = {
    "objects": [{"action": "unchanged"}, {"action": "updated"}, {"action": "unchanged"}],
    "durations": {"render": 2.0, "fetch": 1.0},
    "requests": {"github": 5, "cluster": 7},
}


def test_synced() -> None:
    found = synced(9.5, _DOCUMENT, 100)
    assert found == Synced(9.5, {"render": 2.0, "fetch": 1.0}, 7, {"unchanged": 2, "updated": 1}, 100)


@pytest.mark.parametrize(("connect", "beyond", "live"), [(0, 0, 0), (3, 0, 2), (4, 1, 2)])
def test_the_shares_are_the_whole(connect: float, beyond: float, live: float) -> None:
    durations = {"live": 2, "connect": connect, "resolve": 1, "fetch": 2, "render": 1}
    found = shares(Synced(20, durations, 7, {}), start=3)
    # In this order, whatever that of the durations was.
    assert list(found.items()) == [
        *((START, 3), ("resolve", 1), ("fetch", 2), ("render", 1), ("connect", beyond), ("live", live)),
        (REST, 13 - beyond - live),
    ]
