import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from deployer.settings import Settings, load_settings
from tests.world import Bench


@pytest.fixture(autouse=True)
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """What is logged, also where an earlier test has had the log set up."""
    logger = logging.getLogger("deployer")
    before, logger.propagate = logger.propagate, True
    caplog.set_level(logging.INFO, "deployer")
    yield caplog
    logger.propagate = before


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
