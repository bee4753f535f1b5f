import json
from dataclasses import replace
from pathlib import Path

import pytest

from deployer.settings import Settings, load_settings
from tests.queue.helpers import configure
from tests.queue.running import Running
from tests.world import Bench


@pytest.fixture
def settings(bench: Bench, tmp_path: Path) -> Settings:
    """The world's, but with a configuration that its own function does not see."""
    folder = tmp_path / "config"
    folder.mkdir()
    for name in ("staging", "production"):
        cluster = {
            "apiVersion": "deployer/v1alpha1",
            "kind": "Cluster",
            "metadata": {"name": name},
            "spec": {"kubeconfig": {"secret": f"projects/local/secrets/{name}-kubeconfig"}},
        }
        (folder / f"{name}.yaml").write_text(json.dumps(cluster))
    return replace(load_settings(bench.world.exports), config=folder)


@pytest.fixture
def running(bench: Bench, settings: Settings) -> Running:
    configure(bench, settings, "a")
    return Running(bench, settings)
