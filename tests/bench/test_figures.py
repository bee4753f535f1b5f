import pytest

from bench.figures import Goal, Spread, percentile, ratios, spread


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([2.0], Spread(2, 2, 2)),
        ([3.0, 1.0, 2.0], Spread(1, 2, 3)),
        ([4.0, 1.0, 2.0, 3.0], Spread(1, 2.5, 4)),
    ],
)
def test_spread(values: list[float], expected: Spread) -> None:
    assert spread(values) == expected


@pytest.mark.parametrize(("count", "expected"), [(1, 1.0), (99, 99.0), (100, 99.0), (101, 100.0), (300, 297.0)])
def test_percentile(count: int, expected: float) -> None:
    assert percentile([float(value) for value in range(count, 0, -1)], 99) == expected


def test_ratios_are_of_the_same_round() -> None:
    # A busy machine slowed the second round of both: their ratio says nothing of it.
    assert ratios([1.0, 10.0, 2.0], [1.0, 10.0, 1.0]) == Spread(1, 1, 2)


def test_ratios_need_a_peer_in_every_round() -> None:
    with pytest.raises(ValueError, match="shorter"):
        ratios([1.0, 1.0], [1.0])


@pytest.mark.parametrize(
    ("goal", "median", "expected"),
    [
        (Goal(1.5, at_most=True), 1.5, "goal: at most 1.5, met"),
        (Goal(1.5, at_most=True), 1.51, "goal: at most 1.5, NOT met"),
        (Goal(0.7, at_most=False), 0.7, "goal: at least 0.7, met"),
        (Goal(0.7, at_most=False), 0.69, "goal: at least 0.7, NOT met"),
    ],
)
def test_a_goal_is_for_the_median(goal: Goal, median: float, expected: str) -> None:
    assert goal.verdict(Spread(0, median, 9)) == expected


def test_cells() -> None:
    assert Spread(0.1234, 1, 2000).cells(" s", 1) == ("0.1 s", "1.0 s", "2,000.0 s")
