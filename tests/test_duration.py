import pytest

from deployer.duration import parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("8h", 28800),
        ("90m", 5400),
        ("1h30m", 5400),
        ("1.5h", 5400),
        (".5s", 0.5),
        ("1.s", 1),
        ("250ms", 0.25),
        ("1µs", 1e-6),
        ("0s", 0),
        ("30m1h", 5400),
    ],
)
def test_a_duration(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "8", "8 h", "h", "1d", "1H", "-1h", "+1h", "1h 30m", ".h", "\u0661h", "1h\n"])
def test_what_is_none(text: str) -> None:
    assert parse_duration(text) is None
