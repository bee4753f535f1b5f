"""A world with a schedule: what somebody changes by hand is healed, and nobody has to ask for it."""

import json
import time
from pathlib import Path

from local.world import World
from tests.world import Bench, config_map


def test_the_schedule_heals_drift_by_itself(tmp_path: Path) -> None:
    said: list[str] = []
    with World(tmp_path / "world", ["staging"], said.append, 0.2) as world, Bench(world, tmp_path) as bench:
        assert bench.deploy({"a.yaml": config_map("a", "git")}, self_heal=True)[0] == "success"
        edit = json.dumps({"data": {"key": "hand"}})
        bench.kubectl("patch", "configmap", "a", "-n", bench.name, "--type=merge", "-p", edit)
        deadline = time.monotonic() + 20
        while bench.live("configmap", "a")["data"]["key"] != "git":
            assert time.monotonic() < deadline
        assert "answered" not in "".join(said)
        (config := Path(world.exports["DEPLOYER_CONFIG"]) / "broken.yaml").write_text("kind: Nonsense")
        while "reconcile was answered with 500" not in said:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        config.unlink()
