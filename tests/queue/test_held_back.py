"""Jobs that a sync window holds back, in this process: a push, the schedule, and a ref that moves meanwhile."""

import json
import re
from pathlib import Path

import pytest

from deployer.configuration import load_configuration
from deployer.errors import HeldBackError
from deployer.queue.inline import reconcile, run
from deployer.repository import parse_repository
from deployer.settings import Settings
from deployer.sync.deploy import deploy
from deployer.sync.how import How
from deployer.webhook import Event
from tests.queue.helpers import configure, lines
from tests.world import Bench, config_map

WINDOW = {"kind": "deny", "schedule": "* * * * *", "duration": "1h", "applications": ["*"]}
HELD = "held back with no end in sight by the deny window * * * * * (1h)"


@pytest.fixture
def window(settings: Settings) -> Path:
    """A window over every application, in the project of those that name none."""
    assert settings.config
    spec = {
        "sourceRepos": ["*"],
        "destinations": [{"server": "*", "namespace": "*"}],
        "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
        "syncWindows": [WINDOW],
    }
    file = settings.config / "default.yaml"
    head = {"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": {"name": "default"}}
    file.write_text(json.dumps({**head, "spec": spec}))
    return file


def test_a_push_only_looks_and_the_schedule_syncs_later(
    bench: Bench, settings: Settings, window: Path, log: pytest.LogCaptureFixture
) -> None:
    name = configure(bench, settings, "a")
    commit = bench.push({"a/a.yaml": config_map("a")})
    event = Event("push", parse_repository(bench.clone.url), "refs/heads/main", "0" * 40, commit, "main", None, "it")
    held = {"applications": [{"application": name, "outcome": "out of sync"}]}
    assert run(event, settings) == (held, 200)
    assert reconcile(settings) == (held, 200)
    said = [message for message, _ in lines(log, "INFO") if "out of sync" in message]
    assert said == [f"out of sync: 1 to create; {HELD}"] * 2
    assert bench.kubectl("get", "namespace", bench.name, "--ignore-not-found") == ""

    window.unlink()
    assert reconcile(settings) == ({"applications": [{"application": name, "outcome": "succeeded"}]}, 200)
    assert "ConfigMap/a" in bench.versions("configmaps")


def test_a_ref_that_has_moved_meanwhile_is_not_deployed(bench: Bench, settings: Settings) -> None:
    """What was let go on was another commit."""
    name = configure(bench, settings, "a")
    commit = bench.push({"a/a.yaml": config_map("a")})
    assert settings.config
    placement = load_configuration(settings.config).placement(name)
    with pytest.raises(HeldBackError, match=re.escape(f"the ref has moved to {commit[:7]}, whose sync is {HELD}")):
        deploy(placement, settings, How(revision="1" * 40, held_back=HELD), lambda step: None)
    assert bench.kubectl("get", "namespace", bench.name, "--ignore-not-found") == ""
    deployed = deploy(placement, settings, How(revision=commit, held_back=HELD), lambda step: None)
    assert deployed.result.outcome == "succeeded"
