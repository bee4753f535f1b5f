"""The whole way through Google's own emulator: git push, webhook, Pub/Sub, sync, clusters, and the commit is told."""

import json
from pathlib import Path

from local.world import World
from tests.world import Bench, config_map, deployment


def test_a_push_goes_live_in_both_clusters(pubsub_world: World, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with Bench(pubsub_world, tmp_path) as staging, Bench(pubsub_world, tmp_path / "other") as production:
        production.repository = staging.repository
        staging.configure("staging")
        production.configure("production", url=staging.clone.url)
        commit = ""
        for value in ("1", "2"):
            commit = staging.push({"a.yaml": config_map("a", value), "web.json": deployment("web")})
            for one, cluster in ((staging, "staging"), (production, "production")):
                state, description = one.settled(commit)
                assert (state, f"2 objects in {cluster}: " in description) == ("success", True), description
                assert one.live("configmap", "a")["data"] == {"key": value}
                assert commit in one.logged(commit)
        delivery = pubsub_world.github.wait_for_delivery(commit)
        assert (delivery.status, json.loads(delivery.body)) == (200, {"queued": f"push of {staging.repository}"})
