"""Hostile files end in an error or in manifests, soon, and with little memory; the process survives each."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.rendering.attack import ATTACKS

ROOT = Path(__file__).parents[2]
MEMORY = 200_000_000  # the most is 172 MB, of which Python with the modules takes 22
SECONDS = 15  # each takes at most two where nothing else runs; what is slow on purpose takes minutes


@pytest.mark.parametrize("name", ATTACKS)
def test_the_process_survives(name: str) -> None:
    command = [sys.executable, "tests/rendering/attack.py", name]
    done = subprocess.run(
        command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    result = json.loads(done.stdout)
    assert ATTACKS[name].outcome in result["outcome"]
    assert result["memory"] < MEMORY
    assert result["seconds"] < SECONDS
    assert result["is_fast"] == ATTACKS[name].is_fast
