from collections.abc import Callable

import pytest

from bench.sync import compare
from bench.sync_tables import NOTHING, WARM
from bench.synced import Synced

_OUTCOME = {"unchanged": 2}


@pytest.mark.parametrize(("number", "order"), [(0, ["whole", "warm", "kubectl"]), (1, ["kubectl", "whole", "warm"])])
def test_the_sides_take_turns(number: int, order: list[str]) -> None:
    called = []

    def ours(name: str, seconds: float) -> Callable[[], Synced]:
        return lambda: called.append(name) or Synced(seconds, {}, 0, _OUTCOME)  # type: ignore[func-returns-value]

    def theirs() -> float:
        called.append("kubectl")
        return 8

    found = compare(number, {NOTHING: ours("whole", 2), WARM: ours("warm", 1)}, theirs, _OUTCOME)
    assert called == order
    # Each of the deployer's ways has kubectl's seconds of the same round beside it.
    assert {row: (one.seconds, seconds) for row, (one, seconds) in found.items()} == {NOTHING: (2, 8), WARM: (1, 8)}


def test_other_work_than_the_row_says_is_no_measurement() -> None:
    with pytest.raises(RuntimeError, match=r"kube-prometheus, nothing changed: .*\{'unchanged': 1, 'updated': 1\}"):
        compare(0, {NOTHING: lambda: Synced(1, {}, 0, {"unchanged": 1, "updated": 1})}, lambda: 1, _OUTCOME)
