import sys
from pathlib import Path

import pytest

from bench.measured import measure
from bench.servers import environment
from local.leash import Leash

_MB = 1_000_000


def test_a_command_is_measured_alone(tmp_path: Path) -> None:
    # This process is large: what it starts must not count as large for that.
    ballast = b"x" * (200 * _MB)
    with Leash(tmp_path / "leash") as leash:
        small = measure(leash, [sys.executable, "-c", "print('done')"], environment())
        text = f"import time; ballast = b'x' * {100 * _MB}; time.sleep(0.2)"
        large = measure(leash, [sys.executable, "-c", text], environment())
    assert len(ballast) > small.peak
    assert small.output == "done\n"
    assert 0 < small.peak < 100 * _MB < large.peak < 200 * _MB
    assert large.seconds > 0.2


def test_a_command_that_fails(tmp_path: Path) -> None:
    with Leash(tmp_path / "leash") as leash, pytest.raises(RuntimeError, match=r"(?s)ended with status 3.*no such"):
        measure(leash, [sys.executable, "-c", "import sys; print('no such thing'); sys.exit(3)"], environment())
