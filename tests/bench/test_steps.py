import pytest

from bench.steps import Timeline, in_a_row, medians, names, steps

_TIMELINE = Timeline(began=100, pushed=101, looked=103, told=120)


def test_the_steps_are_the_whole_push() -> None:
    found = steps(_TIMELINE, {"resolve": 1, "fetch": 2, "render": 1, "connect": 4, "discovery": 2, "apply": 3})
    assert found == {
        "git push": 1,
        "receive": 2,
        "resolve": 1,
        "fetch": 2,
        "render": 1,
        "connect": 1,
        "discovery": 2,
        "apply": 3,
        "tell the commit": 7,
    }
    assert sum(found.values()) == 20


@pytest.mark.parametrize(("connect", "beyond"), [(2, 0), (3, 0), (5, 2)])
def test_connecting_counts_where_nothing_hides_it(connect: float, beyond: float) -> None:
    assert steps(_TIMELINE, {"fetch": 2, "render": 1, "connect": connect})["connect"] == beyond


def test_the_steps_are_in_order_however_they_were_measured() -> None:
    found = steps(_TIMELINE, {"connect": 1, "fetch": 1, "resolve": 1, "dry-run": 1, "prune": 1})
    assert list(found) == [
        *("git push", "receive", "resolve", "fetch", "connect", "dry-run", "prune"),
        "tell the commit",
    ]


def test_a_step_that_not_every_push_needs() -> None:
    pushes = [{"apply": 1.0, "tell the commit": 1.0}, {"apply": 2.0, "wait": 4.0, "tell the commit": 1.0}]
    assert names(pushes) == ["apply", "wait", "tell the commit"]
    assert medians(pushes) == {"apply": 1.5, "wait": 2, "tell the commit": 1}


def test_round_trips_in_a_row() -> None:
    assert in_a_row(near=0.01, far=0.31, round_trip=0.1) == pytest.approx(3)
